"""What a step of perpetuals costs, one account and 1,024 at once, beside CartPole in the same run.

Entries in 2 % of all coins a step, with targets, half of them with stops, the others up to their
liquidation; funding each hour. How decisions are drawn is not measured.
"""

import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import gymnasium as gym
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from investorbench.scripts.bench.environment import Measure, best_of, scalar
from investorbench_env.accounting.signal_arrays import CODES, NUMBERS
from investorbench_env.market import Market
from investorbench_env.registration import market_of

PERPETUALS = "InvestorBench/Perpetuals-SIM"
CARTPOLE = "CartPole-v1"
MANY, LENGTH, ENTRIES, MARGIN = 1_024, 480, 0.02, 0.06
NUMERIC = ("features",)
WORDS = {code: word for word, code in CODES.items()}

Info = Mapping[str, Any]


def market() -> Market:
    """One market of six simulated coins in bars of three minutes, with those of four hours."""
    return market_of(PERPETUALS, 0, markets=[0])


class Entrant:
    """Draws entries.

    Args:
        env: whose coins they are of.
    """

    def __init__(self, env: Any) -> None:
        self._rng = np.random.default_rng(0)
        space = env.single_action_space if is_many(env) else env.action_space
        self._symbols = space.symbols
        self._leverage = np.array([most for _, most in space.leverages])

    def arrays(self, info: Info) -> dict[str, Any]:
        """Decisions of N accounts."""
        prices, cash = info["account"]["prices"], info["cash"][:, None]
        return self._drawn(prices, cash)

    def signals(self, info: Info) -> dict[str, Any]:
        """The same of one account."""
        marks = info["account"].marks
        prices = np.array([[marks[symbol] for symbol in self._symbols]])
        drawn = self._drawn(prices, info["cash"])
        return {
            symbol: {"signal": WORDS[code]}
            | {name: drawn[name].item(0, coin) for name in NUMBERS if name in drawn}
            for coin, symbol in enumerate(self._symbols)
            if (code := drawn["signal"].item(0, coin))
        }

    def _drawn(self, prices: Any, cash: Any) -> dict[str, Any]:
        chance = self._rng.random(prices.shape)
        signal = (chance < ENTRIES).astype(np.int8) - 2 * (chance < ENTRIES / 2)
        side = np.where(signal < 0, -1.0, 1.0)
        leverage = np.broadcast_to(self._leverage, prices.shape)
        has_stop = self._rng.random(prices.shape) < 0.5
        return {
            "signal": signal,
            "quantity": MARGIN * cash * leverage / prices,
            "leverage": leverage,
            "profit_target": prices * (1.0 + 0.02 * side),
            "stop_loss": np.where(has_stop, prices * (1.0 - 0.01 * side), np.nan),
            "confidence": np.full(prices.shape, 0.6),
        }


def is_many(env: Any) -> bool:
    """Whether it is of many accounts."""
    return isinstance(env, gym.vector.VectorEnv)


def stepped(env: Any) -> Measure:
    """Measure steps alone, of an environment or of many at once, new starts apart."""
    entrant, count = Entrant(env), MANY if is_many(env) else 1
    decide: Callable[[Info], Any] = entrant.arrays if is_many(env) else entrant.signals
    _, info = env.reset(seed=0)
    now = {"info": info, "ended": False}

    def measure(seconds: float) -> float:
        steps, spent = 0, 0.0
        while spent < seconds or not steps:
            if now["ended"]:
                _, now["info"] = env.reset()
            action = decide(now["info"])
            begin = time.perf_counter()
            _, _, terminated, truncated, now["info"] = env.step(action)
            spent += time.perf_counter() - begin
            # Many begin again by themselves.
            now["ended"] = count == 1 and (terminated or truncated)
            steps += count
        return spent / steps

    return measure


def many(**options: Any) -> Any:
    """Accounts side by side."""
    given = {"num_envs": MANY, "markets": [0], "modalities": NUMERIC}
    return gym.make_vec(PERPETUALS, **{**given, **options})


def contestants() -> dict[str, Measure]:
    """Ours, and the yardstick."""
    return {
        CARTPOLE: scalar(gym.make(CARTPOLE), 2),
        "one, indicators and text": stepped(gym.make(PERPETUALS, markets=[0])),
        f"× {MANY:,}": stepped(many()),
        f"× {MANY:,}, series of 10 bars": stepped(many(modalities=(*NUMERIC, "series"))),
        f"× {MANY:,}, random starts": stepped(many(episode_length=LENGTH)),
    }


def memory() -> tuple[float, float, float]:
    """MB of the market, of what one step returns, and the most that lanes and a step hold."""
    given = market()
    options = {"data": given, "symbols": given.symbols, "universe": None, "markets": "fresh"}
    span = {"start": str(given.sessions[-1] - 3), "end": str(given.sessions[-1])}
    many(**options, **span).reset()  # what is made once for all environments of a market
    tracemalloc.start()
    try:
        env = many(**options, **span)
        entrant = Entrant(env)
        _, info = env.reset(seed=0)
        for _ in range(3):
            action = entrant.arrays(info)
            result = info = None  # an agent that is done with a step
            result = env.step(action)
            info = result[-1]
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return _bytes(given) / 1e6, _bytes(result) / 1e6, most / 1e6


def _bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Market):
        arrays = [
            getattr(value, each.name) for each in fields(value) if each.name != "hidden_state"
        ]
        return sum(map(_bytes, arrays))
    if isinstance(value, Mapping):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list | tuple) else 0


def report(seconds: float) -> None:
    """Measure perpetuals and print what each costs."""
    console = Console()
    times = best_of(contestants(), seconds, console)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("perpetuals", overflow="fold")
    for name in ("× CartPole", "µs a step"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, step in times.items():
        table.add_row(name, f"{times[CARTPOLE] / step:.2f}", f"{step * 1e6:,.3f}")
    console.print(
        "[bold]six coins in bars of 3 minutes[/], an entry in 2 % of them a step; a step is that "
        "of one episode"
    )
    console.print(table)
    own, returned, most = memory()
    console.print(
        f"{MANY:,} at once: market {own:.1f} MB, a step returns {returned:.1f} MB, memory at most "
        f"{most:.1f} MB, {most / (own + returned):.2f} times both"
    )
