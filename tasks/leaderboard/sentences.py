"""What a reader may quote of a leaderboard: a few plain sentences, true in every case."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard.benchmarks import Benchmark, benchmark_of
from investorbench.tasks.leaderboard.entries import Setting
from investorbench.tasks.leaderboard.overall_rows import OverallRow
from investorbench.tasks.leaderboard.rows import Row
from investorbench.tasks.statistics import Comparison, Estimate, Tested
from investorbench.tasks.statistics.alpha import SAME
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import count, listed, number, p_equals, percent, roughly
from investorbench_env.facts import Facts

LONG = 1_000
"""Years beyond which no number is given."""
UNCOUNTED = "Runs that were not submitted cannot be counted."


def sentence_of(
    setting: Setting,
    facts: Facts,
    rows: Sequence[Row],
    benchmark: str | None,
    comparison: Comparison,
    markets: int = 0,
    apart_for: str | None = None,
) -> str:
    """Where and who; who is best, by how much; whether that is luck; what can be distinguished.

    Args:
        setting: of the leaderboard.
        facts: of its environment.
        rows: its lines, best Sharpe ratio first.
        benchmark: what the table calls the benchmark; None without it.
        comparison: its statistics.
        markets: how many of their own repeats had, all together; 0 where they shared one.
        apart_for: why no agent is compared with another; None where all are.
    """
    compared = benchmark_of(facts)
    where = _where(setting, facts, comparison, markets)
    agents = [row for row in rows if row.agent != benchmark]
    if not agents:
        title = compared.title if compared else benchmark
        return f"{where}, {title} alone was scored: there is nothing to compare it with."
    parts = [f"{where}, {_who(agents)}.", _ruined(agents)]
    if apart_for is not None:
        parts += described_alone(agents, apart_for)
        return " ".join(part for part in parts if part)
    parts += verdicts(agents, comparison, compared, benchmark, facts)
    return " ".join(part for part in parts if part)


def described_alone(agents: Sequence[Row], apart_for: str) -> Iterator[str]:
    """What agents did that are not compared with one another, and why they are not."""
    best, worst = (f"{percent(row.cr)} % ({row.agent})" for row in (agents[0], agents[-1]))
    yield f"Returns go from {worst} to {best}." if len(agents) > 1 else f"The return is {best}."
    yield (
        f"There is no Sharpe ratio, no test and no rank, since {apart_for}; who is better is asked "
        "on simulated markets, many of which all agents meet."
    )


def verdicts(
    agents: Sequence[Row | OverallRow],
    comparison: Comparison,
    compared: Benchmark | None,
    benchmark: str | None,
    facts: Facts,
) -> Iterator[str]:
    """Who is best and by how much, whether that is luck, and what can be distinguished.

    Args:
        agents: without the benchmark, best Sharpe ratio first.
        comparison: their statistics.
        compared: what they are compared with; None for nothing.
        benchmark: what the table calls it; None without it.
        facts: of the environment, or of one of several alike.
    """
    rivals = [row for row in agents if row.rank is not None and not row.statistics.is_twin]
    if not rivals:
        yield f"{_left_out(agents, compared)} There is nothing to compare."
        return
    yield _left_out(agents, compared)
    candidates = [row for row in rivals if not row.knows] or rivals
    best = candidates[0]
    among = "of them" if len(rivals) == len(agents) else "of the others"
    among = among if best is rivals[0] else "of those that know no more than others"
    among = "" if len(rivals) == 1 else among
    yield f"{_best(best, _alike(best, candidates), among, compared)}."
    yield f"{_capital(alphas(comparison, compared, benchmark))}."
    yield _pairs(best, comparison)
    of_some = len({row.is_baseline for row in candidates}) == 2
    yield luck_of(comparison, of_some)
    if best is rivals[0]:  # of whose lead it is known what picking the highest adds
        yield patience(best, comparison.days_of_best, compared, facts)


def with_interval(figure: Estimate, write: Callable[[float], str], unit: str = "") -> str:
    """A figure, and in brackets its 95 % interval where there is one."""
    value = "–" if figure.value is None else f"{write(figure.value)}{unit}"
    if figure.low is None or figure.high is None:
        return value
    return f"{value} (95 % interval {write(figure.low)} to {write(figure.high)})"


def alphas(comparison: Comparison, benchmark: Benchmark | None, name: str | None) -> str:
    """Whose alpha over the benchmark is distinguishable from 0, or why none is.

    Args:
        comparison: of the agents.
        benchmark: what they are compared with; None for nothing.
        name: what the table calls it; None where it is missing.
    """
    against = comparison.against
    if benchmark is None:
        return "there is no benchmark to compare with"
    if name is None:
        return f"nothing was compared with {benchmark.title}, which is missing"
    tested = {agent: test for agent, test in against.items() if test.adjusted_p is not None}
    subject = f"{'its' if len(against) == 1 else 'no'} alpha over {benchmark.title}"
    not_ = " not" if len(against) == 1 else ""
    if not tested:
        reasons = dict.fromkeys(test.difference.reason or "" for test in against.values())
        why = "; ".join(filter(None, reasons)) or comparison.luck.reason or "nothing to test"
        return f"{subject} could{not_} be tested ({why})"
    smallest = p_equals(min(test.adjusted_p or 0.0 for test in tested.values()))
    evidence = smallest if len(tested) == 1 else f"adjusted for all agents, the smallest {smallest}"
    clear = {agent: test for agent, test in tested.items() if (test.adjusted_p or 0.0) <= SIZE}
    if not clear:
        return f"{subject} is{not_} distinguishable from 0 ({evidence})"
    parts = [
        f"{'that' if n else 'the alpha'} of {listed(names)} over {benchmark.title} is {how} 0"
        for n, (names, how) in enumerate(_by_sign(clear))
    ]
    rest = len(tested) - len(clear)
    others = f"; {count(rest, 'other')} {'is' if rest == 1 else 'are'} not distinguishable from it"
    return f"{' and '.join(parts)} ({evidence}){others if rest else ''}"


def luck_of(comparison: Comparison, of_some: bool) -> str:
    """The largest t-statistic of alpha, and what it is worth among so many trials.

    Args:
        comparison: of the agents.
        of_some: whether baselines were scored that are no trials.
    """
    luck = comparison.luck
    if luck.largest_t is None or luck.expected_t is None or luck.t_95 is None:
        return ""
    largest, expected, rare = (number(t, 2) for t in (luck.largest_t, luck.expected_t, luck.t_95))
    without = " (baselines as they come are none)" if of_some else ""
    if luck.trials > 1:
        found = f"Of {luck.trials} trials{without}, {luck.agent} has the largest t-statistic of "
        found += f"alpha, {largest}"
        chance = f"the luckiest of as many without skill is expected to reach {expected}, and "
    elif of_some:
        found = f"{luck.agent} is the only trial{without}, with a t-statistic of alpha of {largest}"
        chance = "without skill it "
    else:
        found = f"The t-statistic of the alpha of {luck.agent} is {largest}"
        chance = "without skill it "
    if luck.largest_t <= 0.0:
        return f"{found}: there is no gain to put down to luck. {UNCOUNTED}"
    test = comparison.against.get(luck.agent or "")
    if luck.largest_t > luck.t_95 and test and (test.adjusted_p or 0.0) > SIZE:
        verdict = "luck seldom reaches it, but the test of alpha does not rule it out"
    elif luck.largest_t > luck.t_95:
        verdict = "luck alone would hardly reach it"
    elif luck.largest_t > luck.expected_t:
        verdict = "it may well be luck"
    else:
        verdict = "it is no more than luck is expected to reach"
    return f"{found}; {chance}exceeds {rare} one time in twenty: {verdict}. {UNCOUNTED}"


def patience(
    best: Row | OverallRow, days: Estimate, benchmark: Benchmark | None, facts: Facts
) -> str:
    """How many days it would take to find the lead of the best; nothing where it is found.

    Args:
        best: who has the highest Sharpe ratio.
        days: until its lead over the benchmark is found, less what picking the highest adds.
        benchmark: what it is compared with.
        facts: of the environment.
    """
    test = best.beside
    if test is None or benchmark is None or test.adjusted_p is None or test.adjusted_p <= SIZE:
        return ""
    if days.value is None:
        return ""
    years = days.value / facts.periods_a_year
    lead = f"Finding the lead of {best.agent} over {benchmark.title} in the Sharpe ratio would take"
    if years > LONG:
        return f"{lead} more than {count(LONG, 'year')}."
    period = period_name(facts.interval)
    ends = ""
    if days.low is not None:
        is_open = days.high is None or days.high / facts.periods_a_year > LONG
        upper = count(LONG, "year") if is_open else f"{roughly(days.high or 0.0)} {period}s"
        more = "more than " * is_open
        ends = f" (95 % interval {roughly(days.low)} {period}s to {more}{upper})"
    return f"{lead} about {roughly(days.value)} {period}s or {roughly(years)} years{ends}."


def _where(setting: Setting, facts: Facts, comparison: Comparison, markets: int) -> str:
    market = "a simulated market" if setting.simulated else "real data"
    days = comparison.days  # of episodes on days of their own there are none in common
    length = f"{count(days, period_name(facts.interval))} from " if days else ""
    if markets > 1:
        market = f"{number(markets)} simulated markets"
        each, over = divmod(days, markets)
        if each and not over:
            length = f"{count(each, period_name(facts.interval))} each from "
    return (
        f"On {setting.name} ({setting.protocol} protocol, {market}, "
        f"{length}{setting.start} to {setting.end})"
    )


def _who(agents: Sequence[Row]) -> str:
    counts = sorted({len(row.entry.result.episodes) for row in agents if row.entry})
    repeats = count(counts[-1], "repeat")
    if len(counts) > 1:
        repeats = f"{counts[0]} to {repeats}"
    each = " each" * (len(agents) > 1)
    verb = "was" if len(agents) == 1 else "were"
    return f"{count(len(agents), 'agent')} with {repeats}{each} {verb} scored"


def _alike(best: Row | OverallRow, agents: Sequence[Row | OverallRow]) -> list[str]:
    """Those that did as the best one did, by name."""
    own = (best.sr, best.statistics.alpha.value or 0.0)
    return [
        row.agent
        for row in agents
        if row is best
        or np.allclose((row.sr, row.statistics.alpha.value or 0.0), own, rtol=0.0, atol=SAME)
    ]


def _best(
    best: Row | OverallRow, alike: Sequence[str], among: str, benchmark: Benchmark | None
) -> str:
    """Who has the highest Sharpe ratio, and by how much it is above the benchmark's.

    Args:
        best: who.
        alike: all that share it, by name.
        among: of whom, in words; empty where there is no other.
        benchmark: what agents are compared with.
    """
    figure = Estimate(value=best.sr, low=best.statistics.sr.low, high=best.statistics.sr.high)
    what = f"the highest Sharpe ratio {among}," if among else "a Sharpe ratio of"
    verb = "has" if len(alike) == 1 else "have"
    found = f"{listed(alike)} {verb} {what} {with_interval(figure, lambda ratio: number(ratio, 2))}"
    ahead = best.beside.difference.value if best.beside else None
    if benchmark is not None and ahead is not None:
        way = "above" if ahead >= 0.0 else "below"
        found += f", {number(abs(ahead), 2)} {way} that of {benchmark.title}"
    return found + _alpha(best)


def _alpha(best: Row | OverallRow) -> str:
    alpha = best.statistics.alpha
    if alpha.value is None:
        return ""
    whole = with_interval(alpha, lambda share: percent(share, 0), " % a year")
    return f", and an alpha of {whole}"


def _pairs(best: Row | OverallRow, comparison: Comparison) -> str:
    """How many pairs are distinguishable by their Sharpe ratios; a twin adds none."""
    twins = {name for name, each in comparison.agents.items() if each.is_twin}
    tested = [
        pair
        for pair in comparison.pairs
        if pair.adjusted_p is not None and twins.isdisjoint(pair.names)
    ]
    if not tested:
        return ""
    if len(tested) == 1:
        p = tested[0].adjusted_p or 0.0
        do = "differ" if p <= SIZE else "do not differ"
        names = listed(tested[0].names)
        return f"The Sharpe ratios of {names} {do} by more than chance ({p_equals(p)})."
    clear = sum((pair.adjusted_p or 0.0) <= SIZE for pair in tested)
    few = number(clear) if clear else "none"
    first = f"; {best.agent} differs from all others" if best.rank == (1, 1) else ""
    pairs = count(len(tested), "pair")
    do = "do " * (not clear)
    inverted = f"{do}the Sharpe ratios differ by more than chance"
    return f"In {few} of {pairs} {inverted}{first}."


def _left_out(agents: Sequence[Row | OverallRow], benchmark: Benchmark | None) -> str:
    """Who is not compared with the others, and why; nothing where all are."""
    twins = [row.agent for row in agents if row.statistics.is_twin]
    unranked = [row.agent for row in agents if row.rank is None and row.agent not in twins]
    title = benchmark.title if benchmark else "the benchmark"
    parts = []
    if twins:
        parts.append(f"{listed(twins)} took the same decisions as {title}.")
    if unranked:
        verb = "has" if len(unranked) == 1 else "have"
        parts.append(f"{listed(unranked)} {verb} no rank, since too few answers were usable.")
    return " ".join(parts)


def _by_sign(clear: dict[str, Tested]) -> Iterator[tuple[list[str], str]]:
    for how, is_gain in (("above", True), ("below", False)):
        names = [
            agent
            for agent, test in clear.items()
            if ((test.difference.value or 0.0) > 0.0) is is_gain
        ]
        if names:
            yield names, how


def _ruined(agents: Sequence[Row]) -> str:
    ruined = sum(row.is_ruined for row in agents)
    if not ruined:
        return ""
    if ruined == len(agents):
        return "It was ruined." if ruined == 1 else "All of them were ruined."
    return f"{ruined} of them {'was' if ruined == 1 else 'were'} ruined."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
