"""What many snapshots hold besides their texts, as arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from investorbench_env.accounting.horizon import earned_over
from investorbench_env.envs.snapshot_moments import DECISION, END, SnapshotHistory
from investorbench_env.market.history import restated
from investorbench_env.market.market import CLOSE, FIELDS, OPEN
from investorbench_env.market.simulated.dated_paths import DatedNumbers

Array = npt.NDArray[Any]


class SnapshotNumbers(NamedTuple):
    """The decision and the end of N snapshots, to the bit those of each one's moments.

    Attributes:
        symbols: of the assets [N].
        sessions: dates [N, 2].
        times: ends of the bars, UTC [N, 2].
        bars, masks, sentiment: as in observations [N, 2, window, 5], [N, 2, window], [N, 2, 3].
        final: closes [N, 2].
        fill: the price in the first bar of the horizon at which a position was entered [N].
        earned: what a long position earned over the horizon [N].
        hidden_state: of a simulated asset at the decision, by name [N].
    """

    symbols: Array
    sessions: Array
    times: Array
    bars: Array
    masks: Array
    sentiment: Array
    final: Array
    fill: Array
    earned: Array
    hidden_state: dict[str, Array] | None = None

    @classmethod
    def of_histories(cls, histories: Sequence[SnapshotHistory]) -> Self:
        """Snapshots of markets that are there, with all the gaps that they may have."""
        moments = [(each.decision, each.end) for each in histories]

        def shown(name: str) -> Array:
            return np.array([[one.observation[name] for one in pair] for pair in moments])

        ends = [end for _, end in moments]
        bars = [[one.t for one in pair] for pair in moments]
        markets = [each.market for each in histories]
        return cls(
            symbols=np.array([each.symbol for each in histories]),
            sessions=np.array([one.sessions[t] for one, t in zip(markets, bars, strict=True)]),
            times=np.array([one.times[t] for one, t in zip(markets, bars, strict=True)]),
            bars=shown("bars"),
            masks=shown("mask"),
            sentiment=shown("sentiment"),
            final=np.array([[one.final for one in pair] for pair in moments]),
            fill=np.array([end.fill for end in ends]),
            earned=np.array([end.earned for end in ends]),
        )

    @classmethod
    def of_paths(
        cls,
        symbol: str,
        sessions: Array,
        times: Array,
        paths: DatedNumbers,
        *,
        horizon: int,
        window: int,
        document_sessions: int,
    ) -> Self:
        """Simulated snapshots of an asset, which end with the horizon.

        Args:
            symbol: the asset.
            sessions, times: of the decision and the end of each [N, 2].
            paths: what each holds.
            horizon, window, document_sessions: as of ``SnapshotOptions``.
        """
        count, length = paths.share_splits.shape
        at = length - 1 - horizon
        places = [at, length - 1]
        held = range(at + 1, length)
        closes, splits = paths.bars[..., CLOSE], paths.share_splits
        # A dividend on the day of a split is paid on the new shares.
        dividends = paths.dividends * splits
        fill = paths.bars[:, at + 1, OPEN]
        sentiment = np.zeros((count, 2, paths.labels.shape[-1]), dtype=np.float32)
        for place, since in ((DECISION, at + 1 - document_sessions), (END, at + 1)):
            sentiment[:, place] = paths.labels[:, since : places[place] + 1].sum(axis=1)
        return cls(
            symbols=np.full(count, symbol),
            sessions=sessions,
            times=times,
            bars=_windows(paths, places, window),
            masks=np.ones((count, 2, window), dtype=np.int8),
            sentiment=sentiment,
            final=closes[:, places],
            fill=fill,
            earned=earned_over(
                fill,
                [closes[:, t] for t in held],
                [dividends[:, t] for t in held],
                [splits[:, t] for t in held],
            ),
            hidden_state=paths.hidden_state,
        )


def _windows(paths: DatedNumbers, places: Sequence[int], window: int) -> Array:
    """The bars that each snapshot shows at its two moments, float32 [N, 2, window, 5]."""
    shown = [slice(t + 1 - window, t + 1) for t in places]
    windows = np.empty((len(paths.bars), len(shown), window, len(FIELDS)), dtype=np.float32)
    for place, rows in enumerate(shown):
        windows[:, place] = paths.bars[:, rows]
    split = np.flatnonzero((paths.share_splits != 1.0).any(axis=1))
    for place, rows in enumerate(shown) if len(split) else ():
        mask = np.ones((len(split), window), dtype=np.int8)
        windows[split, place] = restated(
            paths.bars[split, rows], paths.share_splits[split, rows], mask
        )
    return windows
