"""A market in words, and how much a file holds: what people are shown."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.asset_classes import PERPETUAL
from investorbench_env.market.files import index
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.moments import moments_of
from investorbench_env.market.intervals import DAILY
from investorbench_env.market.market import CLOSE, HIGH, OPEN, Market


def describe(market: Market) -> tuple[tuple[str, str], ...]:
    """What a market holds, as pairs of a subject and a sentence.

    Subjects are ``"market"``, ``"sessions"``, ``"bars"``, ``"dividends"``, ``"splits"``, or
    ``"funding"`` of perpetuals, each kind of document, and ``"finding"`` for all that was wrong or
    missing.
    """
    kind = "simulated" if market.simulated else "real"
    lines = [
        ("market", f"{', '.join(market.symbols)}: {kind} {market.asset_class}"),
        ("source", market.source),
        (
            "sessions",
            _sessions(market),
        ),
    ]
    for asset, symbol in enumerate(market.symbols):
        label = f" {symbol}" if len(market.symbols) > 1 else ""
        lines.append((f"bars{label}", _bars(market, asset)))
        if market.asset_class == PERPETUAL.name:
            lines.append((f"funding{label}", _funding(market, asset)))
            continue
        lines += [
            (f"dividends{label}", _dividends(market, asset)),
            (f"splits{label}", _splits(market, asset)),
        ]
    lines += _documents(market)
    lines += [("finding", finding) for finding in market.findings]
    return tuple(lines)


def _sessions(market: Market) -> str:
    number = len(np.unique(market.sessions))
    span = f"{number:,} from {market.sessions[0]} to {market.sessions[-1]}"
    if market.interval == DAILY:
        decisions = f"decisions at the end of the day in {market.timezone}"
    else:
        decisions = f"decisions at the end of each bar of {market.interval}, {market.timezone}"
    others = f"; also bars of {', '.join(market.intervals)}" if market.intervals else ""
    return f"{span}, {decisions}{others}"


def _bars(market: Market, asset: int) -> str:
    close = market.bars[:, asset, CLOSE]
    missing = np.flatnonzero(np.isnan(close))
    what = "open to volume"
    if np.isnan(market.bars[:, asset, OPEN]).all():
        what = "close only" if np.isnan(market.bars[:, asset, HIGH]).all() else "high to volume"
    gaps = f"{len(missing):,} missing" if len(missing) else "none missing"
    held = close[np.isfinite(close)]
    if not len(held):
        return "none"
    return f"{len(held):,} ({what}), {gaps}; close from {_money(held[0])} to {_money(held[-1])}"


def _dividends(market: Market, asset: int) -> str:
    cash = market.dividends[:, asset]
    paid = np.flatnonzero(cash > 0)
    if not len(paid):
        return "none"
    return f"{len(paid):,}, last {cash[paid[-1]]:.4g} a share on {market.sessions[paid[-1]]}"


def _funding(market: Market, asset: int) -> str:
    rates = np.array([]) if market.funding is None else market.funding[:, asset]
    rates = rates[np.isfinite(rates)]
    if not len(rates):
        return "none"
    known = "oracle" if market.oracle is not None else "open"
    rate = f"{rates.mean() * 100:+.5f}"
    return f"{len(rates):,} rates of {rate} % in the mean, charged on the {known}"


def _splits(market: Market, asset: int) -> str:
    ratios = market.share_splits[:, asset]
    changed = np.flatnonzero(ratios != 1)
    return ", ".join(f"{ratios[t]:g}:1 on {market.sessions[t]}" for t in changed) or "none"


def _documents(market: Market) -> list[tuple[str, str]]:
    counts = Counter(row.kind for row in market.documents)
    return [
        (kind, f"{number:,} {_when(market, kind)}") for kind, number in counts.most_common()
    ] or [("documents", "none")]


def _when(market: Market, kind: str) -> str:
    rows = [row for row in market.documents if row.kind == kind]
    moods = Counter(row.sentiment for row in rows if row.sentiment)
    labelled = ", ".join(f"{number:,} {mood}" for mood, number in moods.most_common())
    # What is known from midnight on is of the day before.
    zone, moment = ZoneInfo(market.timezone), timedelta(microseconds=1)
    days = [(row.available_at - moment).astimezone(zone).date() for row in (rows[0], rows[-1])]
    span = f"from {days[0]} to {days[1]}" if days[0] != days[1] else f"on {days[0]}"
    return span + (f" ({labelled})" if labelled else "")


def _money(price: float) -> str:
    return f"{price:,.2f}" if price >= 1 else f"{price:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much a file holds, and of which days; empty texts where it has no dates."""

    rows: int
    first: str
    last: str


def extent(file: DataFile) -> Extent:
    """Rows, first and last day of a file, of which only the dates are read."""
    if file.path.suffix.lower() == ".json":
        days = sorted(json.loads(file.path.read_bytes())) if file.kind == "released" else [""]
        return Extent(rows=len(days), first=days[0], last=days[-1])
    name = next((file.columns[name] for name in index.DATED if name in file.columns), None)
    if name is None:
        return Extent(
            rows=len(index.column(file, next(iter(file.columns.values())))), first="", last=""
        )
    cells = index.column(file, name)
    try:
        moments = moments_of(cells, file.path, name, file.settings)
    except CorruptDataError:  # `data check` says what is wrong with them
        return Extent(rows=len(cells), first="", last="")
    known = moments.wall[moments.known].astype("datetime64[D]")
    if not len(known):
        return Extent(rows=len(cells), first="", last="")
    return Extent(rows=len(cells), first=str(known.min()), last=str(known.max()))
