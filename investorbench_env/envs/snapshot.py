"""Decide once about an asset, and be paid for what follows."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from investorbench_env.envs.pictures import Mark
from investorbench_env.envs.setup import Setup
from investorbench_env.envs.single_asset import EQUITY, Info, Observation, SingleAssetEnv
from investorbench_env.envs.snapshot_moments import SnapshotHistory
from investorbench_env.envs.snapshot_options import SnapshotOptions
from investorbench_env.envs.snapshot_setup import SnapshotSetup, prepare_snapshots


class SnapshotEnv(SingleAssetEnv):
    """One decision an episode: sell, hold or buy at the next open, and hold for a horizon.

    Each ``reset`` draws a market and a day. Simulated, they follow from the seed; of a market that
    is there, an asset and a day are dealt, so that horizons do not overlap among seeds that begin
    with one multiple of 2^32.

    The observation is that of :class:`~investorbench_env.envs.single_asset.SingleAssetEnv`, with a
    flat account; ``news``, ``filings`` and ``sentiment`` are those of the last
    ``document_sessions`` bars, whose dates are in ``info["documents"]``. The one step leads to the
    end of the horizon and ends the episode. Its reward is w·(r₁ + … + r_H) − cost·|w| with the
    weight w, −1 for SELL, 0 for HOLD and 1 for BUY; r₁ is from the open to the close of the next
    bar, the others are simple returns from close to close with dividends, and the cost is that of
    one trade.

    Args:
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        options: the attributes of
            :class:`~investorbench_env.envs.snapshot_options.SnapshotOptions`.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(render_mode=render_mode, **options)
        self._whole_split = False  # one step is left, however many bars it takes

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, Info]:
        """Hold a position over the horizon, which ends the episode.

        It ends as terminated, not as truncated: nothing follows that could be worth anything.

        Raises:
            InvalidActionError: the action is not in the action space; nothing has changed.
            ResetNeeded: there was no reset before.
        """
        draws = self.render_mode is not None and not self._ended
        observation, reward, terminated, truncated, info = super().step(action)
        if draws:
            self._trail[1:] = self._way_to_the_end(info)
        return observation, reward, terminated or truncated, False, info

    @staticmethod
    def _prepare(options: dict[str, Any]) -> Setup:
        return prepare_snapshots(SnapshotOptions.of(options))

    @property
    def without_overlap(self) -> int | None:
        """How many draws of a seed do not overlap; None where any number of them does not."""
        return cast(SnapshotSetup, self._setup).markets.without_overlap

    @property
    def earned(self) -> float:
        """What a long position returned over the horizon.

        Raises:
            AttributeError: the snapshot has not ended.
        """
        if not self._ended:
            raise AttributeError("what a snapshot earned is known after its step, not before")
        return cast(SnapshotHistory, self._path.history).end.earned

    @property
    def hidden_state(self) -> dict[str, Any]:
        """What drove a market that was drawn, by name, as of the decision; empty of others.

        It is for the evaluator.

        Raises:
            AttributeError: the snapshot has not ended.
        """
        if not self._ended:
            raise AttributeError("what drove a market is known after its step, not before")
        history = cast(SnapshotHistory, self._path.history)
        state = (history.market.hidden_state or {}) if self._setup.tells_market else {}
        at = -1 - cast(SnapshotOptions, self._setup.options).horizon  # it ends with the horizon
        return {name: values[at, history.asset] for name, values in state.items()}

    @property
    def symbol(self) -> str:
        """The asset that was drawn."""
        return cast(SnapshotHistory, self._path.history).symbol

    def _way_to_the_end(self, info: Info) -> Iterator[Mark]:
        """The account at each bar of the horizon, as pictures show it."""
        cash, account = self._setup.options.initial_cash, self._setup.account()
        history = cast(SnapshotHistory, self._path.history)
        units = sum(fill.quantity for fill in info["fills"])
        weight, price = units * history.end.fill / cash, info["fill_price"]
        opened = account.open(cash, history.decision.final)
        for now, earned in zip(history.held, history.earned_by_bar(), strict=True):
            after, _, _ = account.step(opened, weight, True, replace(history.end, earned=earned))
            yield Mark(now, after[EQUITY], weight, units, price)
            price = 0.0  # it is entered once

    def _begin(self, first: int) -> tuple[Observation, Info]:
        self._symbol = self._path.history.symbol
        return super()._begin(first)
