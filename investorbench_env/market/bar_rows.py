"""Bars as rows of one type, each made of nothing that comes after it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

BAR = np.dtype(
    [
        ("session", "datetime64[D]"),
        ("time", "datetime64[s]"),
        *((name, np.float64) for name in ("open", "high", "low", "close", "volume")),
        *((name, np.float64) for name in ("dividend", "split", "total_return")),
    ]
)
"""One bar as it was known when it was complete."""


def restate(bars: npt.NDArray[np.void]) -> None:
    """Put bars into the shares of the last of them."""
    later = np.ones(len(bars))
    later[:-1] = np.cumprod(bars["split"][:0:-1])[::-1]
    for name in ("open", "high", "low", "close", "dividend"):
        bars[name] /= later
    bars["volume"] *= later


def bars_known(
    sessions: Sequence[Any] | npt.NDArray[Any],
    times: npt.NDArray[Any],
    bars: npt.NDArray[np.float64],
    dividends: npt.NDArray[np.float64],
    splits: npt.NDArray[np.float64],
    adjusted: npt.NDArray[np.float64],
    before: npt.NDArray[np.int64],
) -> bytes:
    """The rows of all bars of an asset, each made of no later one.

    The level of an adjusted close says what distributions are to come, so only ratios are taken.

    Args:
        sessions, times: of the bars [T].
        bars: as traded [T, 5].
        dividends, splits: by ex-date [T].
        adjusted: closes that grow by the total return [T].
        before: the last known bar before each; -1 where there is none [T].
    """
    rows = np.empty(len(bars), BAR)
    rows["session"], rows["time"] = sessions, times.astype("datetime64[s]")
    for place, name in enumerate(("open", "high", "low", "close", "volume")):
        rows[name] = bars[:, place]
    rows["dividend"], rows["split"] = dividends, splits
    rows["total_return"] = np.where(before < 0, np.nan, adjusted / adjusted[before] - 1.0)
    return rows.tobytes()
