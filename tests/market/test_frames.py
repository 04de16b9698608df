"""Markets from pandas data frames, which are read by the rules of files."""

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest

from investorbench_env.errors import CorruptDataError, DataNotFoundError, InvestorBenchError
from investorbench_env.market import Market
from investorbench_env.market.library import find_market

DAYS = ["2021-01-04", "2021-01-05", "2021-01-06", "2021-01-07", "2021-01-08"]
CLOSE = [10.0, 10.1, 10.2, 10.3, 10.4]
TEXT = "2021-01-05"


def prices(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"date": DAYS, "close": CLOSE, **columns})


def closes(market: Market) -> dict[str, float]:
    return dict(zip(market.sessions.astype(str), market.bars[:, 0, 3].tolist(), strict=True))


FRAMES = {
    "texts": prices(),
    "timestamps": prices(date=pd.to_datetime(DAYS)),
    "dates": prices(date=pd.to_datetime(DAYS).date),
    "an index with a name": prices().set_index("date"),
    "an index without one": pd.DataFrame({"Close": CLOSE}, index=pd.to_datetime(DAYS)),
    "an index in New York": pd.DataFrame(
        {"Close": CLOSE}, index=pd.DatetimeIndex(DAYS, tz="America/New_York", name="Date")
    ),
    "rows that were chosen": prices().set_axis([7, 9, 11, 12, 30], axis=0),
    "single precision": prices(close=np.array(CLOSE, dtype=np.float64)),
    "two header rows": pd.DataFrame(
        np.transpose([CLOSE, CLOSE]),
        index=pd.DatetimeIndex(DAYS, name="Date"),
        columns=pd.MultiIndex.from_tuples(
            [("Close", "ACME"), ("Open", "ACME")], names=["Price", "Ticker"]
        ),
    ),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_is_a_market_however_its_dates_stand(frame: pd.DataFrame) -> None:
    before = frame.copy()
    market = find_market("ACME", "stock", frame)

    assert closes(market) == dict(zip(DAYS, CLOSE, strict=True))
    assert market.symbols == ("ACME",)
    assert market.source == "pandas: prices"
    pd.testing.assert_frame_equal(frame, before)


def test_a_frame_gives_what_its_file_gives(tmp_path) -> None:
    prices().to_csv(tmp_path / "acme.csv", index=False)
    assert (
        find_market("ACME", "stock", prices()).fingerprint
        == find_market("ACME", "stock", tmp_path).fingerprint
    )


def test_a_dict_goes_by_symbol() -> None:
    frames = {"ACME": prices(), "OTHER": prices(close=[1.0, 2, 3, 4, 5])}

    assert closes(find_market("OTHER", "stock", frames))[DAYS[0]] == 1.0
    assert find_market("7203", "stock", {7203: prices()}).symbols == ("7203",)
    with pytest.raises(DataNotFoundError, match="frames of ACME, OTHER, and none of THIRD"):
        find_market("THIRD", "stock", frames)


def test_a_dict_goes_by_what_its_frames_hold() -> None:
    news = pd.DataFrame({"timestamp": ["2021-01-05T14:30:00Z"], "headline": ["Acme wins"]})
    actions = pd.DataFrame({"date": [TEXT], "action": ["dividend"], "amount": [0.5]})
    filings = pd.DataFrame({"filing_date": [TEXT], "form": ["10-Q"], "text": ["a report"]})
    frames = {"prices": prices(), "news": news, "actions": actions, "filings": filings}

    market = find_market("ACME", "stock", frames)

    assert [row.kind for row in market.documents] == ["news", "10-Q"]
    assert {row.symbol for row in market.documents} == {"ACME"}
    assert market.dividends.sum() == 0.5
    same = Market.from_frame(prices(), news, filings, actions, symbol="ACME")
    assert same.fingerprint == market.fingerprint


def test_the_symbol_is_the_one_that_the_prices_name() -> None:
    assert Market.from_frame(prices(symbol="ACME")).symbols == ("ACME",)
    assert Market.from_frame(prices()).symbols == ("ASSET",)
    several = prices(symbol=["A", "A", "A", "B", "B"])
    assert closes(Market.from_frame(several, symbol="B")) == {DAYS[3]: 10.3, DAYS[4]: 10.4}
    with pytest.raises(CorruptDataError, match=r"the frame of prices: .* give symbol="):
        Market.from_frame(several)


def test_a_class_is_named() -> None:
    market = Market.from_frame(prices(), asset_class="crypto", symbol="BTC")
    assert (market.asset_class, market.timezone) == ("crypto", "UTC")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (prices(close=[10, 10.1, -1, 10.3, 10.4]), "the frame of prices, row 3: close -1"),
        (prices(close=[10, 10.1, np.inf, 10.3, 10.4]), "the frame of prices, row 3: close inf"),
        (prices(close=["a", "b", "c", "d", "e"]), "the frame of prices, row 1: close"),
        (pd.DataFrame({"a": [1]}), "the frame of prices"),
        (pd.DataFrame(), "the frame of prices"),
    ],
)
def test_a_frame_that_cannot_be_right_is_refused_by_row(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises((CorruptDataError, DataNotFoundError), match=message) as caught:
        find_market("ACME", "stock", frame)
    assert "/tmp" not in str(caught.value)


def test_a_frame_that_leaves_its_dates_open_is_refused_with_the_option() -> None:
    days = [f"0{day}/02/2021" for day in range(1, 6)]
    with pytest.raises(CorruptDataError, match="dates='day-first'") as caught:
        find_market("ACME", "stock", prices(date=days))

    assert "yaml" not in str(caught.value)
    market = Market.from_frame(prices(date=days), symbol="ACME", dates="day-first")
    assert [str(day) for day in market.sessions[:2]] == ["2021-02-01", "2021-02-02"]


def test_a_frame_of_numbers_that_are_texts_is_refused_where_they_are_not_certain() -> None:
    with pytest.raises(CorruptDataError, match=r"give numbers, not texts$"):
        find_market("ACME", "stock", prices(close=["1,234", "1,235", "1,236", "1,237", "1,238"]))


@pytest.mark.parametrize("data", [5, None, [], {}, {"ACME": 1}, [prices()], prices()["close"]])
def test_what_is_no_data_is_refused(data: object) -> None:
    with pytest.raises(InvestorBenchError, match="must be a market, a data frame, a path"):
        find_market("ACME", "stock", data)


def test_an_environment_takes_a_frame() -> None:
    dates = {"start": DAYS[1], "end": DAYS[4]}
    env = gym.make("InvestorBench/Stock", symbol="ACME", data=prices(), **dates)
    _, info = env.reset(seed=0)

    assert info["session"] == DAYS[1]
    assert env.unwrapped.facts.source == "pandas: prices"


def test_a_market_of_frames_goes_into_any_environment_of_its_class() -> None:
    dates = {"start": DAYS[1], "end": DAYS[4]}
    assert gym.make("InvestorBench/Stock", data=Market.from_frame(prices()), **dates)
    with pytest.raises(InvestorBenchError, match="use InvestorBench/Stock"):
        gym.make("InvestorBench/Crypto", data=Market.from_frame(prices()), **dates)


@pytest.mark.parametrize("half", ["\ud83d", "\0"])
def test_what_is_no_character_in_a_frame_is_replaced_and_counted(half: str) -> None:
    days = pd.date_range("2021-01-04", periods=4)
    prices = pd.DataFrame({"close": [10.1, 10.4, 10.5, 10.8]}, index=days)
    words = pd.Series([f"a {half} b"], dtype=object)
    news = pd.DataFrame({"timestamp": ["2021-01-05T21:30:00Z"], "headline": words})
    market = Market.from_frame(prices, news, symbol="ACME", asset_class="stock")

    assert [row.title for row in market.documents] == ["a \ufffd b"]
    assert any("1 text with characters that are none" in each for each in market.findings)
