"""A row an episode: whether it came to its end, and its figures, from its decisions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from investorbench.tasks.behaviour import BEHAVIOUR
from investorbench.tasks.metrics import metrics
from investorbench.tasks.record.episode_folder import METRICS
from investorbench.tasks.record.reading import (
    RecordedJob,
    recorded_episode,
    recorded_failure,
)
from investorbench.tasks.record.scanning import scan
from investorbench.tasks.spread import SPREAD
from investorbench.tasks.tables import labels
from investorbench.tasks.tables.fields import (
    EPISODE,
    Block,
    Field,
    TidyRow,
    episode_values,
    require_kept,
)
from investorbench_env.errors import InvestorBenchError

FINISHED, DAMAGED = "finished", "damaged"
REALISED = Field("realised", "Float64", "of snapshots: what a decision earned on average")


def _figures() -> Iterator[Field]:
    """Every metric that an account of any kind has, each once."""
    of_perpetuals = [row for group in BEHAVIOUR for row in group.rows]
    known = {
        each.key: Field(each.key, "Float64", each.doc or each.head.lower())
        for each in (*metrics(), *SPREAD, *of_perpetuals)
    }
    yield from known.values()


FIGURES = (*_figures(), REALISED)
FIELDS = (
    *EPISODE,
    Field("status", "string", "finished, unfinished, damaged, or what failed"),
    Field("why", "string", "why it is not finished"),
    Field("ended_early", "boolean", "whether the account was ruined before the end"),
    *FIGURES,
    *labels.OF_EPISODES,
    Field("decisions", "Int64", "for which a model was asked, both splits"),
    Field("invalid_decisions", "Int64", "of those, without a usable answer"),
    Field("tokens_read", "Int64", "of all prompts; empty where one is not counted"),
    Field("tokens_written", "Int64", "of all answers, likewise"),
    Field("cost_usd", "Float64", "of all answers; empty without a price"),
)


def row(job: RecordedJob, of_job: TidyRow, number: int) -> TidyRow:
    """The row of a repeat, which may have failed or not even begun.

    Args:
        job: of the repeat.
        of_job: what is known of it.
        number: of the repeat.
    """
    if not (job.episodes[number] / METRICS).exists():
        failure = recorded_failure(job.episodes[number], number)
        known = _known(job, of_job, number)
        return {**known, "status": failure.kind, "why": failure.why}
    try:
        _, episode = recorded_episode(job, number)
        names = {each.name for each in FIGURES}
        found = {
            **_known(job, of_job, number),
            "status": FINISHED,
            "ended_early": episode.ended_early,
            **{name: value for name, value in episode.metrics.items() if name in names},
            **labels.label_figures(episode.labelled),
            **_asked(episode.answers),
        }
        require_kept(FIELDS, Block({}, [found]))
    except InvestorBenchError as error:
        why = job.seen_anywhere(error)
    except ValueError as error:
        why = f"it holds what no run writes: {error}"
    else:
        return found
    return {**episode_values(job, of_job, number, None), "status": DAMAGED, "why": why}


def _known(job: RecordedJob, of_job: TidyRow, number: int) -> TidyRow:
    try:
        found = scan(job, number, "test") or scan(job, number, "warmup")
    except InvestorBenchError:
        found = None
    return episode_values(job, of_job, number, None if found is None else found.header)


def _asked(answers: Mapping[str, Any] | None) -> TidyRow:
    """How the answers of both splits add up; nothing of an agent that asks no model."""
    splits = [each for each in (answers or {}).values() if each]
    if not splits:
        return {}
    costs = [each["cost_usd"] for each in splits]
    counted = all(each["is_language_model"] and not each.get("uncounted") for each in splits)
    return {
        "decisions": sum(each["decisions"] for each in splits),
        "invalid_decisions": sum(each["invalid"] for each in splits),
        "tokens_read": sum(each["tokens"]["input"] for each in splits) if counted else None,
        "tokens_written": sum(each["tokens"]["output"] for each in splits) if counted else None,
        "cost_usd": None if None in costs else sum(costs),
    }


def place_of(job: RecordedJob, number: int) -> str:
    """What messages call a repeat."""
    return (Path(job.place) / f"repeat-{number}").as_posix()
