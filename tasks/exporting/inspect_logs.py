"""Runs as logs of Inspect: a log a job, a sample an episode, a pair of messages a decision.

They are written by Inspect's own log API, and open in ``inspect view``.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from investorbench.tasks.exporting.dialogue import exchanges
from investorbench.tasks.exporting.episodes import (
    Names,
    RecordedEpisode,
    episodes_by_job,
    of_sound,
)
from investorbench.tasks.record.files import cut_to, folder_name
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.tables import TidyRow
from investorbench.tasks.tables.episodes import FIGURES
from investorbench.tasks.tables.reading import Say, Watch
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

SCORED = ("CR", "SR", "MDD", "AV", "realised")
"""Figures that are scores of a sample; the others are its metadata."""
LONGEST_NAME = 200
"""Bytes of the name of a log; file systems hold 255, and numbers come to it."""
NO_MODEL = "none/none"
"""What Inspect calls the model of an agent that asks none."""


def write_inspect(runs: Sequence[Path], folder: Path, say: Say, watch: Watch) -> int:
    """Write a log of each job into a folder.

    Args:
        runs: folders of runs.
        folder: where the logs are written.
        say: takes what is left out, a line each.

    Returns:
        How many episodes they hold.

    Raises:
        MissingDependencyError: Inspect is not installed.
    """
    try:
        from inspect_ai.log import write_eval_log
    except ImportError:
        raise MissingDependencyError("inspect-ai", "inspect", "a log of Inspect") from None
    episodes, names = 0, Names()
    for job, known, found in episodes_by_job(runs, say, watch):
        model = str(known["model_id"] or NO_MODEL)
        own = list(of_sound(job, found, partial(_sample, model=model), say))
        if not own:
            continue
        log = _log(job, known, model, own)
        parts = f"{known['run']}_{job.task.short_name}_{job.name}"
        name = cut_to(LONGEST_NAME, folder_name(parts))
        write_eval_log(log, str(folder / f"{names.new(name)}.eval"))
        episodes += len(own)
    return episodes


def _log(
    job: RecordedJob,
    known: TidyRow,
    model: str,
    sampled: Sequence[tuple[RecordedEpisode, "EvalSample"]],
) -> "EvalLog":
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalMetric,
        EvalResults,
        EvalScore,
        EvalSpec,
        EvalStats,
    )
    from inspect_ai.model import GenerateConfig

    episodes = [each for each, _ in sampled]
    samples = [sample for _, sample in sampled]
    times = sorted(time for each in episodes for time in each.written if time)
    whole = [each for each in episodes if each.is_finished]
    usage: dict[str, Any] = {}
    for sample in samples:
        for name, own in sample.model_usage.items():
            usage[name] = usage[name] + own if name in usage else own
    scores = []
    for name in SCORED:
        values = [each.row[name] for each in whole if _is_known(each.row.get(name))]
        if values:
            mean = EvalMetric(name="mean", value=sum(values) / len(values))
            scores.append(EvalScore(name=name, scorer=name, metrics={"mean": mean}))
    temperature = known["temperature"]
    return EvalLog(
        status="success" if len(whole) == job.repeats else "started",
        eval=EvalSpec(
            created=times[0] if times else "1970-01-01T00:00:00+00:00",
            task=job.task.id,
            task_args={"agent": job.name, "protocol": job.task.protocol},
            dataset=EvalDataset(name=job.task.id, samples=len(samples),
                                sample_ids=[str(each.id) for each in samples]),
            model=model,
            model_generate_config=GenerateConfig(temperature=temperature),
            config=EvalConfig(epochs=1),
            metadata=without_nan(known),
            tags=[job.name],
        ),
        results=EvalResults(
            total_samples=job.repeats, completed_samples=len(whole), scores=scores
        ),
        stats=EvalStats(
            started_at=times[0] if times else "",
            completed_at=times[-1] if times else "",
            model_usage=usage,
        ),
        samples=samples,
    )  # fmt: skip


def _sample(episode: RecordedEpisode, model: str) -> "EvalSample":
    from inspect_ai.log import EvalSample
    from inspect_ai.model import (
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageUser,
        ContentReasoning,
        ContentText,
        ModelOutput,
    )
    from inspect_ai.scorer import Score

    messages: list[Any] = []
    system = ""
    for _, exchange in exchanges(episode.lines, episode.facts, episode.opening):
        if exchange.system and exchange.system != system:
            system = exchange.system
            messages.append(ChatMessageSystem(content=system))
        messages.append(ChatMessageUser(content=exchange.user))
        content: Any = exchange.assistant
        if exchange.reasoning:
            content = [ContentReasoning(reasoning=exchange.reasoning),
                       ContentText(text=exchange.assistant)]  # fmt: skip
        messages.append(ChatMessageAssistant(content=content, model=model))
    row = {name: part for name, part in without_nan(episode.row).items() if part is not None}
    scores = {name: Score(value=row[name]) for name in SCORED if name in row}
    figures = {each.name for each in FIGURES}
    return EvalSample(
        id=f"repeat-{episode.number}",
        epoch=1,
        input=f"{'SIMULATED ' * episode.facts.simulated}{row['task']}, {row.get('start')} to "
        f"{row.get('end')}, {row['protocol']} protocol",
        target="",
        messages=messages,
        output=ModelOutput.from_content(model, messages[-1].text if messages else ""),
        scores=scores or None,
        model_usage=dict(_usage(episode, model)),
        metadata={
            **{name: part for name, part in row.items() if name not in figures},
            "figures": {name: part for name, part in row.items() if name in figures},
        },
        started_at=next(iter(episode.written), None),
        completed_at=episode.written[-1] if episode.written else None,
    )


def _usage(episode: RecordedEpisode, model: str) -> Iterator[tuple[str, Any]]:
    """Tokens and cost of an episode that asked a model."""
    from inspect_ai.model import ModelUsage

    answers = [each for line in episode.lines for each in line["answers"]]
    if not answers:
        return
    tokens = [each.get("tokens") or {} for each in answers]
    read, written = (_total(tokens, name) for name in ("input", "output"))
    costs = [each.get("cost_usd") for each in answers]
    yield (
        model,
        ModelUsage(
            input_tokens=read,
            output_tokens=written,
            total_tokens=read + written,
            input_tokens_cache_read=_total(tokens, "cached"),
            reasoning_tokens=_total(tokens, "reasoning"),
            total_cost=None if None in costs else math.fsum(costs),
        ),
    )


def _total(tokens: Sequence[Mapping[str, Any]], name: str) -> int:
    return sum(int(each.get(name) or 0) for each in tokens)


def _is_known(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
