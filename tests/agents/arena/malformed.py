"""Generated replies about perpetuals, most of them malformed, each with what must become of it."""

import json
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

COINS = ("BTC", "ETH", "DOGE")
PRICES = {"BTC": 100_000.0, "ETH": 4_000.0, "DOGE": 0.2}
Reply = dict[str, Any]


class MalformedSignals(NamedTuple):
    """A reply, and what must become of it.

    Attributes:
        kind: of the reply.
        text: of it.
        finish_reason: why it ended.
        defect: why it cannot be used as it is, and its sender is asked again; None where it can.
        tolerated: what is mended in it.
        unfit: how many signals are left out where the second reply is the same; None where then
            the whole of it cannot be used.
        rejected: rules that the environment says are broken, by coin.
        entered: coins that are entered in the end.
    """

    kind: str
    text: str
    finish_reason: str = "stop"
    defect: str | None = None
    tolerated: frozenset[str] = frozenset()
    unfit: int | None = 0
    rejected: Mapping[str, str] = MappingProxyType({})
    entered: frozenset[str] = frozenset()


def cases(number: int, seed: int) -> list[MalformedSignals]:
    """So many cases, all kinds equally often."""
    rng = random.Random(seed)
    makers = list(MAKERS.items()) * (number // len(MAKERS) + 1)
    return [make(rng)._replace(kind=kind) for kind, make in makers[:number]]


def entry(coin: str, rng: random.Random, **changes: Any) -> Reply:
    """A valid entry, long or short."""
    side, price = rng.choice([1, -1]), PRICES[coin]
    side = changes.pop("side", side)
    leverage = rng.choice([5, 8, 10])
    quantity = round(1_000.0 * leverage / price, 2)
    stop = float(f"{price * (1 - 0.03 * side):.5g}")
    own = {
        "coin": coin, "signal": "buy_to_enter" if side > 0 else "sell_to_enter",
        "quantity": quantity, "profit_target": float(f"{price * (1 + 0.05 * side):.5g}"),
        "stop_loss": stop, "invalidation_condition": "4-hour close beyond the stop",
        "leverage": leverage, "confidence": round(rng.uniform(0.3, 0.9), 2),
        "risk_usd": round(abs(price - stop) * quantity, 2), "justification": "RSI turns.",
    }  # fmt: skip
    return own | changes


def hold(coin: str) -> Reply:
    return {**dict.fromkeys(entry(coin, random.Random(0))), "coin": coin, "signal": "hold"}


def reply(*args: Reply, **more: Any) -> Reply:
    """A reply by coin, as it should be."""
    return {"thinking": "So.", **{own["coin"]: {"trade_signal_args": own} for own in args}, **more}


def _usable(value: Any, *tolerated: str, entered: tuple[str, ...] = ("BTC",)) -> MalformedSignals:
    text = value if isinstance(value, str) else json.dumps(value)
    return MalformedSignals("", text, tolerated=frozenset(tolerated), entered=frozenset(entered))


def _useless(defect: str, text: str, **more: Any) -> MalformedSignals:
    return MalformedSignals("", text, defect=defect, unfit=None, **more)


def _unfit(value: Any, *entered: str, unfit: int = 1) -> MalformedSignals:
    text = json.dumps(value)
    return MalformedSignals("", text, defect="schema", unfit=unfit, entered=frozenset(entered))


def _broken(rule: str, *choices: Callable[[random.Random], Reply]) -> Callable[..., Any]:
    """An entry that the environment rejects by a rule, and takes no other with it."""

    def make(rng: random.Random) -> MalformedSignals:
        own, other = rng.choice(choices)(rng), entry("ETH", rng)
        text = json.dumps(reply({**entry("BTC", rng, side=own.pop("side", 1)), **own}, other))
        return MalformedSignals("", text, rejected={"BTC": rule}, entered=frozenset({"ETH"}))

    return make


def _changed(**changes: Any) -> Callable[[random.Random], Reply]:
    return lambda rng: dict(changes)


def _both(rng: random.Random) -> list[Reply]:
    return [entry("BTC", rng), hold("ETH"), hold("DOGE")]


def _as_texts(rng: random.Random) -> Reply:
    return {k: str(v) if isinstance(v, int | float) else v for k, v in entry("BTC", rng).items()}


def _cut(rng: random.Random) -> str:
    text = json.dumps(reply(*_both(rng)))
    return text[: rng.randint(20, len(text) - 1)]


def _not_json(rng: random.Random) -> str:
    text = json.dumps(reply(*_both(rng)))
    quantity = text.index('"quantity": ') + len('"quantity": ')
    return rng.choice(
        [
            "I would hold everything for now.",
            f"{text[:quantity]}NaN, {text[quantity:]}",
            text.replace(": ", " = "),
            text.replace("true", "True").replace("null", "None"),
            str(reply(*_both(rng))),
            '["BTC", "buy_to_enter"]',
        ]
    )


def _key_twice(rng: random.Random) -> str:
    text = json.dumps(reply(*_both(rng)))
    return text.replace('"signal": "', '"signal": "close_position", "signal": "', 1)


MAKERS: dict[str, Callable[[random.Random], MalformedSignals]] = {
    "valid": lambda rng: _usable(reply(*_both(rng))),
    "coins left out": lambda rng: _usable(reply(entry("BTC", rng)), "missing_null"),
    "fenced": lambda rng: _usable(f"```json\n{json.dumps(reply(*_both(rng)))}\n```", "fence"),
    "prose around": lambda rng: _usable(
        f"Here:\n{json.dumps(reply(*_both(rng)))}\nGood luck!", "surrounding_text"
    ),
    "list": lambda rng: _usable(_both(rng), "list", "list_of_parts"),
    "list of wrapped": lambda rng: _usable(
        [{"trade_signal_args": own} for own in _both(rng)], "list", "list_of_parts"
    ),
    "list of one": lambda rng: _usable([entry("DOGE", rng)], "list_of_parts", entered=("DOGE",)),
    "one a line": lambda rng: _usable("\n".join(map(json.dumps, _both(rng))), "list_of_parts"),
    "unwrapped": lambda rng: _usable(
        {own["coin"]: own for own in _both(rng)}, "unwrapped", "missing_null"
    ),
    "numbers as texts": lambda rng: _usable(reply(_as_texts(rng)), "number_from_string"),
    "signal in another case": lambda rng: _usable(
        reply(entry("BTC", rng), {**hold("ETH"), "signal": "HOLD"}), "enum_case"
    ),
    "bare hold": lambda rng: _usable(
        {"BTC": {"signal": "hold"}}, "unwrapped", "missing_constant", entered=()
    ),
    "extra digits": lambda rng: _usable(reply(entry("BTC", rng, quantity=0.0612345678))),
    "unknown signal": lambda rng: _unfit(
        reply(entry("BTC", rng, signal=rng.choice(["buy", "", None, 1])), entry("ETH", rng)),
        "ETH",
    ),
    "unknown coin": lambda rng: _unfit(
        reply(entry("BTC", rng), **{rng.choice(["LUNA", "btc-usd", "0"]): {}}), "BTC"
    ),
    "coin as a text": lambda rng: _unfit(
        reply(entry("ETH", rng), BTC=rng.choice(["hold", "buy", 7, ["hold"], True])), "ETH"
    ),
    "another coin inside": lambda rng: _unfit(
        reply(entry("ETH", rng), BTC={"trade_signal_args": entry("DOGE", rng)}), "ETH"
    ),
    "words for a number": lambda rng: _unfit(
        reply(entry("BTC", rng, quantity=rng.choice(["plenty", "10%", "1,000", [1], True, {}])),
              entry("DOGE", rng)),
        "DOGE",
    ),
    "number without end": lambda rng: _unfit(
        reply(entry("BTC", rng, leverage=10**400), entry("DOGE", rng)), "DOGE"
    ),
    "two signals for a coin": lambda rng: _unfit(
        [entry("BTC", rng), hold("BTC"), entry("ETH", rng)], "ETH"
    ),
    "field of its own": lambda rng: _unfit(
        reply(entry("BTC", rng, side_note="!"), entry("ETH", rng)), "ETH"
    ),
    "all wrong": lambda rng: _unfit({coin: {"signal": "?"} for coin in COINS}, unfit=3),
    "not json": lambda rng: _useless("not_json", _not_json(rng)),
    "cut off": lambda rng: _useless("truncated", _cut(rng), finish_reason="length"),
    "ended early": lambda rng: _useless("partial", _cut(rng)),
    "empty": lambda rng: _useless("empty", rng.choice(["", " \n", "\t"])),
    "refusal": lambda rng: _useless("refusal", "I'm sorry, but I can't trade for you."),
    "key twice": lambda rng: _useless("contradictory", _key_twice(rng)),
    "two answers": lambda rng: _useless(
        "contradictory", f"{json.dumps(reply(*_both(rng)))}\n{json.dumps(reply(hold('BTC')))}"
    ),
    "list without coins": lambda rng: _useless(
        "contradictory", json.dumps([{"signal": "hold"}, {"signal": "buy_to_enter"}])
    ),
    "quantity": _broken("quantity", _changed(quantity=0), _changed(quantity=-0.1),
                        _changed(quantity=1e-9)),
    "missing": _broken("missing", _changed(quantity=None), _changed(leverage=None)),
    "notional": _broken("notional", _changed(quantity=0.00005)),
    "leverage": _broken("leverage", _changed(leverage=0), _changed(leverage=-5),
                        _changed(leverage=7.5), _changed(leverage=41), _changed(leverage=1)),
    "confidence": _broken("confidence", _changed(confidence=1.5), _changed(confidence=-0.1),
                          _changed(confidence=62)),
    "stop": _broken("stop", _changed(stop_loss=101_000), _changed(side=-1, stop_loss=99_000),
                    _changed(stop_loss=-5)),
    "liquidation": _broken("liquidation", _changed(stop_loss=80_000, leverage=10),
                           _changed(side=-1, stop_loss=115_000, leverage=10)),
    "target": _broken("target", _changed(profit_target=99_000),
                      _changed(side=-1, profit_target=101_000), _changed(profit_target=0)),
    "least margin": _broken("least_margin", _changed(quantity=0.01, leverage=10)),
    "cash": _broken("cash", _changed(quantity=20, leverage=10)),
    "nothing held": _broken("no_position", _changed(signal="close_position")),
}  # fmt: skip
