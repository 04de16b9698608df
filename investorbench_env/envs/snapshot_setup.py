"""The data that options of snapshots lead to and the rules that hold, for both of their forms.

It knows no state of an episode.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from investorbench_env.accounting.account import Account, Expected
from investorbench_env.accounting.horizon import HorizonAccount
from investorbench_env.envs.setup import (
    ALL_OF_IT,
    Setup,
    fills_of,
    rates_of,
    states_of,
)
from investorbench_env.envs.snapshot_draws import SimulatedSnapshots
from investorbench_env.envs.snapshot_given import Dealt, GivenSnapshots
from investorbench_env.envs.snapshot_markets import assets_of, snapshots_of
from investorbench_env.envs.snapshot_moments import DECISION, END, SnapshotHistory
from investorbench_env.envs.snapshot_options import SnapshotOptions
from investorbench_env.envs.split_setup import universe_for
from investorbench_env.envs.starts import Starts
from investorbench_env.facts import Facts
from investorbench_env.market.history import AssetMoments
from investorbench_env.market.market import Market
from investorbench_env.market.simulated.conditional import conditional
from investorbench_env.market.simulated.profiles import dynamics_of
from investorbench_env.protocols import find_protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSetup(Setup):
    """Options of snapshots with all they lead to that is known before an episode begins.

    Its decisions are the two places of a snapshot: the decision, and the end of its horizon.

    Attributes:
        options: as they were given.
        symbol: what stands for the assets that episodes are of: the one, or the name of their
            universe, or how many they are.
        markets: what each episode is drawn from.
    """

    options: SnapshotOptions
    markets: SimulatedSnapshots | GivenSnapshots

    @property
    def window(self) -> tuple[str, str]:
        """The first day of a decision, and the last of a horizon."""
        return self.markets.window

    @property
    def tells_market(self) -> bool:
        """Whether the end of an episode names its market: never before the test."""
        return self.options.split == "test" and isinstance(self.markets, SimulatedSnapshots)

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""
        options = self.options
        facts = self._facts(
            options.asset_class,
            family="Snapshot",
            symbols=(self.symbol,),
            cost_rate=self.cost_rate,
            long_only=options.long_only,
            horizon=options.horizon,
            benchmark="buy_and_hold",
        )
        return replace(facts, periods_a_year=facts.periods_a_year / options.horizon)

    def starts(self, seed: int | None) -> Starts:
        """The draws that follow from the seed of a ``reset``."""
        given = self.markets
        return Dealt(seed, given) if isinstance(given, GivenSnapshots) else Starts(seed)

    def market_of(self, seed: int | None) -> Market:
        """All of the market of a snapshot: the one that is there, whatever the seed."""
        given = self.markets
        return given.market if isinstance(given, GivenSnapshots) else Setup.market_of(self, seed)

    def history_of(self, number: int) -> SnapshotHistory:
        """The moments of a snapshot."""
        return self.markets.history(number, self.options.window)

    def account(self) -> Account:
        """A position that is held over the horizon."""
        return cast(Account, HorizonAccount(self.cost_rate))

    def expected(self, symbol: str, state: Mapping[str, Any]) -> Expected:
        """What the horizons after hidden states of a simulated asset are expected to earn [...]."""
        dynamics, horizon = dynamics_of(symbol, self.options.asset_class), self.options.horizon
        mean = conditional(dynamics, state, horizon).mean
        return Expected(0.0 * mean, mean, 0.0 * mean)

    def expected_after(self, history: AssetMoments) -> list[Expected]:
        """The same of a market after its one decision."""
        bars = np.array([cast(SnapshotHistory, history).decision.t])
        (mean,) = self.expected(history.symbol, states_of(history, bars)).day.tolist()
        return [Expected(0.0, mean, 0.0)]

    def label(self, history: AssetMoments, decision: int) -> float:
        """What a long position earns, costs apart; nothing at the end."""
        return cast(SnapshotHistory, history).end.earned if decision == DECISION else 0.0


def prepare_snapshots(options: SnapshotOptions) -> SnapshotSetup:
    """Find the data that options ask for and check that it serves them.

    Raises:
        UnknownNameError: a split, protocol or symbol that does not exist.
        DataNotFoundError: no data where ``data`` says to look.
        DateRangeError: no horizon of the split lies within its dates and the data.
    """
    protocol = find_protocol(options.protocol)
    universe = universe_for(options)
    members = assets_of(options, universe)
    classes = {member.asset_class for member in members}
    if len(classes) == 1:
        options = replace(options, asset_class=classes.pop())
    markets = snapshots_of(options, members, universe)
    rates = rates_of(options, protocol, options.asset_class)
    return SnapshotSetup(
        options=options,
        protocol=protocol,
        universe=universe,
        symbol=_in_a_word(options, markets.symbols),
        markets=markets,
        span=range(END + 1),
        decisions=np.array([DECISION, END]),
        cost_rate=sum(rates) / ALL_OF_IT,
        fills=fills_of(protocol, markets.has_opens()),
    )


def _in_a_word(options: SnapshotOptions, symbols: tuple[str, ...]) -> str:
    """What stands for the assets in facts."""
    if len(symbols) == 1:
        return symbols[0]
    is_whole = options.universe is not None and options.symbols is None
    return str(options.universe) if is_whole else f"{len(symbols)} assets"


def setup_of(given: Mapping[str, Any]) -> SnapshotSetup:
    """What the keywords of ``gym.make`` lead to, without making the environment.

    Raises:
        InvestorBenchError: options or data that do not work, with what would.
    """
    return prepare_snapshots(SnapshotOptions.of(given))
