"""Environments of somebody else's, with facts and the nouns of an account and nothing more."""

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete, Sequence, Tuple

from investorbench_env.accounting.events import AccountState, Fill, Position
from investorbench_env.facts import Facts

START = {"warmup": np.datetime64("2024-01-01T21", "s"), "test": np.datetime64("2024-03-01T21", "s")}


class Pair(gym.Env[Any, Any]):
    """Two assets and a bar a day; an action is a list of orders: an asset and its target weight."""

    symbols, interval, a_bar, steps = ("OAK", "ELM"), "1d", np.timedelta64(1, "D"), 40
    observation_space: Any = Box(0.0, np.inf, (2,), np.float64)
    action_space: Any = Sequence(Tuple((Discrete(2), Box(0.0, 0.5, (), np.float32))))

    def __init__(self, split: str = "test") -> None:
        self.times = np.datetime_as_string(START[split] + self.a_bar * np.arange(self.steps + 1))
        moves = np.random.default_rng(split == "test").normal(1e-3, 0.01, (self.steps + 1, 2))
        self.prices = 100.0 * np.exp(moves.cumsum(axis=0)[:, : len(self.symbols)])
        self.facts = Facts(
            family="Forest", symbols=self.symbols, interval=self.interval, steps=self.steps,
            window=(self.times[0][:10], self.times[-1][:10]), simulated=True,
            protocol="frictionless", source="made up", fingerprint=split,
        )  # fmt: skip

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t, self.cash, self.held = 0, self.facts.initial_cash, np.zeros(len(self.symbols))
        return self.seen([])

    def step(self, orders: Any) -> Any:
        before, fills = self.seen([])[1]["account"].equity, []
        for asset, weight in orders:
            price = float(self.prices[self.t, asset])
            bought = float(weight) * before / price - float(self.held[asset])
            self.held[asset], self.cash = self.held[asset] + bought, self.cash - bought * price
            fills.append(Fill(self.symbols[asset], bought, price, abs(bought) * price, 0.0))
        self.t += 1
        seen, info = self.seen(fills)
        return seen, info["account"].equity / before - 1.0, False, self.t == self.steps, info

    def seen(self, fills: list[Fill]) -> tuple[Any, dict[str, Any]]:
        price, at = self.prices[self.t].tolist(), f"{self.times[self.t]}Z"
        equity = self.cash + float(self.held @ price)
        rows = zip(self.symbols, self.held.tolist(), price, price, strict=True)
        held = [Position(*row, row[1] * row[2] / equity, 0.0) for row in rows if row[1]]
        marks = dict(zip(self.symbols, price, strict=True))
        own = AccountState(cash=self.cash, equity=equity, costs=0.0, positions=held, marks=marks)
        info = {"session": at[:10], "time": at, "account": own, "fills": fills, "rejections": ()}
        return np.array(price), info


class Minutes(Pair):
    """One asset and a bar every three minutes, over midnights; an action is a target weight."""

    symbols, interval, a_bar, steps = ("OAK",), "3m", np.timedelta64(3, "m"), 600
    observation_space = Box(0.0, np.inf, (1,), np.float64)
    action_space = Box(0.0, 1.0, (1,), np.float32)

    def step(self, action: Any) -> Any:
        return super().step([(0, action[0])])


gym.register("Forest/Pair", entry_point=Pair)
gym.register("Forest/Minutes", entry_point=Minutes)
