"""What stands below a leaderboard: what its figures rest on, and what is missing."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from investorbench.tasks.answers import UNRANKED_ABOVE
from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard.rows import Row
from investorbench.tasks.statistics import Comparison
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.wording import count, number, percent
from investorbench_env.facts import Facts


def notes_of(
    facts: Facts,
    rows: Sequence[Row],
    comparison: Comparison,
    chance: FloatArray | None,
    markets: Sequence[int],
) -> Iterator[str]:
    """A line each."""
    if facts.markets:
        yield f"markets: {facts.markets}{_met(rows, markets)}"
    if facts.fills == "next_close":
        yield "orders filled at the next close, since the data has no opens"
    if any(row.is_ruined for row in rows):
        after = f"the {period_name(facts.interval)}s after it count as returns of 0"
        yield f"† ruined before the end of the window; {after}"
    yield from knowing(rows)
    yield from unusable(rows)
    repeats = max(len(row.entry.result.episodes) for row in rows if row.entry)
    if repeats > 1 and not facts.draws_markets:
        yield f"of {repeats} repeats, the one with the median Sharpe ratio"
    for row in rows:
        yield from _missing(row)
    block = comparison.bootstrap.block
    length = count(block.days, period_name(facts.interval))
    drawn = f"{count(comparison.bootstrap.draws, 'draw')}, mean block length {length}"
    if any(row.statistics.sr.low is not None for row in rows):
        yield f"95 % intervals and tests: bootstrap, {drawn}"
    if chance is not None and any(row.statistics.random_uniform.value is not None for row in rows):
        yield f"random policies: {number(len(chance))}, each action drawn uniformly"


def _met(rows: Sequence[Row], markets: Sequence[int]) -> str:
    """How many markets figures are of; nothing where there is one, and all met it."""
    most = max(len(row.entry.result.episodes) for row in rows if row.entry)
    if not markets or most == 1:
        return ""
    if len(markets) == 1:
        return f"; figures are of the 1 of {most} that all agents met"
    of = "" if len(markets) == most else f" of {number(most)}"
    return (
        f"; figures are of {number(len(markets))}{of} that all agents met, one a repeat, "
        "as if they had come one after another; curves are of the first"
    )


def knowing(rows: Iterable[Row]) -> Iterator[str]:
    """Which agents know what others cannot, in a line; nothing where none does."""
    known = {row.agent: row.result.knows for row in rows if row.result and row.result.knows}
    if known:
        yield "‡ " + "; ".join(f"{agent} {what}" for agent, what in known.items())


def unusable(rows: Iterable[Row]) -> Iterator[str]:
    """Which agents decided often without a usable answer, in a line; nothing where none did."""
    found = [(row.agent, row.answers) for row in rows]
    marked = [(agent, answers) for agent, answers in found if answers and answers.is_marked]
    if marked:
        yield "§ decided without a usable answer: " + "; ".join(
            f"{agent} in {percent(answers.share_unusable)} % of its decisions"
            + ("" if answers.is_ranked else f", more than {UNRANKED_ABOVE:.0%}: it has no rank")
            for agent, answers in marked
        )


def _missing(row: Row) -> Iterator[str]:
    """Repeats that are not finished, those with the same reason together."""
    entry = row.entry
    if entry is None:
        return
    done = len(entry.result.episodes)
    if done >= entry.planned and not entry.failures:
        return
    parts = []
    for (kind, why), failures in groupby(
        sorted(entry.failures, key=lambda each: (each.kind, each.why, each.repeat)),
        key=lambda each: (each.kind, each.why),
    ):
        numbers = ", ".join(str(failure.repeat) for failure in failures)
        parts.append(f"repeat {numbers}: {kind}: {why}" if why else f"repeat {numbers}: {kind}")
    why = "; ".join(parts) or "the others are not recorded"
    yield f"{row.agent}: {done} of {entry.planned} repeats ({why})"
