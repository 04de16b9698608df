"""What a reader may quote of a leaderboard: a few plain sentences, true in every case."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from investorbench.tasks.leaderboard.entries import BENCHMARK, Setting
from investorbench.tasks.leaderboard.ranks import Difference, difference_of
from investorbench.tasks.statistics import Comparison, Estimate

if TYPE_CHECKING:
    from investorbench.tasks.leaderboard.boards import Row

HELD = "Buy & Hold"
SMALLEST_P = 0.001
LONG = 1_000
"""Years that are not told any more exactly."""


def sentence_of(
    setting: Setting,
    rows: Sequence["Row"],
    comparison: Comparison,
    against: Sequence[Difference],
    days_a_year: int,
) -> str:
    """Where, who, whether anything is told apart from Buy & Hold, and what luck would reach.

    Args:
        setting: of the leaderboard.
        rows: its lines, best Sharpe ratio first.
        comparison: its statistics.
        against: each agent less Buy & Hold.
        days_a_year: trading days a year.
    """
    market = "a simulated market" if setting.simulated else "real data"
    where = (
        f"On {setting.name} ({setting.protocol} protocol, {market}, "
        f"{days(comparison.days)} from {setting.start} to {setting.end})"
    )
    agents = [row for row in rows if row.entry.result.agent != BENCHMARK]
    if not agents:
        return f"{where}, {HELD} alone was scored: there is nothing to compare it with."
    told = verdict(against, comparison.superior)
    if not against and comparison.days == 0:
        told = f"nothing was compared with {HELD} ({comparison.superior.reason})"
    parts = [f"{where}, {_who(agents)}: {told}.", _ruined(agents)]
    parts += [_luck(agents[0], comparison), _patience(agents[0], days_a_year)]
    return " ".join(part for part in parts if part)


def verdict(against: Sequence[Difference], superior: Estimate | None = None) -> str:
    """Which agents the tests tell apart from Buy & Hold, or why none can be.

    Args:
        against: each agent less Buy & Hold.
        superior: the test that none is better.
    """
    tested = [each for each in against if each.adjusted_p is not None]
    if not against:
        return f"nothing was compared with {HELD}, which is missing"
    nobody = f"{against[0].first} is not" if len(against) == 1 else "no agent is"
    if not tested:
        reasons = dict.fromkeys(each.reason or "" for each in against)
        return f"{nobody} told apart from {HELD} ({'; '.join(reasons)})"
    told = [each for each in tested if each.is_told_apart]
    evidence = _evidence(superior, [each.adjusted_p or 0.0 for each in tested])
    if not told:
        return f"{nobody} told apart from {HELD} ({evidence})"
    better, worse = ([each.first for each in told if each.is_gain is way] for way in (True, False))
    parts = [
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} {how} than {HELD}"
        for names, how in ((better, "better"), (worse, "worse"))
        if names
    ]
    rest = len(against) - len(told)
    others = f"; {'the other' if rest == 1 else f'the other {rest}'} cannot be told from it"
    return f"{' and '.join(parts)} ({evidence}){others if rest else ''}"


def listed(names: Sequence[str]) -> str:
    """Names as in "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def number(value: float, digits: int) -> str:
    """A figure with a proper minus sign, and none before a zero; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    # Adding 0.0 takes the sign from a zero.
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def probability(p: float) -> str:
    """A p-value as in ``p = 0.04`` or ``p < 0.001``."""
    return f"p < {SMALLEST_P}" if p < SMALLEST_P else f"p = {p:.{3 if p < 0.01 else 2}f}"


def days(count: float) -> str:
    """A number of days in words, one that was estimated to two digits."""
    if isinstance(count, int):
        return "1 day" if count == 1 else f"{count:,} days"
    return f"{float(f'{count:.2g}'):,.0f} days"


def _who(agents: Sequence["Row"]) -> str:
    counts = sorted({len(row.entry.result.episodes) for row in agents})
    repeats = f"{counts[0]} to {counts[-1]} repeats" if len(counts) > 1 else _repeats(counts[0])
    if len(agents) == 1:
        return f"1 agent with {repeats}"
    return f"{len(agents)} agents with {repeats} each"


def _repeats(count: int) -> str:
    return "1 repeat" if count == 1 else f"{count} repeats"


def _evidence(superior: Estimate | None, adjusted: Sequence[float]) -> str:
    smallest = probability(min(adjusted))
    if len(adjusted) == 1:
        return smallest
    pairs = f"smallest adjusted {smallest}"
    if superior is None or superior.p_value is None:
        return pairs
    return f"SPA {probability(superior.p_value)}, {pairs}"


def _ruined(agents: Sequence["Row"]) -> str:
    ruined = sum(row.is_ruined for row in agents)
    if not ruined:
        return ""
    if ruined == len(agents):
        return "It was ruined." if ruined == 1 else "All of them were ruined."
    return f"{ruined} of them {'was' if ruined == 1 else 'were'} ruined."


def _luck(best: "Row", comparison: Comparison) -> str:
    luck = comparison.luck.value
    if luck is None or best.statistics.sr.value is None:
        return ""
    return (
        f"The luckiest of {comparison.trials} agents without skill is expected to reach a Sharpe "
        f"ratio of {number(luck, 2)}; the best of them, {best.agent}, has {number(best.sr, 2)}."
    )


def _patience(best: "Row", days_a_year: int) -> str:
    pair = best.against
    if pair is None or pair.days.value is None or difference_of(pair).is_told_apart:
        return ""
    years = pair.days.value / days_a_year
    exact = f"about {days(pair.days.value)}, {float(f'{years:.2g}'):g} years"
    long = f"more than {LONG:,} years" if years > LONG else exact
    return f"To find a difference to {HELD} as large as that of {best.agent} would take {long}."
