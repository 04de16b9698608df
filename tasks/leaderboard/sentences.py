"""What a reader may quote of a leaderboard: a few plain sentences, true in every case."""

from collections.abc import Sequence

from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard.benchmarks import Benchmark, benchmark_of
from investorbench.tasks.leaderboard.entries import Setting
from investorbench.tasks.leaderboard.ranks import Difference, difference_of
from investorbench.tasks.leaderboard.rows import Row
from investorbench.tasks.statistics import Comparison, Estimate
from investorbench.tasks.wording import count, listed, p_equals, roughly
from investorbench_env.facts import Facts

LONG = 1_000
"""Years beyond which no number is given."""


def sentence_of(
    setting: Setting,
    facts: Facts,
    rows: Sequence[Row],
    benchmark: str | None,
    comparison: Comparison,
    markets: int = 0,
) -> str:
    """Where, who, what differs from the benchmark by more than chance, and what luck would reach.

    Args:
        setting: of the leaderboard.
        facts: of its environment.
        rows: its lines, best Sharpe ratio first.
        benchmark: what the table calls the benchmark; None without it.
        comparison: its statistics.
        markets: how many of their own repeats had, all together; 0 where they shared one.
    """
    market = "a simulated market" if setting.simulated else "real data"
    market = f"{markets} simulated markets" if markets > 1 else market
    length = count(comparison.days, period_name(facts.interval))
    where = (
        f"On {setting.name} ({setting.protocol} protocol, {market}, "
        f"{length} from {setting.start} to {setting.end})"
    )
    compared = benchmark_of(facts)
    against = [difference_of(pair) for pair in comparison.pairs if pair.names[1] == benchmark]
    agents = [row for row in rows if row.agent != benchmark]
    if not agents:
        title = compared.title if compared else benchmark
        return f"{where}, {title} alone was scored: there is nothing to compare it with."
    found = verdict(against, compared, comparison.superior)
    if compared and not against and comparison.days == 0:
        found = f"nothing was compared with {compared.title} ({comparison.superior.reason})"
    parts = [f"{where}, {_who(agents)}: {found}.", _ruined(agents)]
    parts.append(_patience(agents[0], compared, facts))
    return " ".join(part for part in parts if part)


def verdict(
    against: Sequence[Difference],
    benchmark: Benchmark | None,
    superior: Estimate | None = None,
) -> str:
    """Which agents are statistically distinguishable from the benchmark, or why none is.

    Args:
        against: each agent less the benchmark.
        benchmark: what that is; None for none.
        superior: the test that none is better.
    """
    if benchmark is None:
        return "there is no benchmark to compare them with"
    if not against:
        return f"nothing was compared with {benchmark.title}, which is missing"
    tested = [each for each in against if each.adjusted_p is not None]
    subject = f"{against[0].first} is not" if len(against) == 1 else "no agent is"
    if not tested:
        reasons = "; ".join(dict.fromkeys(each.reason or "" for each in against))
        return f"{subject} statistically distinguishable from {benchmark.title} ({reasons})"
    clear = [each for each in tested if each.is_distinguishable]
    evidence = _evidence(superior, [each.adjusted_p or 0.0 for each in tested])
    if not clear:
        return f"{subject} statistically distinguishable from {benchmark.title} ({evidence})"
    better, worse = ([each.first for each in clear if each.is_gain is way] for way in (True, False))
    parts = [
        f"{listed(names)} {'is' if len(names) == 1 else 'are'} {how} than {benchmark.title}"
        for names, how in ((better, "better"), (worse, "worse"))
        if names
    ]
    rest = len(against) - len(clear)
    others = f"; the other {'is' if rest == 1 else f'{rest} are'} not distinguishable from it"
    return f"{' and '.join(parts)} ({evidence}){others if rest else ''}"


def _who(agents: Sequence[Row]) -> str:
    counts = sorted({len(row.entry.result.episodes) for row in agents if row.entry})
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


def _ruined(agents: Sequence[Row]) -> str:
    ruined = sum(row.is_ruined for row in agents)
    if not ruined:
        return ""
    if ruined == len(agents):
        return "It was ruined." if ruined == 1 else "All of them were ruined."
    return f"{ruined} of them {'was' if ruined == 1 else 'were'} ruined."


def _patience(best: Row, benchmark: Benchmark | None, facts: Facts) -> str:
    pair = best.against
    if pair is None or pair.days.value is None or difference_of(pair).is_distinguishable:
        return ""
    assert benchmark is not None  # with which it was compared
    years = pair.days.value / facts.periods_a_year
    exact = (
        f"about {roughly(pair.days.value)} {period_name(facts.interval)}s, {roughly(years)} years"
    )
    long = f"more than {count(LONG, 'year')}" if years > LONG else exact
    return (
        f"To find a difference to {benchmark.title} as large as that of {best.agent} would take "
        f"{long}."
    )
