"""Many episodes of trading one asset at once: the vectorised twin of ``SingleAssetEnv``.

The same markets, the same account and the same options, over arrays of N episodes instead of
floats; given the same seeds and actions it agrees with the scalar environment to the bit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from investorbench_env.accounting.account import Amounts, TradeAmounts, reopen
from investorbench_env.envs.lane_infos import Info, LaneInfos, masked, of_each, unchangeable
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.options import CHART, MODALITIES, Options
from investorbench_env.envs.setup import prepare
from investorbench_env.envs.starts import UNKNOWN_SEED, shown_seed
from investorbench_env.errors import InvalidActionError, InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.market.documents import Document
from investorbench_env.market.past import Past
from investorbench_env.spaces import BUY, AccountFigures

Array = npt.NDArray[Any]
Observation = dict[str, Array]

EQUITY, UNITS = 1, 3
"""Where they stand among an account's amounts."""

TEXT = ("news", "filings", "time")
NUMERIC = tuple(name for name in MODALITIES if name not in TEXT)


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
        if render_mode is not None:
            raise InvestorBenchError(
                f"render_mode={render_mode!r}: a vectorised environment has no picture; "
                "render one episode with gym.make"
            )
        if type(num_envs) is not int or num_envs < 1:
            raise InvestorBenchError(f"num_envs={num_envs!r} must be a whole number of at least 1")
        self._mode = _mode_of(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self._mode}  # type: ignore[misc]
        self._setup = setup = prepare(_without_text(options))
        self.num_envs = num_envs
        self.render_mode = None
        self.single_observation_space = setup.observation_space()
        self._shows_account = "account" in setup.modalities
        self.single_action_space = setup.action_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._lanes = Lanes(setup, num_envs)
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
        which = self._mask_of(options)
        seeds = [one if new else None for one, new in zip(self._seeds_of(seed), which, strict=True)]
        if self._setup.markets.pool and seeds[0] is not None and not which.all():
            raise InvestorBenchError(
                f"seed={seed!r}: the pool follows from the seed of the first lane, and some lanes "
                "go on in the old one; begin all of them again, or give the first no seed"
            )
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
        if restarted and self._mode is AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"{np.count_nonzero(restarts)} episode(s) have ended: begin them again with "
                'env.reset(options={"reset_mask": terminated | truncated})'
            )
        before = self._amounts
        there, prices = self._lanes.following(restarted)
        amounts, trade, rewards = self._account.step(before, weights, trades, prices)
        if self._reward is not None:
            rewards = self._rewards(before[EQUITY], amounts[EQUITY])
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

    def _rewards(self, before: Array, after: Array) -> Array:
        """What the reward function gives for equity before and after, each [N]."""
        assert self._reward is not None
        given = self._reward(before.copy(), after.copy())  # it may write into its own
        rewards = np.empty(self.num_envs)
        try:
            found = np.asarray(given)
            if found.dtype.kind in "biuf" and found.shape in ((), rewards.shape):
                rewards[:] = found
                return rewards
        except ValueError:  # rows of different lengths
            pass
        raise InvestorBenchError(
            f"the reward function gives {given!r} and must give a number for each of "
            f"{self.num_envs} episode(s): its arguments are arrays of equity"
        )

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

    def _seeds_of(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        """The seed of each lane."""
        if seed is None:
            return [None] * self.num_envs
        seeds: list[Any] = list(seed) if isinstance(seed, Iterable) else [seed]
        if isinstance(seed, int) and type(seed) is not bool:
            seeds = [seed + lane for lane in range(self.num_envs)]
        if len(seeds) != self.num_envs or not all(
            one is None or (isinstance(one, int) and type(one) is not bool and one >= 0)
            for one in seeds
        ):
            raise InvestorBenchError(
                f"seed={seed!r} must be a whole number of at least 0, or {self.num_envs} of them, "
                "one a lane"
            )
        return seeds

    def _mask_of(self, options: Mapping[str, Any] | None) -> npt.NDArray[np.bool_]:
        """Which lanes a reset begins again."""
        if options is None or "reset_mask" not in options:
            return self._everyone
        mask = options["reset_mask"]
        if not (
            isinstance(mask, np.ndarray)
            and mask.shape == (self.num_envs,)
            and mask.dtype == np.bool_
            and mask.any()
        ):
            raise InvestorBenchError(
                f"reset_mask={mask!r} must be an array of {self.num_envs} booleans, one of which "
                "is True"
            )
        if not self._lanes.started and not mask.all():
            raise ResetNeeded("Cannot call env.reset() of some episodes before that of all")
        return mask.copy()


def _mode_of(given: str | AutoresetMode) -> AutoresetMode:
    """An autoreset mode, as itself or by its name or value."""
    if isinstance(given, AutoresetMode):
        return given
    for mode in AutoresetMode:
        if given in (mode.name, mode.value):
            return mode
    raise UnknownNameError("autoreset mode", given, [mode.name for mode in AutoresetMode])


def _without_text(given: dict[str, Any]) -> Options:
    options = Options.of(given)
    if options.modalities is None:
        return Options.of({**given, "modalities": NUMERIC})
    if CHART in options.modalities:
        raise InvestorBenchError(
            'modalities=["chart"]: a vectorised environment draws no charts; leave it out, or give '
            'gym.make_vec vectorization_mode="sync"'
        )
    if texts := [name for name in options.modalities if name in TEXT]:
        raise InvestorBenchError(
            f"modalities={texts}: a vectorised environment has no text in its observations; leave "
            "them out, and find times in info['time'] and texts by env.texts(info)"
        )
    return options
