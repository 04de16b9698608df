"""What agents did and what it took: trading, answers of models, months, sources of variance."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from investorbench.tasks.leaderboard import Leaderboard, Row
from investorbench.tasks.leaderboard.ranks import SIZE
from investorbench.tasks.report.cells import Head, empty, figure, row_head, table
from investorbench.tasks.report.curves import sessions_of
from investorbench.tasks.report.leaderboard_tables import agent_name
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.result import Episode, Result
from investorbench.tasks.wording import p_equals, percent, roughly

AGENT = Head("Agent", text=True, names=True)
TRADING = (
    AGENT,
    Head("Exposure %", "mean absolute weight of the position"),
    Head("In market %", "share of steps with a position"),
    Head("Turnover", "value traded over mean equity"),
    Head("Trades", "steps with a fill"),
    Head("Costs %", "commission and slippage as a share of the starting value"),
    Head("Hits %", "share of the steps with a position that gained"),
    Head("AV %", "volatility a year"),
    Head("MDD %", "largest drawdown"),
    Head("Sortino", "mean over downside deviation, a year"),
    Head("Calmar", "return a year over the largest drawdown"),
)
ANSWERS = (
    AGENT,
    Head("Decisions", "of all repeats, warm-up included"),
    Head("Invalid", "without a usable answer; the agent held then"),
    Head("Refused", "of those, the model said no"),
    Head("Truncated", "of those, the answer hit its limit of length"),
    Head("False ids", "memories that were cited and never shown"),
    Head("Tokens in", "read by the model"),
    Head("Tokens out", "written by the model"),
    Head("Cost USD", "by the price in the configuration"),
    Head("Median s", "to an answer, test split of the shown repeat"),
    Head("95 % s", "95 % of the answers took less, test split of the shown repeat"),
)
STRONGEST = 0.3
"""The return of a month that has the full colour."""
VARIANCE = (
    AGENT,
    Head("Repeats"),
    Head("From the path", "standard deviation of SR a year over other days like these"),
    Head("From repeats", "standard deviation of SR a year over repeats on the same days"),
    Head("Of the mean", "standard error of the mean over the repeats"),
)


def trading_table(board: Leaderboard) -> Html:
    """Exposure, turnover, costs and their relatives."""
    return table("Trading, of the repeat with the median Sharpe ratio", TRADING, [
        [row_head(agent_name(row.agent), row.agent), *_trading(row.entry.result)]
        for row in board.rows
    ])  # fmt: skip


def answers_table(board: Leaderboard) -> Html | None:
    """What became of the answers of language models; None where none was asked."""
    asked = [(row, found) for row in board.rows if (found := _answers(row.entry.result))]
    if not asked:
        return None
    rows = [
        [row_head(_model(row, found), row.agent), *_told(found), *_latency(row.entry.result)]
        for row, found in asked
    ]
    return table("Answers, of all finished repeats", ANSWERS, rows)


def months_table(board: Leaderboard) -> Html:
    """Return of each calendar month; colour and sign say the same."""
    sessions = sessions_of(board)
    found = {row.agent: monthly_returns(row.entry.result.median, sessions) for row in board.rows}
    months = sorted({month for returns in found.values() for month in returns})
    heads = [AGENT, *(Head(month) for month in months)]
    rows = [
        [row_head(agent_name(agent), agent), *(_month(own.get(m)) for m in months)]
        for agent, own in found.items()
    ]
    return table("Return of each month in percent", heads, rows)


def variance_table(board: Leaderboard) -> Html:
    """How much of an agent's uncertainty more repeats could take away; or why it is not known."""
    splits = [row.statistics.variance for row in board.rows]
    if all(split.path is None for split in splits):
        reasons = sorted({split.reason or "not computed" for split in splits})
        return element("p", f"Not known: {'; '.join(reasons)}.")
    caption = "Standard deviation of the Sharpe ratio a year, by where it comes from"
    return table(caption, VARIANCE, [
        [row_head(agent_name(row.agent), row.agent), *_variance(row)] for row in board.rows
    ])  # fmt: skip


def pairs_table(board: Leaderboard) -> Html:
    """Days until a test finds the difference of two agents; clear ones are marked."""
    agents = [row.agent for row in board.rows]
    pairs = {frozenset(pair.names): pair
             for pair in (*board.comparison.pairs, *board.comparison.against.values())}  # fmt: skip
    heads = [AGENT, *(Head(str(n + 1), agent) for n, agent in enumerate(agents))]
    rows = []
    for n, agent in enumerate(agents):
        cells: list[Html] = []
        for other in agents:
            pair = pairs.get(frozenset((agent, other)))
            if pair is None:
                cells.append(empty("the same agent"))
                continue
            p = pair.adjusted_p
            title = f"{agent} and {other}: {'p unknown' if p is None else p_equals(p)}"
            if pair.days.value is None:
                cells.append(empty(f"{title}; {pair.days.reason or 'not computed'}"))
                continue
            shown: object = roughly(pair.days.value)
            if p is not None and p <= SIZE:
                note = element("span", "distinguishable", class_="unseen")
                shown = join(element("strong", shown, class_="clear"), " ", note)
            cells.append(figure(pair.days.value, element("span", shown, title=title)))
        rows.append([row_head(join(f"{n + 1} ", agent_name(agent)), agent), *cells])
    caption = "Days until a test of 5 % size finds the difference of two agents with 80 % power"
    return table(caption, heads, rows, sortable=False)


def monthly_returns(episode: Episode, sessions: Sequence[str]) -> dict[str, float]:
    """Growth of equity over each calendar month, by ``YYYY-MM``; none after a ruin.

    Args:
        episode: with equity [T + 1].
        sessions: on which it was marked, [T + 1] or more.
    """
    last: dict[str, float] = {}
    for session, equity in zip(sessions, episode.equity, strict=False):
        last[session[:7]] = float(equity)
    before, returns = float(episode.equity[0]), {}
    for month, equity in last.items():
        returns[month] = equity / before - 1.0
        before = equity
    return returns


def _trading(result: Result) -> Iterator[Html]:
    metrics, episode = result.metrics, result.median
    for name in ("exposure", "time_in_market"):
        yield figure(metrics[name], percent(metrics[name]))
    yield figure(metrics["turnover"], digits=1)
    yield figure(float((episode.notional > 0.0).sum()))
    costs = metrics["costs"] / float(episode.equity[0])
    yield figure(costs, percent(costs, 2))
    for name in ("hit_ratio", "AV", "MDD"):
        yield figure(metrics[name], percent(metrics[name]))
    for name in ("sortino", "calmar"):
        yield figure(metrics[name], digits=2)


def _answers(result: Result) -> list[dict[str, Any]]:
    splits = [split for episode in result.episodes for split in (episode.answers or {}).values()]
    return [split for split in splits if split]


def _model(row: Row, found: Sequence[dict[str, Any]]) -> Html:
    if all(split["is_language_model"] for split in found):
        return agent_name(row.agent)
    note = element("span", "a word list, not a language model", class_="missing")
    return join(agent_name(row.agent), note)


def _told(found: Sequence[dict[str, Any]]) -> Iterator[Html]:
    statuses: Counter[str] = sum((Counter(split["status"]) for split in found), Counter())
    yield figure(sum(split["decisions"] for split in found))
    yield figure(sum(split["invalid"] for split in found))
    yield figure(statuses["refused"])
    yield figure(statuses["truncated"])
    yield figure(sum(split["dropped_ids"] for split in found))
    for name in ("input", "output"):
        yield figure(sum(split["tokens"][name] for split in found))
    costs = [split["cost_usd"] for split in found]
    yield empty("the price is not known") if None in costs else figure(sum(costs), digits=4)


def _latency(result: Result) -> Iterator[Html]:
    asked = (result.median.answers or {}).get("test")
    for name in ("p50", "p95"):
        yield figure(asked["latency_s"][name], digits=2) if asked else empty("no model was asked")


def _month(value: float | None) -> Html:
    if value is None:
        return empty("no session in this month, or the account was ruined before")
    sign = "gain" if value >= 0.0 else "loss"
    strength = f"--strength: {min(abs(value) / STRONGEST, 1.0) ** 0.5 * 90:.0f}%"
    return element("td", percent(value), data_sort=repr(value), class_=sign, style=strength)


def _variance(row: Row) -> Iterator[Html]:
    split = row.statistics.variance
    a_year = np.sqrt(row.entry.result.facts.periods_a_year)
    yield figure(split.repeats)
    for variance in (split.path, split.repeat):
        if variance is None:
            yield empty(split.reason or "not computed")
        else:
            yield figure(np.sqrt(max(variance, 0.0)) * a_year, digits=2)
    if split.error is None:
        yield empty(split.reason or "not computed")
    else:
        yield figure(split.error * a_year, digits=2)
