"""What every environment knows of its split before an episode begins."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench_env.dates import DateLike, date_text
from investorbench_env.envs.markets import DrawnMarkets, Draws, GivenMarket, Markets
from investorbench_env.envs.options import (
    EXPECTED,
    MODALITIES,
    REWARD_FUNCTIONS,
    MarketOptions,
    RewardFunction,
)
from investorbench_env.envs.starts import Starts
from investorbench_env.errors import DateRangeError, InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.intervals import periods_a_year
from investorbench_env.market.market import Market
from investorbench_env.protocols import Protocol
from investorbench_env.universes import Split, Universe, find_universe, universe_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSetup(ABC):
    """Options with all they lead to that is known before an episode begins.

    Attributes:
        options: as they were given.
        protocol: timing, meaning of HOLD and metric convention.
        universe: whose dates and benchmark hold; None for an asset class that has none.
        markets: what an episode's market is drawn from.
        span: the bars of the split, gaps included.
        decisions: those at which any asset traded [D]; the last is never acted on.
        fills: ``"next_open"``, ``"close"``, or ``"next_close"`` where the data has no opens.
    """

    options: MarketOptions
    protocol: Protocol
    universe: Universe | None
    markets: Draws
    span: range
    decisions: npt.NDArray[np.int64]
    fills: str

    @property
    def steps(self) -> int:
        """How many steps an episode has."""
        return self.options.episode_length or len(self.decisions) - 1

    @property
    def calendar(self) -> Markets:
        """The markets of a split in which all have their bars at the same times."""
        assert isinstance(self.markets, GivenMarket | DrawnMarkets)
        return self.markets

    @property
    def window(self) -> tuple[str, str]:
        """First and last session with a known bar."""
        first, last = self.calendar.sessions[self.decisions[[0, -1]]]
        return str(first), str(last)

    @property
    def spare(self) -> int:
        """How many decisions after the first an episode may begin at."""
        return len(self.decisions) - 1 - self.steps

    @property
    def has_whole_episodes(self) -> bool:
        """Whether an episode is the whole split."""
        return self.options.episode_length is None

    @property
    def tells_market(self) -> bool:
        """Whether the end of an episode names its market: never before the test."""
        return self.options.split == "test" and isinstance(self.markets, DrawnMarkets)

    @property
    def labelled(self) -> bool:
        """Whether info says what a position taken now earns, as it does in the warm-up only."""
        return self.options.split == "warmup"

    @property
    def modalities(self) -> Collection[str]:
        """What is observed."""
        return MODALITIES if self.options.modalities is None else self.options.modalities

    @property
    def reward(self) -> RewardFunction | None:
        """The reward function; None where it is what the account says of the step."""
        reward = self.options.reward
        return reward if callable(reward) else REWARD_FUNCTIONS.get(reward)

    @property
    def rewards_expected(self) -> bool:
        """Whether the reward is what was expected of a step, and not what came of it."""
        return self.options.reward == EXPECTED

    @property
    @abstractmethod
    def facts(self) -> Facts:
        """What may be known without stepping."""

    @abstractmethod
    def observation_space(self) -> gym.spaces.Dict:
        """The space of one environment's observations."""

    @abstractmethod
    def action_space(self) -> gym.Space[Any]:
        """The space of one environment's actions."""

    def market_of(self, seed: int | None) -> Market:
        """All of the market of an episode, for what may know the future: an oracle.

        For arguments and errors see ``number_of``.
        """
        return self.markets.draw(self.number_of(seed))

    def number_of(self, seed: int | None) -> int:
        """The number of the market of an episode.

        Args:
            seed: of the ``reset`` that begins it; None where there is one market alone.

        Raises:
            InvestorBenchError: no seed, where every seed has a market of its own, or one that is
                no whole number of at least 0.
        """
        if seed is not None and not (
            isinstance(seed, int | np.integer) and type(seed) is not bool and seed >= 0
        ):
            raise InvestorBenchError(f"seed={seed!r} must be a whole number of at least 0")
        markets = self.markets
        if seed is None and (markets.numbers is None or len(markets.numbers) > 1):
            which = ", ".join(self.facts.symbols)
            raise InvestorBenchError(
                f"which market of {which}? Every reset draws one: give its seed="
            )
        starts = self.starts(seed)
        return starts.market(markets, starts.pool(markets))

    def starts(self, seed: int | None) -> Starts:
        """The draws that follow from the seed of a ``reset``."""
        return Starts(seed)

    def decision_on(self, date: DateLike) -> int:
        """The place of a session's decision, from which on there is a whole episode.

        Raises:
            DateRangeError: there is none; with the first and the last on which there is. Or its
                day follows from the seed, as that of a snapshot does.
        """
        if not isinstance(self.markets, GivenMarket | DrawnMarkets):
            raise DateRangeError(
                f"the day of such an episode follows from its seed, so none begins on {date}: give "
                "the seed alone, or start= and end="
            )
        day = np.datetime64(date_text("date", date), "D")
        sessions = self.calendar.sessions[self.decisions[: self.spare + 1]]
        places = np.flatnonzero(sessions.astype("datetime64[D]") == day)
        if not len(places):
            raise DateRangeError(
                f"no episode of {self.steps} step(s) begins on {day}: give a session from "
                f"{sessions[0]} to {sessions[-1]}"
            )
        return int(places[0])

    @abstractmethod
    def history_of(self, number: int) -> Any:
        """The moments of a market."""

    def _facts(self, asset_class: str, **own: Any) -> Facts:
        """The facts that follow from what all setups have, with those of an environment's own."""
        options, protocol, about = self.options, self.protocol, self.markets.about()
        return Facts(
            asset_class=asset_class,
            protocol=protocol.name,
            convention=protocol.convention,
            hold=protocol.hold,
            fills=self.fills,
            cash_rate=options.cash_rate,
            periods_a_year=periods_a_year(
                about["interval"], ASSET_CLASSES[asset_class].days_a_year
            ),
            action=options.action,
            initial_cash=options.initial_cash,
            steps=self.steps,
            window=self.window,
            source=self.markets.source,
            simulated=self.markets.simulated,
            markets=self.markets.name,
            **about | own,
        )

    def _observed(self, spaces: dict[str, dict[str, gym.Space[Any]]]) -> gym.spaces.Dict:
        """The spaces of the modalities that are observed."""
        wanted = [spaces[name] for name in spaces if name in self.modalities]
        return gym.spaces.Dict({key: space for part in wanted for key, space in part.items()})


def universe_for(options: MarketOptions) -> Universe | None:
    """The universe of some options, or the one of their asset class."""
    if options.universe is None:
        return universe_of(options.asset_class)
    return find_universe(options.universe)


def bars_of(
    options: MarketOptions, markets: Markets, split: Split, assets: str
) -> tuple[range, npt.NDArray[np.int64]]:
    """The bars of a split, and the decisions among them.

    Raises:
        DateRangeError: there are too few for an episode.
    """
    span = markets.span(split.start, split.end)
    decisions = markets.decisions(span)
    length = options.episode_length or 1
    if len(decisions) - 1 < length:
        raise DateRangeError(
            f"{split.start}..{split.end} holds {len(decisions)} known bar(s) of {assets}; "
            f"an episode of {length} step(s) needs one more than its steps"
        )
    return span, decisions
