"""Many portfolios side by side: the vectorised twin of ``PortfolioEnv``.

The same markets, the same account and the same options, over arrays of N episodes; given the same
seeds and actions it agrees with the scalar environment to the bit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from investorbench_env.envs.lane_arguments import (
    require_autoreset,
    rewards_of,
    without_text,
)
from investorbench_env.envs.lane_infos import Info
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.lanes_env import LanesEnv
from investorbench_env.envs.portfolio_lane_infos import PortfolioInfos
from investorbench_env.envs.portfolio_lane_traders import (
    ClosedLanes,
    LaneTrader,
    OrderLanes,
    WeightLanes,
)
from investorbench_env.envs.portfolio_options import ORDERS, PortfolioOptions
from investorbench_env.envs.portfolio_setup import PortfolioSetup, prepare
from investorbench_env.envs.portfolio_tape import PortfolioTape
from investorbench_env.spaces import HoldingFigures, PortfolioFigures

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Observation = dict[str, Array]

KEPT = 16
"""Arrays of a number of each asset of each lane."""


class PortfolioVectorEnv(LanesEnv):
    """N episodes side by side; see :class:`~investorbench_env.envs.portfolio.PortfolioEnv`.

    Lane i of ``reset(seed=s)`` is the scalar environment of ``reset(seed=s + i)``, also in the
    episodes that begin there later; ``reset(seed=[...])`` gives each lane a seed of its own.

    Actions are weights [N, A], or N lists of orders, which are carried out lane by lane.
    Observations are the numeric ones, each with a leading axis [N]; the texts of a step are in
    ``env.texts(info)``. Every value in an info is an array [N, ...] beside its mask ``_name`` [N];
    account, fills and distributions are dicts of such arrays [N, A]. A fill of no quantity or no
    notional did not take place, and ``rejections`` says which weights were not carried out. Of
    orders ``fills``, ``rejections``, ``distributions`` and ``open_orders`` are tuples, as in the
    scalar environment. ``episode_number`` counts the episodes of a lane. All of it is the reader's
    own, or unchangeable.

    Args:
        num_envs: N.
        autoreset_mode: what becomes of an episode that ended. ``AutoresetMode.NEXT_STEP``: another
            begins at the next step, which ignores its action and has reward 0; ``SAME_STEP``:
            another begins at once, and the info has ``final_obs`` and ``final_info``;
            ``DISABLED``: it waits for ``reset(options={"reset_mask": ...})``.
        render_mode: None; one episode at a time can be rendered.
        options: the attributes of
            :class:`~investorbench_env.envs.portfolio_options.PortfolioOptions`. With ``pool`` the
            markets of all lanes follow from the seed of the first.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    _setup: PortfolioSetup
    _lanes: Lanes[PortfolioTape]

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        setup = prepare(without_text(options, PortfolioOptions))
        super().__init__(setup, PortfolioTape, num_envs, autoreset_mode, render_mode)
        self._infos = PortfolioInfos(setup, self._lanes, num_envs)
        is_of_orders = setup.options.action == ORDERS
        kind: type[OrderLanes] | type[WeightLanes] = OrderLanes if is_of_orders else WeightLanes
        self._trader: LaneTrader = kind(setup, num_envs)
        self._closed: ClosedLanes
        keep_memory_at_hand(KEPT * num_envs * len(setup.symbols))

    def step(self, actions: Any) -> tuple[Observation, Array, Array, Array, Info]:
        """Take one step in every episode.

        Raises:
            InvalidActionError: an action is not in the action space; nothing has changed.
            ResetNeeded: there was no reset before, or none after an episode that ended where
                autoreset is disabled.
        """
        if not self._lanes.started:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        restarts, restarted = self._ended, self._any_ended
        if restarted:
            require_autoreset(self._mode, restarts)
        there, prices = self._lanes.following(restarted)
        before = self._closed.amounts.equity
        closed = self._trader.trade(self._closed, actions, self._lanes, prices, there[0])
        equity = closed.amounts.equity
        if self._reward is None:
            rewards = equity / (before + (before == 0.0)) - 1.0
        else:
            rewards = rewards_of(self._reward, before, equity)
        # Only now: a reward may have raised.
        self._lanes.move(*there)
        self._closed = closed
        if restarted:
            rewards = np.where(restarts, 0.0, rewards)
            self._begin(restarts)
            equity = self._closed.amounts.equity
        terminated = equity <= 0.0
        truncated = (self._lanes.at == self._lanes.end) & ~terminated
        self._ended = terminated | truncated
        self._any_ended = bool(np.count_nonzero(self._ended))
        observation = self._observe()
        info = self._report()
        if self._any_ended and self._mode is AutoresetMode.SAME_STEP:
            observation, info = self._begin_at_once(observation, info)
        return observation, rewards, terminated, truncated, info

    def _begin_at_once(self, observation: Observation, info: Info) -> tuple[Observation, Info]:
        """What is shown where episodes end and others begin in their place, at the same step."""
        ended, final = self._ended, self._final(observation, info)
        self._begin(ended)
        self._ended, self._any_ended = np.zeros_like(ended), False
        return self._observe(), {**self._report(), **final}

    def _begin(self, which: Flags) -> None:
        """Begin some new episodes, with accounts that have not traded."""
        self._lanes.begin(which)
        fresh = self._trader.open(self._setup.options.initial_cash, self._lanes)
        everyone = bool(which.all())
        self._closed = fresh if everyone else self._trader.merged(which, fresh, self._closed)
        self._ended = self._ended & ~which

    def _report(self) -> Info:
        return self._infos.report(self._closed, self._ended)

    def _observe(self) -> Observation:
        lanes, amounts = self._lanes, self._closed.amounts
        observation = lanes.observe()
        if self._shows_account:
            cash, equity, assets = amounts.cash, amounts.equity, len(amounts.units)
            figures = np.empty((len(PortfolioFigures._fields), self.num_envs), dtype=np.float32)
            figures[0] = cash
            figures[1] = cash / (equity + (equity == 0.0))
            figures[2] = equity
            figures[3] = lanes.steps_left()
            holdings = np.empty(
                (len(HoldingFigures._fields), assets, self.num_envs), dtype=np.float32
            )
            holdings[0] = amounts.units
            holdings[1] = amounts.weights
            holdings[2] = amounts.entries
            holdings[3] = amounts.unrealised
            observation["tradable"] = lanes.tape.tradable(lanes.places)
            observation["account"] = figures.T
            observation["holdings"] = holdings.transpose(2, 1, 0)
        return observation


def keep_memory_at_hand(numbers: int) -> None:
    """Let malloc keep what a step frees for the next one, which saves up to half of its time.

    glibc gives memory back to the system beyond twice the largest piece that was freed so far.
    """
    np.empty(numbers)
