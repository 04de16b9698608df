"""The texts of news, as documents that are made when they are read."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import numpy as np

from investorbench_env.market.documents import NEWS, Document
from investorbench_env.market.simulated import grammar
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.dynamics import TOPICS
from investorbench_env.market.simulated.news import (
    FACTOR,
    LABELS,
    NOTHING,
    OTHER,
    Factor,
    News,
)
from investorbench_env.market.simulated.noise_texts import ORIGIN, document_id


class NewsTexts:
    """The news of one path, in the order in which it appears.

    Args:
        news: of the path.
        vocabulary: what texts talk about.
        origin: of the path.
        factors: what else it reports on.
    """

    def __init__(
        self, news: News, vocabulary: str, origin: Origin, factors: Sequence[Factor] = ()
    ) -> None:
        self._vocabulary, self._origin = vocabulary, origin
        # Their names and words alone: what is handed out must not lead to their states.
        self._factors = [(factor.name, factor.vocabulary) for factor in factors]
        self._rows = list(
            zip(
                news.session.tolist(),
                news.available_at.astype(np.int64).tolist(),
                news.about.tolist(),
                news.topic.tolist(),
                news.polarity.tolist(),
                news.label.tolist(),
                news.original.tolist(),
                word_numbers(len(news.session), origin),
                strict=True,
            )
        )

    def __len__(self) -> int:
        return len(self._rows)

    def document(self, place: int) -> Document:
        """The one at a place."""
        session, at, _, _, _, label, _, number = self._rows[place]
        symbol = self._origin.symbol
        return Document.written_later(
            self._writer(place),
            kind=NEWS,
            symbol=symbol,
            available_at=datetime.fromtimestamp(at, UTC),
            title="",
            sentiment=LABELS[label],
            source=ORIGIN,
            id=document_id(symbol, NEWS, session, number),
        )

    def _writer(self, place: int) -> Callable[[], str]:
        _, _, about, topic, polarity, _, original, number = self._rows[place]
        if original >= 0:
            return partial(_repeat, self._writer(original), number)
        if about == NOTHING:
            return partial(grammar.trivia, self._origin.symbol, number)
        firm, vocabulary = self._origin.symbol, self._vocabulary
        if about == OTHER:
            firm = grammar.bystander(vocabulary, number)
        elif about >= FACTOR:
            firm, vocabulary = self._factors[about - FACTOR]
        return partial(grammar.news, firm, vocabulary, TOPICS[topic], polarity, number)


def word_numbers(count: int, origin: Origin) -> list[int]:
    """What fixes the words of each of the news of a path."""
    halves = origin.generator(Purpose.WORDS).integers(1 << 62, size=(count, 2)).tolist()
    return [first << 62 | second for first, second in halves]


def _repeat(write: Callable[[], str], number: int) -> str:
    return grammar.repeat(write(), number)
