"""What agents did and what it took: trading, answers of models, months, sources of variance."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from investorbench.tasks.answers import Answers, RoleCounts
from investorbench.tasks.days import period_name
from investorbench.tasks.leaderboard import Leaderboard
from investorbench.tasks.leaderboard.answer_columns import UNCOUNTED
from investorbench.tasks.report.content import drawn_repeat
from investorbench.tasks.report.curves import marked_on
from investorbench.tasks.report.leaderboard_tables import (
    AGENT,
    agent_name,
    agents_of,
    board_table,
)
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.tables import Head, empty, figure, row_head, table, words
from investorbench.tasks.statistics import Tested
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import DAYS, count, number, p_equals, percent

STRONGEST = 0.3
"""The return of a month that has the full colour."""


def trading_table(board: Leaderboard) -> Html:
    """Risk, exposure, turnover, costs and their relatives."""
    over = f"over {count(len(board.markets), 'market')}" if board.markets else "over repeats"
    return board_table(board, "trading", f"Trading, means {over}")


def answers_table(board: Leaderboard) -> Html | None:
    """What became of the answers of language models; None where none was asked."""
    found = {row.agent: row.answers for row in board.rows if row.answers}
    if not found:
        return None
    every = agents_of(board)
    names = {agent: _model(agent, answers, every) for agent, answers in found.items()}
    whole = board_table(board, "answers", "Answers, of all finished repeats", names)
    roles = {agent: answers.roles for agent, answers in found.items()}
    return join(whole, _roles_table(roles) if any(map(_are_several, roles.values())) else None)


def _are_several(roles: Mapping[str, RoleCounts]) -> bool:
    return len(roles) > 1


def _roles_table(found: Mapping[str, Mapping[str, RoleCounts]]) -> Html:
    """The answers of each role apart."""
    rows = [
        [
            row_head(agent_name(agent, found), agent),
            words(role),
            figure(counts.answers, number(counts.answers)),
            figure(counts.unusable, number(counts.unusable)),
            *(
                figure(tokens, number(tokens)) if counts.is_counted else empty(UNCOUNTED)
                for tokens in (counts.read, counts.written)
            ),
            empty("the price is not known")
            if counts.cost_usd is None
            else figure(counts.cost_usd, number(counts.cost_usd, 4)),
        ]
        for agent, roles in found.items()
        for role, counts in roles.items()
    ]
    heads = [AGENT, Head("Role", text=True), Head("Answers"), Head("Unusable"),
             Head("Tokens in"), Head("Tokens out"), Head("Cost USD")]  # fmt: skip
    return table("Answers of each role, of all finished repeats", heads, rows)


def months_table(board: Leaderboard) -> Html:
    """Return of each calendar month; colour and sign say the same."""
    found = {
        row.agent: monthly_returns(marked_on(board, row.shown), row.shown.returns)
        for row in board.rows
    }
    months = sorted({month for returns in found.values() for month in returns})
    heads = [AGENT, *(Head(month) for month in months)]
    rows = [
        [row_head(agent_name(agent, found), agent), *(_month(own.get(m)) for m in months)]
        for agent, own in found.items()
    ]
    return table(f"Return of each month in percent, {drawn_repeat(board)}", heads, rows)


def benchmark_table(board: Leaderboard) -> Html:
    """Each agent beside the benchmark: alpha and its relatives, with intervals."""
    title = board.compared_with.title if board.compared_with else "a benchmark"
    return board_table(board, "benchmark", f"Beside {title}; 95 % intervals in brackets")


def skill_table(board: Leaderboard) -> Html:
    """How much of an agent's figures may be chance."""
    return board_table(board, "skill", "Skill and luck")


def variance_table(board: Leaderboard) -> Html:
    """How much of an agent's uncertainty more repeats could take away; or why it is not known."""
    splits = [row.statistics.variance for row in board.rows]
    if all(split.path is None for split in splits):
        reasons = sorted({split.reason or "not computed" for split in splits})
        return element("p", f"Not known: {'; '.join(reasons)}.")
    caption = "Standard deviation of the Sharpe ratio a year, by where it comes from"
    return board_table(board, "variance", caption)


def pairs_table(board: Leaderboard) -> Html:
    """Days until a test finds the difference of two agents; clear ones are marked."""
    agents = [row.agent for row in board.rows if row.rank is not None]
    pairs = {frozenset(pair.names): pair for pair in board.comparison.pairs}
    heads = [AGENT, *(Head(str(n + 1), agent) for n, agent in enumerate(agents))]
    rows = []
    for n, agent in enumerate(agents):
        cells = [_pair(agent, other, pairs.get(frozenset((agent, other)))) for other in agents]
        rows.append([row_head(join(f"{n + 1} ", agent_name(agent, agents)), agent), *cells])
    unit = f"{period_name(board.facts.interval).capitalize()}s"
    caption = (
        f"{unit} until the difference of two Sharpe ratios is found with 80 % power; hover for its "
        "interval and for p, adjusted for all pairs"
    )
    return table(caption, heads, rows, sortable=False)


def _pair(agent: str, other: str, pair: Tested | None) -> Html:
    if agent == other:
        return empty("the same agent")
    if pair is None:
        return empty(f"{agent} and {other}: there is no test of them")
    p = pair.adjusted_p
    title = f"{agent} and {other}: {'p unknown' if p is None else p_equals(p)}"
    days = pair.days
    if days.value is None:
        return empty(f"{title}; {days.reason or 'not computed'}")
    if days.low is not None:
        ends = [DAYS.text(math.inf if end is None else end, 0) for end in (days.low, days.high)]
        title += f"; 95 % interval of the days {' to '.join(ends)}"
    shown: object = DAYS.text(days.value, 0)
    if p is not None and p <= SIZE:
        note = element("span", "distinguishable", class_="unseen")
        shown = join(element("strong", shown, class_="clear"), " ", note)
    return figure(days.value, element("span", shown, title=title))


def monthly_returns(marked: Sequence[str], returns: FloatArray) -> dict[str, float]:
    """Return of each calendar month, by ``YYYY-MM``; none after a ruin.

    Args:
        marked: the dates on which daily returns were marked [D].
        returns: those returns [D].
    """
    grown: dict[str, float] = defaultdict(lambda: 1.0)
    for date, value in zip(marked, returns, strict=True):
        grown[date[:7]] *= 1.0 + float(value)
    return {month: growth - 1.0 for month, growth in grown.items()}


def _model(agent: str, answers: Answers, among: Sequence[str]) -> Html:
    if answers.is_language_model:
        return agent_name(agent, among)
    note = element("span", "a word list, not a language model", class_="missing")
    return join(agent_name(agent, among), note)


def _month(value: float | None) -> Html:
    if value is None:
        return empty("no session in this month, or the account was ruined before")
    sign = "gain" if value >= 0.0 else "loss"
    strength = f"--strength: {min(abs(value) / STRONGEST, 1.0) ** 0.5 * 90:.0f}%"
    return element("td", percent(value), data_sort=repr(value), class_=sign, style=strength)
