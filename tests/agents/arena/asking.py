"""What the tests of the arena's agent share: facts of perpetuals, an observation, a reply."""

from typing import Any

from investorbench_env.facts import Facts
from tests.agents.facts import facts

SYMBOLS = ("BTC", "ETH", "DOGE")
LIMITS = {
    "least_leverage": 5.0, "least_margin": 0.05, "adding": False,
    "max_leverage": {"BTC": 40.0, "ETH": 25.0, "DOGE": 10.0},
    "size_decimals": {"BTC": 5, "ETH": 4, "DOGE": 0},
}  # fmt: skip
OBSERVATION = {"text": "## BTC\ncurrent_price = 108026"}
INFO: dict[str, Any] = {
    "symbols": SYMBOLS, "time": "2025-07-17 00:03", "equity": 10_000.0, "limits": LIMITS,
}  # fmt: skip


def perpetuals(**changes: Any) -> Facts:
    given = {
        "family": "Perpetuals", "symbols": SYMBOLS, "asset_class": "perpetual", "interval": "3m",
        "action": "signals", "cost_rate": 0.00045, "initial_cash": 10_000.0,
    }  # fmt: skip
    return facts(**{**given, **changes})


def hold(coin: str) -> dict[str, Any]:
    return {"trade_signal_args": {"coin": coin, "signal": "hold"}}


def entry(coin: str, **changes: Any) -> dict[str, Any]:
    own = {
        "coin": coin, "signal": "buy_to_enter", "quantity": 0.62, "profit_target": 111_000,
        "stop_loss": 106_361, "invalidation_condition": "4-hour close below 105,000",
        "leverage": 20, "confidence": 0.6, "risk_usd": 1032.3, "justification": "RSI7 turns up.",
    }  # fmt: skip
    return {"trade_signal_args": {**own, **changes}}
