"""Which texts appear when, and what they say: drawn from the hidden state as it was then.

A text that appears while a session is open knows the state after the session before; one that
appears after the close, or has only a date, knows the state after that close. None knows more.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from investorbench_env.market.documents import (
    NEWS,
    Document,
    DocumentTable,
    Sentiment,
)
from investorbench_env.market.market import AssetClass, FloatArray, TimeArray
from investorbench_env.market.simulated import grammar
from investorbench_env.market.simulated.dynamics import TOPICS, Dynamics
from investorbench_env.market.simulated.process import Path

MAX_NEWS = 8
MAX_DELAY = 10
ORIGIN = "simulated newswire"
HOUR, MINUTE = np.timedelta64(3600, "s"), np.timedelta64(60, "s")
LABELS: tuple[Sentiment | None, ...] = ("positive", "neutral", "negative", None)
DRAWS = ("about", "topic", "delay", "tone", "labelled", "label", "hour", "minute")
FILING_DATES = (("10-K", "02-12"), ("10-Q", "04-24"), ("10-Q", "07-24"), ("10-Q", "10-24"))
"""The earliest date of each report in a year."""
FILING_TOPICS = {"10-Q": ("value",) * 3 + ("regime",), "10-K": ("value",) * 5 + ("regime",) * 2}
"""What the statements of a report are about."""

IntArray = npt.NDArray[np.int64]
About = Literal["own", "other", "nothing", "repeat"]
ABOUT: tuple[About, ...] = ("own", "other", "nothing", "repeat")
ABOUT_ELSE = (0.45, 0.30, 0.25)
"""Shares of the last three among the news that is not about the asset itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What one text has to say, before it is put into words.

    Attributes:
        session: after whose decision before, and before whose decision, the text appears.
        available_at: when it appears, ``datetime64[s]`` UTC.
        known: the last session whose state the text may reflect.
        reported: the session whose state it reflects.
        kind: ``"news"``, ``"10-Q"`` or ``"10-K"``.
        about: the asset itself, another, nothing of weight, or an older text.
        statements: topic and polarity of what it says [1 for news].
        sentiment: its label.
        number: a large integer that fixes the words.
    """

    session: int
    available_at: np.datetime64
    known: int
    reported: int
    kind: str
    about: About
    statements: tuple[tuple[str, int], ...]
    sentiment: Sentiment | None
    number: int


def emit(
    dynamics: Dynamics,
    path: Path,
    sessions: TimeArray,
    decision_times: TimeArray,
    symbol: str,
    asset_class: AssetClass,
    seed: int,
) -> DocumentTable:
    """All texts of the first path, in words."""
    items = plan_news(dynamics, path, sessions, decision_times, asset_class, seed)
    if asset_class == "stock":
        items += plan_filings(dynamics, path, sessions, decision_times, seed)
    return DocumentTable(tuple(put_into_words(items, symbol, asset_class)))


def put_into_words(
    items: Sequence[Item], symbol: str, asset_class: AssetClass
) -> Iterator[Document]:
    """The documents of items, in order of time; a repeat repeats what has appeared by then."""
    recent: deque[tuple[str, Sentiment | None]] = deque(maxlen=12)
    for item in sorted(items, key=lambda item: item.available_at):
        sentiment = item.sentiment
        if item.kind != NEWS:
            text = grammar.filing(symbol, asset_class, item.statements, item.number)
        elif item.about == "repeat" and recent:
            old, sentiment = recent[item.number % len(recent)]
            text = grammar.repeat(old, item.number)
        else:
            topic, polarity = item.statements[0]
            about_other = item.about == "other"
            text = grammar.news(symbol, asset_class, topic, polarity, about_other, item.number)
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


def plan_news(
    dynamics: Dynamics,
    path: Path,
    sessions: TimeArray,
    decision_times: TimeArray,
    asset_class: AssetClass,
    seed: int,
) -> list[Item]:
    """The news of the first path, in order of session."""
    length = len(sessions)
    # Every slot has its own draws, so what is said in one session moves nothing in another.
    uniforms = np.random.default_rng([seed, 2]).random((length, MAX_NEWS, len(DRAWS)))
    draws = {name: uniforms[..., k] for k, name in enumerate(DRAWS)}
    numbers = np.random.default_rng([seed, 3]).integers(1 << 62, size=(length, MAX_NEWS, 2))
    used = np.arange(MAX_NEWS) < _counts(dynamics, path, sessions, seed)[:, None]

    appears, known = _timing(sessions, decision_times, asset_class, draws["hour"], draws["minute"])
    reported = np.maximum(known - _delay(dynamics, draws["delay"]), 0)
    topic = (draws["topic"] * len(TOPICS)).astype(int)
    about = _about(dynamics, draws["about"])
    score = np.choose(topic, [scores[reported] for scores in state_scores(dynamics, path)])
    polarity = _polarity(dynamics, about, score, draws["tone"])
    label = _label(dynamics, polarity, draws["label"], draws["labelled"])
    return [
        Item(
            session=t,
            available_at=appears[t, slot],
            known=int(known[t, slot]),
            reported=int(reported[t, slot]),
            kind=NEWS,
            about=ABOUT[about[t, slot]],
            statements=((TOPICS[topic[t, slot]], int(polarity[t, slot])),),
            sentiment=LABELS[label[t, slot]],
            number=int(numbers[t, slot, 0]) << 62 | int(numbers[t, slot, 1]),
        )
        for t, slot in np.argwhere(used).tolist()
    ]


def plan_filings(
    dynamics: Dynamics, path: Path, sessions: TimeArray, decision_times: TimeArray, seed: int
) -> list[Item]:
    """Reports three times a year (10-Q) and once (10-K), accepted after the close."""
    items = []
    scores = state_scores(dynamics, path)
    for year in range(int(str(sessions[0])[:4]), int(str(sessions[-1])[:4]) + 1):
        # A year has its own generator, so a longer simulation files the same reports.
        rng = np.random.default_rng([seed, 4, year])
        for kind, date in FILING_DATES:
            late, minutes = rng.integers(14), rng.integers(60)
            draws, number = rng.random(len(FILING_TOPICS[kind])), int(rng.integers(1 << 62))
            number = number << 62 | int(rng.integers(1 << 62))
            day = np.datetime64(f"{year}-{date}") + late
            t = int(np.searchsorted(sessions, day))
            if t == len(sessions) or day < sessions[0]:
                continue
            statements = tuple(
                (topic, _coin(dynamics.filing_informativeness * scores[TOPICS.index(topic)][t], u))
                for topic, u in zip(FILING_TOPICS[kind], draws.tolist(), strict=True)
            )
            items.append(
                Item(
                    session=t,
                    available_at=decision_times[t] - 7 * HOUR - int(minutes) * MINUTE,
                    known=t,
                    reported=t,
                    kind=kind,
                    about="own",
                    statements=statements,
                    sentiment=None,
                    number=number,
                )
            )
    return items


def state_scores(dynamics: Dynamics, path: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The components that texts report on, each in standard deviations, in order of TOPICS [T]."""
    return (
        dynamics.regime_score[path.regime[0]],
        path.gap[0] / dynamics.gap_spread,
        path.mood[0],
    )


def _counts(dynamics: Dynamics, path: Path, sessions: TimeArray, seed: int) -> IntArray:
    """News of each session: Poisson, more of it when markets moved and after days off [T]."""
    before = np.maximum(np.arange(len(sessions)) - 1, 0)
    excitement = path.log_volatility[0][before] + 0.4 * np.minimum(
        np.abs(path.surprise[0][before]), 4.0
    )
    typical = 0.4 * np.sqrt(2 / np.pi)
    days_off = np.diff(sessions, prepend=sessions[0] - 1).astype(int) - 1
    rate = dynamics.news_a_day * np.exp(excitement - typical) * (1 + 0.15 * days_off)
    uniform = np.random.default_rng([seed, 5]).random(len(sessions))
    term = np.exp(-rate)
    below = term.copy()
    counts = np.zeros(len(sessions), dtype=np.int64)
    for k in range(1, MAX_NEWS + 1):
        counts += uniform >= below
        term = term * rate / k
        below += term
    return counts


def _timing(
    sessions: TimeArray,
    decision_times: TimeArray,
    asset_class: AssetClass,
    hour: FloatArray,
    minute: FloatArray,
) -> tuple[TimeArray, IntArray]:
    """When each text appears, and the last session that it may know of [T, slots] each."""
    t = np.arange(len(sessions))[:, None]
    end = decision_times.astype("datetime64[s]")[:, None]
    days_off = np.diff(sessions, prepend=sessions[0] - 1).astype(int)[:, None] - 1
    undated, evening, away = hour < 0.12, hour < 0.35, (hour < 0.6) & (days_off > 0)
    # Minutes before the decision: the last of them, and over how many before it texts spread. An
    # hour is spared at the far end of days off, which may have lost one to a change of clocks.
    last, span = np.where(away & ~evening, 24 * 60, 8 * 60), np.where(away, 1440 * days_off - 60, 600)
    last, span = np.where(evening, 0, last), np.where(evening, 8 * 60, span)
    if asset_class == "crypto":
        # The bar ends with the day: no text can know its close and still come before midnight.
        evening, last, span = undated, np.zeros_like(last), np.full_like(span, 24 * 60)
    back = (1 + np.floor(last + minute * (span - 1))).astype("timedelta64[m]")
    appears = end - np.where(undated, np.timedelta64(0, "s"), back)
    return appears, np.where(evening | undated, t, np.maximum(t - 1, 0))


def _delay(dynamics: Dynamics, uniform: FloatArray) -> IntArray:
    """Geometric delays in sessions, by inversion [...]."""
    if dynamics.delay_days <= 0:
        return np.zeros(uniform.shape, dtype=np.int64)
    keep = dynamics.delay_days / (1 + dynamics.delay_days)
    return np.minimum(np.log1p(-uniform) / np.log(keep), MAX_DELAY).astype(np.int64)


def _about(dynamics: Dynamics, uniform: FloatArray) -> IntArray:
    """Index into ABOUT [...]."""
    rest = (1 - dynamics.relevant_share) * np.array(ABOUT_ELSE)
    bounds = np.cumsum([dynamics.relevant_share, *rest[:-1]])
    return np.searchsorted(bounds, uniform, side="right").astype(np.int64)


def _polarity(
    dynamics: Dynamics, about: IntArray, score: FloatArray, uniform: FloatArray
) -> IntArray:
    """+1 or −1, and 0 for what has nothing to say [...]."""
    good = 1 / (1 + np.exp(-dynamics.informativeness * score))
    good = (1 - dynamics.noise) * good + dynamics.noise / 2
    # What concerns somebody else says nothing about this asset.
    good = np.where(about == ABOUT.index("own"), good, 0.5)
    return np.where(about == ABOUT.index("nothing"), 0, np.where(uniform < good, 1, -1))


def _label(
    dynamics: Dynamics, polarity: IntArray, uniform: FloatArray, labelled: FloatArray
) -> IntArray:
    """Index into LABELS: the polarity, or one of the two others, or none [...]."""
    wrong = 1 + (uniform >= (1 + dynamics.label_accuracy) / 2)
    shift = np.where(uniform < dynamics.label_accuracy, 0, wrong)
    return np.where(labelled < dynamics.label_share, (1 - polarity + shift) % 3, 3)


def _coin(log_odds: float, uniform: float) -> int:
    return 1 if uniform < 1 / (1 + np.exp(-log_odds)) else -1


def _moment(time: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(time.astype("datetime64[s]").astype(np.int64)), tz=UTC)
