"""Four models that are brittle in known ways, and states to ask them about.

Each follows the last bars of a coin, and now and then changes its mind: that is its noise. One of
them reads every series as if the last value were the newest; one loses the form of its reply where
another one than usual is asked for; one does not keep to its own plans and figures.
"""

import json
import random
import re
from collections.abc import Callable
from typing import Any, Literal, get_args
from zlib import crc32

from investorbench.agents.llm import Answer, Client
from investorbench.agents.llm.perpetual_text import shown_in
from investorbench.tasks.probes.states import ProbeState, RecordedStates
from tests.agents.llm.asking import client
from tests.agents.llm.stub_server import StubServer

Character = Literal["robust", "order-blind", "format-breaking", "self-contradicting"]
CHARACTERS: tuple[Character, ...] = get_args(Character)
KIND = {
    "robust": frozenset(),
    "order-blind": frozenset({"reading"}),
    "format-breaking": frozenset({"format"}),
    "self-contradicting": frozenset({"consistency"}),
}
"""Of the probes that are to find each brittle."""
COINS = ("BTC", "ETH", "SOL", "BNB", "DOGE", "XRP")
PRICES = (118_000.0, 3_500.0, 178.123, 745.678, 0.23812, 3.2168)
NOISE = 0.08
"""How often a decision is another one for no reason."""
BREAKS = 0.8
"""How often a model does what it is known for, where it could."""
NO_SIGNALS = {"signals": 1}
_PRICES = re.compile(r"(?m)^([\w-]+): price (\S+),.*(?:\n .*)*?\n +price \[(.*)\]")


def states(count: int, seed: int) -> RecordedStates:
    """States of one market, four hours apart, with a position in each."""
    rng = random.Random(seed)
    made = tuple(_state(n, rng) for n in range(count))
    return RecordedStates(made, 4.0, "made-up", "made for a test", True)


def _state(number: int, rng: random.Random) -> ProbeState:
    day, quarter = divmod(number, 6)
    text = _text(COINS[number % len(COINS)], rng)
    time = f"2025-07-{day + 1:02}T{4 * quarter:02}:00:00+00:00"
    text = f"It is {time}.\n\n{text}"
    return ProbeState(
        market=0, time=time, symbols=COINS, text=text,
        system="You trade. All series are listed oldest first: the last value is the newest.",
        shown=shown_in(text), thinks=True,
    )  # fmt: skip


def _text(held: str, rng: random.Random) -> str:
    blocks = ["Every series runs from the oldest value to the latest."]
    for coin, price in zip(COINS, PRICES, strict=True):
        move = rng.choice([-1, 1]) * rng.uniform(0.004, 0.02)
        series = [price * (1.0 - move * (9 - n) / 9) for n in range(10)]
        words = ", ".join(f"{each:.6g}" for each in series)
        blocks.append(
            f"{coin}: price {price:.6g}, EMA20 {price:.6g}, MACD 0.1234, RSI7 51.00\n"
            f"  funding rate 0.0000125 each 1 h\n  bars of 3m\n    price [{words}]\n"
            f"    RSI7 [50.00, 51.00]"
        )
    price = PRICES[COINS.index(held)]
    plan = {"profit_target": price * 1.1, "stop_loss": price * 0.95, "invalidation_condition": "x"}
    position = {"symbol": held, "quantity": 1.0, "entry_price": price, "exit_plan": plan}
    blocks.append(
        "Account: value 10000.00, available cash 9000.00, total return +0.00%\n  positions\n"
        f"    {json.dumps(position)}"
    )
    return "\n\n".join(blocks)


def reply(character: Character, system: str, user: str, seed: int) -> str:
    """What a model says."""
    rng = random.Random(crc32(f"{character} {seed} {system} {user}".encode()))
    breaks = rng.random() < BREAKS
    signals = _signals(character, system, user, breaks, rng)
    as_list = "a list of the objects" in system
    as_texts = "as a text in quotation marks" in system
    if character == "format-breaking" and (as_list or as_texts) and breaks:
        return "First: " + json.dumps(signals) if as_list else json.dumps(NO_SIGNALS)
    if as_texts:
        signals = {coin: {k: _as_text(v) for k, v in own.items()} for coin, own in signals.items()}
    if as_list:
        return json.dumps({"thinking": "So.", "signals": [*signals.values()]})
    return json.dumps({coin: {"trade_signal_args": own} for coin, own in signals.items()})


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) else value


def _signals(
    character: Character, system: str, user: str, breaks: bool, rng: random.Random
) -> dict[str, dict[str, Any]]:
    contradicts = character == "self-contradicting" and breaks
    backwards = "newest first" in system + user and character != "order-blind"
    held = shown_in(user).positions
    leverage = int((re.search(r"Its leverage is (\d+)", user) or ["", "5"])[1])
    forced = "exactly one coin" in user
    signals: dict[str, dict[str, Any]] = {}
    for coin, price, series in sorted(_PRICES.findall(user)):
        values = [float(each) for each in series.split(", ")]
        rises = (values[-1] > values[0]) != backwards
        if coin in held:
            own = _held(held[coin]["exit_plan"], user, contradicts)
        elif forced and "buy_to_enter" in (each["signal"] for each in signals.values()):
            own = {"signal": "hold"}
        elif rises or forced:
            own = _entry(float(price), leverage, contradicts)
        else:
            own = {"signal": "hold"}
        signals[coin] = {**EMPTY, **own, "coin": coin}
    if rng.random() < NOISE and not forced:
        other = rng.choice([coin for coin in signals if coin not in held])
        was = signals[other]["signal"]
        signals[other] = {**EMPTY, "coin": other, "signal": "hold"}
        if was == "hold":
            price = shown_in(user).coins[other].price
            signals[other] |= _entry(price, leverage, contradicts)
    return signals


EMPTY = dict.fromkeys(
    ("coin", "signal", "quantity", "profit_target", "stop_loss", "invalidation_condition",
     "leverage", "confidence", "risk_usd", "justification")
)  # fmt: skip


def _held(plan: dict[str, Any], user: str, contradicts: bool) -> dict[str, Any]:
    if contradicts and "closing theirs" in user:
        return {"signal": "close_position"}
    if contradicts and "held unchanged" in user:
        return {"signal": "hold", "profit_target": plan["profit_target"] * 1.002}
    if "repeat the" in user:
        own = {**plan, "stop_loss": plan["stop_loss"] * (0.98 if contradicts else 1.0)}
        return {"signal": "hold", **own}
    return {"signal": "hold"}


def _entry(price: float, leverage: int, contradicts: bool) -> dict[str, Any]:
    stop, quantity = price * 0.96, 500.0 / price
    risk = (price - stop) * quantity * (leverage if contradicts else 1)
    return {
        "signal": "buy_to_enter", "quantity": quantity, "leverage": leverage,
        "profit_target": price * 1.1, "stop_loss": stop, "confidence": 0.6, "risk_usd": risk,
    }  # fmt: skip


class Local:
    """Such a model in this process; a test holds it against the same one behind a server."""

    is_language_model = True

    def __init__(self, character: Character) -> None:
        self.name: str = character
        self._character = character

    async def decide(self, messages: Any, schema: Any, *, seed: int, **options: Any) -> Answer:
        system, user = (message["content"] for message in messages)
        text = reply(self._character, system, user, seed)
        value = None if text.startswith("First") else json.loads(text)
        if value == NO_SIGNALS:
            value = None
        return Answer(
            value=value, text=text, status="invalid" if value is None else "ok", rung="text",
            model=self.name, request_hash="",
        )  # fmt: skip


def served(character: Character) -> tuple[StubServer, Callable[[str], Client]]:
    """Such a model behind a server, and what connects to it."""

    def answer(request: dict[str, Any]) -> str:
        system, user = request["messages"][:2]
        return reply(character, system["content"], user["content"], request["seed"])

    return StubServer(answer), lambda url: client(url, {"name": character})
