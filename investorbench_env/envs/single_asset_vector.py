"""Many episodes of trading one asset at once: the vectorised twin of ``SingleAssetEnv``.

The same markets, the same account and the same options, over arrays of N episodes instead of
floats; given the same seeds and actions it agrees with the scalar environment to the bit.
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from investorbench_env.accounting.account import Amounts, TradeAmounts, reopen
from investorbench_env.envs.lane_arguments import (
    require_autoreset,
    rewards_of,
    without_text,
)
from investorbench_env.envs.lane_infos import Info, LaneInfos, unchangeable
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.lanes_env import LanesEnv
from investorbench_env.envs.lanes_tape import LanesTape
from investorbench_env.envs.options import Options
from investorbench_env.envs.setup import Setup, prepare
from investorbench_env.envs.tape import Tape
from investorbench_env.errors import InvalidActionError, shown
from investorbench_env.spaces import BUY, AccountFigures

Array = npt.NDArray[Any]
Observation = dict[str, Array]

EQUITY, UNITS = 1, 3
"""Where they stand among an account's amounts."""


class SingleAssetVectorEnv(LanesEnv):
    """N episodes side by side; see :class:`~investorbench_env.envs.single_asset.SingleAssetEnv`.

    Lane i of ``reset(seed=s)`` is the scalar environment of ``reset(seed=s + i)``, also in the
    episodes that begin there later; ``reset(seed=[...])`` gives each lane a seed of its own.

    Observations are the numeric ones, each with a leading axis [N]; the texts of a step are in
    ``env.texts(info)``. Every value in an info is an array [N] beside its mask ``_name``; an
    account and its fills are dicts of such arrays, [N, 1] where there is one value an asset.
    ``episode_number`` counts the episodes of a lane. All of it is the reader's own, or
    unchangeable.

    Args:
        num_envs: N.
        autoreset_mode: what becomes of an episode that ended. ``AutoresetMode.NEXT_STEP``: another
            begins at the next step, which ignores its action and has reward 0; ``SAME_STEP``:
            another begins at once, and the info has ``final_obs`` and ``final_info``;
            ``DISABLED``: it waits for ``reset(options={"reset_mask": ...})``.
        render_mode: None; one episode at a time can be rendered.
        options: the attributes of :class:`~investorbench_env.envs.options.Options`. With ``pool``
            the markets of all lanes follow from the seed of the first.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    INFOS: ClassVar[type[LaneInfos]] = LaneInfos

    _setup: Setup
    _lanes: Lanes[Any]

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        setup, tape = self._prepare(options)
        super().__init__(setup, tape, num_envs, autoreset_mode, render_mode)
        self._infos = self.INFOS(setup, self._lanes, num_envs)
        self._account = setup.account()
        self._sides, self._no_order = np.array(setup.sides), setup.no_order
        self._everyone = unchangeable(np.ones(num_envs, dtype=np.bool_))
        self._rewards_expected = setup.rewards_expected
        self._pays = setup.protocol.prices == "traded"
        self._amounts: Amounts
        self._trade: TradeAmounts | None = None

    @staticmethod
    def _prepare(options: dict[str, Any]) -> tuple[Setup, type[LanesTape]]:
        """What options lead to, and the class of what holds the markets of all lanes."""
        return prepare(without_text(options, Options)), Tape

    def step(self, actions: Array) -> tuple[Observation, Array, Array, Array, Info]:
        """Take one step in every episode.

        Raises:
            InvalidActionError: an action is not in the action space; nothing has changed.
            ResetNeeded: there was no reset before, or none after an episode that ended where
                autoreset is disabled.
        """
        if not self._lanes.started:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        weights, trades = self._orders(actions)
        restarts, restarted = self._ended, self._any_ended
        if restarted:
            require_autoreset(self._mode, restarts)
        if restarted and restarts.all():  # as whole splits do, and snapshots at every other step
            rewards, held = np.zeros(self.num_envs), None
        else:
            rewards, held = self._trade_on(weights, trades, restarted)
        if restarted:
            rewards = np.where(restarts, 0.0, rewards)
            held = None if held is None else held * ~restarts
            self._begin(restarts)
        terminated = self._amounts[EQUITY] <= 0.0
        truncated = (self._lanes.at == self._lanes.end) & ~terminated
        self._ended = terminated | truncated
        self._any_ended = bool(np.count_nonzero(self._ended))
        info = self._infos.report(self._amounts, self._trade, self._ended, held)
        observation = self._observe()
        if self._any_ended and self._mode is AutoresetMode.SAME_STEP:
            observation, info = self._begin_at_once(observation, info, held)
        return observation, rewards, terminated, truncated, info

    def _trade_on(
        self, weights: Array, trades: Array, some_ended: bool
    ) -> tuple[Array, Array | None]:
        """Trade, and move on: rewards [N], and units on which distributions were paid [N]."""
        before = self._amounts
        there, prices = self._lanes.following(some_ended)
        amounts, trade, rewards = self._account.step(before, weights, trades, prices)
        if self._reward is not None:
            rewards = rewards_of(self._reward, before[EQUITY], amounts[EQUITY])
        elif self._rewards_expected:
            ahead = self._lanes.tape.expected(self._lanes.places)
            rewards = self._account.expected(before, weights, amounts, prices, ahead).total
        # Only now: a reward may have raised.
        self._lanes.move(*there)
        self._amounts, self._trade = amounts, trade
        held = before[UNITS] if prices.ex_date and self._pays else None
        if held is not None and trade is not None and self._setup.fills == "close":
            held = held + trade[0]
        return rewards, held

    def _begin_at_once(
        self, observation: Observation, info: Info, held: Array | None
    ) -> tuple[Observation, Info]:
        """What is shown where episodes end and others begin in their place, at the same step."""
        ended, final = self._ended, self._final(observation, info)
        self._begin(ended)
        held = None if held is None else held * ~ended
        self._ended, self._any_ended = np.zeros_like(ended), False
        info = self._infos.report(self._amounts, self._trade, self._ended, held)
        return self._observe(), {**info, **final}

    def _begin(self, which: npt.NDArray[np.bool_]) -> None:
        """Begin some new episodes, with accounts that have not traded."""
        everyone = bool(which.all())
        self._lanes.begin(which)
        cash = np.full(self.num_envs, self._setup.options.initial_cash)
        fresh = self._account.open(cash, self._lanes.tape.final(self._lanes.places))
        self._amounts = fresh if everyone else reopen(self._amounts, which, fresh)
        self._ended = self._ended & ~which
        if everyone:
            self._trade = None
        elif self._trade is not None:
            quantity, price, notional, cost, rejected = self._trade
            quantity, notional, cost = (np.where(which, 0.0, x) for x in (quantity, notional, cost))
            self._trade = quantity, price, notional, cost, rejected & ~which

    def _orders(self, actions: Array) -> tuple[Array, Array]:
        """Target weights [N] and which of them are orders [N]."""
        given = np.asarray(actions)
        if self._setup.options.action == "weight":
            weights = given.reshape(-1) if given.shape == (self.num_envs, 1) else given
            self._require(
                actions, weights.shape == (self.num_envs,) and weights.dtype.kind in "fiu"
            )
            weights = weights.astype(np.float64)
            self._require(actions, bool(((weights >= self._sides[0]) & (weights <= 1.0)).all()))
            return weights, self._everyone
        self._require(actions, given.shape == (self.num_envs,) and given.dtype.kind in "iu")
        # Read as unsigned, what is below SELL lies above BUY.
        self._require(actions, bool(given.view(f"u{given.itemsize}").max() <= BUY))
        weights = self._sides.take(given)
        trades = weights * self._amounts[3] <= 0.0
        if self._no_order is not None:
            trades &= given != self._no_order
        return weights, trades

    def _require(self, actions: Any, valid: bool) -> None:
        if not valid:
            raise InvalidActionError(
                f"actions {shown(actions)} are not in {self.action_space}; nothing was traded"
            )

    def _report(self) -> Info:
        return self._infos.report(self._amounts, self._trade, self._ended)

    def _observe(self) -> Observation:
        observation = self._lanes.observe()
        if self._shows_account:
            cash, equity, _, units, _, _, weight, unrealised, _ = self._amounts
            amounts = np.empty((len(AccountFigures._fields), self.num_envs), dtype=np.float32)
            amounts[0] = units
            amounts[1] = weight
            amounts[2] = cash
            amounts[3] = equity
            amounts[4] = unrealised
            amounts[5] = self._lanes.steps_left()
            observation["account"] = amounts.T
        return observation
