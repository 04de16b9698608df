"""The released InvestorBench format, with its suffixes, gaps and oddities."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.released import without_suffix
from investorbench_env.market.library import find_market
from investorbench_env.market.market import Market

DAY = {"prices": 10.0, "news": [], "10k": [], "10q": []}


def released(folder: Path, days: object, symbol: str = "MSFT") -> Market:
    text = days if isinstance(days, str) else json.dumps(days)
    (folder / f"{symbol.lower()}.json").write_text(text, encoding="utf-8")
    return find_market(symbol, "crypto" if symbol == "BTC" else "stock", folder)


@pytest.mark.parametrize(
    ("item", "text", "sentiment"),
    [
        ("It rose. (Sentiment: positive)", "It rose.", "positive"),
        ("it fell (sentiment:negative)", "it fell", "negative"),
        ("It stood ( SENTIMENT : Neutral ).", "It stood", "neutral"),
        ("No word on it", "No word on it", None),
        ("Of no known kind (sentiment: mixed)", "Of no known kind (sentiment: mixed)", None),
        ("(sentiment: positive) comes first", "(sentiment: positive) comes first", None),
        (
            "Twice (sentiment: negative) (sentiment: positive)",
            "Twice (sentiment: negative)",
            "positive",
        ),
    ],
)
def test_the_suffix_of_a_news_text_is_its_sentiment(
    item: str, text: str, sentiment: str | None
) -> None:
    assert without_suffix(item) == (text, sentiment)


def test_a_price_is_close_and_adjusted_close_and_nothing_else_is_known(tmp_path: Path) -> None:
    market = released(tmp_path, {"2021-01-14": DAY, "2021-01-15": {**DAY, "prices": 11.5}})

    np.testing.assert_array_equal(market.bars[:, 0, 3], [10, 11.5])
    np.testing.assert_array_equal(market.adjusted_close[:, 0], [10, 11.5])
    assert np.isnan(market.bars[:, 0, [0, 1, 2, 4]]).all()
    assert not market.dividends.any()
    assert (market.share_splits == 1).all()
    assert market.findings[0].startswith("close only")


def test_its_texts_are_known_at_the_end_of_their_day(tmp_path: Path) -> None:
    day = {**DAY, "news": ["up (sentiment: positive)"], "10k": ["annual"], "10q": ["quarterly"]}
    rows = released(tmp_path, {"2021-01-14": day}).documents.rows

    assert [row.kind for row in rows] == ["news", "10-K", "10-Q"]
    assert {row.available_at for row in rows} == {datetime(2021, 1, 15, 5, tzinfo=UTC)}


def test_a_day_that_is_missing_stays_missing(tmp_path: Path) -> None:
    market = released(tmp_path, {"2021-01-13": DAY, "2021-01-15": DAY})

    np.testing.assert_array_equal(np.isnan(market.bars[:, 0, 3]), [False, True, False])
    assert "1 session without a bar: 2021-01-14" in market.findings


def test_a_price_of_null_is_a_missing_bar_whose_news_stays(tmp_path: Path) -> None:
    gap = {"prices": None, "news": ["still news"]}
    market = released(tmp_path, {"2021-01-13": DAY, "2021-01-14": gap, "2021-01-15": DAY})

    assert np.isnan(market.bars[1, 0, 3])
    assert [row.text for row in market.documents] == ["still news"]


def test_repeated_items_stay_since_published_results_count_them(tmp_path: Path) -> None:
    item = "up (sentiment: positive)"
    market = released(tmp_path, {"2021-01-14": {**DAY, "news": [item, item, "else"]}})

    assert len(market.documents) == 3
    assert len({row.id for row in market.documents}) == 3
    assert "msft.json: 1 repeated items in the release, kept" in market.findings


def test_days_in_any_order_and_with_keys_left_out_are_fine(tmp_path: Path) -> None:
    market = released(
        tmp_path, {"2021-01-17": {"prices": 2.0}, "2021-01-16": {"prices": 1, "news": "one"}}, "BTC"
    )

    np.testing.assert_array_equal(market.bars[:, 0, 3], [1, 2])
    assert market.documents.rows[0].text == "one"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"2021-01-14": {"prices": 10.0, "news": ["up', r"line 1, character \d+: not JSON"),
        ('{"2021-01-14": {"prices": "ten"}}', "2021-01-14: prices is 'ten', expected a number"),
        ('{"2021-01-14": {"prices": 1}, "soon": {}}', "'soon' is not a date"),
        ('{"2021-01-14": {"prices": 1, "news": [1]}}', "news is not a list of texts"),
        ('{"2021-01-14": {"prices": 1}, "2021-01-15": 3}', "expected an object, got 3"),
        (
            '{"2021-01-14": {"prices": 1}, "2021-01-14": {"prices": 2}}',
            "'2021-01-14' is given twice, and differently",
        ),
        ('{"2021-01-14": {"prices": -1}}', "row 1: close -1 on 2021-01-14 is not positive"),
    ],
)
def test_a_corrupt_file_is_an_error_with_place_and_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(CorruptDataError, match=rf"msft\.json.*{reason}"):
        released(tmp_path, text)


def test_its_news_adds_to_the_bars_of_a_tidy_file(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "date,symbol,open,high,low,close\n2021-01-14,MSFT,9,11,8,10\n", encoding="utf-8"
    )
    market = released(tmp_path, {"2021-01-14": {**DAY, "prices": 9.9, "news": ["up"]}})

    assert market.bars[0, 0, 0] == 9
    assert market.source == "p.csv, msft.json"
    assert [row.text for row in market.documents] == ["up"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"2021-01-04": {"prices": Infinity}}', "2021-01-04: prices is inf, expected a number"),
        ('{"2021-01-04": {"prices": NaN}}', "2021-01-04: prices is nan, .* or null for none"),
        ('{"2021-01-04": {"prices": 1' + "0" * 400 + "}}", "2021-01-04: prices is inf"),
        ('{"2021-01-04": {"prices": 1' + "0" * 5000 + "}}", "not readable as JSON"),
        ('{"2021-01-04": {"prices": ' + "[" * 100_000, "not readable as JSON"),
        ('{"2021-01-04": {"prices": 1}, "20210105": {"prices": 1}}', "'20210105' is not a date"),
        ('{"2021-01-04": {"prices": 1}, "0021-01-05": {"prices": 1}}', "'0021-01-05' is not a d"),
    ],
)
def test_values_that_cannot_be_stop_at_the_door(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "acme.json").write_text(content)
    with pytest.raises(CorruptDataError, match=rf"acme\.json.*{reason}"):
        find_market("ACME", "stock", tmp_path)
