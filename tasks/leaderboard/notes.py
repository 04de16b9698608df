"""What stands below a leaderboard: what its figures rest on, and what is missing."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard.benchmarks import benchmark_of
from investorbench.tasks.leaderboard.marks import marked
from investorbench.tasks.leaderboard.rows import Row
from investorbench.tasks.statistics import Comparison, Overfitting
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import count, listed, number, p_value, probability
from investorbench_env.facts import Facts

RANKS = "ranks: places that tests of all pairs of Sharpe ratios leave open (family pairs)"


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
    if facts.cash_rate:
        yield f"idle cash earned {facts.cash_rate:.2%} a year; ratios are of returns beyond that"
    yield from _repeats(rows, facts)
    yield from marked(rows, facts)
    yield from _twins(rows, facts)
    for row in rows:
        yield from _missing(row)
    if any(row.statistics.sr.low is not None for row in rows):
        yield f"95 % intervals and tests: {drawn_by(comparison, facts)}"
    if any(pair.adjusted_p is not None for pair in comparison.pairs):
        yield RANKS
    if comparison.smallest_p > SIZE and comparison.pairs:
        yield f"no p-value below {p_value(comparison.smallest_p)} can be reached here"
    if chance is not None and any(row.statistics.random_uniform.value is not None for row in rows):
        yield f"random policies: {number(len(chance))}"
    for each in comparison.overfitting:
        yield from _overfitting(each)


def drawn_by(comparison: Comparison, facts: Facts) -> str:
    """What intervals and tests rest on, in a few words."""
    bootstrap = comparison.bootstrap
    draws = count(bootstrap.draws, "draw")
    if comparison.markets:
        return f"{draws} of {count(comparison.markets, 'market')}"
    length = count(bootstrap.block.days, period_name(facts.interval))
    return f"{draws} of {period_name(facts.interval)}s in blocks of {length}"


def _repeats(rows: Sequence[Row], facts: Facts) -> Iterator[str]:
    """What figures of several repeats on one market are."""
    counts = {len(row.entry.result.episodes) for row in rows if row.entry}
    if max(counts) > 1 and not facts.draws_markets:
        up_to = "up to " if len(counts) > 1 else ""
        yield (
            f"figures are means over {up_to}{max(counts)} repeats; curves and decisions are of the "
            "one with the median Sharpe ratio"
        )


def _twins(rows: Sequence[Row], facts: Facts) -> Iterator[str]:
    """Who decided as the benchmark does, in a line."""
    twins = [row.agent for row in rows if row.statistics.is_twin]
    benchmark = benchmark_of(facts)
    if twins and benchmark:
        yield (
            f"= {benchmark.short}: the same decisions as {benchmark.title}, so there is nothing to "
            f"test ({listed(twins)})"
        )


def _overfitting(found: Overfitting) -> Iterator[str]:
    """How far the best of some configurations carries; nothing where it cannot be computed."""
    pbo = found.pbo.value
    if pbo is not None:
        yield (
            f"PBO of {len(found.configurations)} configurations of {found.group}: "
            f"{probability(pbo, 2)}, the probability that the best one on some days is below their "
            "median on others"
        )


def _met(rows: Sequence[Row], markets: Sequence[int]) -> str:
    """How many markets figures are of; nothing where there is one, and all met it."""
    most = max(len(row.entry.result.episodes) for row in rows if row.entry)
    if not markets or most == 1:
        return ""
    if len(markets) == 1:
        return f"; figures are of the 1 of {most} that all agents met"
    of = "" if len(markets) == most else f" of {number(most)}"
    return (
        f"; figures are means over {number(len(markets))}{of} that all agents met, one a repeat; "
        "curves are of the first"
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
