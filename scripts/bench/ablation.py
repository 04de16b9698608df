"""What is a memory worth? FinMem with each, on the same markets that memory pays for.

No memory at all is the lower bound, and one that brings up exactly what matters the upper; between
them a memory is scored by its share of the gap. Two readers answer, neither a language model: one
that understands every text and knows the law of the market, and the offline one, which reads by a
list of words.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np

from investorbench.agents.finmem import FinMem
from investorbench.agents.llm import connect, load_model
from investorbench.agents.simulated.oracle_memory import OracleMemory
from investorbench.agents.simulated.prompt_reader import Belief, PromptReader
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.memory.embedding import Vectors
from investorbench.scripts.bench.simulated_order import FloatArray, MeanOverSeeds, mean_over_seeds
from investorbench.tasks import Task, evaluate
from investorbench.tasks.result import Episode
from investorbench_env.market.market import Market
from investorbench_env.market.simulated import Law, dynamics_of
from investorbench_env.market.simulated.bands import FRESH

TASK = Task.of("stock/sim-noise")
UPPER, LOWER = "oracle", "off"
ARMS = (UPPER, "layered", "single", "investorbench", "finmem", "paper", LOWER)
"""The memories: profiles, and the one that knows."""
REFERENCES = ("momentum", "buy_and_hold")
"""The first is all that the offline reader does besides reading."""
READERS = ("reader", "offline")


class AblationColumn(NamedTuple):
    """What is measured of an episode: its heading, digits, and whether its interval is shown."""

    name: str
    digits: int
    has_interval: bool


MEASURES = (
    AblationColumn("expected %", 0, True),
    AblationColumn("SR", 2, True),
    AblationColumn("trades", 0, False),
    AblationColumn("guidance", 2, False),
    AblationColumn("facts", 2, False),
)
EXPECTED, SHARPE = 0, 1


class KeptVectors:
    """The hashed embedder, which computes each text of a market once for all memories."""

    is_quick = True

    def __init__(self) -> None:
        self._embedder = HashedNgrams()
        self.name, self.dimension = self._embedder.name, self._embedder.dimension
        self._kept: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [N, D] of unit length."""
        new = list(dict.fromkeys(text for text in texts if text not in self._kept))
        if new:
            self._kept.update(zip(new, self._embedder.embed(new), strict=True))
        kept = [self._kept[text] for text in texts]
        return np.array(kept, np.float32).reshape(-1, self.dimension)


def episode(reader: str, seed: int) -> FloatArray:
    """What each arm and reference, in this order, made of one market: [A, M] by measure."""
    market = TASK.market(seed)
    law = law_of(market)
    matters = law.what_matters((FRESH, seed))
    embedder = KeptVectors()
    rows = []
    for arm in ARMS:
        model: Any = (
            PromptReader(law.dynamics) if reader == "reader" else connect(load_model("offline"))
        )

        def new_memory(own_seed: int, arm: str = arm) -> LayeredMemory:
            if arm == UPPER:
                return OracleMemory(matters, embedder)
            return LayeredMemory(arm, Arrays(), embedder, seed=own_seed)

        result = evaluate(FinMem(model, new_memory), TASK, data=market, seed=seed)
        rows.append(measured(result.median, market, getattr(model, "beliefs", ())))
    for reference in REFERENCES:
        result = evaluate(reference, TASK, data=market, seed=seed)
        rows.append(measured(result.median, market, ()))
    return np.array(rows, np.float64)


def law_of(market: Market) -> Law:
    """The law that a market of the task was drawn by."""
    first, last = market.sessions[[0, -1]].astype(str).tolist()
    (symbol,) = market.symbols
    dynamics = dynamics_of(symbol, market.asset_class)
    return Law(
        symbol=symbol, asset_class=market.asset_class, dynamics=dynamics, start=first, end=last
    )


def measured(one: Episode, market: Market, beliefs: Sequence[Belief]) -> tuple[float, ...]:
    """The measures of one episode, in order."""
    steps = len(one.weights)
    first = int(np.searchsorted(market.sessions, one.sessions[0]))
    hidden = {
        name: values[first : first + steps, 0]
        for name, values in (market.hidden_state or {}).items()
    }
    held = beliefs[-steps:]
    facts = np.array([sum(belief.facts.values()) for belief in held])
    return (
        100 * expected_earnings(one, hidden["expected_return"]),
        one.metrics["SR"],
        float((one.notional > 0.0).sum()),
        share_right([belief.guidance for belief in held], hidden["guidance"]),
        share_right(facts, hidden["facts"]),
    )


def expected_earnings(one: Episode, expected: FloatArray) -> float:
    """What the positions held were expected to earn a year after costs, as a share of equity.

    It has the mean of what they did earn, without the luck. A night belongs to the position before.

    Args:
        one: the episode, T steps.
        expected: return of the session after each decision [T].
    """
    night = TASK.dynamics().overnight_share
    before = np.append(0.0, one.weights[:-1])
    held = night * before + (1 - night) * one.weights
    earned = held * expected - one.costs / one.equity[:-1]
    return float(earned.mean() * one_year())


def one_year() -> float:
    """Sessions a year."""
    return TASK.facts("test").periods_a_year


def share_right(believed: Sequence[int] | FloatArray, truth: FloatArray) -> float:
    """How often a belief was right where there was something to know; NaN without a belief."""
    if not len(believed):
        return float("nan")
    known = truth != 0
    return float((np.asarray(believed) == truth)[known].mean()) if known.any() else float("nan")


def share_of_gap(values: FloatArray, lower: FloatArray, upper: FloatArray) -> MeanOverSeeds:
    """The share of the gap from a lower to an upper bound that values close, all [S].

    A ratio of means over markets, with the interval of its linearisation: the mean of
    (value − lower) − share·(upper − lower) has the spread that counts (Cochran 1977, §6.4). NaN
    where the gap itself cannot be distinguished from none.
    """
    gained, gap = values - lower, upper - lower
    if mean_over_seeds(gap).low <= 0.0:
        return MeanOverSeeds(mean=float("nan"), low=float("nan"), high=float("nan"))
    share = float(gained.mean() / gap.mean())
    rest = mean_over_seeds(gained - share * gap)
    margin = (rest.high - rest.mean) / abs(float(gap.mean()))
    return MeanOverSeeds(mean=share, low=share - margin, high=share + margin)


def episodes(reader: str, seeds: Sequence[int], processes: int) -> Iterator[FloatArray]:
    """`episode` of each seed."""
    if processes <= 1:
        yield from (episode(reader, seed) for seed in seeds)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(episode, [reader] * len(seeds), seeds)
