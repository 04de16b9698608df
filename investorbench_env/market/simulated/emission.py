"""All texts of a simulated market, in order of time; put into words when they are read."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import numpy as np

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import NEWS, Document, DocumentTable, MadeWhenRead
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated import grammar, noise_words
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.dynamics import TOPICS, Dynamics
from investorbench_env.market.simulated.filings import PlannedFiling, plan_filings
from investorbench_env.market.simulated.news import (
    LABELS,
    NOTHING,
    OTHER,
    News,
    plan_news,
)
from investorbench_env.market.simulated.noise import Lasting
from investorbench_env.market.simulated.noise_texts import (
    ORIGIN,
    NoiseTexts,
    document_id,
    fact_documents,
)
from investorbench_env.market.simulated.process import SimulatedPaths


def emit(
    dynamics: Dynamics,
    path: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    asset_class: AssetClass,
    vocabulary: str,
    origin: Origin,
    lasts: Lasting | None = None,
) -> DocumentTable:
    """All texts of the one path in ``path``.

    Args:
        dynamics, path, sessions, times, asset_class, vocabulary, origin: of the path.
        lasts: what lasts on it; None where nothing does, and then there is no noise either.
    """
    news = plan_news(dynamics, path, sessions, times, asset_class, [origin])
    own = news_documents(news, vocabulary, origin)
    rows, available_at = own, news.available_at
    if asset_class.filings:
        filings = plan_filings(dynamics, path, sessions, times, origin)
        expected = [report.sign for report in lasts.reports] if lasts else [0] * len(filings)
        filed = np.array([filing.available_at for filing in filings], dtype="datetime64[s]")
        at = np.searchsorted(available_at, filed, side="right")
        rows, available_at = [*own], np.insert(available_at, at, filed)
        for place, filing, sign in reversed([*zip(at.tolist(), filings, expected, strict=True)]):
            rows.insert(place, _filing_document(filing, origin.symbol, vocabulary, sign))
    if lasts is None:
        return DocumentTable.in_order(tuple(rows), available_at)
    facts, known_at = fact_documents(lasts, times, origin)
    there = [*rows, *facts]
    noise = NoiseTexts(lasts, news, own, times, vocabulary, origin)
    available_at = np.concatenate([available_at, known_at, noise.available_at])
    order = np.argsort(available_at, kind="stable")
    filed_at = np.flatnonzero([row.is_filing for row in there])

    def document(place: int) -> Document:
        number = order.item(place)
        return there[number] if number < len(there) else noise.document(number - len(there))

    made = MadeWhenRead(len(order), document, np.flatnonzero(np.isin(order, filed_at)).tolist())
    return DocumentTable.in_order(made, available_at[order])


def word_numbers(count: int, origin: Origin) -> list[int]:
    """What fixes the words of each of the news of a path."""
    halves = origin.generator(Purpose.WORDS).integers(1 << 62, size=(count, 2)).tolist()
    return [first << 62 | second for first, second in halves]


def news_documents(news: News, vocabulary: str, origin: Origin) -> list[Document]:
    """The news of one path."""
    symbol = origin.symbol
    rows: list[Document] = []
    for session, at, about, topic, polarity, label, original, number in zip(
        news.session.tolist(),
        news.available_at.astype(np.int64).tolist(),
        news.about.tolist(),
        news.topic.tolist(),
        news.polarity.tolist(),
        news.label.tolist(),
        news.original.tolist(),
        word_numbers(len(news.session), origin),
        strict=True,
    ):
        write: Callable[[], str]
        if original >= 0:
            write = partial(_repeat, rows[original], number)
        elif about == NOTHING:
            write = partial(grammar.trivia, symbol, number)
        else:
            firm = grammar.bystander(vocabulary, number) if about == OTHER else symbol
            write = partial(grammar.news, firm, vocabulary, TOPICS[topic], polarity, number)
        rows.append(
            Document.written_later(
                write,
                kind=NEWS,
                symbol=symbol,
                available_at=datetime.fromtimestamp(at, UTC),
                title="",
                sentiment=LABELS[label],
                source=ORIGIN,
                id=document_id(symbol, NEWS, session, number),
            )
        )
    return rows


def _repeat(original: Document, number: int) -> str:
    return grammar.repeat(original.text, number)


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
