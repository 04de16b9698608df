"""Lines of a record that hold orders for shares come back as they were written."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from investorbench.tasks.record.schema import Line
from investorbench_env.accounting.events import (
    AccountState,
    Distribution,
    Fill,
    Order,
    Position,
    Rejection,
)
from investorbench_env.accounting.orders import ShareOrder

AMOUNTS = st.floats(-1e6, 1e6)
PRICES = st.none() | AMOUNTS
ORDERS = st.builds(
    ShareOrder, symbol=st.sampled_from(["AAA", "BBB", "?"]), quantity=AMOUNTS, limit=PRICES,
    stop=PRICES, side=st.sampled_from(["buy", "sell", "stop", "cancel", "lend"]),  # type: ignore[arg-type]
    until=st.sampled_from(["day", "cancelled"]), id=st.text(max_size=3),
)  # fmt: skip
REASONS = st.text(max_size=9)


def line(**parts: Any) -> Line:
    account = AccountState(
        cash=10.0, equity=30.0, costs=0.5,
        positions=(Position("AAA", 2.0, 9.0, 10.0, 2 / 3, 2.0),), marks={"AAA": 10.0, "BBB": 5.0},
    )  # fmt: skip
    whole: dict[str, Any] = {
        "number": 3, "time": "2020-10-01T20:00:00+00:00", "session": "2020-10-01",
        "marked_at": "2020-10-02T20:00:00+00:00", "marked": "2020-10-02", "documents": ("d1",),
        "action": [{"symbol": "AAA", "side": "buy", "quantity": 2}], "reward": 0.01,
        "is_last": False, "account": account, "fills": (Fill("AAA", 2.0, 9.0, 18.0, 0.5),),
        "rejections": (), "distributions": (Distribution("AAA", 0.1, 2.0),), **parts,
    }  # fmt: skip
    return Line(**whole)


@given(
    rejections=st.lists(
        st.builds(Rejection, ORDERS | st.builds(Order, st.just("AAA"), AMOUNTS), REASONS)
    ).map(tuple),
    waiting=st.none() | st.lists(ORDERS).map(tuple),
    scaled=st.none() | AMOUNTS,
    stale=st.none() | st.lists(st.sampled_from(["AAA", "BBB"])).map(tuple),
)
def test_orders_that_were_refused_or_wait_come_back_as_they_were(
    rejections: Any, waiting: Any, scaled: Any, stale: Any
) -> None:
    before = line(rejections=rejections, open_orders=waiting, scaled=scaled, stale=stale)
    written = json.dumps(before.to_json())
    after = Line.from_json(json.loads(written))
    assert after == before and after.to_json() == before.to_json()


def test_a_line_of_an_environment_that_knows_no_waiting_orders_says_nothing_of_them() -> None:
    assert not {"open_orders", "scaled", "stale"} & line().to_json().keys()
    assert line(open_orders=()).to_json()["open_orders"] == []
