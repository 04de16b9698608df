"""Seeds: what a run is determines what chance brings in it, to markets and to agents apart."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from operator import index
from typing import Any, NamedTuple

from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError

BITS = 128
"""Of a seed that is drawn: a smaller one could be searched for, from what an agent sees first."""
BELOW = 2**31
"""Every library takes seeds below it, language models' servers included."""
PLACES = 2**32
"""Snapshots to a run; the bits of their seeds beyond say which run it is."""
BLOCK, BLOCK_SIZE = "block", 25
"""Names the setting of how many snapshots a repeat holds; and how many unless it is given."""


class Seeds(NamedTuple):
    """What the two sides of an episode begin with; neither can be computed from the other.

    Attributes:
        market: of the environment, in both splits.
        agent: of the agent.
    """

    market: int
    agent: int


def drawn_seed() -> int:
    """A seed of a run that cannot be guessed."""
    return secrets.randbits(BITS)


def require_seed(given: Any) -> int:
    """A seed of a run, as a number of Python's own.

    Raises:
        InvestorBenchError: it is no whole number of at least 0.
    """
    try:
        if not isinstance(given, bool) and (seed := index(given)) >= 0:
            return seed
    except TypeError:
        pass
    raise InvestorBenchError(
        f"seed={given!r} must be a whole number of at least 0; without one, {BITS} bits are drawn "
        "and recorded"
    )


def market_seed(run_seed: int, repeat: int) -> int:
    """What the environment of an episode begins with, of 128 bits.

    It knows neither agent nor model, so that all agents of a run meet the same markets.

    Args:
        run_seed: of the whole run.
        repeat: the number of the episode among those of its job.
    """
    return int.from_bytes(_hash(["market", run_seed, repeat])[: BITS // 8], "big")


def snapshot_seed(run_seed: int, number: int) -> int:
    """What the environment of a snapshot begins with, of 128 bits that end with its number.

    So two that follow one another are an antithetic pair where there are pairs, and on a real
    market all of a run are of one deal, in which no horizons overlap.

    Args:
        run_seed: of the whole run.
        number: of the snapshot among those of its job.
    """
    return market_seed(run_seed, 0) // PLACES * PLACES + number


def agent_seed(run_seed: int, task: Task, agent: str, model: str, repeat: int) -> int:
    """What the agent of an episode begins with, below 2**31.

    No two episodes of a sweep share one, and none depends on what else is in the sweep, or on the
    order in which it is run.

    Args:
        run_seed: of the whole run; another one gives others for all episodes.
        task: of which id and symbol count; its protocol, costs and dates do not.
        agent: its name.
        model: the name of the model that it asks; empty for none.
        repeat: the number of the episode among those of its job.
    """
    id = task.id.rpartition(":")[2]  # without the module that registers it
    identity = [run_seed, id, task.symbol, agent, model, repeat]
    return int.from_bytes(_hash(identity)[:8], "big") % BELOW


def seeds_by_repeat(settings: Mapping[str, Any], task: Task) -> tuple[tuple[Seeds, ...], ...]:
    """The seeds of each episode of each repeat: one, or those of the snapshots of a block."""
    model = str(settings["model"]["name"]) if "model" in settings else ""
    agent, run_seed = str(settings["agent_name"]), int(settings["seed"])
    size = int(settings.get(BLOCK, 1))
    # What somebody else's environment is made of may know no larger ones.
    below = 2**BITS if task.is_ours else BELOW

    market = snapshot_seed if BLOCK in settings else market_seed

    def seeds(number: int) -> Seeds:
        return Seeds(
            market=market(run_seed, number) % below,
            agent=agent_seed(run_seed, task, agent, model, number),
        )

    return tuple(
        tuple(seeds(repeat * size + place) for place in range(size))
        for repeat in range(int(settings["repeats"]))
    )


def _hash(identity: list[Any]) -> bytes:
    return hashlib.sha256(json.dumps(identity).encode()).digest()
