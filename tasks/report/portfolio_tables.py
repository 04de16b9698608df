"""What portfolios held: spread, lots, falls, orders with their fate, rejections by rule."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from investorbench.tasks.account_history import (
    AccountHistory,
    HistoryFigures,
    history_of,
    portfolio_figures,
)
from investorbench.tasks.actions import is_order_list
from investorbench.tasks.order_fates import OrderFate, order_fates, rule_of
from investorbench.tasks.portfolio_metrics import Drawdown
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.report.content import RecordedRow
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.tables import Head, empty, figure, row_head, table, words
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import count, number, percent
from investorbench_env.accounting.order_words import order_words

FEWEST_CLOSES = 3
MOST_ROWS = 200
"""Of a table of orders or lots; the decisions have all of them."""
CAPTION = "Spread, lots and falls, of the repeat that is shown"
AGENT = Head("Agent", "The agent, in the order of the leaderboard.", text=True, names=True)
FIGURES = (
    AGENT,
    Head(
        "Conc.", "Concentration: mean over all days of the sum of squared weights, cash among them."
    ),
    Head("Cash %", "Mean share of cash in equity."),
    Head("Turnover", "Value traded by mean equity."),
    Head("Lots", "Lots that were closed, first in, first out."),
    Head("Won %", "Share of lots that earned something, of all lots."),
    Head("Profit f.", "Profit factor: gains by losses."),
    Head("PnL a lot", "Mean profit of a lot."),
    Head("Lab's", "PnL a lot as LLM-Trading-Lab computes it: zeros count as losses."),
    Head("Loss av.", "Loss aversion: mean loss by mean gain."),
    Head("Falls", "Falls of equity from a peak."),
    Head("Longest, d", "Calendar days from a peak until equity was there again, or to the end."),
)


class HeldPortfolio(NamedTuple):
    """What an agent did in the repeat that is shown.

    Attributes:
        agent: its name.
        history: of its account.
        figures: that follow from it.
        fates: of its orders; empty where it gave weights.
        rejections: the reasons of all.
    """

    agent: str
    history: AccountHistory
    figures: HistoryFigures
    fates: Sequence[OrderFate]
    rejections: Sequence[str]


def portfolios_of(records: Sequence[RecordedRow]) -> list[HeldPortfolio]:
    """Read what agents held; one of which too little is recorded is left out."""
    return [held for record in records if (held := _read(record)) is not None]


def portfolio_tables(
    held: Sequence[HeldPortfolio],
    caption: str = CAPTION,
) -> Html:
    """All tables of a task's portfolios, the first of which may have a caption of its own."""
    rejected = _rejections(held)
    return join(
        table(caption, FIGURES, map(_figures, held)),
        rejected,
        *(_details(each) for each in held),
    )


def _read(record: RecordedRow) -> HeldPortfolio | None:
    episodes = record.entry.result.episodes
    shown = next((n for n, each in enumerate(episodes) if each is record.episode), None)
    if shown is None:
        return None
    read = read_record(record.job.episodes[record.entry.repeats[shown]] / FILES["test"])
    if read.header is None or len(read.lines) < FEWEST_CLOSES:
        return None
    history = history_of(read.header, read.lines)
    if min(history.equity.values()) <= 0.0:
        return None
    of_orders = read.header.facts.action == "orders" and all(
        is_order_list(line.action) for line in read.lines
    )
    return HeldPortfolio(
        record.agent,
        history,
        portfolio_figures(history),
        order_fates(read.lines) if of_orders else (),
        [each.reason for line in read.lines for each in line.rejections],
    )


def _figures(held: HeldPortfolio) -> list[Html]:
    spread, trades, falls = held.figures.spread, held.figures.trades, held.figures.falls
    last = held.history.days[-1]
    longest = max((_days(fall, last) for fall in falls), default=0)
    return [
        row_head(held.agent, held.agent),
        figure(spread.concentration, digits=3),
        figure(spread.cash_share, percent(spread.cash_share)),
        figure(spread.turnover, digits=2),
        figure(trades.lots),
        _estimate(trades.win_rate, 100.0),
        _estimate(trades.profit_factor),
        _estimate(trades.expectancy),
        _estimate(trades.lab_expectancy),
        _estimate(trades.loss_aversion),
        figure(len(falls)),
        figure(longest),
    ]


def _estimate(estimate: Estimate, unit: float = 1.0) -> Html:
    if estimate.value is None:
        return empty(estimate.reason or "not computed")
    return figure(estimate.value * unit, digits=2)


def _days(fall: Drawdown, last: date) -> int:
    return ((fall.recovered or last) - fall.peak).days


def _rejections(held: Sequence[HeldPortfolio]) -> Html | None:
    """How many orders broke which rule; None where none did."""
    counts = {each.agent: Counter(map(rule_of, each.rejections)) for each in held}
    rules = [rule for rule, _ in sum(counts.values(), Counter()).most_common()]
    if not rules:
        return None
    rows = (
        [row_head(agent, agent), *(figure(own[rule]) for rule in rules)]
        for agent, own in counts.items()
    )
    return table("Orders that were not carried out, by rule", [AGENT, *map(Head, rules)], rows)


def _details(held: HeldPortfolio) -> Html:
    lots, falls = held.history.lots, held.figures.falls
    parts = [count(len(held.fates), "order")] if held.fates else []
    parts += [count(len(lots), "lot"), count(len(falls), "fall")]
    return element(
        "details",
        element("summary", f"{held.agent}: {', '.join(parts)}"),
        _orders(held.fates) if held.fates else None,
        _lots(held.history) if lots else None,
        _falls(falls) if falls else None,
    )


def _orders(fates: Sequence[OrderFate]) -> Html:
    which = "" if len(fates) <= MOST_ROWS else f", the last {MOST_ROWS} of {number(len(fates))}"
    heads = (Head("Decided", text=True, names=True), Head("Order", text=True),
             Head("Fate", text=True), Head("On", text=True), Head("Shares"), Head("Price"),
             Head("Why", text=True))  # fmt: skip
    return table(f"Orders and what became of them{which}", heads, map(_order, fates[-MOST_ROWS:]))


def _order(fate: OrderFate) -> list[Html]:
    return [
        row_head(_on_one_line(fate.decided), fate.decided),
        element("td", _in_words(fate), class_="words text", data_sort=_in_words(fate)),
        words(fate.fate),
        words(fate.ended),
        figure(
            fate.filled or None, number(fate.filled, _digits(fate.filled)) if fate.filled else ""
        ),
        figure(fate.price or None, number(fate.price, 2) if fate.filled else ""),
        element("td", fate.reason, class_="words text", data_sort=fate.reason),
    ]


def _in_words(fate: OrderFate) -> str:
    order = fate.order
    if order.side == "stop" and order.stop is None:
        return f"stop of {order.symbol}"
    return order_words(order._asdict())


def _lots(history: AccountHistory) -> Html:
    lots = history.lots
    shown, which = lots, ""
    if len(lots) > MOST_ROWS:
        shown = sorted(lots, key=lambda lot: -abs(lot.pnl))[:MOST_ROWS]
        which = f", the {MOST_ROWS} of {number(len(lots))} that earned or lost most"
    heads = (Head("Asset", text=True, names=True), Head("Shares"), Head("Opened", text=True),
             Head("Closed", text=True), Head("Days"), Head("PnL"))  # fmt: skip
    rows = (
        [
            row_head(lot.symbol, lot.symbol),
            figure(lot.quantity, number(lot.quantity, _digits(lot.quantity))),
            words(lot.opened),
            words(lot.closed),
            figure((lot.closed - lot.opened).days),
            figure(lot.pnl, digits=2),
        ]
        for lot in shown
    )
    return table(f"Lots, first in, first out{which}", heads, rows)


def _falls(falls: Sequence[Drawdown]) -> Html:
    heads = (Head("Peak", text=True, names=True), Head("Lowest", text=True),
             Head("There again", text=True), Head("Depth %"))  # fmt: skip
    return table("Falls of equity from a peak", heads, _rows_of(falls))


def _rows_of(falls: Sequence[Drawdown]) -> Iterator[list[Html]]:
    for fall in falls:
        again = empty("not within the window") if fall.recovered is None else words(fall.recovered)
        depth = figure(fall.depth, percent(fall.depth))
        yield [row_head(_on_one_line(fall.peak), str(fall.peak)), words(fall.trough), again, depth]


def _on_one_line(day: object) -> Html:
    return element("span", day, class_="date")


def _digits(shares: float) -> int:
    return 0 if shares == int(shares) else 2
