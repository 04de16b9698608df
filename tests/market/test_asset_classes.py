"""Asset classes as rows of one table."""

import pytest

from investorbench_env.errors import MarketError, UnknownNameError
from investorbench_env.market import asset_classes
from investorbench_env.market.asset_classes import (
    ASSET_CLASSES,
    AssetClass,
    asset_class_of,
    find_asset_class,
)
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.sessions import sessions_between
from investorbench_env.market.simulated import simulate

BOND = AssetClass(
    name="bond",
    title="Bond",
    calendar="XLON",
    timezone="Europe/London",
    days_a_year=253,
    unit="bonds",
    commission_bps=1.0,
    slippage_bps=2.0,
    corporate_actions=False,
    filings=False,
    suffixes=(" GILT",),
    symbols=frozenset({"UKT"}),
)


def test_the_costs_of_the_standard_protocol_are_those_of_the_class() -> None:
    costs = {row.name: (row.commission_bps, row.slippage_bps) for row in ASSET_CLASSES.values()}
    assert costs["stock"] == costs["etf"] == (5.0, 5.0)
    assert costs["crypto"] == (10.0, 5.0)


@pytest.mark.parametrize(
    ("symbol", "name"), [("TSLA", "stock"), ("BTC", "crypto"), ("SPY", "etf"), ("XYZ", "stock")]
)
def test_a_symbol_tells_its_class_and_one_that_nobody_knows_is_a_stock(symbol, name) -> None:
    assert asset_class_of(symbol) == name


def test_an_unknown_class_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown asset class 'stok'"):
        find_asset_class("stok")


def test_a_new_class_is_one_row(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(asset_classes.ASSET_CLASSES, "bond", BOND)
    # London rests on the Monday of the late May bank holiday, and trades on Memorial Day's Friday.
    days = sessions_between("bond", "2021-05-28", "2021-06-01").astype(str).tolist()
    assert days == ["2021-05-28", "2021-06-01"]
    file = DataFile(
        path=tmp_path, kind="bars", columns={}, symbols={"UKT GILT": ("Ukt gilt",)}, metadata={}
    )
    assert file.spellings("UKT", "bond") == ("Ukt gilt",)
    assert asset_class_of("UKT") == "bond"
    with pytest.raises(MarketError, match="'bond' cannot be simulated"):
        simulate(symbol="UKT", asset_class="bond")
