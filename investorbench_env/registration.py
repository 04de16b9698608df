"""Every environment id: a row a family, and from it the ids on each of its universes.

Ids carry no version, so that Gymnasium prints no warning about newer ones; the version of a result
is that of the package, in every record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

import gymnasium as gym

from investorbench_env.errors import FactsError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.universes import find_universe

NAMESPACE = "InvestorBench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of decision: the environments of it, and what it is offered on.

    Attributes:
        name: as in ids, ``InvestorBench/<name>``.
        environment: entry point of the environment.
        vector_environment: entry point of its vectorised twin; None where it has none.
        facts: entry point of what gives the facts of an environment from the keywords of
            ``gym.make``, without making it.
        universes: the names of those on which it has ids.
        each: whether an id stands for one asset of a universe or for the universe as a whole.
        options: keywords that every environment of the family gets.
    """

    name: str
    environment: str
    vector_environment: str | None
    facts: str
    universes: tuple[str, ...]
    each: Literal["asset", "universe"]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id that stands for any asset or universe of the family, which its options name."""
        return f"{NAMESPACE}/{self.name}"

    def ids(self) -> dict[str, dict[str, Any]]:
        """The ids on its universes, each with its keywords for ``gym.make``."""
        found: dict[str, dict[str, Any]] = {}
        for universe in map(find_universe, self.universes):
            shared = {**self.options, "universe": universe.name}
            if universe.data is not None:
                shared["data"] = universe.data
            if self.each == "universe":
                found[f"{self.id}-{universe.name}"] = shared
                continue
            for member in universe.members:
                own = {"asset_class": member.asset_class, "symbol": member.symbol}
                found[f"{self.id}-{member.symbol}"] = {**shared, **own}
        return found


def _single_asset(asset_class: str, *universes: str) -> Family:
    return Family(
        name=ASSET_CLASSES[asset_class].title,
        environment="investorbench_env.envs.single_asset:SingleAssetEnv",
        vector_environment="investorbench_env.envs.single_asset_vector:SingleAssetVectorEnv",
        facts="investorbench_env.envs.setup:facts_of",
        universes=universes,
        each="asset",
        options={"asset_class": asset_class, "universe": universes[0]},
    )


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        _single_asset("stock", "Stocks", "Stocks-SIM"),
        _single_asset("crypto", "Coins", "Coins-SIM"),
        _single_asset("etf", "Funds", "Funds-SIM"),
    )
}
"""Every family by name."""


def environment_ids() -> list[str]:
    """The ids that stand for one asset or universe each, in the order of the families."""
    return [id for family in FAMILIES.values() for id in family.ids()]


def family_ids() -> list[str]:
    """The ids that stand for any asset of a class: give them ``symbol=`` and ``data=``."""
    return [family.id for family in FAMILIES.values()]


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
    for family in FAMILIES.values():
        if id == family.id or id in family.ids():
            module, name = family.facts.split(":")
            facts: Facts = getattr(import_module(module), name)({**gym.spec(id).kwargs, **options})
            return facts
    env = gym.make(id, **options)
    try:
        given = getattr(env.unwrapped, "facts", None)
    finally:
        env.close()
    if not isinstance(given, Facts):
        raise FactsError(
            f"{id} gives {given!r} as its facts; give the environment a property `facts` that "
            "returns an investorbench_env.facts.Facts"
        )
    return given


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
