"""Signs beside the names of agents, a row each: of whom, and what a note below the table says."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from investorbench.agents.allocators import RandomWeights
from investorbench.agents.baselines import ALL_BASELINES, Random
from investorbench.agents.signal_rules import RandomSignals
from investorbench.tasks.answers import UNRANKED_ABOVE
from investorbench.tasks.days import period_name
from investorbench.tasks.judging import is_of_perpetuals, is_one_observation
from investorbench.tasks.leaderboard.rows import Row
from investorbench.tasks.wording import number, percent
from investorbench_env.facts import Facts

DETERMINISTIC = ALL_BASELINES.keys() - {Random.name, RandomWeights.name, RandomSignals.name}
"""Agents of which every run on a market is the same."""


class RowMark(NamedTuple):
    """A sign that some rows have.

    Attributes:
        sign: what stands beside the name.
        applies: to which rows.
        note: what it means, with what there is to say of the rows that have it.
    """

    sign: str
    applies: Callable[[Row], bool]
    note: Callable[[Sequence[Row], Facts], str]


def is_this_run(row: Row) -> bool:
    """Whether another run of the agent might come to something else, and there is none."""
    is_known = row.result is None or row.result.agent in DETERMINISTIC or row.statistics.is_twin
    return row.statistics.scope == "run" and not is_known


def signs_of(row: Row, rows: Sequence[Row]) -> str:
    """The signs of a row of a table, each after a space."""
    return "".join(f" {mark.sign}" for mark in _shown(rows) if mark.applies(row))


def marked(rows: Sequence[Row], facts: Facts) -> Iterator[str]:
    """What the signs of a table mean, a line each."""
    for mark in _shown(rows):
        own = [row for row in rows if mark.applies(row)]
        if own:
            yield f"{mark.sign} {mark.note(own, facts)}"
    if is_of_perpetuals(facts):
        yield "MDD: of values at 00:00 UTC; the drawdown at all marks is a figure of behaviour"
    if _all_once(rows) and is_of_perpetuals(facts) and not any(row.rank for row in rows):
        yield "one repeat each: what other runs of the same agents would show is not known"
    elif _all_once(rows):
        yield (
            "one repeat each: intervals and tests are about these runs; what other runs of the "
            "same agents would show is not known"
        )


def signs_of_all(rows: Sequence[Row]) -> str:
    """The signs of an agent that has them on any task, in a table over several."""
    return "".join(f" {mark.sign}" for mark in OF_AGENTS if any(map(mark.applies, rows)))


def marked_in_all(rows: Sequence[Row], facts: Facts) -> Iterator[str]:
    """What those mean, a line each, once for each agent."""
    for mark in OF_AGENTS:
        own = {row.agent: row for row in rows if mark.applies(row)}
        if own:
            yield f"{mark.sign} {mark.note(list(own.values()), facts)}"


def _shown(rows: Sequence[Row]) -> list[RowMark]:
    """All marks, but for one that would stand beside everybody."""
    return [mark for mark in MARKS if mark is not ONE_RUN or not _all_once(rows)]


def _all_once(rows: Sequence[Row]) -> bool:
    once = any(map(is_this_run, rows))
    return once and all(row.statistics.repeats == 1 for row in rows)


def _ruined(rows: Sequence[Row], facts: Facts) -> str:
    after = f"the {period_name(facts.interval)}s after it count as returns of 0"
    several = [(row.agent, row.result.episodes) for row in rows if row.result]
    which = [
        f"{agent} in {sum(each.ended_early for each in episodes)} of {len(episodes)} repeats"
        for agent, episodes in several
        if len(episodes) > 1
    ]
    return f"ruined before the end of the window; {after}{_of(which)}"


def _knowing(rows: Sequence[Row], facts: Facts) -> str:
    return "; ".join(f"{row.agent} {row.result.knows}" for row in rows if row.result)


def _unusable(rows: Sequence[Row], facts: Facts) -> str:
    return "decided without a usable answer: " + "; ".join(
        f"{row.agent} in {percent(row.answers.share_unusable)} % of its decisions"
        + ("" if row.answers.is_ranked else f", more than {UNRANKED_ABOVE:.0%}: it has no rank")
        for row in rows
        if row.answers
    )


def _idle(rows: Sequence[Row], facts: Facts) -> str:
    which = [
        f"{row.agent} {number(row.statistics.idle_repeats)} of {number(row.statistics.repeats)}"
        for row in rows
    ]
    what = "a return" if is_one_observation(facts) else "a Sharpe ratio"
    return f"repeats that never invested count as {what} of 0{_of(which)}"


def _of(which: Sequence[str]) -> str:
    return f": {'; '.join(which)}" if which else ""


ONE_RUN = RowMark(
    "¹",
    is_this_run,
    lambda rows, facts: "one repeat: its intervals and tests are about this run, not the agent",
)
KNOWS = RowMark("‡", lambda row: row.knows, _knowing)
MARKS = (
    RowMark("†", lambda row: row.is_ruined, _ruined),
    KNOWS,
    RowMark("§", lambda row: row.answers is not None and row.answers.is_marked, _unusable),
    RowMark("°", lambda row: 0 < row.statistics.idle_repeats < row.statistics.repeats, _idle),
    ONE_RUN,
)
OF_AGENTS = (KNOWS,)
"""Those that say something of an agent whatever its task."""
