"""Many accounts of perpetuals side by side: the vectorised twin of ``PerpetualsEnv``.

The same markets, the same account and the same options, over arrays of N episodes; given the same
seeds and actions it agrees with the scalar environment to the bit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from investorbench_env.accounting.signal_arrays import CODES, NUMBERS, LaneSignals, decided
from investorbench_env.accounting.weights import over_assets
from investorbench_env.envs.lane_arguments import require_autoreset, rewards_of, without_text
from investorbench_env.envs.lane_infos import Info
from investorbench_env.envs.lanes import Lanes
from investorbench_env.envs.lanes_env import LanesEnv
from investorbench_env.envs.perpetuals_features import MARKET, PerpetualFigures
from investorbench_env.envs.perpetuals_lane_infos import PerpetualInfos
from investorbench_env.envs.perpetuals_lane_trader import LaneStep, PerpetualLanes
from investorbench_env.envs.perpetuals_options import PerpetualOptions
from investorbench_env.envs.perpetuals_setup import PerpetualSetup, prepare
from investorbench_env.envs.perpetuals_tape import PerpetualTape
from investorbench_env.errors import InvalidActionError, shown

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Observation = dict[str, Array]


class PerpetualsVectorEnv(LanesEnv):
    """N episodes side by side; see :class:`~investorbench_env.envs.perpetuals.PerpetualsEnv`.

    Lane i of ``reset(seed=s)`` is the scalar environment of ``reset(seed=s + i)``, also in the
    episodes that begin there later; ``reset(seed=[...])`` gives each lane a seed of its own.

    Actions are N of those of the scalar environment, or, in a fraction of the time, a dict of
    arrays [N, A]: ``signal`` of integers (0 hold, 1 buy_to_enter, -1 sell_to_enter, 2
    close_position) and those of ``quantity``, ``leverage``, ``profit_target``, ``stop_loss``,
    ``confidence`` and ``risk_usd`` that matter, NaN where nothing is said.

    Observations are the numeric ones, each with a leading axis [N]; the texts of a step are in
    ``env.texts(info)``. Every value in an info is an array [N, ...] beside its mask ``_name`` [N],
    ``account`` a dict of such arrays. What happened is in tables: ``fills``, ``closed``,
    ``funding`` and ``rejections`` are dicts of columns, a row an event, with its ``lane`` and
    ``coin``, laid out when they are read; a rejection has its ``kind`` alone. ``repairs``
    counts things that were not written as they should be. ``episode_number`` counts the episodes
    of a lane. All of it is the reader's own, or unchangeable.

    Args:
        num_envs: N.
        autoreset_mode: what becomes of an episode that ended. ``AutoresetMode.NEXT_STEP``: another
            begins at the next step, which ignores its action and has reward 0; ``SAME_STEP``:
            another begins at once, and the info has ``final_obs`` and ``final_info``;
            ``DISABLED``: it waits for ``reset(options={"reset_mask": ...})``.
        render_mode: None; one episode at a time can be rendered.
        options: the attributes of
            :class:`~investorbench_env.envs.perpetuals_options.PerpetualOptions`. With ``pool`` the
            markets of all lanes follow from the seed of the first.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    _setup: PerpetualSetup
    _lanes: Lanes[PerpetualTape]

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        setup = prepare(without_text(options, PerpetualOptions))
        super().__init__(setup, PerpetualTape, num_envs, autoreset_mode, render_mode)
        self._infos = PerpetualInfos(setup, self._lanes, num_envs)
        self._accounts = PerpetualLanes(setup, num_envs)
        self._step = LaneStep()
        self._fresh: Flags | None = None

    def step(self, actions: Any) -> tuple[Observation, Array, Array, Array, Info]:
        """Carry out the signals in every episode, then move on to its next decision.

        Raises:
            InvalidActionError: actions are none; nothing has changed.
            ResetNeeded: there was no reset before, or none after an episode that ended where
                autoreset is disabled.
        """
        if not self._lanes.started:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        restarts, restarted = self._ended, self._any_ended
        if restarted:
            require_autoreset(self._mode, restarts)
        wanted = self._decided(actions)
        lanes, tape, accounts = self._lanes, self._lanes.tape, self._accounts
        closes = tape.closes(lanes.stands)
        if restarted:  # what has ended neither trades nor holds anything
            wanted = without(wanted, restarts)
            accounts.reopen(restarts, tape.last_marks(lanes.places))
        there, bars = lanes.following(restarted)
        before = accounts.equity
        self._step = accounts.step(wanted, closes, tape.seconds(lanes.at), bars)
        lanes.move(*there)
        equity = accounts.equity
        if self._reward is None:
            rewards = accounts.gains
        else:
            rewards = rewards_of(self._reward, before, equity)
        self._fresh = None
        if restarted:
            rewards = np.where(restarts, 0.0, rewards)
            self._begin(restarts)
        terminated = accounts.equity <= 0.0
        truncated = (lanes.at == lanes.end) & ~terminated
        self._ended = terminated | truncated
        self._any_ended = bool(np.count_nonzero(self._ended))
        observation, info = self._observe(), self._report()
        if self._any_ended and self._mode is AutoresetMode.SAME_STEP:
            observation, info = self._begin_at_once(observation, info)
        return observation, rewards, terminated, truncated, info

    def _decided(self, actions: object) -> LaneSignals:
        wanted = decided(actions, self._setup.symbols, self.num_envs)
        if wanted is None:
            shape = f"[{self.num_envs}, {len(self._setup.symbols)}]"
            raise InvalidActionError(
                f"actions {shown(actions)} are neither {self.num_envs} actions nor arrays {shape} "
                f"of signal and some of {', '.join(NUMBERS)}, with signals {CODES}; nothing was "
                "traded"
            )
        return wanted

    def _begin_at_once(self, observation: Observation, info: Info) -> tuple[Observation, Info]:
        """What is shown where episodes end and others begin in their place, at the same step."""
        ended, final = self._ended, self._final(observation, info)
        self._begin(ended)
        self._ended, self._any_ended = np.zeros_like(ended), False
        return self._observe(), {**self._report(), **final}

    def _begin(self, which: Flags) -> None:
        """Begin some new episodes, with accounts that have not traded."""
        self._lanes.begin(which)
        self._accounts.reopen(which, self._lanes.tape.last_marks(self._lanes.places))
        self._fresh = which.copy()
        if which.all():
            self._step = LaneStep()
        self._ended = self._ended & ~which

    def _report(self) -> Info:
        return self._infos.report(self._accounts, self._step, self._fresh, self._ended)

    # --- what is observed ---------------------------------------------------------------------

    def _observe(self) -> Observation:
        observation = self._lanes.observe()
        if "features" in observation:
            features, mask = (observation[name] for name in ("features", "mask"))
            now = self._lanes.tape.seconds(self._lanes.at)
            self._accounts.show(features[len(MARKET) :], mask[len(MARKET) :], now)
            observation["features"], observation["mask"] = features.T, mask.T
        if self._shows_account:
            observation["account"] = self._figures()
        return observation

    def _steps_left(self) -> Array:
        """Decisions to come [N]; of the whole split with gaps included."""
        left = self._lanes.steps_left()
        return -(-left // self._setup.options.every) if self._setup.has_whole_episodes else left

    def _figures(self) -> Array:
        accounts, equity = self._accounts, self._accounts.equity
        figures = np.empty((len(PerpetualFigures._fields), self.num_envs), np.float32)
        every: dict[str, Any] = {
            "total_return": equity / self._setup.options.initial_cash - 1.0,
            "cash": accounts.free,
            "equity": equity,
            "margin": over_assets(accounts.book.margins()),
            "unrealised": over_assets(accounts.unrealised),
            "costs": accounts.book.fees,
            "funding": accounts.received,
            "sharpe": accounts.sharpe(),
            "steps_left": self._steps_left(),
        }
        for place, name in enumerate(PerpetualFigures._fields):
            figures[place] = every[name]
        return figures.T.copy()


def without(wanted: LaneSignals, lanes: Flags) -> LaneSignals:
    """What others than some lanes want."""
    kept = ~lanes[wanted.at % wanted.episodes]
    return LaneSignals(
        wanted.at[kept],
        wanted.code[kept],
        wanted.numbers[:, kept],
        tuple(row for row in wanted.unread if not lanes[row[0]]),
        wanted.repaired * ~lanes,
    )
