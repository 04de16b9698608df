"""Trade one asset, one decision a session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import index
from struct import Struct
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.logger import warn

from investorbench_env.envs.pictures import Mark, draw
from investorbench_env.envs.setup import ACCOUNT_FIELDS, AMOUNTS, BUY, HOLD, Options, prepare
from investorbench_env.errors import InvalidActionError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.market.history import Moment

FloatArray = npt.NDArray[np.float32]
Observation = dict[str, Any]
Info = dict[str, Any]

_six_floats: Callable[[], FloatArray] = np.zeros(len(ACCOUNT_FIELDS), np.float32).copy
_write: Callable[..., None] = Struct("6f").pack_into


@dataclass(frozen=True, slots=True)
class Page:
    """One decision as this environment shows it, before the account is written into it.

    Attributes:
        now: the moment.
        observation: its parts that are wanted; those of the account are None.
        info: likewise.
        copies: what makes a fresh array of each part that is one.
        sessions_left: to the end of the split.
    """

    now: Moment
    observation: Observation
    info: Info
    copies: tuple[tuple[str, Callable[[], Any]], ...]
    sessions_left: int


class SingleAssetEnv(gym.Env[Observation, Any]):
    """Sell, hold or buy one asset after each session, and live with it until the next.

    A decision taken after session t fills at the next session's open and is marked at its close
    (protocol ``standard``), or fills at the close it was taken on (``paper``). Repeating a signal
    changes nothing; HOLD keeps the position under ``standard`` and closes it under ``paper``.

    The observation is a dict: ``bars`` float32 [window, 5] (open, high, low, close, volume, oldest
    first, adjusted for past splits only, 0 where unknown), ``mask`` int8 [window] (1 where there is
    a bar), ``account`` float32 [6] (position in shares, weight, cash, equity, unrealised PnL,
    sessions left), ``sentiment`` float32 [3] (number of positive, neutral and negative news),
    ``news`` and ``filings`` (tuples of text new since the last decision; at the first decision also
    the latest filing of each form), and ``time`` (decision time, ISO 8601 in UTC).

    ``info`` holds symbol, session, time, documents, data_source, simulated, protocol, fills,
    equity, cash, position, weight, fill_price, notional, cost, costs, and in the warm-up split
    ``label``, the asset's return over the next step.

    Args:
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.
        options: the attributes of :class:`~investorbench_env.envs.setup.Options`.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        self.setup = setup = prepare(Options.of(options))
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UnknownNameError("render mode", render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self.observation_space = space = setup.observation_space()
        self.action_space = setup.action_space()
        self._sessions: list[int] = setup.decisions.tolist()
        self._pages: list[Page | None] = [None] * len(self._sessions)
        self._keys = tuple(space.spaces)
        self._shows_account = "account" in space.spaces
        self._whole_split = setup.options.episode_length is None
        self._sides = setup.sides
        self._by_weight = setup.options.action == "weight"
        self._reward = setup.reward
        self._labelled = setup.labelled
        self._at = -1  # the decision, as an index into the sessions above

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        return self.setup.facts

    @property
    def hidden_state(self) -> Mapping[str, float] | None:
        """What drives a simulated market at this decision, by name; None for a real market."""
        state = self.setup.market.hidden_state
        if state is None:
            return None
        t, asset = self._page.now.t, self.setup.history.asset
        return {name: float(values[t, asset]) for name, values in state.items()}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Start at the split's first session, or at a random one where episodes are shorter."""
        super().reset(seed=seed)
        setup = self.setup
        spare = len(self._sessions) - 1 - setup.steps
        self._at = int(self.np_random.integers(spare + 1)) if spare else 0
        self._end = self._at + setup.steps
        self._page = page = self._read(self._at)
        now = page.now
        self._account = setup.new_account(setup.options.initial_cash, now.final)
        self._ended = False
        self._trail = [self._mark()]
        observation, info = self._show(page)
        filings = setup.history.opening_filings(now.t)
        info["documents"] = (*filings, *now.documents)
        if "filings" in observation:
            observation["filings"] = (*map(str, filings), *observation["filings"])
        return observation, info

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, Info]:
        """Trade, then move on to the next session with a bar.

        Raises:
            InvalidActionError: the action is not in the action space; nothing has changed.
            ResetNeeded: there was no reset before.
        """
        if self._at < 0:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        account = self._account
        if self._by_weight:
            weight, trades = self._target_weight(action), True
        else:
            choice = action if action.__class__ is int else self._choice(action)
            if not 0 <= choice <= BUY:
                raise self._invalid(action)
            weight = self._sides[choice]
            # A signal for the side that is held already is no order.
            trades = choice != HOLD and weight * account.position <= 0.0
        if self._ended:
            return self._step_after_the_end()
        self._at = at = self._at + 1
        self._page = page = self._pages[at] or self._read(at)
        before = account.equity
        reward = account.step(weight, trades, page.now)
        if self._reward is not None:
            reward = float(self._reward(before, account.equity))
        terminated = account.equity <= 0.0
        truncated = at == self._end and not terminated
        self._ended = terminated or truncated
        if self.render_mode is not None:
            self._trail.append(self._mark())
        observation, info = self._show(page)
        return observation, reward, terminated, truncated, info

    def render(self) -> Any:
        """The episode so far: text for ``"ansi"``, pixels [height, width, 3] for ``"rgb_array"``.

        Raises:
            ResetNeeded: there was no reset before.
        """
        if self._at < 0:
            raise ResetNeeded("Cannot call env.render() before calling env.reset()")
        if self.render_mode is None:
            warn('render_mode is None; pass render_mode="ansi" or "rgb_array" to gym.make')
            return None
        return draw(self.setup, self._trail, self.render_mode)

    def _read(self, decision: int) -> Page:
        """A decision's observation and info without the account, made at the first visit."""
        page = self._pages[decision]
        if page is None:
            now = self.setup.history.until(self._sessions[decision])
            observation = {key: now.observation[key] for key in self._keys}
            copies = [
                (name, part.copy)
                for name, part in observation.items()
                if isinstance(part, np.ndarray)
            ]
            # Sessions left are counted by the calendar: which will have a bar is not known.
            left = self.setup.span.stop - 1 - now.t
            page = Page(now, observation, self._constants(now), tuple(copies), left)
            self._pages[decision] = page
        return page

    def _constants(self, now: Moment) -> Info:
        setup = self.setup
        return {
            "symbol": setup.symbol,
            "session": now.session,
            "time": now.time,
            "documents": now.documents,
            "data_source": setup.market.source,
            "simulated": setup.market.simulated,
            "protocol": setup.protocol.name,
            "fills": setup.fills,
            # The account's amounts have their places already: a dict that grows takes longer.
            **dict.fromkeys(AMOUNTS, 0.0),
        }

    def _show(self, page: Page) -> tuple[Observation, Info]:
        """The page with the account as it stands."""
        account = self._account
        observation, info = page.observation.copy(), page.info.copy()
        for name, copy in page.copies:  # users keep what they are given, and may write into it
            observation[name] = copy()
        equity, cash, position = account.equity, account.cash, account.position
        weight = account.weight
        if self._shows_account:
            left = page.sessions_left if self._whole_split else self._end - self._at
            # Writing six floats into a copied array takes two thirds of the time of np.array(...).
            observation["account"] = amounts = _six_floats()
            _write(amounts, 0, position, weight, cash, equity, account.unrealised, left)
        info["equity"] = equity
        info["cash"] = cash
        info["position"] = position
        info["weight"] = weight
        if account.notional:  # 0 stands there already
            info["fill_price"] = account.fill_price
            info["notional"] = account.notional
            info["cost"] = account.cost
        info["costs"] = account.costs
        if self._labelled and not self._ended:
            info["label"] = self.setup.label(self._at)
        return observation, info

    def _mark(self) -> Mark:
        account = self._account
        return Mark(
            self._page.now, account.equity, account.weight, account.position, account.fill_price
        )

    def _choice(self, action: Any) -> int:
        try:
            return index(action)
        except TypeError:
            raise self._invalid(action) from None

    def _target_weight(self, action: Any) -> float:
        try:
            weight = float(np.asarray(action).astype(np.float64, casting="same_kind").item())
        except (TypeError, ValueError):
            raise self._invalid(action) from None
        if not self._sides[0] <= weight <= 1.0:
            raise self._invalid(action)
        return weight

    def _invalid(self, action: Any) -> InvalidActionError:
        meaning = "a target weight" if self._by_weight else "0 sell, 1 hold, 2 buy"
        return InvalidActionError(
            f"action {action!r} of type {type(action).__name__} is not in {self.action_space} "
            f"({meaning}); nothing was traded"
        )

    def _step_after_the_end(self) -> tuple[Observation, float, bool, bool, Info]:
        warn(
            "You are calling 'step()' even though this environment has already ended its episode. "
            "You should always call 'reset()' after that; nothing was traded."
        )
        observation, info = self._show(self._page)
        ruined = self._account.equity <= 0.0
        return observation, 0.0, ruined, not ruined, info
