"""What a file lists as paid, and what its adjusted close shows: from files, each value by hand."""

from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.errors import CorruptDataError
from investorbench_env.market import Market, library
from investorbench_env.market.files.listed_actions import kind_of
from investorbench_env.market.library import find_market
from investorbench_env.market.sessions import sessions_between

DAYS = ["2021-02-16", "2021-02-17", "2021-02-18", "2021-02-19", "2021-02-22", "2021-02-23"]
CLOSE = [50.0, 51.0, 52.0, 53.0, 54.0, 55.0]


def put(folder: Path, actions: list[str], adjusted: list[float | None] | None = None) -> Path:
    """Bars of ACME, with an adjusted close where one is given, and a list of its actions."""
    cells = [[day, f"{close}"] for day, close in zip(DAYS, CLOSE, strict=True)]
    for row, price in zip(cells, adjusted or [], strict=bool(adjusted)):
        row.append("" if price is None else f"{price}")
    header = "date,close" + (",adj_close" if adjusted else "")
    (folder / "acme.csv").write_text("\n".join([header, *map(",".join, cells)]) + "\n")
    if actions:
        listed = "\n".join(["date,action,amount", *actions]) + "\n"
        (folder / "acme_actions.csv").write_text(listed)
    return folder


def load(folder: Path) -> Market:
    return find_market("ACME", "stock", folder)


def cash(market: Market) -> dict[str, float]:
    return {
        str(market.sessions[t]): float(market.dividends[t, 0])
        for t in market.dividends[:, 0].nonzero()[0]
    }


def test_two_distributions_on_one_day_add_up(tmp_path: Path) -> None:
    put(tmp_path, ["2021-02-18,dividend,1.0", "2021-02-18,special dividend,1.0"])

    assert cash(load(tmp_path)) == {"2021-02-18": 2.0}


def test_a_row_that_is_given_twice_counts_once_and_is_reported(tmp_path: Path) -> None:
    market = load(put(tmp_path, ["2021-02-18,dividend,1.0", "2021-02-18,dividend,1.0"]))

    assert cash(market) == {"2021-02-18": 1.0}
    assert "acme_actions.csv: 1 row given twice, counted once" in market.findings


def test_two_files_that_list_the_same_day_count_once(tmp_path: Path) -> None:
    put(tmp_path, ["2021-02-18,dividend,1.0"])
    other = "date,symbol,action,amount\n2021-02-18,ACME,cash dividend,1.0\n"
    (tmp_path / "others.csv").write_text(other)

    assert cash(load(tmp_path)) == {"2021-02-18": 1.0}


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("dividend", "cash"),
        ("Cash Div", "cash"),
        ("CASH_DIVIDEND", "cash"),
        ("Special Dividend", "cash"),
        ("Distribution", "cash"),
        ("split", "split"),
        ("Stock Split", "split"),
        ("reverse-split", "split"),
        ("Delisting", "delisting"),
        ("delisted", "delisting"),
        ("stock dividend", ""),
        ("Spin-off", ""),
        ("CD", ""),
    ],
)
def test_an_action_is_what_its_words_say(action: str, kind: str) -> None:
    assert kind_of(action) == kind


@pytest.mark.parametrize(("amount", "gain"), [("-0.3", -0.3), ("", np.nan), ("0.1", 0.1)])
def test_a_delisting_is_read_with_what_the_last_price_changed_by(
    amount: str, gain: float, tmp_path: Path
) -> None:
    market = load(put(tmp_path, ["2021-02-18,dividend,1.0", f"2021-02-24,delisted,{amount}"]))
    assert cash(market) == {"2021-02-18": 1.0}
    on, found = market.delistings["ACME"]
    assert str(on) == "2021-02-24" and np.array_equal(found, gain, equal_nan=True)
    saved = library.load(library.save(market, tmp_path / "saved"))
    assert str(saved.delistings) == str(market.delistings)
    assert saved.fingerprint == market.fingerprint
    other = replace(market, delistings={})
    assert other.fingerprint != market.fingerprint


def test_an_action_that_is_not_understood_is_left_out_and_named(tmp_path: Path) -> None:
    market = load(put(tmp_path, ["2021-02-18,CD,1.0", "2021-02-19,dividend,0.5"]))

    assert cash(market) == {"2021-02-19": 0.5}
    assert any("not understood, left out: 'CD' (1)" in finding for finding in market.findings)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2021-02-18,dividend,-1.0", "row 1: a dividend on 2021-02-18 of -1 cannot be"),
        ("2021-02-18,dividend,", "row 1: a dividend on 2021-02-18 has no amount"),
        ("2021-02-18,dividend,inf", "row 1: a dividend on 2021-02-18 of inf cannot be"),
        ("2021-02-18,delisting,-1.5", "row 1: a delisting on 2021-02-18 of -1.5 cannot be"),
        ("2021-02-18,split,0", "row 1: a split on 2021-02-18 of 0 cannot be"),
        ("2021-02-18,dividend,51", "row 1: a dividend of 51 on 2021-02-18 is not below the price"),
        ("2021-02-18,dividend,62", "row 1: a dividend of 62 on 2021-02-18 is not below the price"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_with_file_and_row(
    tmp_path: Path, row: str, message: str
) -> None:
    with pytest.raises(CorruptDataError, match=rf"acme_actions\.csv, {message}"):
        load(put(tmp_path, [row]))


def test_distributions_of_a_day_that_reach_the_price_together_are_refused(tmp_path: Path) -> None:
    put(tmp_path, ["2021-02-18,dividend,30", "2021-02-18,special dividend,30"])

    with pytest.raises(CorruptDataError, match="row 2: a dividend of 30"):
        load(tmp_path)


def test_a_dividend_that_may_be_in_cents_is_reported(tmp_path: Path) -> None:
    market = load(put(tmp_path, ["2021-02-18,dividend,40"]))

    assert any("40 on 2021-02-18 is 78% of the close before, 51" in f for f in market.findings)


def test_a_dividend_of_nothing_is_none(tmp_path: Path) -> None:
    assert cash(load(put(tmp_path, ["2021-02-18,dividend,0"]))) == {}


def history(folder: Path, rows: list[str]) -> Market:
    """A file as ``Ticker.history()`` of yfinance writes it."""
    header = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
    (folder / "acme.csv").write_text(header + "\n".join(rows) + "\n")
    return load(folder)


def test_columns_of_dividends_and_splits_beside_the_bars_are_read(tmp_path: Path) -> None:
    """After a split 2 for 1, the close and the dividend before it are of the new shares."""
    market = history(
        tmp_path,
        [
            "2021-02-16,10,10,10,10,100,0.0,0.0",
            "2021-02-17,10,10,10,10,100,0.25,0.0",
            "2021-02-18,10,10,10,10,100,0.0,2.0",
            "2021-02-19,10,10,10,10,100,0.5,0.0",
        ],
    )

    assert list(market.bars[:, 0, 3]) == [20, 20, 10, 10]
    assert list(market.share_splits[:, 0]) == [1, 1, 2, 1]
    assert cash(market) == {"2021-02-17": 0.5, "2021-02-19": 0.5}
    assert not any("unknown" in finding for finding in market.findings)


def test_what_tiingo_writes_is_read(tmp_path: Path) -> None:
    header = "date,close,high,low,open,volume,adjClose,divCash,splitFactor\n"
    rows = [
        "2021-02-16,20,20,20,20,100,9.5,0.0,1.0",
        "2021-02-17,20,20,20,20,100,9.5,0.0,1.0",
        "2021-02-18,10,10,10,10,100,9.5,0.0,2.0",
        "2021-02-19,10,10,10,10,100,10,0.5,1.0",
    ]
    (tmp_path / "acme.csv").write_text(header + "\n".join(rows) + "\n")
    market = load(tmp_path)

    assert list(market.bars[:, 0, 3]) == [20, 20, 10, 10]
    assert list(market.share_splits[:, 0]) == [1, 1, 2, 1]
    assert cash(market) == {"2021-02-19": 0.5}


def test_closes_that_hold_their_dividends_already_pay_none_again(tmp_path: Path) -> None:
    """``Ticker.history()`` divides them out of the closes unless it is asked not to."""
    closes = [f"{close * (1 - 0.5 / 53):.6f}" for close in CLOSE[:4]] + ["54", "55"]
    cells = [
        f"{day},{c},{c},{c},{c},100,{0.5 if day == '2021-02-22' else 0.0},0.0"
        for day, c in zip(DAYS, closes, strict=True)
    ]
    market = history(tmp_path, cells)

    assert cash(market) == {}
    assert any("adjusted for dividends already" in finding for finding in market.findings)
    np.testing.assert_allclose(market.adjusted_close[:, 0], [float(c) for c in closes])


def test_a_listed_dividend_that_rounding_shows_a_day_late_is_not_paid_twice(
    tmp_path: Path,
) -> None:
    """Cents on 2.00 tell the factor to a quarter of a percent; .02 is one percent."""
    days = np.arange("2021-02-01", "2021-03-05", dtype="M8[D]")
    days = days[np.is_busday(days, holidays=["2021-02-15"])]
    close = 2.0 + 0.01 * np.arange(len(days))
    adjusted = np.where(days < np.datetime64("2021-02-18"), close * 0.994, close).round(2)
    rows = [f"{d},{c:.2f},{a:.2f}" for d, c, a in zip(days, close, adjusted, strict=True)]
    (tmp_path / "acme.csv").write_text("\n".join(["date,close,adj_close", *rows]) + "\n")
    (tmp_path / "acme_actions.csv").write_text("date,action,amount\n2021-02-18,dividend,0.0127\n")

    assert cash(load(tmp_path)) == {"2021-02-18": 0.0127}


def test_a_missing_adjusted_close_is_computed_where_nothing_was_paid(tmp_path: Path) -> None:
    market = load(put(tmp_path, [], [50.0, 51.0, None, 53.0, 54.0, 55.0]))

    np.testing.assert_array_equal(market.adjusted_close[:, 0], CLOSE)
    assert any("1 adj_close missing and computed" in f for f in market.findings)


def test_a_missing_adjusted_close_stays_missing_where_something_may_have_been_paid(
    tmp_path: Path,
) -> None:
    market = load(put(tmp_path, [], [45.0, 45.9, None, 53.0, 54.0, 55.0]))

    assert np.isnan(market.adjusted_close[2, 0])
    assert any(
        "1 adj_close missing where something may have been paid" in f and "2021-02-18" in f
        for f in market.findings
    )


def test_at_an_end_only_a_list_says_that_nothing_was_paid(tmp_path: Path) -> None:
    gap = [50.0, 51.0, 52.0, 53.0, 54.0, None]
    assert np.isnan(load(put(tmp_path, [], gap)).adjusted_close[-1, 0])

    listed = tmp_path / "listed"
    listed.mkdir()
    market = load(put(listed, ["2021-01-18,dividend,0.5"], gap))
    np.testing.assert_array_equal(market.adjusted_close[:, 0], CLOSE)


def test_an_empty_column_of_adjusted_closes_is_none(tmp_path: Path) -> None:
    market = load(put(tmp_path, [], [None] * 6))

    np.testing.assert_array_equal(market.adjusted_close[:, 0], CLOSE)
    assert "dividends are unknown and count as none" in market.findings


def test_a_gap_of_adjusted_closes_is_a_missing_bar_under_paper_alone(tmp_path: Path) -> None:
    """Over the gap a share earned ln(53 / 45.9): no reward is NaN, and none is lost."""
    put(tmp_path, [], [45.0, 45.9, None, 53.0, 54.0, 55.0])
    options = {"symbol": "ACME", "data": str(tmp_path), "start": DAYS[0], "end": DAYS[-1]}
    rewards: dict[str, list[float]] = {"paper": [], "standard": []}
    for protocol, earned in rewards.items():
        env = gym.make("InvestorBench/Stock", protocol=protocol, **options)
        env.reset(seed=0)
        ended = False
        while not ended:
            _, reward, terminated, truncated, _ = env.step(2)
            earned.append(float(reward))
            ended = terminated or truncated

    assert rewards["paper"] == pytest.approx(np.diff(np.log([45.0, 45.9, 53.0, 54.0, 55.0])))
    assert len(rewards["standard"]) == 5
    assert np.isfinite(rewards["standard"]).all()


def test_an_adjusted_close_of_something_else_pays_nothing(tmp_path: Path) -> None:
    days = sessions_between("stock", "2021-01-04", "2021-12-31")
    rng = np.random.default_rng(1)
    close, other = (50 * np.exp(np.cumsum(rng.normal(0, 0.02, (2, len(days))), 1))).round(2)
    rows = [f"{d},{c},{o}" for d, c, o in zip(days, close, other, strict=True)]
    (tmp_path / "acme.csv").write_text("\n".join(["date,close,adj_close", *rows]) + "\n")
    market = load(tmp_path)

    assert cash(market) == {}
    assert any("so that none is inferred from it" in finding for finding in market.findings)
