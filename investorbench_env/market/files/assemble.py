"""From tidy rows to a market: rows are laid onto the exchange's sessions, nothing is invented."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.files import corporate_actions
from investorbench_env.market.files.corporate_actions import Actions
from investorbench_env.market.files.session_bars import SessionBars, count, on_sessions, some_days
from investorbench_env.market.market import (
    CLOSE,
    LOW,
    OPEN,
    VOLUME,
    FloatArray,
    Market,
)
from investorbench_env.market.sessions import ends_of_days

if TYPE_CHECKING:
    import pandas as pd

BELIEVED = 2e-3
"""A dividend that only the adjusted close shows counts from this share of the price on."""


def assemble(
    symbol: str,
    asset_class: str,
    bars: "pd.DataFrame",
    *,
    actions: Actions | None = None,
    documents: Iterable[Document] = (),
    source: str,
    origin: str = "the bars",
    basis: np.datetime64 | None = None,
    findings: Iterable[str] = (),
    dividends_inside: bool = False,
) -> Market:
    """One asset's market from tidy rows.

    Args:
        symbol: the asset.
        asset_class: its name; says which sessions there are and which time zone a date is in.
        bars: a row a day with date (``datetime64``, no time zone), close, and where known open,
            high, low, volume and adj_close, in any order.
        actions: splits and dividends, None where no source lists them; the splits that this
            package knows are used beside them.
        documents: texts; one that is given twice is kept once.
        source: where it all came from, in words, for results.
        origin: the file of the bars, for error messages.
        basis: the day up to whose splits prices were adjusted, where the file says so.
        findings: what the loaders found already.
        dividends_inside: prices were adjusted for dividends and cannot be led back.

    Raises:
        CorruptDataError: a bar that cannot be, or two that contradict each other.
    """
    row = find_asset_class(asset_class)
    grid = on_sessions(asset_class, bars, origin)
    kept, repeated = _once(documents)
    found = [*findings, *grid.findings, *repeated]
    if np.isnan(grid.bars[:, OPEN : LOW + 1]).all() and not dividends_inside:
        found.append("close only: open, high and low are unknown")
    if dividends_inside or not row.corporate_actions:
        length = len(grid.sessions)
        traded = corporate_actions.AsTraded(
            factor=np.ones(length), ratios=np.ones(length), findings=()
        )
        dividends = np.zeros(length)
        adjusted = grid.bars[:, CLOSE]
    else:
        listed = corporate_actions.with_known(
            actions or Actions(), corporate_actions.known_actions(symbol)
        )
        traded = corporate_actions.as_traded(
            grid.sessions, grid.bars[:, CLOSE], grid.adjusted, listed, basis
        )
        dividends, more = _dividends(grid, traded, listed)
        found += [*traded.findings, *more]
        adjusted, more = _adjusted(grid, traded, dividends, listed)
        found += more
    return Market(
        symbols=(symbol,),
        asset_class=asset_class,
        sessions=grid.sessions,
        times=ends_of_days(grid.sessions, row.timezone),
        bars=_scaled(grid.bars, traded.factor)[:, None],
        adjusted_close=adjusted[:, None],
        dividends=dividends[:, None],
        share_splits=traded.ratios[:, None],
        documents=DocumentTable(kept),
        source=source,
        timezone=row.timezone,
        findings=tuple(dict.fromkeys(found)),
    )


def _dividends(
    grid: SessionBars, traded: corporate_actions.AsTraded, actions: Actions
) -> tuple[FloatArray, list[str]]:
    """Cash per share as traded by session, listed or implied by the adjusted close [T]."""
    listed = actions.dividends
    cash = corporate_actions.cash_on_sessions(grid.sessions, listed or ())
    if grid.adjusted is None:
        lost = ["dividends are unknown and count as none"] if listed is None else []
        return cash, lost
    later = _later_splits(traded.ratios)
    close = grid.bars[:, CLOSE] * traded.factor / later
    implied = corporate_actions.implied_dividends(close, grid.adjusted) * later
    if listed is None:
        number = int((implied > 0).sum())
        return implied, [
            f"{count(number, 'dividend')} inferred from close and adj_close"
            if number
            else "no list of dividends, and adj_close shows none"
        ]
    threshold = np.zeros(len(cash))
    if listed:
        first, last = listed[0][0], listed[-1][0]
        inside = (grid.sessions >= first) & (grid.sessions <= last)
        threshold[inside] = BELIEVED * np.nan_to_num(close * later, nan=np.inf)[inside]
    unlisted = (cash == 0) & (implied > threshold)
    found = []
    if unlisted.any():
        found.append(
            f"{count(int(unlisted.sum()), 'distribution')} that only adj_close shows counted as "
            f"dividends: {some_days(grid.sessions[unlisted])}"
        )
    differ = (cash > 0) & (abs(implied - cash) > 0.02 * cash)
    if differ.any():
        found.append(
            f"{count(int(differ.sum()), 'listed dividend')} differ from what adj_close implies: "
            + some_days(grid.sessions[differ])
        )
    return np.where(unlisted, implied, cash), found


def _adjusted(
    grid: SessionBars, traded: corporate_actions.AsTraded, dividends: FloatArray, actions: Actions
) -> tuple[FloatArray, list[str]]:
    """The vendor's adjusted close, or one made from closes, splits and dividends [T]."""
    if grid.adjusted is not None:
        return grid.adjusted, []
    close = grid.bars[:, CLOSE] * traded.factor
    if actions.dividends is None:
        return close / _later_splits(traded.ratios), [
            "there is no adjusted close and no list of dividends: returns are without dividends"
        ]
    adjusted, shrink, after = close.copy(), 1.0, None
    paid, ratio = 0.0, 1.0
    for t in range(len(close) - 1, -1, -1):
        if np.isfinite(close[t]):
            if after is not None:
                shrink *= (1 - paid / close[t]) / ratio
                paid, ratio = 0.0, 1.0
            adjusted[t], after = close[t] * shrink, t
        # What happens at t lies between the close before it and this one; missing bars add up.
        paid, ratio = paid + dividends[t] * traded.ratios[t], ratio * traded.ratios[t]
    return adjusted, ["the adjusted close is computed from closes, splits and dividends"]


def _later_splits(ratios: FloatArray) -> FloatArray:
    """The product of the splits after each session [T]."""
    product: FloatArray = np.append(np.cumprod(ratios[::-1])[::-1][1:], 1.0)
    return product


def _scaled(bars: FloatArray, factor: FloatArray) -> FloatArray:
    scaled = bars * factor[:, None]
    scaled[:, VOLUME] = bars[:, VOLUME] / factor
    return scaled


def _once(documents: Iterable[Document]) -> tuple[tuple[Document, ...], list[str]]:
    """The documents without repetitions, which share an id."""
    given = tuple(documents)
    kept = tuple({row.id: row for row in reversed(given)}.values())[::-1]
    repeated = len(given) - len(kept)
    return kept, [f"{count(repeated, 'repeated text')} kept once"] if repeated else []
