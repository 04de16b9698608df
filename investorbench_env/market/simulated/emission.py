"""All texts of a simulated market: what there is to say, put into words in order of time."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import NEWS, Document, DocumentTable, Sentiment
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated import grammar
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.filings import plan_filings
from investorbench_env.market.simulated.items import Item
from investorbench_env.market.simulated.news import plan_news
from investorbench_env.market.simulated.process import SimulatedPaths

ORIGIN = "simulated newswire"
REMEMBERED = 12
"""How many of the latest texts about the asset a repeat chooses from."""


def emit(
    dynamics: Dynamics,
    path: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    symbol: str,
    asset_class: AssetClass,
    vocabulary: str,
    entropy: Sequence[int],
) -> DocumentTable:
    """All texts of the first path, in words."""
    items = plan_news(dynamics, path, sessions, times, asset_class, entropy)
    if asset_class.filings:
        items += plan_filings(dynamics, path, sessions, times, entropy)
    return DocumentTable(tuple(put_into_words(items, symbol, vocabulary)))


def put_into_words(items: Sequence[Item], symbol: str, vocabulary: str) -> Iterator[Document]:
    """The documents of items, in order of time; a repeat repeats what has appeared by then."""
    recent: deque[tuple[str, Sentiment | None]] = deque(maxlen=REMEMBERED)
    for item in sorted(items, key=lambda item: item.available_at):
        sentiment = item.sentiment
        if item.kind != NEWS:
            text = grammar.filing(symbol, vocabulary, item.statements, item.number)
        elif item.about == "repeat" and recent:
            old, sentiment = recent[item.number % len(recent)]
            text = grammar.repeat(old, item.number)
        else:
            text = _news_text(item, symbol, vocabulary)
        if item.about == "own" and item.kind == NEWS:
            recent.append((text, sentiment))
        yield Document(
            kind=item.kind,
            symbol=symbol,
            available_at=_moment(item.available_at),
            title="" if item.kind == NEWS else f"Form {item.kind} of {symbol}",
            text=text,
            sentiment=sentiment,
            source=ORIGIN,
            id=f"{symbol}-{item.kind}-{item.session}-{item.number & 0xFFFFFFFF:08x}",
        )


def _news_text(item: Item, symbol: str, vocabulary: str) -> str:
    if item.about in ("nothing", "repeat"):
        return grammar.trivia(symbol, item.number)
    topic, polarity = item.statements[0]
    firm = grammar.bystander(vocabulary, item.number) if item.about == "other" else symbol
    return grammar.news(firm, vocabulary, topic, polarity, item.number)


def _moment(time: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(time.astype("datetime64[s]").astype(np.int64)), tz=UTC)
