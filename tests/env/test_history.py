"""``info["history"]``: all that was known at a decision, and no way to anything else."""

import copy
import gc
import math
import pickle
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.errors import DateRangeError, InvestorBenchError, UnknownNameError
from investorbench_env.market import Document, Market
from investorbench_env.market.bar_rows import BAR
from investorbench_env.market.market import CLOSE
from investorbench_env.market.past import Past
from tests.env.small_markets import date, document, random_market, small_market

FIRST = 6
STOCK = "InvestorBench/Stock"
PRICES = ("open", "high", "low", "close", "volume")


def episode(market: Market, **options: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The infos of an episode, each with the bar at whose end it was given."""
    start, end = (str(market.sessions[n]) for n in (FIRST, -1))
    env: Any = gym.make(STOCK, data=market, window=4, start=start, end=end, **options)
    _, info = env.reset(seed=0)
    ended = False
    while True:
        yield int(np.searchsorted(market.times, np.datetime64(info["time"][:-6]))), info
        if ended:
            return
        *_, terminated, truncated, info = env.step(2)
        ended = terminated or truncated


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), interval=st.sampled_from(["1d", "3m"]))
def test_a_past_is_what_the_market_had_shown_by_then(seed: int, interval: str) -> None:
    market = random_market(np.random.default_rng(seed), interval=interval)
    for t, info in episode(market):
        past, view = info["history"], market.until(t)
        found = past.bars(adjusted=False)
        shown = np.stack([found[name] for name in PRICES], axis=1)
        np.testing.assert_array_equal(shown, view.bars[:, 0])
        np.testing.assert_array_equal(found["dividend"], view.dividends[:, 0])
        np.testing.assert_array_equal(found["split"], view.share_splits[:, 0])
        np.testing.assert_array_equal(found["session"], market.sessions[: t + 1])
        np.testing.assert_array_equal(found["time"], market.times[: t + 1].astype("M8[s]"))
        known = ~np.isnan(view.bars[:, 0, CLOSE])
        grown = view.adjusted_close[known, 0]
        np.testing.assert_allclose(found["total_return"][known][1:], grown[1:] / grown[:-1] - 1)
        own = [row for row in view.documents() if row.symbol == past.symbol]
        assert list(past.documents()) == own[::-1]
        assert (past.symbol, past.session, past.time) == (
            info["symbol"], info["session"], info["time"],
        )  # fmt: skip
        assert len(past) == t + 1


def test_prices_are_in_the_shares_of_the_decision() -> None:
    market = small_market([8, 8, 8, 8, 8, 8, 4, 4], splits={6: 2.0}, dividends={2: 1.0})
    before, after = (info["history"] for t, info in episode(market) if t in (6, 7))
    for past in (before, after):
        shown = past.bars()
        assert shown["close"].tolist()[:6] == [4.0] * 6 and shown["volume"][0] == 2000.0
        assert shown["dividend"][2] == 0.5
    assert before.bars(adjusted=False)["close"].tolist() == [8.0] * 6 + [4.0]


TEXTS = [
    document(0.1, "Orders rose at Acme, and orders rose elsewhere", id="a"),
    document(1.1, "Rain", id="b"),
    document(2.1, "Annual report: risks of orders", kind="10-K", id="c"),
    document(5.1, "Orders, said Acme", id="d"),
    document(6.1, "Quarterly report", kind="10-Q", id="e"),
    document(7.1, "Acme orders orders orders", id="f"),
]


def past_with(texts: list[Document], t: int = FIRST) -> Past:
    market = small_market([10.0] * 9, documents=texts)
    found: Past = next(info["history"] for at, info in episode(market) if at == t)
    return found


def ids(documents: Any) -> str:
    return "".join(row.id for row in documents)


def test_documents_are_found_by_kind_date_and_page() -> None:
    past = past_with(TEXTS)
    assert ids(past.documents()) == "edcba"
    assert (ids(past.documents("news")), ids(past.documents("10-K"))) == ("dba", "c")
    assert (ids(past.documents("filing")), past.documents("8-K")) == ("ec", ())
    assert ids(past.documents(start=date(2), end=date(5))) == "dc"
    pages = [ids(past.documents(size=2, page=page)) for page in (1, 2, 3, 4)]
    assert pages == ["ed", "cb", "a", ""]
    assert past.kinds == {"news": 3, "10-Q": 1, "10-K": 1}
    assert past.read("c").text.startswith("Annual")
    with pytest.raises(UnknownNameError, match="document of TEST 'f'"):
        past.read("f")


@pytest.mark.parametrize("ask", ["bars", "documents", "search"])
@pytest.mark.parametrize("name", ["start", "end"])
def test_a_call_for_the_future_is_an_error(ask: str, name: str) -> None:
    past = past_with(TEXTS)
    given = ("orders",) if ask == "search" else ()
    getattr(past, ask)(*given, **{name: date(FIRST)})
    with pytest.raises(DateRangeError, match=rf"{name}={date(FIRST + 2)} lies after this decision"):
        getattr(past, ask)(*given, **{name: date(FIRST + 2)})
    with pytest.raises(DateRangeError, match="no date"):
        getattr(past, ask)(*given, **{name: "soon"})


@pytest.mark.parametrize("given", [{"page": 0}, {"size": 0}, {"size": -1}, {"page": 1.5}])
def test_a_page_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvestorBenchError, match="at least 1"):
        past_with(TEXTS).documents(**{"size": 2, **given})


@given(page=st.integers(1, 10**30), size=st.integers(1, 10**30))
def test_a_page_of_any_number_and_size_is_there_or_empty(page: int, size: int) -> None:
    past = past_with(TEXTS)
    assert past.documents(page=page, size=size) == past.documents()[(page - 1) * size : page * size]


@pytest.mark.parametrize("query", [None, 5, ["orders"]])
def test_a_query_that_is_no_text_is_refused(query: Any) -> None:
    with pytest.raises(InvestorBenchError, match="must be words in one text"):
        past_with(TEXTS).search(query)


def test_a_name_of_any_length_is_compared_and_shown_in_part() -> None:
    past = past_with(TEXTS)
    with pytest.raises(UnknownNameError, match="x…'") as caught:
        past.read("x" * 10**6)
    assert len(str(caught.value)) < 500


def bm25(query: str, texts: list[str]) -> list[float]:
    """Robertson and Zaragoza (2009), equation 3.15 with the usual k₁ and b, idf as in Lucene."""
    words = [Counter(re.findall(r"\w+", text.lower())) for text in texts]
    mean = sum(sum(each.values()) for each in words) / len(words)
    scores = []
    for own in words:
        score = 0.0
        for term in re.findall(r"\w+", query.lower()):
            having = sum(term in each for each in words)
            idf = math.log(1 + (len(words) - having + 0.5) / (having + 0.5))
            length = 1 - 0.75 + 0.75 * sum(own.values()) / mean
            score += idf * own[term] * 2.2 / (own[term] + 1.2 * length)
        scores.append(score)
    return scores


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from("abcde"), max_size=6), max_size=12),
    query=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4),
)
def test_a_search_ranks_by_bm25_over_what_was_known(texts: Any, query: Any) -> None:
    rows = [
        document(n / 2, " ".join(text) or "x", id=str(n), sentiment=None)
        for n, text in enumerate(texts)
    ]
    past = past_with([*rows, document(8.1, "a b c d e f", id="later")], t=7)
    known = [row for row in rows if row in past.documents()]
    scores = bm25(" ".join(query), [row.text for row in known]) if known else []
    expected = sorted(
        ((-score, -n, known[n].id) for n, score in enumerate(scores) if score > 1e-12)
    )
    hits = past.search(" ".join(query), k=100)
    assert sorted(round(hit.score, 9) for hit in hits) == sorted(
        round(-score, 9) for score, *_ in expected
    )
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.document.id for hit in hits} == {id for *_, id in expected}


def test_a_search_names_the_best_first_and_can_be_narrowed() -> None:
    past = past_with(TEXTS, 7)
    assert ids(hit.document for hit in past.search("acme orders"))[:1] == "f"
    assert ids(hit.document for hit in past.search("orders", "filing")) == "c"
    assert past.search("zebra") == past.search("") == ()
    assert len(past.search("orders", k=2)) == 2
    assert ids(hit.document for hit in past.search("orders", end=date(0))) == "a"


def reachable(root: Any) -> list[Any]:
    """Everything that an object leads to, but for the code that it is made of."""
    code = (type, ModuleType, BuiltinFunctionType)
    seen: dict[int, Any] = {}
    left = [root]
    while left:
        value = left.pop()
        if id(value) in seen or isinstance(value, code):
            continue
        seen[id(value)] = value
        if isinstance(value, FunctionType):  # its module is shared, its closure its own
            left += [value.__closure__, value.__defaults__, value.__kwdefaults__, value.__dict__]
        elif isinstance(value, np.ndarray):
            left += [value.base, *([value.tolist()] if value.dtype == object else [])]
        else:
            left += gc.get_referents(value)
        if not isinstance(value, code):
            left += [value for _, value in sorted(public(value).items())]
    return list(seen.values())


def public(value: Any) -> dict[str, Any]:
    """The attributes of a past or a document, which properties may make."""
    if not isinstance(value, Past | Document):
        return {}
    return {name: getattr(value, name) for name in dir(value) if not name.startswith("_")}


def traces_of(market: Market, after: int) -> set[Any]:
    """What can only be known later: ids, texts and times of documents, and closes, as bytes."""
    later = market.documents.rows[market.documents.available_by(market.times)[after] :]
    closes = market.bars[after + 1 :, 0, CLOSE]
    return {*(row.id for row in later), *(float(each) for each in closes if not np.isnan(each))}


@pytest.mark.parametrize("kind", ["real", "simulated"])
def test_nothing_that_a_past_leads_to_lies_after_it(kind: str) -> None:
    if kind == "real":
        rows = [document(n + 0.5, f"text {n}", id=f"id-{n}") for n in range(24)]
        market = small_market([10 + n / 7 for n in range(24)], documents=rows)
        infos = [*episode(market)]
    else:
        env: Any = gym.make("InvestorBench/Stock-SIM", markets="one", start="2020-10-01")
        infos = []
        _, info = env.reset()
        for _ in range(6):
            market = env.unwrapped._path.history.market
            t = int(np.searchsorted(market.times, np.datetime64(info["time"][:-6])))
            infos.append((t, info))
            *_, info = env.step(1)
    for t, info in infos:
        past = info["history"]
        past.search("text")
        found = reachable(past)
        assert not [each for each in found if type(each).__module__.endswith(".market.history")]
        assert not [each for each in found if isinstance(each, Market)]
        latest = np.datetime64(past.time[:-6])
        for each in found:
            if isinstance(each, Document):
                assert np.datetime64(each.available_at.replace(tzinfo=None)) <= latest
            if isinstance(each, bytes) and len(each) % BAR.itemsize == 0:
                assert (np.frombuffer(each, BAR)["time"] <= latest).all()
        plain = {each for each in found if isinstance(each, str | float)}
        assert not plain & traces_of(market, t)


def test_a_past_that_leads_to_its_market_is_found() -> None:
    market = small_market([10.0] * 9)
    past = past_with(TEXTS)
    past._counted = (lambda: market,)  # type: ignore[assignment]
    assert any(isinstance(each, Market) for each in reachable(past))


def test_a_past_is_neither_changed_nor_copied_and_stays_in_its_process() -> None:
    past = past_with(TEXTS)
    for name in ("symbol", "session", "time", "kinds", "anything"):
        with pytest.raises(AttributeError):
            setattr(past, name, None)
    past.bars()["close"] = 0.0
    assert past.bars()["close"].all()
    info = {"history": past}
    assert copy.deepcopy(info)["history"] is past and copy.copy(past) is past
    carried = pickle.dumps(info)
    assert len(carried) < 500
    elsewhere = pickle.loads(carried)["history"]
    assert (elsewhere.symbol, elsewhere.time) == (past.symbol, past.time)
    for ask in (elsewhere.bars, elsewhere.documents, lambda: elsewhere.search("orders")):
        with pytest.raises(InvestorBenchError, match="stays in the process"):
            ask()


def test_pasts_are_equal_that_say_the_same() -> None:
    past, same, other = past_with(TEXTS), past_with(TEXTS[:]), past_with(TEXTS[1:])
    assert past == same and hash(past) == hash(same) and past is not same
    assert past not in (other, past_with(TEXTS, 7), None)
    carried = [pickle.loads(pickle.dumps(each)) for each in (past, same)]
    assert carried[0] == carried[1] != past


def test_an_agent_that_spoils_its_past_spoils_no_score() -> None:
    def rewards(spoils: bool) -> list[float]:
        env, _, info = start()
        found = []
        for _ in range(5):
            if spoils:
                for name in Past.__slots__:
                    setattr(info["history"], name, ())
                info.clear()
            _, reward, *_, info = env.step(2)
            found.append(reward)
        return found

    def start() -> tuple[Any, Any, dict[str, Any]]:
        market = small_market([10.0 + n % 3 for n in range(12)], documents=TEXTS)
        env: Any = gym.make(STOCK, data=market, window=4, start=date(FIRST), end=date(11))
        return (env, *env.reset(seed=0))

    assert rewards(True) == rewards(False)


def test_an_environment_that_is_copied_or_pickled_shows_the_same_past() -> None:
    market = small_market([10.0 + n for n in range(12)], documents=TEXTS)
    env: Any = gym.make(STOCK, data=market, window=4, start=date(FIRST), end=date(11))
    env.reset(seed=0)
    env.step(2)
    others = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    wanted = env.step(1)[4]["history"]
    for other in others:
        past = other.step(1)[4]["history"]
        assert past.bars().tobytes() == wanted.bars().tobytes()
        assert ids(past.documents()) == ids(wanted.documents())


def test_lanes_show_the_past_of_each() -> None:
    options: dict[str, Any] = {"window": 5, "episode_length": 4}
    envs: Any = gym.make_vec("InvestorBench/Stock-SIM", num_envs=3, **options)
    _, infos = envs.reset(seed=5)
    for _ in range(2):
        *_, infos = envs.step(np.array([2, 2, 2]))
    for lane, past in enumerate(envs.histories(infos)):
        env: Any = gym.make("InvestorBench/Stock-SIM", **options)
        env.reset(seed=5 + lane)
        for _ in range(2):
            *_, info = env.step(2)
        alone = info["history"]
        assert past.bars().tobytes() == alone.bars().tobytes() and past.time == alone.time
        assert list(map(str, past.documents())) == list(map(str, alone.documents()))


def test_episodes_that_begin_anywhere_show_the_same_past() -> None:
    market = random_market(np.random.default_rng(3))
    options: dict[str, Any] = {"window": 4, "start": date(FIRST), "end": date(23)}
    env: Any = gym.make(STOCK, data=market, episode_length=3, **options)
    for seed in range(12):
        _, info = env.reset(seed=seed)
        t = int(np.searchsorted(market.times, np.datetime64(info["time"][:-6])))
        past = info["history"]
        own = [row for row in market.until(t).documents() if row.symbol == past.symbol]
        assert list(past.documents()) == own[::-1] and len(past) == t + 1


def test_a_past_of_very_many_decisions_can_be_asked_and_let_go() -> None:
    past = None
    for n in range(50_000):
        row = np.zeros((), BAR)
        row["time"], row["split"] = np.datetime64("2020-01-01", "s") + np.timedelta64(n, "s"), 1.0
        past = Past("X", past, row.tobytes(), ())
    assert past is not None and len(past.bars()) == 50_000 > sys.getrecursionlimit()
    assert len(pickle.dumps(past)) < 500 and copy.deepcopy(past) is past
    del past


def test_what_is_of_other_assets_is_no_part_of_a_past() -> None:
    rows = [*TEXTS, document(1.5, "orders", symbol="OTHER", id="z")]
    market = small_market([10.0 + n for n in range(9)], documents=rows)
    two = {
        name: np.concatenate([getattr(market, name)] * 2, axis=1)
        for name in ("bars", "adjusted_close", "dividends", "share_splits")
    }
    two["bars"][:, 1] *= 3.0
    market = replace(market, symbols=("TEST", "OTHER"), **two)
    for symbol, known, close in (("TEST", "fedcba", 18.0), ("OTHER", "z", 54.0)):
        *_, (_, info) = episode(market, symbol=symbol)
        past = info["history"]
        assert ids(past.documents()) == known and past.bars()["close"][-1] == close
