"""The parts of a page, in order: overall, a section for each task, decisions."""

from collections.abc import Mapping, Sequence
from typing import Any

from investorbench.tasks.days import is_within_a_day, period_name
from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.leaderboard import Leaderboard, Overall
from investorbench.tasks.metrics import equity_of
from investorbench.tasks.report.agent_tables import (
    answers_table,
    benchmark_table,
    months_table,
    pairs_table,
    skill_table,
    trading_table,
    variance_table,
)
from investorbench.tasks.report.arena_tables import behaviour_table
from investorbench.tasks.report.content import (
    ReportContent,
    board_id,
    drawn_repeat,
    full_name,
    overall_name,
    records_of,
    span_of,
)
from investorbench.tasks.report.cost_points import cost_points
from investorbench.tasks.report.leaderboard_tables import (
    board_legend,
    leaderboard_table,
    overall_benchmark_table,
    overall_legend,
    overall_table,
    stamp,
)
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.overview import verdict
from investorbench.tasks.report.portfolio_tables import portfolio_tables, portfolios_of
from investorbench.tasks.report.provenance import (
    agents_table,
    cutoff_warning,
    details_of,
    facts_of,
    missing_of,
)
from investorbench.tasks.report.tear_sheets import window_of
from investorbench.tasks.wording import count, listed, percent

BEST = 5
"""Agents whose curves are in colour."""
TRADE_KINDS = {
    "all": "all", "won": "won", "lost": "lost", "liquidated": "liquidated", "open": "still held",
}  # fmt: skip
TRADE_HEADS = ("Coin", "Position", "Opened, UTC", "Closed, UTC", "Entry", "Exit", "Ended by",
               "Net USD")  # fmt: skip
TRADE_WORDS = frozenset(("Coin", "Position", "Opened, UTC", "Closed, UTC", "Ended by"))


def overall_section(overall: Overall, number: int) -> Html:
    """Agents over all tasks of a protocol."""
    name = f"overall-{number + 1}"
    names = ", ".join(setting.name.removeprefix("InvestorBench/") for setting in overall.settings)
    options = f" Options: {overall.options}." if overall.options else ""
    return element(
        "section",
        _heading(name, overall_name(overall), overall.simulated),
        element(
            "p",
            f"Over {count(len(overall.settings), 'task')}: {names}.{options}",
            class_="setting",
        ),
        verdict(overall),
        overall_table(overall),
        quotation(overall.sentence, overall.simulated),
        cost_figure(overall, name, overall.simulated),
        notes([*overall_legend(overall), *overall.findings, *overall.notes]),
        overall_benchmark_table(overall),
        id=name, aria_labelledby=f"{name}-title",
    )  # fmt: skip


def board_section(content: ReportContent, board: Leaderboard, number: int) -> Html:
    """Everything of one task."""
    name, setting = board_id(number), board.setting
    records = records_of(content, board)
    warning = cutoff_warning(board)
    answers = answers_table(board)
    missing = missing_of(records)
    costs = cost_figure(board, name, setting.simulated)
    is_arena, is_compared = is_of_perpetuals(board.facts), board.apart_for is None
    held = portfolios_of(records) if len(board.facts.symbols) > 1 and not is_arena else []
    text = (
        f"Protocol {setting.protocol}, {setting.start} to {setting.end}, "
        f"{span_of(board)}. Data: {setting.data_source}."
        + (f" Options: {setting.options}." if setting.options else "")
    )
    return element(
        "section",
        _heading(name, full_name(content.boards, number), setting.simulated),
        element("p", text, class_="setting"),
        verdict(board),
        leaderboard_table(board),
        element("p", warning, class_="notice") if warning else None,
        quotation(board.sentence, setting.simulated),
        notes([*board_legend(board), *board.findings, *board.notes]),
        *(
            (
                *titled(name, "beside", _beside(board), benchmark_table(board)),
                *titled(name, "skill", "Skill and luck", skill_table(board)),
            )
            if is_compared
            else ()
        ),
        *(titled(name, "cost", "Cost and Sharpe ratio", costs) if costs else ()),
        *titled(name, "equity", "Equity and drawdown", curves_figure(board, number)),
        *titled(name, "sheet", "Tear sheet", sheet_figure(board, number)),
        *(titled(name, "arena", "Arena", arenatitled(board, number)) if is_arena else ()),
        *titled(name, "actions", "Actions on the price", actions_figure(board, number)),
        *titled(name, "months", "Monthly returns", months_table(board)),
        *titled(name, "trading", "Risk, exposure, turnover and costs", trading_table(board)),
        *(
            titled(name, "portfolio", "Weights, orders and lots", weights_figure(board, number),
                  portfolio_tables(held))
            if held
            else ()
        ),
        *(titled(name, "answers", "Answers of the models", answers) if answers else ()),
        *(
            (
                *titled(name, "variance", "Path and repeats", variance_table(board)),
                *titled(name, "distinguish", "Days to distinguish two agents", pairs_table(board)),
            )
            if is_compared
            else ()
        ),
        *titled(name, "provenance", "Provenance", facts_of(board), agents_table(board, records)),
        element("div", *details_of(records), class_="described"),
        *(titled(name, "missing", "Missing repeats", missing) if missing else ()),
        id=name, class_="board", aria_labelledby=f"{name}-title",
    )  # fmt: skip


def quotation(sentence: str, simulated: bool) -> Html:
    """What a reader may quote, with a button that copies it; it says itself what is simulated."""
    mark = stamp() if simulated else None
    button = element("button", "Copy", type="button", class_="copy", data_copy=sentence)
    quoted = element("blockquote", element("p", mark, sentence))
    return element("div", quoted, button, class_="quotation")


def notes(lines: Sequence[str]) -> Html | None:
    """What figures rest on, a line each."""
    return (
        element("ul", *(element("li", line) for line in lines), class_="notes") if lines else None
    )


def curves_figure(board: Leaderboard, number: int) -> Html:
    """Where the chart of equity and drawdown is drawn, with its content in words."""
    best, worst = (f"{agent} at {percent(end)} %" for agent, end in _by_return(board))
    span = f", from {best} to {worst}" if len(board.rows) > 1 else f", {best}"
    coarse = [row.agent for row in board.rows if row.episode is None]
    by_day = coarse if is_within_a_day(board.facts.interval) else []
    known = f"Drawn by the day: {listed(by_day)}. " if by_day else ""
    benchmark = f" and {board.compared_with.title}" if board.compared_with else ""
    text = (
        f"Equity and drawdown of {count(len(board.rows), 'agent')}{span}, "
        f"{drawn_repeat(board)}. The figures are in the tables. The best {BEST}{benchmark} are "
        f"in colour; rest on a line for its name, click it for that decision. {known}Drag to zoom, "
        "shift-drag to pan, double-click to reset."
    )
    best = element("option", f"the best {BEST}", value="")
    every = [element("option", row.agent, value=n) for n, row in enumerate(board.rows)]
    chosen = _choice("In colour", f"{board_id(number)}-curve", [best, *every])
    return join(
        element("div", chosen, class_="choices choice"),
        _figure(number, "curves", text, board.setting.simulated),
    )


def cost_figure(ranked: Leaderboard | Overall, name: str, simulated: bool) -> Html | None:
    """Where cost is drawn against the Sharpe ratio; None where nothing is known of cost.

    Args:
        ranked: whose agents.
        name: the anchor of the section.
        simulated: whether the markets are.
    """
    points = cost_points(ranked, simulated=simulated)
    return drawn_costs(points, name) if points else None


def drawn_costs(points: Mapping[str, Any], name: str) -> Html:
    """Where points of cost are drawn.

    Args:
        points: of agents.
        name: the anchor of the section.
    """
    what = "Tokens, for prices are not known," if points["across"] == "tokens" else "Cost"
    text = (
        f"{what} of all finished repeats against the {points['figure']} with its 95 % interval; "
        "agents that ask no model are levels. What it is not known of is left out."
    )
    chart = element("div", class_="chart costs", data_chart="costs", data_points=name)
    caption = element("figcaption", stamp() if points["simulated"] else None, text)
    return element("figure", chart, caption)


def sheet_figure(board: Leaderboard, number: int) -> Html:
    """Where the tear sheet of a chosen agent is drawn, and its falls are listed."""
    name = board_id(number)
    window = window_of(max(len(row.shown.returns) for row in board.rows))
    unit = period_name(board.facts.interval)
    rolling = (
        f"Sharpe ratio a year of the last {count(window, unit)}, and beside it the distribution"
        if window
        else f"There are too few {unit}s for a rolling Sharpe ratio; the distribution"
    )
    text = f"{rolling} of {unit}ly returns, {drawn_repeat(board)}.".replace("dayly", "daily")
    first = next((n for n, row in enumerate(board.rows) if row.agent != board.benchmark), 0)
    agents = [
        element("option", row.agent, value=n, selected=n == first)
        for n, row in enumerate(board.rows)
    ]
    chosen = _choice("Agent", f"{name}-sheet-agent", agents)
    heads = ("Peak", "Lowest", "Back at the peak", "Depth %", f"{unit.capitalize()}s")
    falls = element(
        "table",
        element("caption", element("span", "Deepest falls from a peak")),
        element(
            "thead",
            element(
                "tr",
                *(
                    element("th", head, scope="col", class_="words" if head == heads[0] else None)
                    for head in heads
                ),
            ),
        ),
        element("tbody"),
        id=f"{name}-falls",
    )
    return join(
        element("div", chosen, class_="choices choice"),
        _figure(number, "sheet", text, board.setting.simulated),
        element("div", falls, class_="frame", tabindex="0", role="group", aria_label="Falls"),
    )


def actions_figure(board: Leaderboard, number: int) -> Html:
    """Where the chart of an agent's trades is drawn, with a choice of the agent."""
    text = (
        "Fills on the price and the position as a share of equity. The price is the one that "
        "positions were marked at. All actions are listed under Decisions."
    )
    symbols = board.facts.symbols
    if len(symbols) > 1:
        text = (
            "Fills on prices, each from 100 at its first, and positions as shares of equity, of "
            "the assets held most; choose one to see its price. Prices are those that positions "
            "were marked at. All actions are listed under Decisions."
        )
    choices = [_choice("Agent", f"{board_id(number)}-agent", _agents(board))]
    if len(symbols) > 1:
        assets = [element("option", symbol, value=n) for n, symbol in enumerate(symbols)]
        every = element("option", "those held most", value="")
        choices.append(_choice("Asset", f"{board_id(number)}-asset", [every, *assets]))
    chosen = element("div", *choices, class_="choices choice")
    return join(chosen, _figure(number, "actions", text, board.setting.simulated))


def weights_figure(board: Leaderboard, number: int) -> Html:
    """Where the chart of what an agent held is drawn, with a choice of the agent."""
    text = (
        "Shares of equity over time, one on another: the assets held most, all others together, "
        "and cash; short positions below zero."
    )
    choice = _choice("Agent", f"{board_id(number)}-weights-agent", _agents(board))
    chosen = element("div", choice, class_="choices choice")
    return join(chosen, _figure(number, "weights", text, board.setting.simulated))


def arenatitled(board: Leaderboard, number: int) -> Html:
    """Positions by time and every trade of a chosen agent, and behaviour of all side by side."""
    name = board_id(number)
    text = (
        "Positions by coin and time, long and short; a cross where the venue ended one, "
        f"{drawn_repeat(board)}. Rest on a bar for what it was."
    )
    chosen = element(
        "div", _choice("Agent", f"{name}-trader", _agents(board)), class_="choices choice"
    )
    return join(
        chosen,
        _figure(number, "positions", text, board.setting.simulated),
        _trades_browser(name, board.facts.symbols),
        behaviour_table(board),
    )


def _trades_browser(name: str, symbols: Sequence[str]) -> Html:
    """Where the page lists trades."""
    coins = [element("option", "all", value=""), *(element("option", each) for each in symbols)]
    kinds = [element("option", words, value=key) for key, words in TRADE_KINDS.items()]
    heads = (
        element("th", head, scope="col", class_="words" if head in TRADE_WORDS else None)
        for head in TRADE_HEADS
    )
    listed = element(
        "table",
        element("caption", element("span", "Every trade, oldest first")),
        element("thead", element("tr", *heads)),
        element("tbody"),
        id=f"{name}-trades",
    )
    return element(
        "div",
        element("div", _choice("Coin", f"{name}-coin", coins),
                _choice("Trades", f"{name}-outcome", kinds), class_="choices"),
        element("p", "", id=f"{name}-count", class_="setting", role="status"),
        element("div", listed, class_="frame trades", tabindex="0", role="group",
                aria_label="Trades"),
        element("p", element("button", "More trades", type="button", id=f"{name}-more",
                             hidden=True)),
        class_="browser",
    )  # fmt: skip


def _agents(board: Leaderboard) -> list[Html]:
    """Those whose actions are known, the first that is not the benchmark chosen."""
    first = next((n for n, row in enumerate(board.rows) if row.agent != board.benchmark), 0)
    return [
        element("option", row.agent, value=n, selected=n == first)
        for n, row in enumerate(board.rows)
        if row.entry is not None
    ]


def _choice(name: str, field: str, options: Sequence[Html]) -> Html:
    label = element("label", f"{name} ", for_=field)
    return element("p", label, element("select", *options, id=field))


def _beside(board: Leaderboard) -> str:
    """The title of what agents are compared with."""
    return f"Beside {board.compared_with.title if board.compared_with else 'a benchmark'}"


def _by_return(board: Leaderboard) -> tuple[tuple[str, float], tuple[str, float]]:
    """Who ends highest and who lowest of the curves, and what each returned."""
    ends = {row.agent: float(equity_of(row.shown.returns)[-1]) - 1.0 for row in board.rows}
    ranked = sorted(ends.items(), key=lambda end: end[1])
    return ranked[-1], ranked[0]


def _figure(number: int, kind: str, text: str, simulated: bool) -> Html:
    chart = element("div", class_=f"chart {kind}", data_chart=kind, data_board=number)
    caption = element("figcaption", stamp() if simulated else None, text)
    return element("figure", chart, caption)


def _heading(name: str, title: str, simulated: bool) -> Html:
    return element("h2", title, " ", stamp() if simulated else None, id=f"{name}-title")


def titled(name: str, part: str, title: str, *content: object) -> tuple[Html, Html]:
    """A part of a section under its title."""
    return element("h3", title, id=f"{name}-{part}"), join(*content)
