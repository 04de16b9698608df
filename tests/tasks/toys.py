"""Two environments of somebody else's, which give Facts and an account and nothing else of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import gymnasium as gym
import numpy as np

from investorbench_env.accounting.events import AccountState, Fill, Order, Position, Rejection
from investorbench_env.facts import Facts

OPENING = 1000.0


class PairEnv(gym.Env[Any, Any]):
    """Two assets; orders such as ``({"asset": 0, "weight": [0.5]},)``, refused above all cash."""

    observation_space = gym.spaces.Box(0.0, np.inf, (2,), np.float64)
    action_space = gym.spaces.Sequence(
        gym.spaces.Dict({"asset": gym.spaces.Discrete(2), "weight": gym.spaces.Box(0.0, 2.0, (1,))})
    )
    symbols = ("AAA", "BBB")

    def __init__(self, split: str, drift: float = 0.01) -> None:
        first, steps = (1, 5) if split == "warmup" else (11, 30)
        start = datetime(2024, 1, first, tzinfo=UTC)
        self.times = [start + timedelta(days=day) for day in range(steps + 1)]
        growth = np.array([[drift, -drift], [-drift / 2, drift / 2]])
        self.prices = np.cumprod(
            [[1 + each for each in growth[t % 2]] for t in range(steps + 1)], 0
        )
        self.facts = Facts(
            family="Pair", symbols=self.symbols, protocol="toy", steps=steps, periods_a_year=365.0,
            window=(self._session(0), self._session(steps)), source="two curves", simulated=True,
            fingerprint=f"{drift}" * 8, action="orders", initial_cash=OPENING,
        )  # fmt: skip

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        self.t, self.cash, self.units, self.costs = 0, OPENING, np.zeros(2), 0.0
        return self.prices[0], self._info((), ())

    def step(self, action: Any) -> tuple[Any, float, bool, bool, Any]:
        before, now = self._equity(), self.prices[self.t]
        fills, refused = [], []
        for order in action:
            n, weight = int(order["asset"]), float(np.asarray(order["weight"]).item())
            if weight > 1.0:
                reason = Rejection(Order(self.symbols[n], weight), "more than there is")
                refused.append(reason)
                continue
            units = weight * before / now[n] - self.units[n]
            notional, cost = abs(units * now[n]), 0.001 * abs(units * now[n])
            self.cash, self.costs = self.cash - units * now[n] - cost, self.costs + cost
            self.units[n] += units
            fills.append(Fill(self.symbols[n], units, now[n], notional, cost))
        self.t += 1
        is_last = self.t == len(self.times) - 1
        reward = self._equity() / before - 1.0
        info = self._info(tuple(fills), tuple(refused))
        return self.prices[self.t], reward, False, is_last, info

    def _equity(self) -> float:
        return float(self.cash + self.units @ self.prices[self.t])

    def _session(self, t: int) -> str:
        return str(self.times[t].date())

    def _info(self, fills: Any, rejections: Any) -> dict[str, Any]:
        now, equity = self.prices[self.t], self._equity()
        held = tuple(
            Position(symbol, units, price, price, units * price / equity, 0.0)
            for symbol, units, price in zip(self.symbols, self.units, now, strict=True) if units
        )  # fmt: skip
        account = AccountState(
            cash=self.cash, equity=equity, costs=self.costs, positions=held,
            marks=dict(zip(self.symbols, map(float, now), strict=True)),
        )  # fmt: skip
        return {
            "session": self._session(self.t), "time": self.times[self.t].isoformat(),
            "account": account, "fills": fills, "rejections": rejections,
        }  # fmt: skip


class MinutesEnv(gym.Env[Any, Any]):
    """One asset on bars of 3 minutes, in the market or out of it; days have 20 bars."""

    observation_space = gym.spaces.Box(0.0, np.inf, (1,), np.float64)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, split: str) -> None:
        first, steps = (1, 20) if split == "warmup" else (11, 25 * 20)
        start = datetime(2024, 1, first, 14, 30, tzinfo=UTC)
        self.times = [
            start + timedelta(days=t // 20, minutes=3 * (t % 20)) for t in range(steps + 1)
        ]
        self.prices = [100.0 + (t * t % 37) / 10 for t in range(steps + 1)]
        days = tuple(str(self.times[t].date()) for t in (0, steps))
        self.facts = Facts(
            family="Minutes", symbols=("TICK",), protocol="toy", steps=steps, interval="3m",
            periods_a_year=252.0, window=(days[0], days[1]), source="a parabola", simulated=True,
            fingerprint="ab" * 32, action="in or out", initial_cash=OPENING,
        )  # fmt: skip

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        self.t, self.cash, self.units = 0, OPENING, 0.0
        return np.array(self.prices[:1]), self._info(())

    def step(self, action: Any) -> tuple[Any, float, bool, bool, Any]:
        price, before = self.prices[self.t], self.cash + self.units * self.prices[self.t]
        units = before / price * action - self.units
        fills = (Fill("TICK", units, price, abs(units * price), 0.0),) if units else ()
        self.cash, self.units = self.cash - units * price, self.units + units
        self.t += 1
        info = self._info(fills)
        reward = info["account"].equity / before - 1.0
        return np.array([self.prices[self.t]]), reward, False, self.t == self.facts.steps, info

    def _info(self, fills: Any) -> dict[str, Any]:
        price = self.prices[self.t]
        worth = self.units * price
        equity = self.cash + worth
        held = (Position("TICK", self.units, price, price, worth / equity, 0.0),)
        account = AccountState(
            cash=self.cash, equity=equity, costs=0.0, positions=held if self.units else (),
            marks={"TICK": price},
        )  # fmt: skip
        time = self.times[self.t]
        return {
            "session": str(time.date()), "time": time.isoformat(), "account": account,
            "fills": fills, "rejections": (),
        }  # fmt: skip
