"""What a reader may quote of a leaderboard: a few plain sentences, true in every case."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from investorbench.tasks.leaderboard.entries import BENCHMARK, Setting
from investorbench.tasks.leaderboard.ranks import Difference, difference_of
from investorbench.tasks.statistics import Comparison, Estimate
from investorbench.tasks.wording import count, listed, number, p_equals, roughly

if TYPE_CHECKING:
    from investorbench.tasks.leaderboard.boards import Row

HELD = "Buy & Hold"
LONG = 1_000
"""Years beyond which no number is given."""


def sentence_of(
    setting: Setting,
    rows: Sequence["Row"],
    comparison: Comparison,
    against: Sequence[Difference],
    days_a_year: float,
) -> str:
    """Where, who, what differs from Buy & Hold by more than chance, and what luck would reach.

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
        f"{count(comparison.days, 'day')} from {setting.start} to {setting.end})"
    )
    agents = [row for row in rows if row.entry.result.agent != BENCHMARK]
    if not agents:
        return f"{where}, {HELD} alone was scored: there is nothing to compare it with."
    found = verdict(against, comparison.superior)
    if not against and comparison.days == 0:
        found = f"nothing was compared with {HELD} ({comparison.superior.reason})"
    parts = [f"{where}, {_who(agents)}: {found}.", _ruined(agents)]
    parts += [_luck(agents[0], comparison), _patience(agents[0], days_a_year)]
    return " ".join(part for part in parts if part)


def verdict(against: Sequence[Difference], superior: Estimate | None = None) -> str:
    """Which agents are statistically distinguishable from Buy & Hold, or why none is.

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
        return f"{nobody} statistically distinguishable from {HELD} ({'; '.join(reasons)})"
    clear = [each for each in tested if each.is_distinguishable]
    evidence = _evidence(superior, [each.adjusted_p or 0.0 for each in tested])
    if not clear:
        return f"{nobody} statistically distinguishable from {HELD} ({evidence})"
    better, worse = ([each.first for each in clear if each.is_gain is way] for way in (True, False))
    parts = [
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} {how} than {HELD}"
        for names, how in ((better, "better"), (worse, "worse"))
        if names
    ]
    rest = len(against) - len(clear)
    others = f"; the other {'is' if rest == 1 else f'{rest} are'} not distinguishable from it"
    return f"{' and '.join(parts)} ({evidence}){others if rest else ''}"


def _who(agents: Sequence["Row"]) -> str:
    counts = sorted({len(row.entry.result.episodes) for row in agents})
    repeats = count(counts[-1], "repeat")
    if len(counts) > 1:
        repeats = f"{counts[0]} to {repeats}"
    return f"{count(len(agents), 'agent')} with {repeats}{' each' * (len(agents) > 1)}"


def _evidence(superior: Estimate | None, adjusted: Sequence[float]) -> str:
    smallest = p_equals(min(adjusted))
    if len(adjusted) == 1:
        return smallest
    pairs = f"smallest adjusted {smallest}"
    if superior is None or superior.p_value is None:
        return pairs
    return f"SPA {p_equals(superior.p_value)}, {pairs}"


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


def _patience(best: "Row", days_a_year: float) -> str:
    pair = best.against
    if pair is None or pair.days.value is None or difference_of(pair).is_distinguishable:
        return ""
    years = pair.days.value / days_a_year
    exact = f"about {roughly(pair.days.value)} days, {roughly(years)} years"
    long = f"more than {count(LONG, 'year')}" if years > LONG else exact
    return f"To find a difference to {HELD} as large as that of {best.agent} would take {long}."
