"""What the environments of one episode have alike: how it begins, what is kept of its market."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.logger import warn

from investorbench_env.envs.options import RewardFunction
from investorbench_env.envs.split_setup import SplitSetup
from investorbench_env.envs.starts import UNKNOWN_SEED, MarketSeed, Starts, shown_seed
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts

Array = npt.NDArray[Any]
Observation = dict[str, Any]
Info = dict[str, Any]
AnyHistory = TypeVar("AnyHistory")
AnyPage = TypeVar("AnyPage")


@dataclass(frozen=True, slots=True, eq=False)
class MarketPath(Generic[AnyHistory, AnyPage]):
    """The market of an episode, and what its environment has shown of it.

    Attributes:
        number: of the market.
        history: its moments.
        pages: one a decision, made at the first visit [D].
    """

    number: int
    history: AnyHistory
    pages: list[AnyPage | None]

    def __reduce__(self) -> tuple[Any, ...]:
        return MarketPath, (self.number, self.history, [None] * len(self.pages))


class EpisodeEnv(gym.Env[Observation, Any], ABC):
    """One episode at a time.

    Args:
        setup: what options lead to.
        render_mode: ``"ansi"``, ``"rgb_array"`` or None.

    Raises:
        UnknownNameError: there is no such render mode.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }
    observation_space: gym.spaces.Dict

    def __init__(self, setup: SplitSetup, render_mode: str | None) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UnknownNameError("render mode", render_mode, self.metadata["render_modes"])
        self._setup = setup
        self.render_mode = render_mode
        self.observation_space = setup.observation_space()
        self.action_space = setup.action_space()
        self._starts: Starts | None = None
        self._pool: tuple[int, ...] = ()
        self._path: MarketPath[Any, Any]
        self._paths: dict[int, MarketPath[Any, Any]] = {}
        self._at = -1  # the decision, as an index into those of the split
        self._ended = True

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        return self._setup.facts

    @property
    def np_random_seed(self) -> int:
        """The seed of ``np_random``; -1 where it would lead to the market."""
        if self._setup.markets.name:
            return UNKNOWN_SEED
        seed: int = super().np_random_seed
        return seed

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, Info]:
        """Draw a market, and start at the split's first decision.

        Where episodes are shorter than the split they start at a random one. A seed fixes this
        episode and the ones that later calls without a seed begin.

        Args:
            seed: of what is drawn.
            options: ``{"date": "2023-05-02"}`` starts at the decision of that session.

        Raises:
            DateRangeError: no whole episode begins on that date; with those on which one may.
        """
        setup = self._setup
        super().reset(seed=shown_seed(seed, setup.markets))
        if self._starts is None or seed is not None:
            self._starts = setup.starts(seed)
            if pool := self._starts.pool(setup.markets):
                self._pool = pool
                self._paths.clear()
        self._path = path = self._path_of(self._starts.market(setup.markets, self._pool))
        first = self._starts.decision(setup.spare)
        if options and options.get("date") is not None:
            first = setup.decision_on(options["date"])
        observation, info = self._begin(first)
        filings = path.history.opening_filings(setup.decisions.item(first))
        info["documents"] = (*filings, *info["documents"])
        if "filings" in observation:
            observation["filings"] = (*map(str, filings), *observation["filings"])
        return observation, info

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
        return self._draw(self.render_mode)

    @abstractmethod
    def _begin(self, first: int) -> tuple[Observation, Info]:
        """Begin an episode at a decision, and show it."""

    @abstractmethod
    def _draw(self, mode: str) -> Any:
        """The episode so far in a render mode."""

    def _path_of(self, number: int) -> MarketPath[Any, Any]:
        """A market as it is shown; it is kept where an episode may come back to it."""
        path = self._paths.get(number)
        if path is None:
            setup = self._setup
            path = MarketPath(number, setup.history_of(number), [None] * len(setup.decisions))
            if self._pool or setup.markets.numbers is not None:
                self._paths[number] = path
        return path

    def _constants(self, now: Any) -> Info:
        """What an info says of a moment whatever the account is."""
        setup = self._setup
        return {
            "session": now.session,
            "time": now.time,
            "documents": now.documents,
            "history": self._path.history.past(now.t),
            "data_source": setup.markets.source,
            "simulated": setup.markets.simulated,
            "protocol": setup.protocol.name,
        }

    def _tell_market(self, info: Info, assets: Any) -> None:
        """Name the market, and what drove some assets, in arrays of the reader's own."""
        state = self._path.history.market.hidden_state or {}
        info["market_seed"] = MarketSeed(self._path.number)
        info["hidden_state"] = {name: np.array(of[:, assets]) for name, of in state.items()}

    def _warn_of_end(self) -> None:
        """Say that a step was taken outside an episode.

        Raises:
            ResetNeeded: none has begun.
        """
        if self._at < 0:
            raise ResetNeeded("Cannot call env.step() before calling env.reset()")
        warn(
            "You are calling 'step()' even though this environment has already ended its episode. "
            "You should always call 'reset()' after that; nothing was traded."
        )


def reward_of(function: RewardFunction, before: float, after: float) -> float:
    """What a reward function gives for equity before and after a step.

    Raises:
        InvestorBenchError: it is no number.
    """
    given = function(before, after)
    try:
        return float(given)
    except (TypeError, ValueError):
        raise InvestorBenchError(
            f"the reward function gives {given!r} and must give a number"
        ) from None
