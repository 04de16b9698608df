"""The texts of what lasts and of noise, as documents that are made when they are read."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import numpy as np

from investorbench_env.market.documents import NEWS, Document
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated import grammar, noise_words
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.dynamics import TOPICS
from investorbench_env.market.simulated.news import LABELS, OWN, News
from investorbench_env.market.simulated.noise import (
    COPY,
    FACTS,
    MARKET,
    ORDER,
    RECAP,
    RIVAL,
    RIVAL_LASTING,
    RUMOUR,
    Change,
    Lasting,
    plan_noise,
)

ORIGIN = "simulated newswire"
GUIDANCE = "guidance"
COPIED = 5
"""Sessions after which news is no longer copied."""
AFTER_CLOSE = 8 * 60
"""Minutes from a close to the decision."""

Writer = Callable[[], str]


def document_id(symbol: str, kind: str, session: int, number: int) -> str:
    """The id of a document."""
    return f"{symbol}-{kind}-{session}-{number & 0xFFFFFFFF:08x}"


def what_matters(lasts: Lasting, origin: Origin) -> dict[str, str]:
    """What each document that matters is about, by its id: guidance, or a fact by its name.

    Of several documents about one thing the latest is what holds. For an evaluator alone.
    """
    filed = {
        document_id(origin.symbol, due.kind, due.session, due.number): GUIDANCE
        for due, _ in lasts.reports
    }
    changed = {
        document_id(origin.symbol, NEWS, change.session, _change_draws(change, origin)[1]):
        noise_words.FACTS[change.fact].head
        for change in lasts.changes
    }  # fmt: skip
    return filed | changed


class NoiseTexts:
    """The texts of noise of a path, session by session.

    Args:
        lasts: on the path.
        news: the path's own.
        own: makes the document of that news at a place.
        times: of the decisions.
        vocabulary: what texts talk about.
        origin: of the path.
    """

    def __init__(
        self,
        lasts: Lasting,
        news: News,
        own: Callable[[int], Document],
        times: TimeArray,
        vocabulary: str,
        origin: Origin,
    ) -> None:
        self._noise = noise = plan_noise(len(times), origin)
        ends = times.astype("datetime64[s]")[noise.session]
        self.available_at: TimeArray = ends - noise.minutes.astype("timedelta64[m]")
        """When each appears [M]."""
        words = origin.generator(Purpose.NOISE_WORDS)
        self._halves = words.integers(1 << 62, size=(len(noise.session), 2))
        self._writers = _Writers(lasts, news, own, vocabulary, origin)
        self._symbol = origin.symbol

    def document(self, place: int) -> Document:
        """The one at a place."""
        noise, session = self._noise, self._noise.session.item(place)
        first, second = self._halves[place].tolist()
        at: datetime = self.available_at[place].astype("datetime64[s]").item()
        number, choice = first << 62 | second, noise.choice.item(place)
        return Document.written_later(
            self._writers.writer(noise.kind.item(place), session, choice, number),
            kind=NEWS,
            symbol=self._symbol,
            available_at=at.replace(tzinfo=UTC),
            title="",
            sentiment=LABELS[noise.label.item(place)],
            source=ORIGIN,
            id=document_id(self._symbol, NEWS, session, number),
        )


def fact_documents(
    lasts: Lasting, times: TimeArray, origin: Origin
) -> tuple[list[Document], TimeArray]:
    """The news that a fact is so, or no longer; and when it appears [M]."""
    ends = times.astype("datetime64[s]")
    facts = [_fact_document(change, ends, origin) for change in lasts.changes]
    at = [row.available_at.replace(tzinfo=None) for row in facts]
    return facts, np.array(at, "datetime64[s]")


def _fact_document(change: Change, ends: TimeArray, origin: Origin) -> Document:
    minutes, number = _change_draws(change, origin)
    at: datetime = (ends[change.session] - np.timedelta64(minutes, "m")).item()
    return Document.written_later(
        partial(_fact, origin.symbol, change, number),
        kind=NEWS,
        symbol=origin.symbol,
        available_at=at.replace(tzinfo=UTC),
        title="",
        sentiment=None,
        source=ORIGIN,
        id=document_id(origin.symbol, NEWS, change.session, number),
    )


def _fact(symbol: str, change: Change, number: int) -> str:
    sentence = noise_words.fact(symbol, noise_words.FACTS[change.fact], change.sign, number)
    return noise_words.announcement(sentence, number)


def _change_draws(change: Change, origin: Origin) -> tuple[int, int]:
    """Minutes before the decision, after the close; and the number that fixes the words."""
    rng = origin.generator(Purpose.FACTS, change.session, change.fact)
    first, second = rng.integers(1 << 62, size=2).tolist()
    return 1 + int(rng.integers(AFTER_CLOSE - 1)), first << 62 | second


class _Writers:
    """What writes each text of noise."""

    def __init__(
        self,
        lasts: Lasting,
        news: News,
        own: Callable[[int], Document],
        vocabulary: str,
        origin: Origin,
    ) -> None:
        self._symbol, self._vocabulary = origin.symbol, vocabulary
        published: list[tuple[int, Writer]] = [
            (due.session, partial(_guidance_news, self._symbol, vocabulary, sign, due.number))
            for due, sign in lasts.reports
        ]
        for change in lasts.changes:
            number = _change_draws(change, origin)[1]
            published.append((change.session, partial(_fact, self._symbol, change, number)))
        published.sort(key=lambda each: each[0])
        self._published = [writer for _, writer in published]
        self._published_in = np.array([session for session, _ in published], dtype=np.int64)
        self._own = own
        self._own_rows = np.flatnonzero(news.about == OWN)
        self._own_in = news.session[self._own_rows]

    def writer(self, kind: int, session: int, choice: float, number: int) -> Writer:
        """Of one text; what has nothing to repeat yet is a text about the market."""
        symbol, vocabulary = self._symbol, self._vocabulary
        if kind == RIVAL:
            return partial(_rival_news, vocabulary, number)
        if kind == RIVAL_LASTING:
            return partial(_rival_lasting, vocabulary, number)
        if kind == RUMOUR:
            return partial(_rumour, symbol, choice, number)
        if kind == ORDER:
            return partial(_order, symbol, number)
        if kind == RECAP:
            stop = int(np.searchsorted(self._published_in, session))
            if stop:
                return partial(_recap, self._published[int(choice * stop)], number)
        if kind == COPY:
            first, stop = np.searchsorted(self._own_in, (session - COPIED, session)).tolist()
            if first < stop:
                place = self._own_rows[first + int(choice * (stop - first))]
                return partial(_copy, self._own, place)
        if kind in (MARKET, RECAP, COPY):
            return partial(_market, number)
        return partial(grammar.trivia, symbol, number)


def _rival_news(vocabulary: str, number: int) -> str:
    rival, sign = grammar.bystander(vocabulary, number), 1 if number & 1 << 40 else -1
    topic = TOPICS[(number >> 41) % len(TOPICS)]
    return grammar.news(rival, vocabulary, topic, sign, number)


def _rival_lasting(vocabulary: str, number: int) -> str:
    rival, sign = grammar.bystander(vocabulary, number), 1 if number & 1 << 40 else -1
    place = (number >> 41) % (FACTS + 1)
    if place == FACTS:
        return _guidance_news(rival, vocabulary, sign, number)
    sentence = noise_words.fact(rival, noise_words.FACTS[place], sign, number)
    return noise_words.announcement(sentence, number)


def _guidance_news(firm: str, vocabulary: str, sign: int, number: int) -> str:
    return noise_words.news(noise_words.guidance(firm, vocabulary, sign, number), number)


def _rumour(symbol: str, choice: float, number: int) -> str:
    about = noise_words.FACTS[int(choice * FACTS)]
    sign = 1 if number & 1 << 40 else -1
    return noise_words.news(noise_words.rumour(symbol, about, sign, number), number)


def _order(symbol: str, number: int) -> str:
    return noise_words.news(noise_words.order(symbol, number), number)


def _market(number: int) -> str:
    return noise_words.news(noise_words.market(number), number)


def _recap(write: Writer, number: int) -> str:
    return grammar.repeat(write(), number)


def _copy(own: Callable[[int], Document], place: int) -> str:
    return own(place).text
