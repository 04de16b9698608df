"""States in which models are probed: what an environment shows on its way through recorded bars.

On the way positions are held, one at a time, so that there are plans to keep or to break.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from investorbench.agents.arena.question import ask, system_message
from investorbench.agents.arena.rule_words import rule_words
from investorbench.agents.finmem.question import Question
from investorbench.agents.llm.perpetual_text import ShownPerpetuals, shown_in
from investorbench.tasks.task import Task
from investorbench_env.accounting.signals import BUY_TO_ENTER, CLOSE, SELL_TO_ENTER
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

SIGNALS = "signals"
"""What actions are."""
HOURS_APART = 4.0
"""Between two states of one market, at least: nearer ones show much the same."""
MARGIN = 0.1
"""Of free cash, of a position on the way."""
LEVERAGE = 5.0
STOP, TARGET, INVALIDATED = 0.04, 0.08, 0.03
"""Distances from the price, of its plan."""
MOST_MARKETS = 200

Env = gym.Env[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeState:
    """One state.

    Attributes:
        market: the number of its market, from 0; a recorded one is the only one.
        time: of the decision.
        symbols: the coins.
        system: the part of a question that never changes.
        text: what the environment shows, in words.
        shown: the same, read back.
        thinks: whether a reply begins with its reasons.
    """

    market: int
    time: str
    symbols: tuple[str, ...]
    system: str
    text: str
    shown: ShownPerpetuals
    thinks: bool

    @property
    def question(self) -> Question:
        """As the arena's agent would ask it first."""
        return ask(self.system, self.symbols, self.text, (), (), thinks=self.thinks)

    @property
    def held(self) -> str | None:
        """The coin that is held; None for none."""
        return next(iter(self.shown.positions), None)


def any_state(state: ProbeState) -> bool:
    """Every state will do."""
    return True


def has_position(state: ProbeState) -> bool:
    """Whether something is held."""
    return state.held is not None


def has_standing_plan(state: ProbeState) -> bool:
    """Whether a position is held whose price is far from what would prove it wrong."""
    if state.held is None or state.held not in state.shown.coins:
        return False
    position = state.shown.positions[state.held]
    move = state.shown.coins[state.held].price / position["entry_price"] - 1.0
    return bool(math.copysign(1.0, position["quantity"]) * move > -INVALIDATED / 2.0)


class RecordedStates(NamedTuple):
    """States, and where they come from.

    Attributes:
        states: in their order.
        hours_apart: between two of one market, at least; infinite where each has its own.
        task: whose states these are, by name.
        source: of the prices, in words.
        simulated: whether any of them is not real.
    """

    states: tuple[ProbeState, ...]
    hours_apart: float
    task: str
    source: str
    simulated: bool


def recorded_states(task: Task, count: int, seed: int, *, thinks: bool = True) -> RecordedStates:
    """So many states of a task's test split, of several markets where each begins a fresh one.

    Args:
        task: of perpetuals.
        count: of states, at most; a recorded market may have fewer.
        seed: of the sides of positions, and of simulated markets.
        thinks: whether a reply begins with its reasons.

    Raises:
        InvestorBenchError: the task is none of perpetuals, or has no state with a price.
    """
    env = task.make("test")
    facts: Facts = env.unwrapped.facts  # type: ignore[attr-defined]
    if facts.action != SIGNALS:
        raise InvestorBenchError(
            f"brittleness is probed on perpetuals; {facts.family} has action={facts.action!r}: "
            "give task=perpetuals/arena6 or task=perpetuals/sim"
        )
    found = islice(_states(env, facts, seed, thinks=thinks), count)
    states = tuple(found)
    env.close()
    if not states:
        raise InvestorBenchError(f"{task.id} shows no price of any coin in its test split")
    name = task.short_name
    return RecordedStates(states, _hours_apart(states), name, facts.source, facts.simulated)


def _states(env: Env, facts: Facts, seed: int, *, thinks: bool) -> Iterator[ProbeState]:
    known: set[str] = set()
    for market in range(MOST_MARKETS if facts.markets else 1):
        rng = np.random.default_rng((seed, market))
        for place, (observation, info, shown) in enumerate(_on_the_way(env, seed + market, rng)):
            market_text = observation["text"].split("Account:")[0]
            if place == 0 and market_text in known:
                break  # some markets are drawn from a few, and come again
            known.add(market_text)
            rules = rule_words(info.get("limits", {}))
            yield ProbeState(
                market=market,
                time=str(info["time"]),
                symbols=facts.symbols,
                system=system_message(facts, rules, thinks=thinks),
                text=observation["text"],
                shown=shown,
                thinks=thinks,
            )


def _on_the_way(
    env: Env, seed: int, rng: np.random.Generator
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], ShownPerpetuals]]:
    """What is shown every few hours of an episode, in which one coin after another is held."""
    observation, info = env.reset(seed=seed)
    last: datetime | None = None
    entered, is_over = 0, False
    while not is_over:
        now, shown = datetime.fromisoformat(str(info["time"])), shown_in(observation["text"])
        action: dict[str, Any] = {}
        is_due = last is None or now - last >= timedelta(hours=HOURS_APART)
        if is_due and shown.coins:
            if last is not None:
                yield observation, info, shown
            last = now
            action = {held: {"signal": CLOSE} for held in shown.positions}
            coin = [*shown.coins][entered % len(shown.coins)]
            if coin not in action:
                action[coin] = _entry(shown, coin, info, rng)
            entered += 1
        observation, _, terminated, truncated, info = env.step(action)
        is_over = bool(terminated or truncated)


def _entry(
    shown: ShownPerpetuals, coin: str, info: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """A position to hold, with a plan."""
    price, side = shown.coins[coin].price, 1 - 2 * int(rng.integers(2))
    limits = info.get("limits", {})
    full = limits.get("full_leverage") and limits["max_leverage"][coin]
    leverage = full or LEVERAGE
    quantity = MARGIN * (shown.cash or 0.0) * leverage / price
    stop, target = (_price(price * (1.0 + side * move)) for move in (-STOP, TARGET))
    edge = _price(price * (1.0 - side * INVALIDATED))
    return {
        "signal": BUY_TO_ENTER if side > 0 else SELL_TO_ENTER,
        "quantity": _price(quantity),
        "leverage": leverage,
        "profit_target": target,
        "stop_loss": stop,
        "invalidation_condition": f"4-hour close {'below' if side > 0 else 'above'} {edge:g}",
        "confidence": 0.6,
        "risk_usd": round(abs(price - stop) * quantity, 2),
        "justification": "",
    }


def _price(number: float) -> float:
    """To five significant figures, as venues take prices."""
    return float(f"{number:.5g}")


def _hours_apart(states: Sequence[ProbeState]) -> float:
    between = (
        datetime.fromisoformat(after.time) - datetime.fromisoformat(before.time)
        for before, after in pairwise(states)
        if before.market == after.market
    )
    return min((each / timedelta(hours=1) for each in between), default=math.inf)
