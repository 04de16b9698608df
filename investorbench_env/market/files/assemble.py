"""From tidy rows to a market: rows are laid onto the exchange's sessions, nothing is invented."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.files import corporate_actions
from investorbench_env.market.files.corporate_actions import Actions
from investorbench_env.market.files.distributions import distributions
from investorbench_env.market.files.jumps import SPLIT_RATIOS, jumps
from investorbench_env.market.files.session_bars import count, on_sessions
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
    tolerance: float | None = None,
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
        tolerance: the share of rows that may be of no session, and of sessions that may be missing;
            None for any.

    Raises:
        CorruptDataError: a bar that cannot be, or two that contradict each other.
    """
    row = find_asset_class(asset_class)
    grid = on_sessions(asset_class, bars, origin, tolerance)
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
        ratios: tuple[float, ...] = SPLIT_RATIOS if row.corporate_actions else ()
        certain = False
    else:
        listed = corporate_actions.with_known(
            actions or Actions(), corporate_actions.known_actions(symbol)
        )
        traded = corporate_actions.as_traded(
            grid.sessions, grid.bars[:, CLOSE], grid.adjusted, listed, basis
        )
        paid = distributions(grid, traded, listed)
        dividends, adjusted = paid.cash, paid.adjusted
        found += [*listed.findings, *traded.findings, *paid.findings]
        certain = listed.complete
        own = {max(split.ratio, 1 / split.ratio) for split in listed.splits}
        ratios = tuple(sorted(own)) if certain else SPLIT_RATIOS
    bars = _scaled(grid.bars, traded.factor)
    vendors = None if dividends_inside else grid.adjusted
    found += jumps(grid.sessions, bars, vendors, traded.ratios, splits=ratios, certain=certain)
    return Market(
        symbols=(symbol,),
        asset_class=asset_class,
        sessions=grid.sessions,
        times=ends_of_days(grid.sessions, row.timezone),
        bars=bars[:, None],
        adjusted_close=adjusted[:, None],
        dividends=dividends[:, None],
        share_splits=traded.ratios[:, None],
        documents=DocumentTable(kept),
        source=source,
        timezone=row.timezone,
        findings=tuple(dict.fromkeys(found)),
        delistings={symbol: actions.delisting} if actions and actions.delisting else {},
    )


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
