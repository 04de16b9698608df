"""Prices of a session from several sources: which is used, where they differ, what changed since.

Prices are kept as traded. An index that no source has is stood for by the fund that tracks it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from investorbench.tasks.live.experiment.ledger import LedgerEntry
from investorbench.tasks.live.experiment.quotes import (
    PRICES,
    Action,
    ListedAction,
    PriceSource,
    Quote,
    Quoted,
    closes_before,
    difference,
    disagreements,
)
from investorbench.tasks.live.experiment.settings import ExperimentSettings
from investorbench.tasks.live.experiment.view import NO_ACTIONS, LedgerView, plain_quote
from investorbench_env.errors import InvestorBenchError, MissingDependencyError
from investorbench_env.market.sources.contracts import UNREADABLE, UnforeseenFormError
from investorbench_env.market.sources.http import NotReachedError, RefusedError
from investorbench_env.market.sources.proxies import PROXIES
from investorbench_env.market.sources.source import KeyProblemError

OUT = (KeyProblemError, MissingDependencyError, NotReachedError, RefusedError)
"""Errors that the next symbol would meet as well: the source is not asked again in the step."""
SAME = 1e-5
"""Figures nearer than this share are the same, restated for a split since."""
ROUNDED = 1e-3
"""Amounts nearer than this share are the same."""
SMALLEST_SPLIT = 0.05
"""By what share prices differ at least where all of them are divided by a split."""
Write = Callable[..., LedgerEntry]
"""Writes an entry: kind, content, session, subject."""


class NoPricesError(InvestorBenchError):
    """No source has a price of the session; nothing was changed."""


@dataclass(slots=True)
class Gathered:
    """What the sources said.

    Attributes:
        since: the first session that they were asked for.
        answers: of each symbol, in the order of the sources.
        faults: of each source the reasons why it gave nothing, and of which symbols.
    """

    since: str
    answers: dict[str, list[Quoted]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def actions(self, symbol: str) -> list[ListedAction] | None:
        """What the first source that lists any has; None where none does."""
        listed = (quoted.actions for quoted in self.answers[symbol])
        found = next((actions for actions in listed if actions is not None), None)
        if found is None:
            return None
        return [each for each in found if each.is_possible]

    def quotes(self, quoted: Quoted, symbol: str, known: list[ListedAction]) -> dict[str, Quote]:
        """Of one answer as traded; by splits that are known where no source lists any now."""
        listed = self.actions(symbol)
        return quoted.as_traded(known if listed is None else listed)


def gather(
    settings: ExperimentSettings, sources: Sequence[PriceSource], first: str, last: str
) -> Gathered:
    """Ask every source for every asset and index; for an index that none has, for its fund.

    Args:
        settings: with the symbols.
        sources: in their order.
        first: first session.
        last: last session, of which a price is wanted.

    Raises:
        NoPricesError: there is none of any asset.
    """
    found, out = Gathered(first), set[str]()
    span = date.fromisoformat(first), date.fromisoformat(last)
    for symbol in (*settings.symbols, *settings.indices):
        _ask(found, out, sources, symbol, symbol, *span)
        proxy = PROXIES.get(symbol)
        if proxy is not None and not any(last in each.quotes for each in found.answers[symbol]):
            _ask(found, out, sources, symbol, proxy.symbol, *span)
    if not any(last in each.quotes for name in settings.symbols for each in found.answers[name]):
        why = "; ".join(dict.fromkeys(reason for _, reason in found.faults)) or "none has it yet"
        raise NoPricesError(
            f"no source has a price of {last} ({why}): nothing was changed; step again later"
        )
    return found


def _ask(
    found: Gathered, out: set[str], sources: Sequence[PriceSource], symbol: str, asked: str,
    first: date, last: date,
) -> None:  # fmt: skip
    """Ask the sources that still answer for one symbol."""
    for source in sources:
        if source.name in out:
            continue
        try:
            found.answers[symbol].append(source.ask(asked, first, last))
        except InvestorBenchError as error:
            found.faults[source.name, str(error)].append(asked)
            if isinstance(error, OUT):
                out.add(source.name)
        except (OSError, *UNREADABLE) as error:
            reason = str(UnforeseenFormError(source.name, error))
            found.faults[source.name, reason].append(asked)


def write_history(
    settings: ExperimentSettings, gathered: Gathered, before: str, write: Write
) -> None:
    """Keep the sessions before the first, of which agents are shown the prices."""
    for symbol in (*settings.symbols, *settings.indices):
        for quoted in gathered.answers[symbol][:1]:
            quotes = gathered.quotes(quoted, symbol, [])
            content = {
                "source": quoted.source,
                "asked": quoted.asked,
                "quotes": {
                    session: plain_quote(quote)
                    for session, quote in sorted(quotes.items())
                    if session < before
                },
                "actions": [
                    list(each) for each in gathered.actions(symbol) or () if each.session < before
                ],
                "answer": dict(quoted.answer),
            }
            write("history", content, before, symbol)


def write_prices(view: LedgerView, gathered: Gathered, session: str, write: Write) -> None:
    """Keep every price of a session with its source, and flag what is odd about it."""
    settings = view.settings
    for symbol in (*settings.symbols, *settings.indices):
        kept: list[tuple[LedgerEntry, Quote]] = []
        for quoted in gathered.answers[symbol]:
            quotes = gathered.quotes(quoted, symbol, view.actions(symbol))
            if session not in quotes:
                if (given := quoted.quotes.get(session)) is not None:
                    refused = {"source": quoted.source, "quote": plain_quote(given)}
                    write("impossible", refused, session, symbol)
                continue
            quote = quotes[session]
            content = _price(quoted, quote, closes_before(quotes).get(session), is_used=not kept)
            kept.append((write("price", content, session, symbol), quote))
        if not kept:
            write("stale", {"reason": _why_stale(gathered, symbol)}, session, symbol)
            continue
        for number, found in disagreements([quote for _, quote in kept], settings.tolerance):
            entries = [kept[place][0] for place in (0, number)]
            content = {
                "entries": [entry.number for entry in entries],
                "sources": [entry.content["source"] for entry in entries],
                "field": found.field,
                "figures": [found.one, found.other],
                "share": found.share,
            }
            write("disagreement", content, session, symbol)


def _price(quoted: Quoted, quote: Quote, before: float | None, *, is_used: bool) -> dict[str, Any]:
    return {
        "source": quoted.source,
        "asked": quoted.asked,
        "used": is_used,
        **dict(zip((*PRICES, "volume"), plain_quote(quote), strict=True)),
        "before": before,
        "answer": dict(quoted.answer),
    }


def _why_stale(gathered: Gathered, symbol: str) -> str:
    reasons = [reason for (_, reason), symbols in gathered.faults.items() if symbol in symbols]
    return "; ".join(reasons) or "no source has a price of it"


def write_outages(gathered: Gathered, session: str, write: Write) -> None:
    """Keep which sources did not answer, why, and of what."""
    for (source, reason), symbols in gathered.faults.items():
        write("outage", {"reason": reason, "symbols": symbols}, session, source)


def write_actions(
    view: LedgerView, gathered: Gathered, sessions: Sequence[str], write: Write
) -> str | None:
    """Keep new dividends and splits apart from prices, those of past sessions as corrections.

    One that is listed no more, or of another session now, is corrected to one that changes nothing.

    Args:
        view: what is known.
        gathered: what the sources said.
        sessions: that are being taken.
        write: writes an entry.

    Returns:
        The earliest session whose accounts they change though it was taken; None for none.
    """
    all_sessions = [*view.sessions, *sessions]
    changed: list[str] = []
    for symbol in view.settings.symbols:
        for listed in _news(view, gathered, symbol, all_sessions):
            before = view.action(listed.session, symbol, listed.action)
            known = NO_ACTIONS[listed.action] if before is None else before.content["amount"]
            if _is_same(known, listed.amount):
                continue
            content: dict[str, Any] = {"action": listed.action, "amount": listed.amount}
            if before is not None:
                content["corrects"] = before.number
            if listed.session not in sessions:
                content["late"] = True
                changed.append(listed.session)
            write("action", content, listed.session, symbol)
    return min(changed, default=None)


def _is_same(one: float, other: float) -> bool:
    """Whether two amounts are one, which a source may have rounded in the shares after a split."""
    return abs(one - other) < ROUNDED * abs(other) or one == other


def _news(
    view: LedgerView, gathered: Gathered, symbol: str, sessions: Sequence[str]
) -> Iterator[ListedAction]:
    """What is listed after the first session, and in place of what is not any more, nothing."""
    listed = gathered.actions(symbol)
    if listed is None:
        return
    found = _within(listed, sessions)
    since = max(gathered.since, sessions[0])
    for each in view.actions(symbol):
        if each.session > since:
            found.setdefault((each.session, each.action), NO_ACTIONS[each.action])
    for (session, action), amount in found.items():
        yield ListedAction(session, action, amount)


def _within(
    listed: Iterable[ListedAction], sessions: Sequence[str]
) -> dict[tuple[str, Action], float]:
    """Amounts after the first session by session: of a day without one, with those of the next."""
    found: dict[tuple[str, Action], float] = {}
    for each in listed:
        at = next((session for session in sessions[1:] if session >= each.session), None)
        if at is not None and each.session > sessions[0]:
            key = at, each.action
            before = found.get(key, NO_ACTIONS[each.action])
            is_split = each.action == "split"
            found[key] = before * each.amount if is_split else before + each.amount
    return found


def write_revisions(view: LedgerView, gathered: Gathered, at: str, write: Write) -> None:
    """Keep what sources now say otherwise of sessions before; accounts stay as they are.

    Where a source divides all of them by one figure, it knows of a split that none lists yet.
    """
    for symbol in (*view.settings.symbols, *view.settings.indices):
        for quoted in gathered.answers[symbol]:
            changes = list(_changes(view, gathered, quoted, symbol, at))
            ratios = [change.now.close / change.before.close for change in changes]
            is_restated = len(ratios) > 1 and max(ratios) - min(ratios) < SAME * max(ratios)
            if is_restated and abs(ratios[0] - 1.0) > SMALLEST_SPLIT:
                entries = [change.price.number for change in changes]
                content = {"source": quoted.source, "ratio": ratios[0], "entries": entries}
                write("restated", content, at, symbol)
                continue
            for price, before, now in changes:
                content = {
                    "corrects": price.number,
                    "source": quoted.source,
                    **dict(zip((*PRICES, "volume"), plain_quote(now), strict=True)),
                    "was": dict(zip((*PRICES, "volume"), plain_quote(before), strict=True)),
                }
                write("revision", content, price.session, symbol)


class _Change(NamedTuple):
    """A price that its source now gives otherwise."""

    price: LedgerEntry
    before: Quote
    now: Quote


def _changes(
    view: LedgerView, gathered: Gathered, quoted: Quoted, symbol: str, at: str
) -> Iterator[_Change]:
    quotes = gathered.quotes(quoted, symbol, view.actions(symbol))
    for session in sorted(set(quotes) & set(view.sessions)):
        for price in view.prices(session, symbol) if session < at else ():
            before = view.latest_quote(price)
            is_its = (price.content["source"], price.content["asked"]) == (
                quoted.source, quoted.asked
            )  # fmt: skip
            if is_its and difference(before, quotes[session]).share > SAME:
                yield _Change(price, before, quotes[session])
