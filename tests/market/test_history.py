"""Moments: what one decision knows, when texts arrive, and what splits and gaps do to a window."""

import gc
import weakref
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench_env.market import FIELDS, DocumentTable, Market
from investorbench_env.market.documents import NEWS, SENTIMENTS, Document
from investorbench_env.market.history import History, history_of
from tests.env.small_markets import date, document, random_market, small_market

NAN = np.nan


def moment(market: Market, t: int, window: int = 3) -> Any:
    return History(market, "TEST", window).until(t)


def texts(market: Market, t: int) -> list[str]:
    return [row.text for row in moment(market, t).documents]


def test_a_window_ends_at_the_decision_and_is_oldest_first() -> None:
    market = small_market([1.0, 2.0, 3.0, 4.0], opens=[1.5, 2.5, 3.5, 4.5], volumes=[5, 6, 7, 8])
    bars = moment(market, 2, window=2).observation["bars"]
    assert bars.dtype == np.float32
    assert bars.tolist() == [[2.5, 2.5, 2.0, 2.0, 6.0], [3.5, 3.5, 3.0, 3.0, 7.0]]


def test_what_lies_before_the_data_is_masked() -> None:
    observation = moment(small_market([5.0, 6.0]), 0).observation
    assert observation["mask"].tolist() == [0, 0, 1]
    assert observation["bars"][:2].tolist() == [[0.0] * 5] * 2
    assert observation["bars"][2, 3] == 5.0


def test_a_missing_bar_is_masked_and_never_nan() -> None:
    observation = moment(small_market([5.0, NAN, 7.0]), 2).observation
    assert observation["mask"].tolist() == [1, 0, 1]
    assert observation["bars"][:, 3].tolist() == [5.0, 0.0, 7.0]
    assert np.isfinite(observation["bars"]).all()


def test_an_unknown_open_or_volume_is_zero_in_a_bar_that_is_there() -> None:
    market = small_market([5.0, 6.0], opens=[NAN, 6.0], volumes=[9.0, NAN])
    bars, mask = (moment(market, 1, 2).observation[name] for name in ("bars", "mask"))
    assert mask.tolist() == [1, 1]
    assert (bars[0, 0], bars[1, 4]) == (0.0, 0.0)


def test_a_window_is_adjusted_for_the_splits_up_to_its_day_and_for_no_later_one() -> None:
    market = small_market(
        [100.0, 102.0, 26.0, 27.0, 9.0], volumes=[8, 8, 32, 32, 96], splits={2: 4.0, 4: 3.0}
    )

    def shown(t: int) -> tuple[list[float], list[float]]:
        bars = moment(market, t).observation["bars"]
        return bars[:, 3].tolist(), bars[:, 4].tolist()

    assert shown(1)[0] == [0.0, 100.0, 102.0]
    assert shown(2) == ([25.0, 25.5, 26.0], [32.0, 32.0, 32.0])
    assert shown(3)[0] == [25.5, 26.0, 27.0]
    np.testing.assert_allclose(shown(4)[0], [26 / 3, 9.0, 9.0], rtol=1e-6)


def test_a_split_on_a_session_without_a_bar_still_adjusts_what_came_before() -> None:
    market = small_market([100.0, NAN, 26.0], splits={1: 4.0})
    assert moment(market, 2).observation["bars"][:, 3].tolist() == [25.0, 0.0, 26.0]
    assert moment(market, 2).split == 4.0


def test_splits_and_dividends_of_a_gap_are_added_up() -> None:
    market = small_market(
        [100.0, NAN, NAN, 30.0], splits={1: 2.0, 3: 2.0}, dividends={0: 9.0, 1: 1.0, 2: 0.5}
    )
    now = moment(market, 3)
    # One share becomes two before 1.00 and 0.50 are paid on each, then four.
    assert (now.split, now.dividend, now.ex_date) == (4.0, 3.0, True)
    assert now.log_return == pytest.approx(np.log((30 * 4 + 3) / 100))


def test_a_day_without_dividend_or_split_says_so() -> None:
    now = moment(small_market([1.0, 2.0]), 1)
    assert (now.ex_date, now.dividend, now.split) == (False, 0.0, 1.0)


def test_only_sessions_with_a_bar_have_a_decision() -> None:
    history = History(small_market([1.0, NAN, 3.0, NAN, 5.0]), "TEST", 2)
    assert history.decisions(range(1, 5)).tolist() == [2, 4]


def test_a_bar_without_an_adjusted_close_is_a_missing_one_where_returns_are_of_those() -> None:
    market = small_market(
        [10.0, 11.0, 12.0], dividends={1: 1.0}, adjusted_close=[[9.0], [NAN], [12.0]]
    )
    history = History(market, "TEST", 3, needs_adjusted=True)

    assert history.decisions(range(3)).tolist() == [0, 2]
    assert history.until(2).observation["mask"].tolist() == [1, 0, 1]
    assert history.until(2).log_return == pytest.approx(np.log(12 / 9))


def test_a_return_over_a_missing_adjusted_close_is_what_a_share_and_its_cash_became() -> None:
    market = small_market(
        [10.0, 11.0, 12.0], dividends={1: 1.0}, adjusted_close=[[9.0], [NAN], [12.0]]
    )
    history = History(market, "TEST", 3)

    assert history.decisions(range(3)).tolist() == [0, 1, 2]
    assert history.until(1).log_return == pytest.approx(np.log(12 / 10))
    assert history.until(2).log_return == pytest.approx(np.log(12 / 11))


def test_a_text_between_two_decisions_belongs_to_the_later_one() -> None:
    days = (0.5, 1.0, 1.25, 2.0, 2.000001, 3.5)
    market = small_market([1.0, 2.0, 3.0], documents=[document(day, f"{day}") for day in days])
    assert texts(market, 1) == ["1.25", "2.0"]
    assert texts(market, 2) == ["2.000001"]


def test_texts_of_a_weekend_and_of_a_missing_bar_come_to_the_next_decision() -> None:
    # Friday, Monday without a bar, Tuesday; decisions at the ends of those days.
    market = replace(
        small_market([1.0, NAN, 3.0]),
        sessions=np.array(["2020-01-03", "2020-01-06", "2020-01-07"], "M8[D]"),
        times=np.array(["2020-01-04", "2020-01-07", "2020-01-08"], "M8[ns]"),
        documents=DocumentTable(
            (
                document(2.9, "Friday"), document(3.0, "Friday's end"), document(3.5, "Saturday"),
                document(4.5, "Sunday"), document(5.5, "Monday"), document(7.0, "Tuesday's end"),
                document(7.1, "Wednesday"),
            )
        ),
    )  # fmt: skip
    assert texts(market, 2) == ["Saturday", "Sunday", "Monday", "Tuesday's end"]


def test_the_first_session_of_a_market_knows_the_texts_of_its_own_day_only() -> None:
    documents = [document(day, f"{day}") for day in (-3.0, 0.0, 0.25, 1.0, 1.5)]
    assert texts(small_market([1.0, 2.0], documents=documents), 0) == ["0.25", "1.0"]


def test_every_text_reaches_exactly_one_decision_after_the_first() -> None:
    market = random_market(np.random.default_rng(5))
    history = History(market, "TEST", 2)
    decisions = history.decisions(range(24)).tolist()
    seen = [row for t in decisions for row in history.until(t).documents]
    assert seen == list(market.documents.rows)


def test_where_the_texts_stand_in_the_table_is_where_they_are() -> None:
    market = random_market(np.random.default_rng(6))
    for t in History(market, "TEST", 2).decisions(range(24)).tolist():
        now = moment(market, t)
        assert market.documents.rows[now.document_rows] == now.documents


def test_news_and_filings_are_told_apart_and_sentiments_counted() -> None:
    documents = [
        document(1.1, "up", sentiment="positive"),
        document(1.2, "up again", sentiment="positive"),
        document(1.3, "down", sentiment="negative"),
        document(1.4, "nothing"),
        document(1.5, "report", "10-K", sentiment="positive"),
    ]
    observation = moment(small_market([1.0, 2.0], documents=documents), 1).observation
    assert observation["news"] == ("up", "up again", "down", "nothing")
    assert observation["filings"] == ("report",)
    assert observation["sentiment"].tolist() == [2.0, 0.0, 1.0]


def test_the_opening_filings_are_the_latest_of_each_form_oldest_first() -> None:
    documents = [
        document(0.1, "old year", "10-K"),
        document(0.2, "old quarter", "10-Q"),
        document(1.1, "last quarter", "10-Q"),
        document(1.2, "last year", "10-K"),
        document(3.5, "next quarter", "10-Q"),
    ]
    history = History(small_market([1.0, 2.0, 3.0, 4.0], documents=documents), "TEST", 2)
    assert [row.text for row in history.opening_filings(2)] == ["last quarter", "last year"]


def test_an_opening_filing_that_is_new_on_the_day_is_not_told_twice() -> None:
    documents = [document(0.5, "old", "10-K"), document(1.5, "new", "10-K")]
    market = small_market([1.0, 2.0, 3.0], documents=documents)
    assert History(market, "TEST", 2).opening_filings(1) == ()
    env = gym.make("InvestorBench/Stock", data=market, start=date(1), end=date(2))
    observation, info = env.reset()
    assert observation["filings"] == ("new",)
    assert [row.text for row in info["documents"]] == ["new"]


def test_the_last_filing_before_a_split_is_seen_at_its_first_step_and_not_after() -> None:
    market = small_market([1.0, 2.0, 3.0, 4.0], documents=[document(0.5, "report", "10-K")])
    env = gym.make("InvestorBench/Stock", data=market, start=date(2), end=date(3))
    assert env.reset()[0]["filings"] == ("report",)
    assert env.step(1)[0]["filings"] == ()


def test_of_two_assets_each_has_its_own_texts_and_bars() -> None:
    one, two = small_market([1.0, 2.0]), small_market([5.0, 6.0])
    both = {
        name: np.concatenate([getattr(one, name), getattr(two, name)], axis=1)
        for name in ("bars", "adjusted_close", "dividends", "share_splits")
    }
    documents = (document(1.5, "mine"), document(1.6, "theirs", symbol="OTHER"))
    market = replace(one, symbols=("TEST", "OTHER"), documents=DocumentTable(documents), **both)
    other = History(market, "OTHER", 2).until(1)
    assert [row.text for row in other.documents] == ["theirs"]
    assert other.observation["bars"][:, 3].tolist() == [5.0, 6.0]
    assert texts(market, 1) == ["mine"]


def test_the_texts_of_a_market_are_sorted_once_for_all_its_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[str, int]] = []

    class Counted(History):
        def __init__(self, market: Any, symbol: str, window: int, **options: Any) -> None:
            made.append((symbol, window))
            super().__init__(market, symbol, window, **options)

    read: list[str] = []
    monkeypatch.setattr("investorbench_env.market.history.History", Counted)
    monkeypatch.setattr(Document, "is_filing", property(lambda row: read.append(row.text) is None))
    market = small_market([1.0, 2.0, 3.0, 4.0], documents=[document(1.5, "a"), document(1.6, "b")])
    for window in (2, 2, 3, 2):
        options = {"data": market, "start": date(1), "end": date(3), "window": window}
        gym.make("InvestorBench/Stock", **options)
    assert made == [] and read == []
    for window in (2, 3, 2):
        history_of(market, "TEST", window).until(3)
    assert made == [("TEST", 2), ("TEST", 3)]
    read.clear()
    for window in (2, 3):
        history_of(market, "TEST", window).opening_filings(3)
    assert read == ["a", "b"]


def test_no_array_of_a_moment_can_be_written_to() -> None:
    for value in moment(small_market([1.0, 2.0]), 1).observation.values():
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable


def test_environments_on_one_market_share_its_history_and_other_windows_do_not() -> None:
    market = small_market([1.0, 2.0])
    assert history_of(market, "TEST", 5) is history_of(market, "TEST", 5)
    assert history_of(market, "TEST", 5) is not history_of(market, "TEST", 6)
    assert history_of(market, "TEST", 5).until(1) is history_of(market, "TEST", 5).until(1)


def test_a_market_that_nobody_uses_any_more_is_forgotten() -> None:
    market = small_market([1.0, 2.0])
    history_of(market, "TEST", 5).until(1)
    trace = weakref.ref(market)
    del market
    gc.collect()
    assert trace() is None


# --- against the literal formulas, which take the longer the longer a market is -----------------


@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(3, 40),
    window=st.integers(1, 50),
    unknown=st.integers(0, 2),
    assets=st.integers(1, 2),
)
def test_a_moment_is_to_the_bit_what_the_literal_formulas_give(
    seed: int, length: int, window: int, unknown: int, assets: int
) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng, length)
    bars, adjusted = market.bars.copy(), market.adjusted_close.copy()
    bars[:unknown], adjusted[:unknown] = NAN, NAN
    market = replace(market, bars=bars, adjusted_close=adjusted)
    if assets == 2:
        market = beside(market, random_market(rng, length))
    history = History(market, "TEST", window)
    for t in history.decisions(range(length)).tolist():
        same_moment(history.until(t), literal_moment(market, t, window))


def same_moment(one: Any, other: dict[str, Any]) -> None:
    for name, value in other.items():
        if name == "observation":
            assert one.observation.keys() == value.keys()
            for key, part in value.items():
                if isinstance(part, np.ndarray):
                    assert one.observation[key].dtype == part.dtype
                    assert one.observation[key].shape == part.shape
                    assert one.observation[key].tobytes() == part.tobytes()
                else:
                    assert one.observation[key] == part
        else:
            assert type(getattr(one, name)) is type(value)
            assert repr(getattr(one, name)) == repr(value), name


def literal_moment(market: Market, t: int, window: int) -> dict[str, Any]:
    """What the decision at bar ``t`` knows of the first asset, by formulas over all that was."""
    view = market.until(t)
    close = view.bars[:, 0, 3]
    earlier = [k for k in range(t) if not np.isnan(close[k])]
    before = earlier[-1] if earlier else None
    after = view.time - np.timedelta64(24, "h") if before is None else market.times[before]
    rows = [
        k for k, moment in enumerate(market.documents.available_at) if after < moment <= view.time
    ]
    documents = tuple(
        market.documents.rows[k] for k in rows if market.documents.rows[k].symbol == "TEST"
    )
    since = slice(t if before is None else before + 1, t + 1)
    splits = view.share_splits[since, 0]
    dividend = float((view.dividends[since, 0] * np.cumprod(splits)).sum())
    growth = 1.0 if before is None else view.adjusted_close[t, 0] / view.adjusted_close[before, 0]
    opened = float(view.bars[t, 0, 0])
    news = [row for row in documents if row.kind == NEWS]
    labels = [row.sentiment for row in news]
    time = str(view.time.astype("M8[s]")) + "+00:00"
    return {
        "t": t,
        "session": str(view.session),
        "time": time,
        "observation": {
            **literal_window(view.bars[:, 0], view.share_splits[:, 0], window),
            "account": None,
            "sentiment": np.array([labels.count(name) for name in SENTIMENTS], np.float32),
            "news": tuple(map(str, news)),
            "filings": tuple(str(row) for row in documents if row.is_filing),
            "time": time,
        },
        "documents": documents,
        "fill": float(close[t]) if np.isnan(opened) else opened,
        "final": float(close[t]),
        "ex_date": bool(dividend or (splits != 1.0).any()),
        "dividend": dividend,
        "split": float(splits.prod()),
        "log_return": float(np.log(growth)),
    }


def literal_window(bars: Any, splits: Any, window: int) -> dict[str, Any]:
    """The last bars, adjusted one by one for the splits after each."""
    shown = np.zeros((window, len(FIELDS)), np.float32)
    mask = np.zeros(window, np.int8)
    later = 1.0
    for back in range(1, min(window, len(bars)) + 1):
        bar = bars[-back]
        if not np.isnan(bar[3]):
            mask[-back] = 1
            shown[-back] = np.nan_to_num(np.append(bar[:4] / later, bar[4] * later))
        later *= splits[-back]
    return {"bars": shown, "mask": mask}


def beside(market: Market, other: Market) -> Market:
    """Two assets in one market, with the texts of both."""
    both = {
        name: np.concatenate([getattr(market, name), getattr(other, name)], axis=1)
        for name in ("bars", "adjusted_close", "dividends", "share_splits")
    }
    theirs = [replace(row, symbol="OTHER") for row in other.documents]
    return replace(
        market, symbols=("TEST", "OTHER"), hidden_state=None,
        documents=DocumentTable((*market.documents, *theirs)), **both,
    )  # fmt: skip


def test_a_moment_knows_nothing_of_later_bars() -> None:
    market = random_market(np.random.default_rng(11), 30)
    bars, splits = market.bars.copy(), market.share_splits.copy()
    bars[20:], splits[20:] = 9.0, 7.0
    changed = replace(market, bars=bars, share_splits=splits)
    one, other = History(market, "TEST", 8), History(changed, "TEST", 8)
    for t in one.decisions(range(20)).tolist():
        assert one.until(t).observation["bars"].tobytes() == (
            other.until(t).observation["bars"].tobytes()
        )


def test_the_moments_of_three_minute_bars_stand_at_their_ends() -> None:
    minutes = np.arange(1, 961) * np.timedelta64(3, "m")
    ends = np.datetime64("2020-01-01", "m") + minutes
    sessions = (ends - np.timedelta64(1, "m")).astype("M8[D]")
    documents = [document(-0.5, "old"), document(0.001, "in the first bar"), document(0.5, "noon")]
    market = small_market(
        np.arange(1.0, 961.0), times=ends, sessions=sessions, interval="3m", documents=documents
    )
    history = History(market, "TEST", 5)
    assert (history.until(479).session, history.until(479).time) == (
        "2020-01-01", "2020-01-02T00:00:00+00:00"
    )  # fmt: skip
    assert history.until(480).session == "2020-01-02"
    assert [row.text for row in history.until(0).documents] == ["old", "in the first bar"]
    assert [row.text for row in history.until(239).documents] == ["noon"]
    assert history.until(479).observation["bars"][:, 3].tolist() == [476, 477, 478, 479, 480]
