"""An experiment as one page of HTML, which loads nothing; its one program sorts tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from investorbench.tasks.live.experiment.drawing import areas_chart, lines_chart
from investorbench.tasks.live.experiment.figures import (
    START,
    figures_in,
    history_in,
    index_curve,
    sessions_of,
)
from investorbench.tasks.live.experiment.ledger import Ledger
from investorbench.tasks.live.experiment.remarks import remark_on
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench.tasks.live.experiment.view import LedgerView, readable
from investorbench.tasks.order_fates import order_fates
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.page import page_file, program_hash
from investorbench.tasks.report.portfolio_tables import HeldPortfolio, portfolio_tables
from investorbench.tasks.report.tables import Head, empty, figure, row_head, table, words
from investorbench.tasks.wording import count, number, percent
from investorbench_env.errors import InvestorBenchError

NAMES = {"^GSPC": "S&P 500", "^RUT": "Russell 2000"}
TOO_FEW = "fewer than three sessions"
POLICY = "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
PROGRAMS = ("elements", "tables")
SORTING = 'document.querySelectorAll("table.sortable").forEach(makeSortable);'
STYLE = """
svg.plain { display: block; width: 100%; height: auto; }
svg.plain .line { stroke: var(--c); stroke-width: 2; }
svg.plain .area { fill: var(--c); stroke: var(--ground); stroke-width: .5; }
svg.plain .grid { stroke: var(--rule); stroke-width: 1; }
svg.plain text { fill: var(--faint); font-size: 13px; }
svg.plain .scale-y { text-anchor: end; dominant-baseline: middle; }
@media (max-width: 40rem) { svg.plain text { font-size: 24px; } }
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
    with Ledger(folder / LEDGER) as ledger, readable(ledger.path):
        return _page(LedgerView(ledger.entries()))


def _page(view: LedgerView) -> str:
    if not view.sessions:
        raise InvestorBenchError("no session was taken yet: there is nothing to report")
    names = [agent.name for agent in view.settings.agents]
    held = [_held(view, name) for name in names]
    known = [each for each in held if each is not None]
    links = {"accounts": "Accounts", **{_id(n): each.agent for n, each in enumerate(known)}}
    links |= ({"orders": "Orders and lots"} if known else {}) | {"data": "Prices"}
    parts = [
        _accounts(view, [each or name for each, name in zip(held, names, strict=True)]),
        *(_account(n, each, view.sessions) for n, each in enumerate(known)),
        _orders(known) if known else None,
        _data(view),
    ]
    listed = (element("li", element("a", text, href=f"#{name}")) for name, text in links.items())
    body = join(
        element("a", "Skip to the figures", class_="skip", href="#main"),
        element("header", element("h1", "Forward-only experiment"), *_lead(view)),
        element("nav", element("ul", *listed), aria_label="Parts of the page"),
        element("main", *parts, id="main"),
        element("footer", element("p", f"The ledger's last entry has the hash {view.head}.")),
        element("p", id="message", class_="unseen", role="status", aria_live="polite"),
    )
    return str(join(Html("<!doctype html>\n"), _document(body)))


def _document(body: Html) -> Html:
    program = "\n".join([*(page_file("js", f"{name}.js") for name in PROGRAMS), SORTING])
    policy = f"default-src 'none'; script-src {program_hash(program)}; {POLICY}"
    head = element(
        "head",
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        element("title", "InvestorBench: forward-only experiment"),
        element("style", Html(page_file("report.css") + STYLE)),
    )
    script = element("script", Html(program))
    return element("html", head, element("body", body, script), lang="en-GB")


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


def _accounts(view: LedgerView, accounts: Sequence[HeldPortfolio | str]) -> Html:
    cash = view.settings.initial_cash
    curves: dict[str, Sequence[float]] = {
        each.agent: [START * value / cash for value in each.history.equity.values()]
        for each in accounts
        if not isinstance(each, str)
    }
    for symbol in view.settings.indices:
        if (curve := index_curve(view, symbol)) is not None:
            curves[NAMES.get(symbol, symbol)] = curve
    heads = [Head("Agent", text=True, names=True)] + [
        Head(name) for name in ("Equity", "Return, %", "MDD, %", "Sharpe a year", "Beta", "Fills",
                                "Rejected", "Costs")
    ]  # fmt: skip
    what = "What $100 came to, in each account and in the indices"
    return element(
        "section",
        element("h2", "Accounts", id="accounts-title"),
        table("Each account after the last session", heads, (_row(view, one) for one in accounts)),
        lines_chart(what, view.sessions, curves) if curves else None,
        id="accounts", aria_labelledby="accounts-title",
    )  # fmt: skip


def _orders(held: Sequence[HeldPortfolio]) -> Html:
    return element(
        "section",
        element("h2", "Orders and lots", id="orders-title"),
        portfolio_tables(held, "Spread, lots and falls"),
        id="orders", aria_labelledby="orders-title",
    )  # fmt: skip


def _row(view: LedgerView, each: HeldPortfolio | str) -> list[Html]:
    agent = each if isinstance(each, str) else each.agent
    last = view.account(view.sessions[-1], agent)
    assert last is not None  # every agent has one of each session
    gained = last.content["equity"] / view.settings.initial_cash - 1.0
    entries = (view.account(session, agent) for session in view.sessions)
    contents = [entry.content for entry in entries if entry is not None]
    return [
        row_head(agent, agent),
        figure(last.content["equity"], digits=2),
        figure(gained, percent(gained, 2)),
        *([empty(TOO_FEW)] * 3 if isinstance(each, str) else _risk(each)),
        figure(sum(len(content["fills"]) for content in contents)),
        figure(sum(len(content["rejections"]) for content in contents)),
        figure(last.content["portfolio"]["costs"], digits=2),
    ]


def _risk(each: HeldPortfolio) -> list[Html]:
    risk, market = each.figures.risk, next(iter(each.figures.markets.values()), None)
    sharpe = risk.sharpe_a_year
    return [
        figure(risk.max_drawdown, percent(risk.max_drawdown, 2)),
        empty(sharpe.reason or TOO_FEW) if sharpe.value is None else figure(
            sharpe.value, digits=2
        ),
        empty("no index to compare with") if market is None else figure(market.beta, digits=2),
    ]  # fmt: skip


def _account(place: int, each: HeldPortfolio, days: Sequence[str]) -> Html:
    peak, falls = 0.0, []
    for value in each.history.equity.values():
        peak = max(peak, value)
        falls.append(100.0 * (value / peak - 1.0))
    equity = np.array(list(each.history.equity.values()))
    shares = each.history.values / equity[:, None]
    weights = {
        symbol: shares[:, asset].tolist() for asset, symbol in enumerate(each.history.symbols)
    }
    return element(
        "section",
        element("h2", each.agent, id=f"{_id(place)}-title"),
        areas_chart(
            f"Weights of {each.agent} over time", days,
            weights | {"cash": (each.history.cash / equity).tolist()},
        ),
        lines_chart(f"Drawdown of {each.agent}, in percent", days, {each.agent: falls}, most=0.0),
        id=_id(place), aria_labelledby=f"{_id(place)}-title",
    )  # fmt: skip


def _held(view: LedgerView, agent: str) -> HeldPortfolio | None:
    history = history_in(view, agent)
    figures = figures_in(view, history)
    if figures is None:
        return None
    sessions = sessions_of(view, agent)
    reasons = [each.reason for session in sessions for each in session.rejections]
    return HeldPortfolio(agent, history, figures, order_fates(sessions), reasons)


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
        table("What was odd about prices, and what was corrected", heads, rows)
        if rows
        else element("p", "Nothing was odd about them."),
        id="data", aria_labelledby="data-title",
    )  # fmt: skip


def _texts(*names: str) -> list[Head]:
    """Heads of columns of words."""
    return [Head(name, text=True) for name in names]


def _id(place: int) -> str:
    return f"agent-{place + 1}"
