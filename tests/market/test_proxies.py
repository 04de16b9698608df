"""An index is fetched as the fund that tracks it, and the plan says so."""

from datetime import date

import pytest

from investorbench.scripts.wanted import wanted
from investorbench_env.market.asset_classes import asset_class_of
from investorbench_env.market.sources.proxies import PROXIES


@pytest.mark.parametrize(
    ("index", "fund"), [("^GSPC", "SPY"), ("^rut", "IWM"), ("index/^NDX", "QQQ"), ("^DJI", "DIA")]
)
def test_an_index_is_fetched_as_the_fund_that_tracks_it(index: str, fund: str) -> None:
    (each,) = wanted(index)

    assert (each.symbol, each.asset_class) == (fund, "etf")
    assert each.why.startswith("in the place of the ")
    assert index.split("/")[-1].upper() in each.why


def test_every_proxy_is_a_fund() -> None:
    assert {asset_class_of(fund.symbol) for fund in PROXIES.values()} == {"etf"}


def test_an_index_that_an_installed_package_has_stays_itself() -> None:
    assert wanted("index/SP500")[0].symbol == "SP500"


def test_an_index_is_named_beside_the_days_that_are_asked_for() -> None:
    (each,) = wanted("^GSPC", first=date(2020, 1, 1))

    assert each.why == "in the place of the S&P 500 (^GSPC), which it tracks, as asked for"
