"""Bars that several sources give of the same days: how far their closes as traded are apart."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.files import corporate_actions
from investorbench_env.market.files.corporate_actions import Actions
from investorbench_env.market.files.session_bars import count, some_days
from investorbench_env.market.market import FloatArray
from investorbench_env.market.sessions import TimeArray

if TYPE_CHECKING:
    import pandas as pd

APART = 0.005
"""By what share of it a close may differ from another source's."""


def closes_as_traded(
    symbol: str,
    asset_class: AssetClass,
    rows: "pd.DataFrame",
    listed: Actions | None,
    basis: np.datetime64 | None,
) -> tuple[TimeArray, FloatArray]:
    """The days of some rows that have a possible close, and those closes, undivided by splits.

    Args:
        symbol: the asset.
        asset_class: its class.
        rows: with date, close and perhaps adj_close.
        listed: the splits that are listed anywhere, or None.
        basis: the day up to whose splits the closes are adjusted, where their file says so.
    """
    rows = rows[rows["close"] > 0].drop_duplicates("date").sort_values("date")
    days = rows["date"].to_numpy().astype("datetime64[D]")
    closes = rows["close"].to_numpy(dtype=float)
    if not len(days) or not asset_class.corporate_actions:
        return days, closes
    adjusted = rows["adj_close"].to_numpy(dtype=float) if "adj_close" in rows else None
    known = corporate_actions.known_actions(symbol)
    actions = corporate_actions.with_known(listed or Actions(), known)
    traded = corporate_actions.as_traded(days, closes, adjusted, actions, basis)
    return days, closes * traded.factor


def differences(
    chosen: tuple[TimeArray, FloatArray], others: Iterable[tuple[str, TimeArray, FloatArray]]
) -> list[str]:
    """A finding for each other source of which a close is more than a little apart.

    Args:
        chosen: the days and closes that are used.
        others: name, days and closes of each other source.
    """
    findings = []
    for name, days, closes in others:
        common, here, there = np.intersect1d(chosen[0], days, return_indices=True)
        apart = np.abs(closes[there] / chosen[1][here] - 1)
        far = apart > APART
        if far.any():
            findings.append(
                f"closes of {name} are more than {APART:.1%} apart, by up to {apart.max():.1%}, on "
                f"{far.sum():,} of {count(len(common), 'day')}: {some_days(common[far])}"
            )
    return findings
