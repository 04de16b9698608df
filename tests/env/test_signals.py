"""Signals as agents write them: read, repaired where the meaning is certain, else rejected."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.accounting.signal_lists import UNREADABLE, kind_of, read_signals
from investorbench_env.accounting.signals import REPAIRS, SIGNAL_WORDS, Signal
from investorbench_env.spaces import SignalsByCoin

COINS = ("BTC", "ETH", "kPEPE")
ENTRY = {
    "signal": "buy_to_enter",
    "quantity": 0.62,
    "leverage": 20,
    "profit_target": 111_000.0,
    "stop_loss": 106_361.0,
    "invalidation_condition": "4h close below 105,000",
    "confidence": 0.88,
    "risk_usd": 619.23,
    "justification": "momentum",
}
PLAIN = Signal(
    "BTC", "buy_to_enter", 0.62, 20.0, 111_000.0, 106_361.0, "4h close below 105,000", 0.88, 619.23,
    "momentum",
)  # fmt: skip


def kinds_of(action: object) -> tuple[list[str], list[str]]:
    read = read_signals(action, COINS)
    assert read is not None
    return [each.kind for each in read.repairs], [kind_of(each.reason) for each in read.rejections]


@pytest.mark.parametrize(
    ("action", "repairs"),
    [
        ({"BTC": ENTRY}, []),
        ({"BTC": {"trade_signal_args": {"coin": "BTC", **ENTRY}}}, []),
        ({"BTC": PLAIN}, []),
        ([{"coin": "BTC", **ENTRY}], ["list"]),
        ([{"symbol": "BTC", **ENTRY}], ["list"]),
        ([{"trade_signal_args": {"coin": "BTC", **ENTRY}}], ["list"]),
        ({"coin": "BTC", **ENTRY}, ["single"]),
        ({"BTC": [ENTRY]}, ["wrapped"]),
        ({"btc ": ENTRY}, ["case"]),
        ({"BTC": {**ENTRY, "signal": " Buy_To_Enter"}}, ["case"]),
        ({"BTC": {**ENTRY, "quantity": "0.62", "leverage": " 20"}}, ["number", "number"]),
        ({"BTC": {**ENTRY, "stop_loss": np.float64(106_361)}}, []),
    ],
)
def test_a_decision_whose_meaning_is_certain_is_read_and_its_repairs_are_named(
    action: object, repairs: list[str]
) -> None:
    read = read_signals(action, COINS)
    assert read is not None
    assert (read.signals, read.rejections) == ((PLAIN,), ())
    assert [each.kind for each in read.repairs] == repairs


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ({"BTC": None}, "object"),
        ({"BTC": 3}, "object"),
        ({"BTC": "buy"}, "object"),
        ({"BTC": {"trade_signal_args": []}}, "object"),
        ([["BTC", "hold"]], "object"),
        ({"SOL": ENTRY}, "coin"),
        ({7: ENTRY}, "coin"),
        ({"BTC": {"coin": "ETH", **ENTRY}}, "coin"),
        ([ENTRY], "coin"),
        ({"BTC": ENTRY, "btc": ENTRY}, "duplicate"),
        ([{"coin": "BTC", **ENTRY}, {"coin": "BTC", "signal": "hold"}], "duplicate"),
        ({"BTC": [ENTRY, ENTRY]}, "duplicate"),
        ({"BTC": {"signal": "hold", "trade_signal_args": ENTRY}}, "duplicate"),
        ({"BTC": {}}, "signal"),
        ({"BTC": {"signal": "buy"}}, "signal"),
        ({"BTC": {"signal": ["hold"]}}, "signal"),
    ],
)
def test_a_decision_that_can_mean_several_things_is_rejected_by_its_kind(
    action: object, kind: str
) -> None:
    assert kinds_of(action)[1] == [kind]


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, "nan", "1e999", "1,000", "20x", "½", "", True, [1.0], {}, 10**400],
    ids=repr,
)
def test_what_is_no_number_rejects_an_entry_and_is_ignored_where_nothing_needs_it(
    value: object,
) -> None:
    read = read_signals({"BTC": {**ENTRY, "quantity": value}, "ETH": "hold"}, COINS)
    assert read is not None
    assert [each.symbol for each in read.signals] == ["ETH"]
    (rejection,) = read.rejections
    assert kind_of(rejection.reason) == "number"
    assert rejection.order == PLAIN._replace(quantity=None)
    for word in ("hold", "close_position"):
        assert kinds_of({"BTC": {"signal": word, "quantity": value}}) == (["ignored"], [])


@pytest.mark.parametrize("action", [None, "hold", b"hold", 3, 1.5, object(), {1, 2}])
def test_what_is_neither_a_mapping_nor_a_list_is_no_action(action: object) -> None:
    assert read_signals(action, COINS) is None


def test_nothing_said_is_nothing_decided() -> None:
    assert read_signals({}, COINS) == read_signals([], COINS) == ((), (), ())


class Hostile(Mapping[str, Any]):
    """Raises on whatever is asked of it."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise KeyError

    def __len__(self) -> int:
        raise ValueError


def test_objects_that_raise_are_rejected_and_spoil_no_other_coin() -> None:
    assert read_signals(Hostile(), COINS) is None
    read = read_signals({"BTC": Hostile(), "ETH": "hold"}, COINS)
    assert read is not None
    assert [each.symbol for each in read.signals] == ["ETH"]
    assert [kind_of(each.reason) for each in read.rejections] == ["object"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)
    | st.sampled_from((*COINS, *SIGNAL_WORDS)),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from((*COINS, *ENTRY, "coin", "trade_signal_args")) | st.text(max_size=3),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
@settings(max_examples=60, deadline=None)
def test_whatever_json_stands_there_has_one_outcome_a_coin(action: Any) -> None:
    read = read_signals(action, COINS)
    assert (read is None) == (not isinstance(action, dict | list))
    if read is None:
        return
    coins = [each.symbol for each in read.signals]
    refused = [each.order.symbol for each in read.rejections]
    assert len(set(coins)) == len(coins)
    assert set(coins) <= set(COINS)
    assert not set(coins) & set(refused)
    assert {kind_of(each.reason) for each in read.rejections} <= set(UNREADABLE)
    assert {each.kind for each in read.repairs} <= set(REPAIRS)
    for signal in read.signals:
        numbers = [value for value in signal if isinstance(value, float)]
        assert all(map(math.isfinite, numbers))


class Disguised(str):
    """Says that it is another text than it is, and equal to whatever it is compared with."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __str__(self) -> str:
        return "hold"

    strip = lower = upper = __str__  # type: ignore[assignment]


def disguised(value: Any) -> Any:
    if isinstance(value, dict):
        return {disguised(key): disguised(each) for key, each in value.items()}
    if isinstance(value, list):
        return [disguised(each) for each in value]
    return Disguised(value) if isinstance(value, str) else value


@given(JSON | st.dictionaries(st.sampled_from(["BTC", "eth", "X"]), JSON, max_size=3))
@settings(max_examples=60, deadline=None)
def test_texts_are_read_by_their_characters_whatever_class_they_are_of(action: Any) -> None:
    plain, read = read_signals(action, COINS), read_signals(disguised(action), COINS)
    assert repr(read) == repr(plain)


@given(st.sampled_from(sorted(ENTRY)), st.sampled_from([1.0, "1", "a", "hold"]), st.booleans())
def test_what_is_said_outside_and_inside_is_read_where_it_is_the_same(
    name: str, value: Any, is_same: bool
) -> None:
    outside = ENTRY[name] if is_same else value
    _, rejections = kinds_of({"BTC": {name: outside, "trade_signal_args": ENTRY}})
    assert rejections == ([] if outside == ENTRY[name] else ["duplicate"])


def test_what_the_space_of_signals_samples_is_read_as_it_stands() -> None:
    space = SignalsByCoin(COINS, [(5, 40), (25, 25), (1, 3)], seed=0)
    words = set()
    for _ in range(50):
        sample = space.sample()
        assert sample in space
        read = read_signals(json.loads(json.dumps(sample)), COINS)
        assert read is not None
        assert (read.repairs, read.rejections) == ((), ())
        assert {each.symbol for each in read.signals} == set(sample)
        words |= {each.signal for each in read.signals}
        bounds = dict(zip(COINS, space.leverages, strict=True))
        for each in read.signals:
            if each.leverage is not None:
                assert bounds[each.symbol][0] <= each.leverage <= bounds[each.symbol][1]
    assert words == set(SIGNAL_WORDS)
    assert space != SignalsByCoin(COINS[:2], [(5, 40), (25, 25)])
    assert "hold" not in space
