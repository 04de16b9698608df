"""Where two sources have the same days their closes are compared, as they were traded."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.market.library import find_market
from tests.market.servers.made_stock import MadeStock

STOCK = MadeStock()


def write(folder: Path, name: str, closes: dict[str, float], *, rest: str = "") -> None:
    lines = [f"{day},{close!r},{name}{rest}" for day, close in closes.items()]
    (folder / f"acme_{name}.csv").write_text("date,close,source\n" + "\n".join(lines) + "\n")


def as_traded() -> dict[str, float]:
    return {day.isoformat(): STOCK.close(day) for day in STOCK.days}


def divided() -> dict[str, float]:
    return {day.isoformat(): STOCK.close(day) / STOCK.split_since(day) for day in STOCK.days}


def actions(folder: Path) -> None:
    (folder / "acme_actions.csv").write_text("date,action,amount\n2021-03-01,split,4\n")


def apart(folder: Path) -> list[str]:
    findings = find_market("ACME", "stock", folder).findings
    return [finding for finding in findings if "apart" in finding]


def test_a_close_that_is_another_is_a_finding_with_its_day(tmp_path: Path) -> None:
    other = as_traded()
    other["2021-02-10"] *= 1.02
    write(tmp_path, "one", as_traded())
    write(tmp_path, "two", {day: other[day] for day in list(other)[:40]})
    actions(tmp_path)

    assert apart(tmp_path) == [
        "closes of acme_two.csv (two) are more than 0.5% apart, by up to 2.0%, on 1 of 40 days: "
        "2021-02-10"
    ]


def test_prices_divided_by_a_split_are_the_same_as_those_that_are_not(tmp_path: Path) -> None:
    write(tmp_path, "one", as_traded())
    write(tmp_path, "two", divided())
    actions(tmp_path)

    assert apart(tmp_path) == []


def test_days_that_one_source_has_alone_are_not_compared(tmp_path: Path) -> None:
    days = as_traded()
    write(tmp_path, "one", dict(list(days.items())[:40]))
    write(tmp_path, "two", {day: 2 * close for day, close in list(days.items())[40:]})

    assert apart(tmp_path) == []


@settings(max_examples=25, deadline=None)
@given(
    moved=st.dictionaries(st.integers(0, 39), st.floats(-0.03, 0.03), max_size=8),
    is_divided=st.booleans(),
)
def test_exactly_the_days_beyond_the_limit_are_counted(
    tmp_path_factory: pytest.TempPathFactory, moved: dict[int, float], is_divided: bool
) -> None:
    folder = tmp_path_factory.mktemp("two")
    first = divided() if is_divided else as_traded()
    days = list(first)[:40]
    other = {day: first[day] * (1 + moved.get(n, 0.0)) for n, day in enumerate(days)}
    write(folder, "one", first)
    write(folder, "two", other)
    actions(folder)

    near = [each for each in moved.values() if abs(abs(each) - 0.005) < 1e-9]
    far = sum(abs(each) > 0.005 for each in moved.values())
    found = apart(folder)
    assert near or len(found) == (far > 0)
    assert near or not far or f"on {far} of 40 days" in found[0]


def test_perpetuals_are_no_source_of_the_same_price(tmp_path: Path) -> None:
    write(tmp_path, "spot", as_traded())
    write(tmp_path, "perp", {day: 1.1 * close for day, close in as_traded().items()})

    assert apart(tmp_path) == []


def test_a_close_that_cannot_be_is_left_to_its_own_file(tmp_path: Path) -> None:
    other = as_traded()
    days = list(other)
    other[days[3]], other[days[4]] = 0.0, np.nan
    write(tmp_path, "one", as_traded())
    write(tmp_path, "two", {day: other[day] for day in days[:40]})

    assert apart(tmp_path) == []
