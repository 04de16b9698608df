"""The candles of ARENA6: figures that are published elsewhere come out."""

from pathlib import Path

import numpy as np
import pytest

from investorbench_env.market import Market
from investorbench_env.market.library import find_perpetuals
from investorbench_env.market.market import OPEN
from investorbench_env.universes import find_universe

pytestmark = pytest.mark.heavy

ARENA6 = find_universe("ARENA6")
SYMBOLS = [member.symbol for member in ARENA6.members]


def opens(market: Market, minutes: int) -> np.ndarray:
    return market.times - np.timedelta64(minutes, "m")


@pytest.fixture(scope="module")
def arena(data_folder: Path) -> Market:
    return find_perpetuals(SYMBOLS, data_folder / "perpetuals", interval="3m", context=["4h"])


def test_the_splits_of_arena6_are_all_days_of_which_all_coins_have_candles(arena: Market) -> None:
    warmup, test = (ARENA6.splits[name] for name in ("warmup", "test"))
    bars = arena.span(warmup.start, warmup.end)
    assert opens(arena, 3)[bars.start].astype(str) == "2025-07-14T12:51:00.000000000"
    assert opens(arena, 3)[bars.stop - 1].astype(str) == "2025-07-16T23:57:00.000000000"
    bars = arena.span(test.start, test.end)
    assert len(bars) == 4418 and bars.stop == len(arena.times)
    assert opens(arena, 3)[-1].astype(str) == "2025-07-26T04:51:00.000000000"
    assert not np.isnan(arena.bars).any()


def test_bars_of_four_hours_stand_beside_those_of_three_minutes(arena: Market) -> None:
    t = int(np.searchsorted(arena.times, np.datetime64("2025-07-20T12:00")))
    for bar, last in ((t - 1, "08:00"), (t, "12:00"), (t + 1, "12:00")):
        view = arena.until(bar).interval("4h")
        assert view is not None and view.time == np.datetime64(f"2025-07-20T{last}")


def test_an_outage_of_the_venue_is_seven_bars_of_every_coin(arena: Market) -> None:
    per_coin = dict(zip(SYMBOLS, arena.outages.sum(axis=0).tolist(), strict=True))
    assert per_coin == {name: 9 if name == "BNB" else 7 for name in SYMBOLS}
    of_all = opens(arena, 3)[arena.outages.all(axis=1)]
    assert of_all[0] == np.datetime64("2025-07-19T09:54")
    assert of_all[-1] == np.datetime64("2025-07-19T10:12") and len(of_all) == 7


def test_each_hour_has_its_rate_but_the_last_of_which_none_is_public(arena: Market) -> None:
    assert arena.funding is not None and arena.oracle is None and arena.marks is None
    is_stamp = opens(arena, 3).astype("datetime64[h]") == opens(arena, 3)
    assert is_stamp.sum() == 280
    assert np.isnan(arena.funding[~is_stamp]).all()
    lacking = opens(arena, 3)[is_stamp & np.isnan(arena.funding[:, 0])]
    assert lacking.astype(str).tolist() == ["2025-07-26T04:00:00.000000000"]
    assert "BTC: 1 stamp of funding without a rate" in " ".join(arena.findings)


def test_a_position_pays_what_an_independent_account_of_the_same_bars_says(
    data_folder: Path,
) -> None:
    market = find_perpetuals(["BTC"], data_folder / "perpetuals", interval="1h", context=[])
    entry = int(np.searchsorted(opens(market, 60), np.datetime64("2025-07-14T00:00")))
    held = slice(entry + 1, entry + 240)
    assert market.bars[entry, 0, OPEN] == 119_133 and market.funding is not None
    paid = 0.25181 * float(market.bars[held, 0, OPEN] @ market.funding[held, 0])
    assert paid == pytest.approx(234.64303644, abs=5e-9)
