"""Environments of somebody else's: two assets by the day, and one by three minutes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import gymnasium as gym
import numpy as np

from investorbench_env.accounting.events import AccountState, Fill, Order, Position, Rejection
from investorbench_env.facts import Facts

PAIR = Facts(
    family="Pair", symbols=("UP", "DOWN"), protocol="toy", steps=40, source="made for a test",
    simulated=False, fingerprint="pair", window=("2024-01-01", "2024-02-10"), action="weights",
    fills="close",
)  # fmt: skip
MINUTES = Facts(
    family="Minutes", symbols=("COIN",), protocol="toy", steps=1439, source="made for a test",
    simulated=True, fingerprint="minutes", window=("2024-01-01", "2024-01-03"), action="weight",
    interval="3m", fills="close",
)  # fmt: skip
START = datetime(2024, 1, 1, tzinfo=UTC)


class Toy(gym.Env[dict[str, Any], Any]):
    """Weights of the assets are set at each bar's price; more than all of equity is refused."""

    observation_space = gym.spaces.Dict()

    def __init__(self, facts: Facts, split: str = "test") -> None:
        self.facts = facts
        assets = len(facts.symbols)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (assets,))
        moves = np.random.default_rng(7).normal(0.0, 0.01, (facts.steps + 1, assets))
        self._prices = 100.0 * np.exp(np.cumsum(moves, axis=0) + 0.0)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self._t, self._cash = 0, self.facts.initial_cash
        self._held = np.zeros(len(self.facts.symbols))
        return {}, self._info([], [])

    def step(self, action: Any) -> Any:
        price, before = self._prices[self._t], self._equity
        weights = np.asarray(action, dtype=np.float64)
        is_refused = abs(weights).sum() > 1.0
        traded = np.zeros_like(price) if is_refused else weights * before / price - self._held
        self._held, self._cash = self._held + traded, self._cash - float(traded @ price)
        self._t += 1
        units = zip(self.facts.symbols, traded.tolist(), price.tolist(), strict=True)
        fills = [Fill(s, q, p, abs(q * p), 0.0) for s, q, p in units if q]
        orders = map(Order, self.facts.symbols, weights.tolist())
        rejections = [Rejection(each, "more than all of equity") for each in orders if is_refused]
        over = self._t == self.facts.steps
        return {}, self._equity / before - 1.0, False, over, self._info(fills, rejections)

    @property
    def _equity(self) -> float:
        return self._cash + float(self._held @ self._prices[self._t])

    def _info(self, fills: list[Fill], rejections: list[Rejection]) -> dict[str, Any]:
        bar = timedelta(minutes=3) if self.facts.interval == "3m" else timedelta(days=1)
        time, prices, equity = START + (self._t + 1) * bar, self._prices[self._t], self._equity
        marks = dict(zip(self.facts.symbols, prices.tolist(), strict=True))
        positions = tuple(
            Position(s, q, 100.0, p, q * p / equity, q * (p - 100.0))
            for s, q, p in zip(
                self.facts.symbols, self._held.tolist(), prices.tolist(), strict=True
            )
            if q
        )
        account = AccountState(self._cash, equity, 0.0, positions, marks)
        session = (time - timedelta(seconds=1)).date().isoformat()
        return {"session": session, "time": time.isoformat(), "account": account,
                "fills": tuple(fills), "rejections": tuple(rejections)}  # fmt: skip


@contextmanager
def registered(facts: Facts) -> Iterator[str]:
    """The id of such an environment, for as long as it is needed."""
    id = f"Toy/{facts.family}"
    gym.register(id, entry_point=Toy, kwargs={"facts": facts}, disable_env_checker=True)
    try:
        yield id
    finally:
        del gym.registry[id]
