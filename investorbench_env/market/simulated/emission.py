"""All texts of a simulated market, in order of time; put into words when they are read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import numpy as np

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import (
    Document,
    DocumentPlaces,
    DocumentTable,
    MadeWhenRead,
)
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated import grammar, noise_words
from investorbench_env.market.simulated.bands import Origin
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.filings import PlannedFiling, plan_filings
from investorbench_env.market.simulated.news import Factor, IntArray, plan_news
from investorbench_env.market.simulated.news_texts import NewsTexts
from investorbench_env.market.simulated.noise import Lasting
from investorbench_env.market.simulated.noise_texts import (
    ORIGIN,
    NoiseTexts,
    document_id,
    fact_documents,
)
from investorbench_env.market.simulated.process import SimulatedPaths

FILED = 1
"""The number of the part that holds filings."""


class TextStream(NamedTuple):
    """Some of the documents of a table, in order of time."""

    available_at: TimeArray
    document: Callable[[int], Document]


class AssetTexts(NamedTuple):
    """The texts of one asset on a path, in order of time."""

    available_at: TimeArray
    """Of each [M]."""
    filings: IntArray
    """The places of those that are no news, ascending."""
    document: Callable[[int], Document]
    """Makes the one at a place."""


def emit(
    dynamics: Dynamics,
    path: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    asset_class: AssetClass,
    vocabulary: str,
    origin: Origin,
    lasts: Lasting | None = None,
    factors: Sequence[Factor] = (),
) -> AssetTexts:
    """All texts of the one path in ``path``.

    Args:
        dynamics, path, sessions, times, asset_class, vocabulary, origin: of the path.
        lasts: what lasts on it; None where nothing does, and then there is no noise either.
        factors: what else its news reports on.
    """
    news = plan_news(dynamics, path, sessions, times, asset_class, [origin], factors)
    own = NewsTexts(news, vocabulary, origin, factors)
    parts = [TextStream(news.available_at, own.document)]
    filings = plan_filings(dynamics, path, sessions, times, origin) if asset_class.filings else []
    expected = [report.sign for report in lasts.reports] if lasts else [0] * len(filings)
    filed = [
        _filing_document(filing, origin.symbol, vocabulary, sign)
        for filing, sign in zip(filings, expected, strict=True)
    ]
    at = np.array([filing.available_at for filing in filings], "datetime64[s]")
    parts.append(TextStream(at, filed.__getitem__))
    if lasts is not None:
        facts, known_at = fact_documents(lasts, times, origin)
        parts.append(TextStream(known_at, facts.__getitem__))
        noise = NoiseTexts(lasts, news, own.document, times, vocabulary, origin)
        parts.append(TextStream(noise.available_at, noise.document))
    available_at, part_of, document = merged(parts)
    return AssetTexts(available_at, np.flatnonzero(part_of == FILED), document)


def table_of(texts: Mapping[str, AssetTexts]) -> DocumentTable:
    """The texts of each asset as one table, whose documents are made when they are read."""
    parts = [TextStream(own.available_at, own.document) for own in texts.values()]
    available_at, part_of, document = merged(parts)
    places = {}
    for number, (symbol, own) in enumerate(texts.items()):
        at = np.flatnonzero(part_of == number).tolist()
        places[symbol] = DocumentPlaces(at, [at[place] for place in own.filings.tolist()])
    return DocumentTable.in_order(MadeWhenRead(len(available_at), document, places), available_at)


def merged(parts: Sequence[TextStream]) -> tuple[TimeArray, IntArray, Callable[[int], Document]]:
    """Documents of several parts in order of time; at one moment, in that of the parts.

    Returns:
        When each appears, the number of its part [M] each, and what makes the one at a place.
    """
    starts = np.cumsum([0, *(len(part.available_at) for part in parts)])
    available_at = np.concatenate([part.available_at for part in parts])
    order = np.argsort(available_at, kind="stable")
    part_of = np.searchsorted(starts, order, side="right") - 1

    def document(place: int) -> Document:
        number = part_of.item(place)
        return parts[number].document(order.item(place) - starts.item(number))

    return available_at[order], part_of, document


def _filing_document(
    filing: PlannedFiling, symbol: str, vocabulary: str, expected: int
) -> Document:
    """A filing, and the sign of what it expects, 0 where it has no guidance."""
    at: datetime = filing.available_at.astype("datetime64[s]").item()
    statements = partial(grammar.filing, symbol, vocabulary, filing.statements, filing.number)
    return Document.written_later(
        partial(_report, statements, symbol, vocabulary, expected, filing.number)
        if expected
        else statements,
        kind=filing.kind,
        symbol=symbol,
        available_at=at.replace(tzinfo=UTC),
        title=f"Form {filing.kind} of {symbol}",
        sentiment=None,
        source=ORIGIN,
        id=document_id(symbol, filing.kind, filing.session, filing.number),
    )


def _report(
    statements: Callable[[], str], symbol: str, vocabulary: str, expected: int, number: int
) -> str:
    outlook = noise_words.guidance(symbol, vocabulary, expected, number)
    return noise_words.report(statements(), outlook, number)
