"""Actions become plain JSON values, and from those the action that an environment takes."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from investorbench.tasks.actions import (
    action_of,
    action_parts,
    action_word,
    plain_action,
)
from investorbench.tasks.record.schema import as_text
from investorbench_env.accounting.order_lists import read_orders
from investorbench_env.accounting.order_words import order_words
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.errors import InvestorBenchError
from investorbench_env.spaces import OrderLists
from tests.agents.facts import facts

WEIGHT = spaces.Box(-1.0, 1.0, (1,), np.float32)
ORDERS = spaces.Sequence(
    spaces.Dict({"asset": spaces.Discrete(9), "weight": WEIGHT, "note": spaces.Text(20)})
)


class Order:
    def __init__(self, size: int) -> None:
        self.size = size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and other.size == self.size

    __hash__ = None  # type: ignore[assignment]


class Book(gym.Space[Any]):
    """A space of somebody else's, which knows how its values become JSON."""

    def to_jsonable(self, sample_n: Any) -> Any:
        return [{"size": each.size} for each in sample_n]

    def from_jsonable(self, sample_n: Any) -> Any:
        return [Order(each["size"]) for each in sample_n]


@pytest.mark.parametrize(
    ("space", "action", "plain"),
    [
        (spaces.Discrete(3), 2, 2),
        (spaces.Discrete(3), np.int64(2), 2),
        (spaces.Text(9), "buy", "buy"),
        (WEIGHT, 0.3, 0.3),
        (WEIGHT, np.array([0.5], np.float32), [0.5]),
        (WEIGHT, np.array([0.1], np.float32), [0.10000000149011612]),
        (WEIGHT, np.array([0.1]), [0.1]),
        (spaces.MultiBinary(2), np.array([1, 0], np.int8), [1, 0]),
        (spaces.MultiDiscrete([3, 3]), np.array([1, 2]), [1, 2]),
        (spaces.Tuple([spaces.Discrete(3), WEIGHT]), (1, np.array([0.25])), [1, [0.25]]),
        (
            ORDERS,
            ({"asset": 3, "weight": np.array([-0.5], np.float32), "note": "now"},),
            [{"asset": 3, "weight": [-0.5], "note": "now"}],
        ),
        (ORDERS, (), []),
        (Book(), Order(7), {"size": 7}),
    ],
)
def test_an_action_comes_back_from_json_as_it_was(
    space: gym.Space[Any], action: Any, plain: Any
) -> None:
    made = plain_action(space, action)
    assert made == plain
    again = action_of(space, json.loads(json.dumps(made)))
    assert plain_action(space, again) == plain
    assert type(again) is type(action) or isinstance(action, np.generic)
    if isinstance(action, np.ndarray):
        assert np.array_equal(again, action)  # to the bit, of whatever type it was
    elif not isinstance(action, tuple):
        assert again == action


def test_arrays_have_the_type_of_the_space_where_it_holds_them() -> None:
    assert action_of(WEIGHT, [0.5]).dtype == np.float32
    assert action_of(WEIGHT, [0.1]).dtype == np.float64  # as the agent gave it, or it is another
    (order,) = action_of(ORDERS, [{"asset": 1, "weight": [0.5], "note": "x"}])
    assert order in ORDERS.feature_space


def test_an_action_that_nobody_can_write_down_is_refused() -> None:
    with pytest.raises(InvestorBenchError, match="cannot be recorded: it is no JSON value"):
        plain_action(spaces.Discrete(3), Order(1))


@pytest.mark.parametrize(
    ("plain", "kind", "word"),
    [
        (0, "trade", "sell"),
        (2, "trade", "buy"),
        (3, "trade", "3"),
        (1, "lever", "1"),
        ([-0.5], "weight", "-0.50"),
        (0.25, "weight", "+0.25"),
        ([0.1, 0.2], "weights", "30 % in 2 assets"),
        ([0.6, 0.0, -0.25], "weights", "60/−25 % in 2 assets"),
        ([1.0], "weights", "100 % in 1 asset"),
        ([0.0, 0.0], "weights", "cash"),
        (["much", 0.2], "weights", '["much", 0.2]'),
        ([], "orders", "hold"),
        (
            [{"side": "sell"}, {"side": "buy"}, "?", {"side": "buy"}],
            "orders",
            "2 buy, 1 sell, 1 unreadable",
        ),
        ([{"side": "lend"}], "orders", "1 lend"),
        ({"AAA": 0.5}, "orders", '{"AAA": 0.5}'),
        ("hold on", "text", "hold on"),
    ],
)
def test_an_action_is_shown_in_few_words(plain: Any, kind: str, word: str) -> None:
    assert action_word(plain, kind) == word


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"symbol": "AAPL", "side": "buy", "quantity": 50, "stop": 400.0}, "buy 50 AAPL, stop 400"),
        (
            {
                "symbol": "JNJ",
                "side": "buy",
                "quantity": 1e3,
                "limit": 140.25,
                "until": "cancelled",
            },
            "buy 1,000 JNJ, limit 140.25, until cancelled",
        ),
        ({"symbol": "MSFT", "side": "sell", "quantity": -2.5}, "sell −2.5 MSFT"),
        ({"symbol": "MSFT", "side": "sell", "quantity": 52.348717871}, "sell 52.3487 MSFT"),
        ({"symbol": "MSFT", "side": "sell", "quantity": 1.25e-5}, "sell 1.25e−05 MSFT"),
        ({"symbol": "MSFT", "side": "sell", "quantity": math.nan}, "sell nan MSFT"),
        ({"symbol": "MSFT", "side": "stop", "stop": 205.0}, "stop MSFT at 205"),
        ({"symbol": "", "side": "cancel", "id": "a1"}, "cancel a1"),
        ({"side": "cancel"}, "cancel ?"),
        ({"symbol": "X", "side": "buy", "quantity": None}, "buy ? X"),
        ({"symbol": "X", "side": "buy", "quantity": "all", "limit": True}, "buy all X, limit True"),
        ("sell everything", 'no order: "sell everything"'),
    ],
)
def test_an_order_is_shown_in_words(order: Any, words: str) -> None:
    assert order_words(order) == words


def test_each_order_and_each_weight_of_an_action_is_named() -> None:
    of_two = facts(symbols=("AAA", "BBB"), action="weights")
    assert action_parts([0.25, 0.0], of_two) == ["AAA 25.0 %"]
    assert action_parts([0.25], of_two) == []
    orders = [{"symbol": "AAA", "side": "sell", "quantity": 3}]
    assert action_parts(orders, facts(symbols=("AAA",), action="orders")) == ["sell 3 AAA"]
    assert action_parts(2, facts()) == []


class Lists(np.ndarray):
    """An array that says of itself what it is not."""

    def tolist(self) -> Any:
        return [0.0]


@pytest.mark.parametrize(
    "action",
    [
        np.array([0.5], np.float32).view(Lists),
        np.ma.MaskedArray(np.array([0.5], np.float32), mask=[True]),
        np.array([0.5], np.float32),
    ],
)
def test_an_action_is_recorded_as_an_environment_reads_it(action: Any) -> None:
    space = spaces.Box(-1.0, 1.0, (1,), np.float32)
    assert plain_action(space, action) == np.asarray(action).tolist() == [0.5]


LOOP: list[Any] = []
LOOP.append(LOOP)
ODD: tuple[Any, ...] = (
    Order(1), LOOP, b"bytes", {1, 2}, 10**400, 10**5000, "\ud800", np.float32(0.1), np.int8(3),
    np.float64("nan"), np.array([1.0, np.nan]), Decimal("1.25"), Decimal("NaN"), Fraction(1, 3),
    math.inf, "NaN", "-Infinity", ShareOrder("AAA", "buy", math.nan, limit=math.inf),
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4)
NAMES = st.sampled_from([*ShareOrder._fields, "note", "\ud800"]) | st.integers(0, 9)
VALUES: Any = st.recursive(
    LEAVES | st.integers(0, len(ODD) - 1).map(ODD.__getitem__),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=8,
)


@given(action=st.lists(VALUES, max_size=5))
def test_whatever_is_in_a_list_of_orders_is_recorded_and_means_the_same_when_read_again(
    action: list[Any],
) -> None:
    space = OrderLists(("AAA", "BBB"))
    plain = plain_action(space, action)
    text = as_text({"action": plain}).encode()
    again = json.loads(text)["action"]
    assert plain_action(space, action_of(space, again)) == again
    first, second = (read_orders(action_of(space, each)) for each in (plain, again))
    assert repr(first) == repr(second) and first is not None
    orders, rejections = first
    assert len(orders) + len(rejections) == len(action)


def test_an_order_keeps_its_numbers_to_the_bit() -> None:
    space, third = OrderLists(("AAA",)), 1.0 / 3.0
    order = {"symbol": "AAA", "side": "buy", "quantity": third, "limit": np.float32(0.1), "stop": 2}
    (taken,) = action_of(space, json.loads(json.dumps(plain_action(space, (order,)))))
    assert (taken["quantity"], taken["limit"], taken["stop"]) == (third, float(np.float32(0.1)), 2)
    (nan,) = action_of(space, plain_action(space, [{"quantity": math.nan, "note": math.nan}]))
    assert math.isnan(nan["quantity"]) and nan["note"] == "NaN"
