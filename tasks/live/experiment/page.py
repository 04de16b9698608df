"""An experiment as one page of HTML, which loads nothing and runs no program."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from investorbench.tasks.live.experiment.drawing import areas_chart, lines_chart
from investorbench.tasks.live.experiment.figures import (
    START,
    LedgerFigures,
    figures_of,
    index_curve,
)
from investorbench.tasks.live.experiment.ledger import Ledger
from investorbench.tasks.live.experiment.remarks import remark_on
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.tables import Head, empty, figure, row_head, table, words
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import count, number, percent
from investorbench_env.errors import InvestorBenchError

NAMES = {"^GSPC": "S&P 500", "^RUT": "Russell 2000"}
MOST_ROWS = 200
"""Orders of one account that are shown, the latest of them."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
svg.plain { display: block; width: 100%; height: auto; }
svg.plain .line { stroke: var(--c); stroke-width: 2; }
svg.plain .area { fill: var(--c); stroke: var(--ground); stroke-width: .5; }
svg.plain .grid { stroke: var(--rule); stroke-width: 1; }
svg.plain text { fill: var(--faint); font-size: 13px; }
svg.plain .scale-y { text-anchor: end; dominant-baseline: middle; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; padding: 0;
  margin: .4rem 0; font-size: .9rem; }
.key { display: inline-block; width: .8em; height: .8em; background: var(--c); }
.c0 { --c: #0072b2; } .c1 { --c: #d55e00; } .c2 { --c: #009e73; } .c3 { --c: #a83279; }
.c4 { --c: #b8860b; } .c5 { --c: #5b4bc4; } .c6 { --c: #56a0d3; } .c7 { --c: #8a8f98; }
"""


def report(folder: Path) -> str:
    """The page of an experiment.

    Raises:
        LedgerError: there is none, or it cannot be read.
        InvestorBenchError: no session was taken yet.
    """
    with Ledger(folder / LEDGER) as ledger:
        view = LedgerView(ledger.entries())
    if not view.sessions:
        raise InvestorBenchError("no session was taken yet: there is nothing to report")
    accounts = [figures_of(view, agent.name) for agent in view.settings.agents]
    links = {"accounts": "Accounts", **{_id(n): each.agent for n, each in enumerate(accounts)}}
    links["data"] = "Prices"
    parts = [
        _accounts(view, accounts),
        *(_account(view, n, each) for n, each in enumerate(accounts)),
        _data(view),
    ]
    listed = (element("li", element("a", text, href=f"#{name}")) for name, text in links.items())
    body = join(
        element("a", "Skip to the figures", class_="skip", href="#main"),
        element("header", element("h1", "Forward-only experiment"), *_lead(view)),
        element("nav", element("ul", *listed), aria_label="Parts of the page"),
        element("main", *parts, id="main"),
        element("footer", element("p", f"The ledger's last entry has the hash {view.head}.")),
    )
    return str(join(Html("<!doctype html>\n"), _document(body)))


def _document(body: Html) -> Html:
    css = files("investorbench.tasks.report").joinpath("page", "report.css").read_text("utf-8")
    head = element(
        "head",
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        element("title", "InvestorBench: forward-only experiment"),
        element("style", Html(css + STYLE)),
    )
    return element("html", head, element("body", body), lang="en-GB")


def _lead(view: LedgerView) -> Iterator[Html]:
    settings = view.settings
    agents, assets = count(len(settings.agents), "agent"), count(len(settings.symbols), "asset")
    sessions = f"{count(len(view.sessions), 'session')}, {view.sessions[0]} to {view.sessions[-1]}"
    yield element("p", f"{agents} on {assets} ({', '.join(settings.symbols)}): {sessions}.")
    rules = settings.profile or "the standard ones"
    yield element(
        "p", f"Each began with {number(settings.initial_cash, 2)}; costs and constraints: {rules}. "
        f"{count(len(view.missed), 'session')} missed. Past returns are no promise.",
        class_="setting",
    )  # fmt: skip


def _accounts(view: LedgerView, accounts: Sequence[LedgerFigures]) -> Html:
    cash = view.settings.initial_cash
    curves = {each.agent: [START * v / cash for v in each.equity] for each in accounts}
    for symbol in view.settings.indices:
        if (curve := index_curve(view, symbol)) is not None:
            curves[NAMES.get(symbol, symbol)] = curve
    heads = [Head("Agent", text=True, names=True)] + [
        Head(name) for name in ("Equity", "Return, %", "MDD, %", "Sharpe a year", "Beta", "Fills",
                                "Lots", "Won, %", "Mean profit", "Rejected", "Costs")
    ]  # fmt: skip
    rows = [_row(view, each) for each in accounts]
    return element(
        "section",
        element("h2", "Accounts", id="accounts-title"),
        table("Each account after the last session", heads, rows, sortable=False),
        lines_chart("What $100 came to, in each account and in the indices", view.sessions, curves),
        id="accounts", aria_labelledby="accounts-title",
    )  # fmt: skip


def _row(view: LedgerView, each: LedgerFigures) -> list[Html]:
    last = view.account(view.sessions[-1], each.agent)
    assert last is not None  # every agent has one of each session
    gained = each.equity[-1] / view.settings.initial_cash - 1.0
    soon, market = "fewer than three sessions", each.market
    return [
        row_head(each.agent, each.agent),
        figure(each.equity[-1], digits=2),
        figure(gained, percent(gained, 2)),
        empty(soon) if each.risk is None else figure(
            each.risk.max_drawdown, percent(each.risk.max_drawdown, 2)
        ),
        empty(soon) if each.risk is None else _estimate(each.risk.sharpe_a_year),
        empty("no market to compare with") if market is None else figure(market.beta, digits=2),
        figure(len(each.fills)),
        figure(len(each.lots)),
        _estimate(each.trades.win_rate, of_hundred=True),
        _estimate(each.trades.expectancy),
        figure(each.rejected.total()),
        figure(last.content["portfolio"]["costs"], digits=2),
    ]  # fmt: skip


def _estimate(found: Estimate, *, of_hundred: bool = False) -> Html:
    if found.value is None:
        return empty(found.reason or "no figure")
    shown = percent(found.value, 1) if of_hundred else number(found.value, 2)
    return figure(found.value, shown)


def _account(view: LedgerView, place: int, each: LedgerFigures) -> Html:
    peak, falls = 0.0, []
    for value in each.equity:
        peak = max(peak, value)
        falls.append(100.0 * (value / peak - 1.0))
    fates = [
        [row_head(day, day), words(order), words(fate)]
        for day, order, fate in reversed(each.fates[-MOST_ROWS:])
    ]
    by_rule = [[row_head(rule, rule), figure(n)] for rule, n in each.rejected.most_common()]
    lots = [
        [
            row_head(lot.symbol, lot.symbol), figure(lot.quantity, f"{lot.quantity:,.6g}"),
            words(lot.opened), words(lot.closed), figure(lot.pnl, digits=2),
        ]
        for lot in reversed(each.lots[-MOST_ROWS:])
    ]  # fmt: skip
    return element(
        "section",
        element("h2", each.agent, id=f"{_id(place)}-title"),
        areas_chart(f"Weights of {each.agent} over time", view.sessions, each.weights),
        lines_chart(f"Drawdown of {each.agent}, in percent", view.sessions, {each.agent: falls}),
        table(
            f"Orders of {each.agent} and what became of them, the latest first",
            [Head("Session", text=True, names=True), *_texts("Order", "Fate")],
            fates, sortable=False,
        ),
        table(
            "Rejections by rule", [Head("Rule", text=True, names=True), Head("Orders")], by_rule,
            sortable=False,
        ) if by_rule else None,
        table(
            "Lots that were sold, in today's shares, the latest first",
            [Head("Asset", text=True, names=True), Head("Shares"), *_texts("Bought", "Sold"),
             Head("Profit")],
            lots, sortable=False,
        ) if lots else None,
        id=_id(place), aria_labelledby=f"{_id(place)}-title",
    )  # fmt: skip


def _data(view: LedgerView) -> Html:
    rows = [
        [row_head(entry.session, entry.session), words(entry.subject), words(entry.kind),
         words(said)]
        for entry in view.entries
        if (said := remark_on(entry)) is not None
    ]  # fmt: skip
    sources = {
        f"{each.content['source']} ({each.content['asked']} for {each.subject})"
        if each.content["asked"] != each.subject
        else each.content["source"]
        for each in view.entries
        if each.kind == "price" and each.content["used"]
    }
    heads = [Head("Session", names=True, text=True), *_texts("Of", "What", "How")]
    return element(
        "section",
        element("h2", "Prices", id="data-title"),
        element("p", f"Prices that were used came from {', '.join(sorted(sources))}."),
        table("What was odd about prices, and what was corrected", heads, rows, sortable=False)
        if rows
        else element("p", "Nothing was odd about them."),
        id="data", aria_labelledby="data-title",
    )  # fmt: skip


def _texts(*names: str) -> list[Head]:
    """Heads of columns of words."""
    return [Head(name, text=True) for name in names]


def _id(place: int) -> str:
    return f"agent-{place + 1}"
