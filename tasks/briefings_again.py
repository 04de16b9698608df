"""Whether the briefings of a record are those that the market at hand gives, step by step."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from investorbench.agents.thesis.form import BY_CHANCE
from investorbench.tasks.record.episode_folder import FILES, METRICS
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import Header, Line, steps_of
from investorbench.tasks.record.settings import CONFIG, read_settings
from investorbench.tasks.record.verifying import Finding
from investorbench.tasks.record.verifying.episode import read_figures
from investorbench.tasks.step import Step
from investorbench.tasks.trading_r1.briefed_again import BriefingCard, other_briefing
from investorbench.tasks.trading_r1.recorded import theses_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.past import Past

BRIEFED = "investorbench.agents.thesis.agent.ThesisAgent"
"""Whose briefings follow from the market, by a form and seed that its configuration says."""
UNSAID = (
    "nothing says of which form and seed its briefings are, so that they are not made again: what "
    "its theses cite is by its own word"
)


def briefing_differs(header: Header, step: Step) -> str | None:
    """How the briefing that is recorded of a step differs from that of its day, in words.

    Args:
        header: of its file, with what the agent says of itself.
        step: taken again, with the history of its market and what the agent recorded of it.

    Raises:
        InvestorBenchError: what the agent says of its briefings is no form.
    """
    card, past = _card_of(header), step.info.get("history")
    if card is None or not isinstance(past, Past):
        return None
    facts = step.facts if step.facts.horizon is None else step.facts.of(past.symbol)
    differences = (other_briefing(each, card, past, facts) for each in theses_of([step]))
    return next((each for each in differences if each is not None), None)


def wrong_cards(job: RecordedJob) -> Iterator[Finding]:
    """What a job says of its briefings that contradicts itself, or that it says nothing of them."""
    for path in job.episodes:
        if (path / METRICS).exists():
            record = read_record(path / FILES["test"])
            if record.header is not None and not record.problems:
                yield from _wrong_card(job, path, record.header, record.lines)


def _wrong_card(
    job: RecordedJob, path: Path, header: Header, lines: Sequence[Line]
) -> Iterator[Finding]:
    of_it = partial(Finding, path=path / FILES["test"], kind="figures")
    try:
        own, end = _card_of(header), BriefingCard.of((read_figures(path) or {}).get("described"))
        configured = _configured(job)
    except InvestorBenchError as error:
        yield of_it(what=str(error))
        return
    if configured is not None and own != configured:
        yield of_it(what=f"its briefings are of another form or seed than {CONFIG} says")
    elif own != end:
        yield of_it(what=f"{METRICS} says another form or seed of its briefings than its header")
    elif own is None and any(each.ids for each in theses_of(steps_of(header, lines))):
        yield of_it(what=UNSAID, is_wrong=False)


def _card_of(header: Header) -> BriefingCard | None:
    described = header.agent.get("described")
    return BriefingCard.of(described if isinstance(described, Mapping) else None)


def _configured(job: RecordedJob) -> BriefingCard | None:
    """What the configuration of our own agent says of its briefings; None of others."""
    agent = read_settings(job.path).get("agent")
    if not isinstance(agent, Mapping) or agent.get("_target_") != BRIEFED:
        return None
    given = agent.get("briefing") or {}
    form = {**BY_CHANCE, **given} if isinstance(given, Mapping) else given
    return BriefingCard.of({"briefing": form, "briefing_seed": agent.get("briefing_seed", 0)})
