"""Many episodes of trading one asset at once: the vectorised twin of ``SingleAssetEnv``.

The same markets, the same account and the same options, over arrays of N episodes instead of
floats; given the same seeds and actions it agrees with the scalar environment to the bit.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from investorbench_env.accounting.account import Amounts, TradeAmounts, reopen
from investorbench_env.envs.lane_arguments import (
    mask_of,
    mode_of,
    require_autoreset,
    require_lanes,
    rewards_of,
    seeds_of,
    without_text,
)
from investorbench_env.envs.lane_infos import Info, LaneInfos, masked, of_each, unchangeable
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.options import Options
from investorbench_env.envs.setup import prepare
from investorbench_env.envs.starts import UNKNOWN_SEED, shown_seed
from investorbench_env.envs.tape import Tape
from investorbench_env.errors import InvalidActionError
from investorbench_env.facts import Facts
from investorbench_env.market.documents import Document
from investorbench_env.market.past import Past
from investorbench_env.spaces import BUY, AccountFigures

Array = npt.NDArray[Any]
Observation = dict[str, Array]

EQUITY, UNITS = 1, 3
"""Where they stand among an account's amounts."""


class SingleAssetVectorEnv(VectorEnv[Observation, Array, Array]):
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
        self._setup = setup = prepare(without_text(options, Options))
        self.num_envs = num_envs
        self.render_mode = None
        self.single_observation_space = setup.observation_space()
        self._shows_account = "account" in setup.modalities
        self.single_action_space = setup.action_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._lanes = Lanes(setup, num_envs, partial(Tape, setup), partial(Tape.of_one, setup))
        self._infos = LaneInfos(setup, self._lanes, num_envs)
        self._account = setup.account()
        self._sides, self._no_order = np.array(setup.sides), setup.no_order
        self._everyone = unchangeable(np.ones(num_envs, dtype=np.bool_))
        self._pays = setup.protocol.prices == "traded"
        self._reward = setup.reward
        self._amounts: Amounts
        self._trade: TradeAmounts | None = None
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._any_ended = False

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

    def histories(self, info: Mapping[str, Any]) -> tuple[Past, ...]:
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
        return self._observe(), self._infos.report(self._amounts, self._trade, self._ended)

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
        before = self._amounts
        there, prices = self._lanes.following(restarted)
        amounts, trade, rewards = self._account.step(before, weights, trades, prices)
        if self._reward is not None:
            rewards = rewards_of(self._reward, before[EQUITY], amounts[EQUITY])
        # Only now: a reward may have raised.
        self._lanes.move(*there)
        self._amounts, self._trade = amounts, trade
        held = before[UNITS] if prices.ex_date and self._pays else None
        if held is not None and trade is not None and self._setup.fills == "close":
            held = held + trade[0]
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

    def _begin_at_once(
        self, observation: Observation, info: Info, held: Array | None
    ) -> tuple[Observation, Info]:
        """What is shown where episodes end and others begin in their place, at the same step."""
        ended = self._ended
        final: Info = {
            "final_obs": of_each(observation, ended),
            "final_info": masked(info, ended),
            "_final_obs": ended.copy(),
            "_final_info": ended.copy(),
        }
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
                f"actions {actions!r} are not in {self.action_space}; nothing was traded"
            )

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
