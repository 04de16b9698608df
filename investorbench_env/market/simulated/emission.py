"""All texts of a simulated market, in order of time; put into words when they are read."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import numpy as np

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import NEWS, Document, DocumentTable
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated import grammar
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
from investorbench_env.market.simulated.process import SimulatedPaths

ORIGIN = "simulated newswire"


def emit(
    dynamics: Dynamics,
    path: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    asset_class: AssetClass,
    vocabulary: str,
    origin: Origin,
) -> DocumentTable:
    """All texts of the one path in ``path``."""
    news = plan_news(dynamics, path, sessions, times, asset_class, [origin])
    rows = news_documents(news, vocabulary, origin)
    available_at = news.available_at
    if asset_class.filings:
        filings = plan_filings(dynamics, path, sessions, times, origin)
        filed = np.array([filing.available_at for filing in filings], dtype="datetime64[s]")
        at = np.searchsorted(available_at, filed, side="right")
        available_at = np.insert(available_at, at, filed)
        for place, filing in reversed([*zip(at.tolist(), filings, strict=True)]):
            rows.insert(place, _filing_document(filing, origin.symbol, vocabulary))
    return DocumentTable.in_order(tuple(rows), available_at)


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
                id=f"{symbol}-{NEWS}-{session}-{number & 0xFFFFFFFF:08x}",
            )
        )
    return rows


def _repeat(original: Document, number: int) -> str:
    return grammar.repeat(original.text, number)


def _filing_document(filing: PlannedFiling, symbol: str, vocabulary: str) -> Document:
    at: datetime = filing.available_at.astype("datetime64[s]").item()
    return Document.written_later(
        partial(grammar.filing, symbol, vocabulary, filing.statements, filing.number),
        kind=filing.kind,
        symbol=symbol,
        available_at=at.replace(tzinfo=UTC),
        title=f"Form {filing.kind} of {symbol}",
        sentiment=None,
        source=ORIGIN,
        id=f"{symbol}-{filing.kind}-{filing.session}-{filing.number & 0xFFFFFFFF:08x}",
    )
