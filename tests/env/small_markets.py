"""Markets that are small enough to check by hand, and random ones that have everything in them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from investorbench_env.market import Document, DocumentTable, Market

START = "2020-01-01"
MIDNIGHT = datetime(2020, 1, 1, tzinfo=UTC)
"""The beginning of session 0, whose decision is taken 24 hours later."""

DAY = timedelta(days=1)


def small_market(
    closes: Sequence[float],
    *,
    opens: Sequence[float] | None = None,
    volumes: Sequence[float] | None = None,
    splits: Mapping[int, float] | None = None,
    dividends: Mapping[int, float] | None = None,
    documents: Iterable[Document] = (),
    **changes: Any,
) -> Market:
    """One asset, a session every day from 2020-01-01; NaN closes are missing bars.

    Opens are the closes, volumes 1000, unless they are given. Decisions are taken at midnight UTC.
    """
    close = np.array(closes, dtype=np.float64)
    length = len(close)
    open_ = close if opens is None else np.where(np.isnan(close), np.nan, opens)
    volume = np.where(np.isnan(close), np.nan, 1000.0 if volumes is None else volumes)
    bars = np.stack([open_, np.fmax(open_, close), np.fmin(open_, close), close, volume], axis=1)
    ratios = np.ones(length)
    cash = np.zeros(length)
    for t, ratio in (splits or {}).items():
        ratios[t] = ratio
    for t, amount in (dividends or {}).items():
        cash[t] = amount
    values: dict[str, Any] = {
        "symbols": ("TEST",),
        "asset_class": "stock",
        "sessions": np.arange(START, length, dtype="datetime64[D]"),
        "times": np.arange("2020-01-02", length, dtype="datetime64[D]"),
        "bars": bars[:, None],
        "adjusted_close": adjusted(close, ratios, cash)[:, None],
        "dividends": cash[:, None],
        "share_splits": ratios[:, None],
        "documents": DocumentTable(tuple(documents)),
        "source": "made for a test",
        "timezone": "UTC",
    }
    return Market(**{**values, **changes})


def weekly(closes: list[float]) -> Market:
    """Weeks that end on Sunday: the first of them with session 4 of a small market."""
    sessions = np.array(["2020-01-05"], "M8[D]") + 7 * np.arange(len(closes))
    return small_market(
        closes, sessions=sessions, times=sessions + np.timedelta64(1, "D"), interval="1w"
    )


def intraday(
    closes: list[float], minutes: int, *, session_minutes: int = 1440, **changes: Any
) -> Market:
    """Bars so many minutes long, from midnight on, in sessions so many minutes long."""
    number = np.arange(len(closes))
    day, bar = np.divmod(number, session_minutes // minutes)
    sessions = np.datetime64("2020-01-01", "D") + day
    ends = ((bar + 1) * minutes).astype("timedelta64[m]")
    given: dict[str, Any] = {"interval": f"{minutes}m", "asset_class": "crypto", **changes}
    return small_market(closes, sessions=sessions, times=sessions + ends, **given)


def adjusted(close: Any, splits: Any, dividends: Any) -> Any:
    """Closes that grow by the total return from one known bar to the next [T]."""
    level, shares, cash, before = 1.0, 1.0, 0.0, np.nan
    result = np.full(len(close), np.nan)
    for t, price in enumerate(close):
        shares *= splits[t]
        cash += shares * dividends[t]
        if not np.isnan(price):
            level *= 1.0 if np.isnan(before) else (price * shares + cash) / before
            result[t], before, shares, cash = level, price, 1.0, 0.0
    return result


def document(
    day: float, text: str = "text", kind: str = "news", *, symbol: str = "TEST", **changes: Any
) -> Document:
    """A text that becomes available so many days after the beginning of session 0."""
    moment = MIDNIGHT + day * DAY
    return Document(kind=kind, symbol=symbol, available_at=moment, title="", text=text, **changes)


def date(t: int) -> str:
    """The date of a session of a small market."""
    return str(np.datetime64(START, "D") + np.timedelta64(t, "D"))


INTERVALS = {"3m": 3 / 1440, "4h": 1 / 6, "1d": 1.0, "1w": 7.0}
"""Lengths of bars, in days."""


def bars_of(interval: str, length: int) -> dict[str, Any]:
    """The axis of so many bars: weeks, sessions, or six bars to a session from midnight on."""
    if interval == "1w":
        return axis_of(weekly([1.0] * length))
    if interval == "1d":
        return axis_of(small_market([1.0] * length))
    minutes = round(INTERVALS[interval] * 1440)
    market = intraday([1.0] * length, minutes, session_minutes=6 * minutes)
    return {**axis_of(market), "interval": interval}


def axis_of(market: Market) -> dict[str, Any]:
    return {name: getattr(market, name) for name in ("sessions", "times", "interval")}


def random_market(
    rng: np.random.Generator, length: int = 24, interval: str = "1d", **changes: Any
) -> Market:
    """Gaps, unknown opens and volumes, splits, dividends, news and filings, all at random.

    The first and the last bar are known, and the first has an open.
    """
    bar = INTERVALS[interval]
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.1, length)))
    opens = close * np.exp(rng.normal(0.0, 0.05, length))
    opens[1:][rng.random(length - 1) < 0.1] = np.nan
    volumes = np.where(rng.random(length) < 0.1, np.nan, rng.integers(0, 5000, length))
    close[1:-1][rng.random(length - 2) < 0.15] = np.nan
    splits = {int(t): float(rng.choice([0.5, 2.0, 3.0, 1.05])) for t in _some(rng, length, 0.1)}
    dividends = {int(t): float(rng.uniform(0.1, 8.0)) for t in _some(rng, length, 0.15)}
    documents = [random_document(rng, 0.0, length * bar, bar) for _ in range(2 * length)]
    state = {"regime": rng.normal(size=(length, 1))}
    values: dict[str, Any] = {"documents": documents, "hidden_state": state, "simulated": True}
    return small_market(
        close, opens=opens, volumes=volumes, splits=splits, dividends=dividends,
        **{**values, **bars_of(interval, length), **changes},
    )  # fmt: skip


def random_document(
    rng: np.random.Generator, after: float, before: float, bar: float = 1.0
) -> Document:
    """A text from days ``after`` to ``before``; every third exactly at the end of a bar."""
    day = float(rng.uniform(after, before))
    if rng.random() < 1 / 3 and np.ceil(day / bar) * bar <= before:
        day = float(np.ceil(day / bar) * bar)
    kind = str(rng.choice(["news", "news", "news", "10-K", "10-Q"]))
    sentiment = rng.choice(np.array(["positive", "neutral", "negative", None], dtype=object))
    return document(
        day, f"text {rng.integers(1000)}\n" * 3, kind, sentiment=sentiment, source="a test"
    )


def _some(rng: np.random.Generator, length: int, share: float) -> Any:
    return np.flatnonzero(rng.random(length) < share)
