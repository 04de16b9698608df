"""Many portfolios side by side: the vectorised twin of ``PortfolioEnv``.

The same markets, the same account and the same options, over arrays of N episodes; given the same
seeds and actions it agrees with the scalar environment to the bit.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from investorbench_env.envs.lane_arguments import (
    batched,
    mask_of,
    mode_of,
    require_autoreset,
    require_lanes,
    rewards_of,
    seeds_of,
    without_text,
)
from investorbench_env.envs.lane_infos import Info, masked, of_each
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.portfolio_lane_infos import PortfolioInfos
from investorbench_env.envs.portfolio_lane_traders import (
    ClosedLanes,
    LaneTrader,
    OrderLanes,
    WeightLanes,
)
from investorbench_env.envs.portfolio_options import ORDERS, PortfolioOptions
from investorbench_env.envs.portfolio_setup import prepare
from investorbench_env.envs.portfolio_tape import PortfolioTape
from investorbench_env.envs.starts import UNKNOWN_SEED, shown_seed
from investorbench_env.facts import Facts
from investorbench_env.market.documents import Document
from investorbench_env.market.pasts import Pasts
from investorbench_env.spaces import HoldingFigures, PortfolioFigures

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Observation = dict[str, Array]

KEPT = 16
"""Arrays of a number of each asset of each lane."""


class PortfolioVectorEnv(VectorEnv[Observation, Any, Array]):
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

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        require_lanes(num_envs, render_mode)
        self._mode = mode_of(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self._mode}  # type: ignore[misc]
        self._setup = setup = prepare(without_text(options, PortfolioOptions))
        self.num_envs = num_envs
        self.render_mode = None
        self.single_observation_space = setup.observation_space()
        self.single_action_space = setup.action_space()
        self.observation_space = batched(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._lanes = Lanes(
            setup, num_envs, partial(PortfolioTape, setup), partial(PortfolioTape.of_one, setup)
        )
        self._infos = PortfolioInfos(setup, self._lanes, num_envs)
        is_of_orders = setup.options.action == ORDERS
        kind: type[OrderLanes] | type[WeightLanes] = OrderLanes if is_of_orders else WeightLanes
        self._trader: LaneTrader = kind(setup, num_envs)
        self._shows_account = "account" in setup.modalities
        self._reward = setup.reward
        self._closed: ClosedLanes
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._any_ended = False
        keep_memory_at_hand(KEPT * num_envs * len(setup.symbols))

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        return self._setup.facts

    @property
    def np_random_seed(self) -> int | None:
        """The seed of ``np_random``; -1 where it would lead to the markets."""
        return UNKNOWN_SEED if self._setup.markets.name else super().np_random_seed

    def texts(self, info: Mapping[str, Any]) -> tuple[tuple[Document, ...], ...]:
        """The documents of each lane behind an info, as the scalar environment has them.

        Args:
            info: of a reset or a step of the episodes that are under way.

        Raises:
            InvestorBenchError: another episode has begun since.
        """
        return self._lanes.texts(info)

    def histories(self, info: Mapping[str, Any]) -> tuple[Pasts, ...]:
        """All that was known to each lane behind an info, as the scalar environment has it.

        Args:
            info: of a reset or a step of the episodes that are under way.

        Raises:
            InvestorBenchError: another episode has begun since.
        """
        return self._lanes.pasts(info)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, Info]:
        """Start new episodes.

        Args:
            seed: of the first lane, those after it having the next ones; or one for each lane.
                Without one a lane goes on from the seed that it had.
            options: with ``reset_mask`` bool [N], where only some lanes start again.

        Raises:
            InvestorBenchError: seeds or mask that are not one a lane; or a pool would change under
                lanes that go on.
            ResetNeeded: there is a mask, and there was no reset before.
        """
        which = mask_of(options, self.num_envs, self._lanes.started)
        seeds = seeds_of(seed, which, has_pool=self._setup.markets.pool is not None)
        super().reset(seed=shown_seed(seeds[0], self._setup.markets))
        self._lanes.seed(seeds)
        self._begin(which)
        self._any_ended = bool(self._ended.any())
        return self._observe(), self._infos.report(self._closed, self._ended)

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
        info = self._infos.report(self._closed, self._ended)
        if self._any_ended and self._mode is AutoresetMode.SAME_STEP:
            observation, info = self._begin_at_once(observation, info)
        return observation, rewards, terminated, truncated, info

    def _begin_at_once(self, observation: Observation, info: Info) -> tuple[Observation, Info]:
        """What is shown where episodes end and others begin in their place, at the same step."""
        ended = self._ended
        final: Info = {
            "final_obs": of_each(observation, ended),
            "final_info": masked(info, ended),
            "_final_obs": ended.copy(),
            "_final_info": ended.copy(),
        }
        self._begin(ended)
        self._ended, self._any_ended = np.zeros_like(ended), False
        return self._observe(), {**self._infos.report(self._closed, self._ended), **final}

    def _begin(self, which: Flags) -> None:
        """Begin some new episodes, with accounts that have not traded."""
        self._lanes.begin(which)
        fresh = self._trader.open(self._setup.options.initial_cash, self._lanes)
        everyone = bool(which.all())
        self._closed = fresh if everyone else self._trader.merged(which, fresh, self._closed)
        self._ended = self._ended & ~which

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
