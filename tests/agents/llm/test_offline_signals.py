"""The offline reader on perpetuals: it follows the last bars, in whatever form it is asked."""

import asyncio
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from investorbench.agents.arena.reply import schema_of
from investorbench.agents.llm import OfflineReader, load_model
from investorbench.agents.llm.perpetual_text import shown_in
from investorbench.tasks.probes.forms import AS_LIST, AS_TEXTS, BY_COIN
from tests.env.perpetual_markets import perpetual_market, perpetuals

PRICES = {"BTC": 100_000.0, "ETH": 4_000.0, "DOGE": 0.2}
MOVES = {"BTC": 0.001, "ETH": -0.001, "DOGE": 0.0}
SCHEMA = schema_of([*PRICES], thinks=True)


def shown(then: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
    """The text of an environment in which BTC rises, ETH falls and DOGE does neither."""
    bars = {}
    for coin, price in PRICES.items():
        levels = [price * (1.0 + MOVES[coin] * n) for n in range(14)]
        bars[coin] = [(each, each * 1.0001, each * 0.9999, each) for each in levels]
    env = perpetuals(perpetual_market(bars))
    observation, info = env.reset(seed=0)
    for _ in range(10):
        observation, _, _, _, info = env.step(then or {})
    return observation["text"], info


def answer(schema: Any, text: str) -> dict[str, Any]:
    model = OfflineReader(load_model("offline"))
    asked = asyncio.run(model.decide([{"role": "user", "content": text}], schema))
    assert asked.value is not None
    Draft202012Validator(schema).validate(asked.value)
    return dict(asked.value)


def test_what_an_environment_writes_is_read_back() -> None:
    text, info = shown()
    read = shown_in(text)
    assert read.cash == info["cash"] and read.positions == {}
    assert {coin: each.price for coin, each in read.coins.items()} == pytest.approx(
        info["account"].marks, rel=1e-5
    )
    assert all(len(each.prices) == 10 for each in read.coins.values())


def test_it_enters_what_moves_on_the_side_of_the_move_with_a_plan_that_the_rules_take() -> None:
    text, _ = shown()
    signals = BY_COIN.action(answer(SCHEMA, text))
    words = {coin: own["signal"] for coin, own in signals.items()}
    assert words == {"BTC": "buy_to_enter", "ETH": "sell_to_enter", "DOGE": "hold"}
    for own in (signals["BTC"], signals["ETH"]):
        risk = abs(own["stop_loss"] - shown_in(text).coins[own["coin"]].price) * own["quantity"]
        assert own["risk_usd"] == pytest.approx(risk, abs=0.01)
    _, info = shown(signals)
    assert {each.symbol for each in info["positions"]} == {"BTC", "ETH"}


def test_it_closes_what_the_last_bars_have_turned_against() -> None:
    entry = {"quantity": 0.06, "leverage": 5, "stop_loss": 110_000}
    text, info = shown({"BTC": {"signal": "sell_to_enter", **entry}})
    assert [each.symbol for each in info["positions"]] == ["BTC"]
    assert BY_COIN.action(answer(SCHEMA, text))["BTC"]["signal"] == "close_position"


@pytest.mark.parametrize("form", [AS_LIST, AS_TEXTS])
def test_it_says_the_same_in_another_form(form: Any) -> None:
    text, _ = shown()
    usual = BY_COIN.action(answer(SCHEMA, text))
    other = form.action(answer(form.schema(SCHEMA), text))
    given = other if isinstance(other, list) else [*other.values()]
    same = [{k: v if v is None else str(v) for k, v in own.items()} for own in usual.values()]
    assert [{k: v if v is None else str(v) for k, v in own.items()} for own in given] == same
