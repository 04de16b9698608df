"""Markets of one asset each, joined into one market of all of them.

Every session of any of them has its row; an asset that did not trade then has a missing bar.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.market import FIELDS, PERPETUAL, Market
from investorbench_env.market.sessions import TimeArray

ALIKE = ("interval", "timezone")


def join(parts: Mapping[str, Market], asset_class: str) -> Market:
    """One market of several assets.

    Args:
        parts: by symbol, a market that has it.
        asset_class: of the whole; its own calendar is theirs.

    Raises:
        MarketError: they are of different zones or lengths of bars, or end a bar at different
            times.
    """
    markets = list(parts.values())
    if all(market is markets[0] for market in markets) and markets[0].symbols == tuple(parts):
        return markets[0]
    for name in ALIKE:
        if len({getattr(market, name) for market in markets}) > 1:
            said = ", ".join(f"{symbol} {getattr(part, name)}" for symbol, part in parts.items())
            raise MarketError(f"assets of different {name}s make no market: {said}")
    times = np.unique(np.concatenate([market.times for market in markets]))
    rows = [np.searchsorted(times, market.times) for market in markets]
    columns = [market.asset(symbol) for symbol, market in parts.items()]

    def laid_out(name: str, fill: float, *more: int) -> npt.NDArray[np.float64]:
        array = np.full((len(times), len(markets), *more), fill)
        for asset, (market, place, column) in enumerate(zip(markets, rows, columns, strict=True)):
            if (own := getattr(market, name)) is not None:
                array[place, asset] = own[:, column]
        return array

    def where_there_is(name: str) -> npt.NDArray[np.float64] | None:
        some = any(getattr(market, name) is not None for market in markets)
        return laid_out(name, np.nan, *PERPETUAL[name]) if some else None

    return Market(
        symbols=tuple(parts),
        asset_class=asset_class,
        sessions=_sessions(times, markets, rows),
        times=times,
        bars=laid_out("bars", np.nan, len(FIELDS)),
        adjusted_close=laid_out("adjusted_close", np.nan),
        dividends=laid_out("dividends", 0.0),
        share_splits=laid_out("share_splits", 1.0),
        documents=DocumentTable(tuple(_documents(parts))),
        source=", ".join(dict.fromkeys(name for m in markets for name in m.source.split(", "))),
        simulated=any(market.simulated for market in markets),
        timezone=markets[0].timezone,
        findings=_findings(parts),
        hidden_state=_hidden_state(markets, columns, rows, len(times)),
        interval=markets[0].interval,
        intervals=_intervals(parts, asset_class),
        delistings={
            symbol: market.delistings[symbol]
            for symbol, market in parts.items()
            if symbol in market.delistings
        },
        funding=where_there_is("funding"),
        oracle=where_there_is("oracle"),
        marks=where_there_is("marks"),
    )


def _sessions(times: TimeArray, markets: Sequence[Market], rows: Sequence[Any]) -> TimeArray:
    """The date of the session of each bar.

    Raises:
        MarketError: a bar belongs to another session in another market.
    """
    sessions = np.full(len(times), np.datetime64("NaT", "D"), "datetime64[D]")
    for market, place in zip(markets, rows, strict=True):
        known = ~np.isnat(sessions[place])
        if (other := known & (sessions[place] != market.sessions)).any():
            raise MarketError(
                f"the bar of {market.symbols[0]} that ends at {market.times[other][0]} is of the "
                f"session {market.sessions[other][0]}, elsewhere of {sessions[place][other][0]}"
            )
        sessions[place] = market.sessions
    if (sessions[1:] < sessions[:-1]).any():
        raise MarketError("sessions of these assets overlap: they are of different exchanges")
    return sessions


def _documents(parts: Mapping[str, Market]) -> Iterator[Document]:
    """The texts of each asset, under its symbol, each with an id of its own."""
    own = [
        (symbol, row)
        for symbol, market in parts.items()
        for row in market.documents
        if len(market.symbols) == 1 or row.symbol == symbol
    ]
    count = Counter(row.id for _, row in own)
    for symbol, row in own:
        id = f"{symbol}/{row.id}" if row.id and count[row.id] > 1 else row.id
        is_same = (row.symbol, row.id) == (symbol, id)
        yield row if is_same else replace(row, symbol=symbol, id=id)


def _findings(parts: Mapping[str, Market]) -> tuple[str, ...]:
    """What was found in each market, behind the name of the asset where it is of one alone."""
    found = (
        finding if len(market.symbols) > 1 else f"{symbol}: {finding.removeprefix(f'{symbol}: ')}"
        for symbol, market in parts.items()
        for finding in market.findings
    )
    return tuple(dict.fromkeys(found))


def _hidden_state(
    markets: Sequence[Market], columns: Sequence[int], rows: Sequence[Any], length: int
) -> dict[str, npt.NDArray[np.float64]] | None:
    """What drives all of them; None where something is unknown of any."""
    states = [market.hidden_state for market in markets]
    if any(state is None for state in states):
        return None
    named = reduce(lambda one, other: one & other, (set(state or {}) for state in states))
    joined = {name: np.full((length, len(markets)), np.nan) for name in sorted(named)}
    for asset, (state, column, place) in enumerate(zip(states, columns, rows, strict=True)):
        for name, array in joined.items():
            array[place, asset] = (state or {})[name][:, column]
    return joined


def _intervals(parts: Mapping[str, Market], asset_class: str) -> dict[str, Market]:
    """Bars of other lengths that all of them have."""
    shared = reduce(lambda one, other: one & other, (set(m.intervals) for m in parts.values()))
    return {
        name: join({symbol: part.intervals[name] for symbol, part in parts.items()}, asset_class)
        for name in sorted(shared)
    }
