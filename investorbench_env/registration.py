"""Every environment id: a row a family, and from it the ids on each of its universes.

Ids carry no version, so that Gymnasium prints no warning about newer ones; the version of a result
is that of the package, in every record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol

import gymnasium as gym

from investorbench_env.errors import FactsError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES, AssetClass
from investorbench_env.market.market import Market
from investorbench_env.universes import UNIVERSES, find_universe

NAMESPACE = "InvestorBench"


class Prepared(Protocol):
    """What the keywords of ``gym.make`` lead to, before there is an environment."""

    @property
    def facts(self) -> Facts:
        """What may be known without stepping."""

    def market_of(self, seed: int | None) -> Market:
        """All of the market of the episode that a ``reset`` with a seed begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of decision: the environments of it, and what it is offered on.

    Attributes:
        name: as in ids, ``InvestorBench/<name>``.
        environment: entry point of the environment.
        vector_environment: entry point of its vectorised twin; None where it has none.
        setup: entry point of what gives, for the keywords of ``gym.make``, what they lead to.
        universes: the names of those on which it has ids.
        each: whether an id stands for one asset of a universe or for the universe as a whole.
        options: keywords that every environment of the family gets.
    """

    name: str
    environment: str
    vector_environment: str | None
    setup: str
    universes: tuple[str, ...]
    each: Literal["asset", "universe"]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id that stands for any asset or universe of the family, which its options name."""
        return f"{NAMESPACE}/{self.name}"

    def ids(self) -> dict[str, dict[str, Any]]:
        """The ids on its universes, each with its keywords for ``gym.make``.

        Of an asset that is in several universes, the id stays with the first.
        """
        found: dict[str, dict[str, Any]] = {}
        for universe in map(find_universe, self.universes):
            shared = {**self.options, "universe": universe.name}
            if universe.data is not None:
                shared["data"] = universe.data
            if self.each == "universe":
                found[f"{self.id}-{universe.name.removeprefix(f'{self.name}-')}"] = shared
                continue
            for member in universe.members:
                own = {"asset_class": member.asset_class, "symbol": member.symbol}
                found.setdefault(f"{self.id}-{member.symbol}", {**shared, **own})
        return found


def _single_asset(asset_class: AssetClass) -> Family:
    """The family of one asset of a class, on the universes whose assets have their own ids."""
    universes = [
        universe.name
        for universe in UNIVERSES.values()
        if universe.one_by_one and universe.members[0].asset_class == asset_class.name
    ]
    return Family(
        name=asset_class.title,
        environment="investorbench_env.envs.single_asset:SingleAssetEnv",
        vector_environment="investorbench_env.envs.single_asset_vector:SingleAssetVectorEnv",
        setup="investorbench_env.envs.setup:setup_of",
        universes=tuple(universes),
        each="asset",
        options={"asset_class": asset_class.name, "universe": next(iter(universes), None)},
    )


PORTFOLIO = Family(
    name="Portfolio",
    environment="investorbench_env.envs.portfolio:PortfolioEnv",
    vector_environment="investorbench_env.envs.portfolio_vector:PortfolioVectorEnv",
    setup="investorbench_env.envs.portfolio_setup:setup_of",
    universes=("IB7", "R1", "SIM"),
    each="universe",
)

PERPETUALS = Family(
    name="Perpetuals",
    environment="investorbench_env.envs.perpetuals:PerpetualsEnv",
    vector_environment="investorbench_env.envs.perpetuals_vector:PerpetualsVectorEnv",
    setup="investorbench_env.envs.perpetuals_setup:setup_of",
    universes=("ARENA6", "Perpetuals-SIM"),
    each="universe",
)

SNAPSHOT = Family(
    name="Snapshot",
    environment="investorbench_env.envs.snapshot:SnapshotEnv",
    vector_environment="investorbench_env.envs.snapshot_vector:SnapshotVectorEnv",
    setup="investorbench_env.envs.snapshot_setup:setup_of",
    universes=("Snapshot-SIM", "Stocks", "Coins", "Funds", "R1"),
    each="universe",
)

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        *(_single_asset(row) for row in ASSET_CLASSES.values() if not row.leveraged),
        PORTFOLIO,
        PERPETUALS,
        SNAPSHOT,
    )
}
"""Every family by name."""


def environment_ids() -> list[str]:
    """The ids that stand for one asset or universe each, in the order of the families."""
    return [id for family in FAMILIES.values() for id in family.ids()]


def family_ids() -> list[str]:
    """The ids that stand for any asset of a class: give them ``symbol=`` and ``data=``."""
    return [family.id for family in FAMILIES.values()]


def family_of(id: str) -> Family | None:
    """The family that an id of ours belongs to; None for one of somebody else's."""
    if not id.startswith(f"{NAMESPACE}/"):
        return None
    return next((each for each in FAMILIES.values() if id in (each.id, *each.ids())), None)


def facts_of(id: str, **options: Any) -> Facts:
    """The facts of an environment: without making it for an id of ours, else from one that is made.

    Args:
        id: as for ``gym.make``.
        options: keywords of ``gym.make``.

    Raises:
        UnknownNameError: there is no such id.
        FactsError: the environment gives none.
        InvestorBenchError: options or data that do not work, with what would.
    """
    if id not in gym.registry:
        raise UnknownNameError("environment id", id, gym.registry)
    family = family_of(id)
    if family is not None:
        return _prepared(family, id, options).facts
    env = gym.make(id, **options)
    try:
        return facts_in(env)
    finally:
        env.close()


def facts_in(env: gym.Env[Any, Any]) -> Facts:
    """The facts that an environment gives, from below all its wrappers.

    Raises:
        FactsError: it gives none.
    """
    given = getattr(env.unwrapped, "facts", None)
    if not isinstance(given, Facts):
        name = env.unwrapped if env.spec is None else env.spec.id
        raise FactsError(
            f"{name} gives {given!r} as its facts; give the environment a property "
            "`facts` that returns an investorbench_env.facts.Facts"
        )
    return given


def market_of(id: str, seed: int | None = None, **options: Any) -> Market:
    """All of the market of an episode of ours, for what may know the future: an oracle.

    Args:
        id: as for ``gym.make``.
        seed: of the ``reset`` that begins the episode; None where there is one market alone.
        options: keywords of ``gym.make``.

    Raises:
        UnknownNameError: it is no id of ours that has one.
        InvestorBenchError: options or data that do not work, with what would.
    """
    family = family_of(id)
    if family is None:
        known = [id for each in FAMILIES.values() for id in (each.id, *each.ids())]
        raise UnknownNameError("environment id with a market", id, known)
    return _prepared(family, id, options).market_of(seed)


def _prepared(family: Family, id: str, options: Mapping[str, Any]) -> Prepared:
    module, name = family.setup.split(":")
    prepared: Prepared = getattr(import_module(module), name)({**gym.spec(id).kwargs, **options})
    return prepared


def register_all() -> None:
    """Make every id known to ``gym.make`` and ``gym.make_vec``."""
    for family in FAMILIES.values():
        register(family)


def register(family: Family) -> None:
    """Make the ids of a family known to ``gym.make`` and ``gym.make_vec``."""
    for id, options in {family.id: dict(family.options), **family.ids()}.items():
        if id in gym.registry:
            continue
        gym.register(
            id=id,
            entry_point=family.environment,
            vector_entry_point=family.vector_environment,
            # Each wrapper costs a sixth of a step. The tests run check_env over every id, and the
            # environment itself raises what the order-enforcing wrapper would.
            disable_env_checker=True,
            order_enforce=False,
            kwargs=options,
        )
