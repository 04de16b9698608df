"""Alpaca's pages: an answer without a last one, or with times of no zone, is not taken as whole."""

from datetime import date
from typing import Any

import pytest

from investorbench_env.market.sources import alpaca, alpaca_news
from investorbench_env.market.sources.contracts import ChangedFormError
from investorbench_env.market.sources.http import Downloader, Politeness

FIRST, LAST = date(2020, 8, 3), date(2020, 8, 14)
BARS = "/v2/stocks/ACME/bars"
ONCE = Politeness(interval_s=0, tries=1)


def bar(time: str) -> dict[str, Any]:
    return {"t": time, "o": 1.0, "h": 1.0, "l": 1.0, "c": 1.0, "v": 1}


def bars(url: str) -> Any:
    with Downloader(politeness=ONCE) as ask:
        return alpaca.daily_bars(ask, "ACME", FIRST, LAST, address=url)


def test_a_page_that_leads_back_to_itself_or_ever_on_is_no_whole_answer(
    server, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"bars": [bar("2020-08-03T04:00:00Z")], "next_page_token": "same"}
    server.answer(BARS, page)
    with pytest.raises(ChangedFormError, match="no last page"):
        bars(server.url)

    monkeypatch.setattr(alpaca, "MOST_PAGES", 5)
    server.answer(BARS, *({**page, "next_page_token": f"page {n}"} for n in range(9)))
    before = len(server.asked)
    with pytest.raises(ChangedFormError, match="no last page"):
        bars(server.url)
    assert len(server.asked) == before + 5


@pytest.mark.parametrize("time", ["2020-08-03", "2020-08-03T04:00:00"])
def test_a_bar_at_a_time_of_no_zone_is_of_another_form(server, time: str) -> None:
    server.answer(BARS, {"bars": [bar(time)], "next_page_token": None})
    with pytest.raises(ChangedFormError):
        bars(server.url)


def test_actions_of_another_symbol_are_not_taken(server) -> None:
    paid = [
        {"symbol": symbol, "ex_date": "2020-08-05", "rate": 0.5} for symbol in ("ACME", "OTHER")
    ]
    split = {"symbol": "OTHER", "ex_date": "2020-08-06", "new_rate": 2, "old_rate": 1}
    listed = {"cash_dividends": paid, "forward_splits": [split]}
    answer = {"corporate_actions": listed, "next_page_token": None}
    server.answer("/v1/corporate-actions", answer)
    with Downloader(politeness=ONCE) as ask:
        found = alpaca.actions(ask, "ACME", FIRST, LAST, address=server.url)

    assert found[["action", "amount"]].to_numpy().tolist() == [["dividend", 0.5]]


def test_a_headline_is_text_without_signs_by_name_and_without_half_letters(server) -> None:
    times = dict.fromkeys(("created_at", "updated_at"), "2020-08-05T10:00:00Z")
    item = {"headline": "Tesla&#39;s \ud83d rise", "summary": "A &amp; B", **times}
    server.answer("/v1beta1/news", {"news": [item], "next_page_token": None})
    with pytest.MonkeyPatch.context() as patch, Downloader(politeness=ONCE) as ask:
        patch.setenv("INVESTORBENCH_ALPACA_NEWS_URL", server.url)
        found = alpaca_news.news(ask, "ACME", "stock", FIRST, LAST)

    assert found[["headline", "text"]].to_numpy().tolist() == [["Tesla's ? rise", "A & B"]]
