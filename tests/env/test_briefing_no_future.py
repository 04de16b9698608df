"""No briefing holds anything that became known after its decision, by a single byte."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.market import DocumentTable, Market
from investorbench_env.market.documents import FURTHER_KINDS
from investorbench_env.market.history import History
from investorbench_env.market.library import find_market
from investorbench_env.market.market import CLOSE
from investorbench_env.registration import facts_in, facts_of
from investorbench_env.wrappers import Briefing, BriefingForm, brief
from investorbench_env.wrappers.briefing_sections import WRITTEN, BriefedDecision, BriefingSection
from tests.env.small_markets import date, random_market
from tests.env.test_no_future import assert_nothing_from_the_future, changed_after

KINDS = ("news", "10-K", "10-Q", *FURTHER_KINDS)
FORMS = (
    BriefingForm(drop=0.0, shuffle=False, sessions=4),
    BriefingForm(news=(1, 2, 1), tokens=900),
)


def market_with_all_kinds(seed: int, **changes: Any) -> Market:
    rng = np.random.default_rng(seed)
    market = random_market(rng, **changes)
    rows = [
        replace(row, kind=str(rng.choice(KINDS)), title=str(rng.choice(["", "A", "B"])))
        for row in market.documents
    ]
    return replace(market, documents=DocumentTable(tuple(rows)))


def make(market: Market, options: dict[str, Any]) -> Any:
    given = {name: value for name, value in options.items() if name != "form"}
    return Briefing(gym.make(data=market, **given), form=options["form"])


@pytest.mark.parametrize("form", FORMS, ids=["whole", "drawn"])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), split=st.sampled_from(["warmup", "test"]))
def test_the_future_changes_no_briefing(form: BriefingForm, split: str, seed: int) -> None:
    options = {"id": "InvestorBench/Stock", "split": split, "form": form}
    assert_nothing_from_the_future(make, market_with_all_kinds(seed), seed, **options)


@pytest.mark.heavy
@pytest.mark.parametrize("interval", ["3m", "4h", "1w"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_future_changes_no_briefing_on_bars_of_any_length(interval: str, seed: int) -> None:
    market = market_with_all_kinds(seed, interval=interval)
    options = {"id": "InvestorBench/Stock", "form": FORMS[0]}
    assert_nothing_from_the_future(make, market, seed, **options)


@pytest.mark.heavy
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), t=st.integers(6, 22))
def test_a_market_that_ends_with_the_decision_gives_the_same_briefing(seed: int, t: int) -> None:
    whole = market_with_all_kinds(seed)
    known = int(whole.documents.available_by(whole.times[t : t + 1])[0])
    arrays = ("sessions", "times", "bars", "adjusted_close", "dividends", "share_splits")
    ended = replace(
        whole,
        documents=DocumentTable(tuple(whole.documents)[:known]),
        hidden_state=None,
        **{name: getattr(whole, name)[: t + 1] for name in arrays},
    )
    if np.isnan(whole.bars[t, 0, CLOSE]):
        return  # there is no decision on it
    facts = facts_of("InvestorBench/Stock", data=whole, start=date(6), end=date(23))
    one, other = (
        brief(History(each, "TEST", 5).past(t), facts, seed=seed, form=FORMS[0])
        for each in (whole, ended)
    )
    assert one == other


@pytest.mark.parametrize("kind", ["prices", "documents"])
def test_a_section_that_looks_ahead_is_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds: list[Market] = []

    def make_one(market: Market, options: dict[str, Any]) -> Any:
        worlds.append(market)
        return make(market, options)

    def leak(decision: BriefedDecision) -> Iterator[str]:
        market = worlds[-1]
        t = int(np.searchsorted(market.sessions, np.datetime64(decision.past.session)))
        label = market.adjusted_close[t + 1, 0] / market.adjusted_close[t, 0]
        yield f"label {label}" if kind == "prices" else str(market.documents.rows[-1])

    section = BriefingSection("Technical", "t", leak)
    monkeypatch.setitem(WRITTEN, "technical", section)
    options = {"id": "InvestorBench/Stock", "split": "test", "form": FORMS[0]}
    with pytest.raises(AssertionError):
        assert_nothing_from_the_future(make_one, market_with_all_kinds(1), 1, **options)


@pytest.mark.heavy
@pytest.mark.parametrize("symbol", ["AAPL", pytest.param("TSLA", marks=pytest.mark.long)])
def test_the_future_changes_no_real_briefing(symbol: str, data_folder: Path) -> None:
    sources = ("fundamentals", "macro")
    market = find_market(symbol, "stock", str(data_folder), sources=sources)
    options: dict[str, Any] = {"symbol": symbol, "start": "2020-10-01", "end": "2021-05-06"}
    env = gym.make("InvestorBench/Stock", data=market, **options)
    facts = facts_in(env)
    seen = set()
    for n in (5, 60, 140):
        t = market.span("2020-10-01", "2021-05-06")[n]
        other = changed_after(market, t, np.random.default_rng(n))
        for form in FORMS:
            one, same = (
                brief(History(each, symbol, 5).past(t), facts, seed=n, form=form)
                for each in (market, other)
            )
            assert one == same
            seen |= {piece.section for piece in one.pieces}
    assert seen >= {"technical", "news", "macro"}
