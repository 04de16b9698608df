"""Snapshots of a market that is there: which days are drawn, and that none knows what follows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.envs.snapshot_moments import SnapshotHistory
from investorbench_env.errors import DataNotFoundError, InvestorBenchError
from investorbench_env.market import Market
from investorbench_env.market.history import History
from investorbench_env.market.joining import join
from investorbench_env.registration import facts_of
from investorbench_env.universes import Universe, members_of
from investorbench_env.wrappers import TextObservation
from tests.env.small_markets import date, random_market, small_market
from tests.env.test_no_future import canonical, changed_after

ANY = "InvestorBench/Snapshot"
LENGTH = 24


def several(seed: int, *symbols: str) -> Market:
    """Random markets of some assets on the same days."""
    rng = np.random.default_rng(seed)
    return join({name: renamed(random_market(rng), name) for name in symbols}, "stock")


def renamed(market: Market, symbol: str) -> Market:
    rows = [replace(row, symbol=symbol) for row in market.documents.rows]
    return replace(market, symbols=(symbol,), documents=type(market.documents)(tuple(rows)))


def snapshots(market: Market, first: int = 3, **options: Any) -> Any:
    given: dict[str, Any] = {"start": date(first), "end": date(LENGTH - 1), "window": 4}
    return gym.make(ANY, data=market, **given | options)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    horizon=st.integers(1, 6),
    symbols=st.sampled_from([("A",), ("A", "B"), ("A", "B", "C")]),
)
def test_horizons_of_an_asset_do_not_overlap_until_all_have_been_drawn(
    seed: int, horizon: int, symbols: tuple[str, ...]
) -> None:
    market = several(seed, *symbols)
    env = snapshots(market, horizon=horizon)
    place = {str(day): n for n, day in enumerate(market.sessions)}
    covered: set[tuple[str, int]] = set()
    count = env.unwrapped._setup.markets.without_overlap
    assert count >= 1  # an asset with gaps may have no whole horizon
    for number in range(count):
        _, info = env.reset(seed=seed * 2**32 + number)
        at = place[info["session"]]
        assert at >= 3 and at + horizon < LENGTH
        held = {(info["symbol"], bar) for bar in range(at + 1, at + 1 + horizon)}
        assert not covered & held
        covered |= held


def test_a_seed_fixes_the_draws_and_the_next_ones_are_the_resets_that_follow() -> None:
    env = snapshots(several(1, "A", "B"), horizon=2)

    def drawn(info: dict[str, Any]) -> tuple[str, str]:
        return info["symbol"], info["session"]

    walked = [drawn(env.reset(seed=9)[1]), *(drawn(env.reset()[1]) for _ in range(7))]
    assert walked == [drawn(env.reset(seed=k)[1]) for k in range(9, 17)]
    assert walked != [drawn(env.reset(seed=2**32 + k)[1]) for k in range(9, 17)]
    assert walked[0] == drawn(
        env.reset(seed=9 + len(env.unwrapped._setup.markets.decisions.bars))[1]
    )
    # Another phase follows, in which every decision of it has its turn.
    assert len({drawn(env.reset()[1]) for _ in range(200)}) > 25


def test_every_decision_that_has_its_horizon_is_drawn_by_some_seed() -> None:
    market = small_market([10.0] * 9)
    env: Any = gym.make(ANY, data=market, horizon=2, start=date(2), end=date(7), window=2)
    days = {env.reset(seed=seed)[1]["session"] for seed in range(30)}
    assert days == {date(n) for n in (2, 3, 4, 5)}


def test_a_day_without_a_bar_has_no_decision_and_one_without_an_entry_neither() -> None:
    nan = float("nan")
    market = small_market([10.0, 10.0, nan, 10.0, nan, nan, 10.0, 10.0])
    env: Any = gym.make(ANY, data=market, horizon=2, start=date(1), end=date(7), window=2)
    days = {env.reset(seed=seed)[1]["session"] for seed in range(30)}
    assert days == {date(1)}


@pytest.mark.parametrize(
    ("options", "days"),
    [
        ({"knowledge_cutoff": date(5)}, range(6, 10)),
        ({"knowledge_cutoff": date(5), "side": "after"}, range(6, 10)),
        ({"knowledge_cutoff": date(5), "side": "before"}, range(2, 6)),
        ({"knowledge_cutoff": np.datetime64(date(5)), "side": "before"}, range(2, 6)),
        ({"knowledge_cutoff": "2019-12"}, range(2, 10)),
        ({"knowledge_cutoff": "2020-01", "side": "before"}, range(2, 10)),
    ],
)
def test_draws_are_on_one_side_of_a_knowledge_cutoff(options: Any, days: range) -> None:
    market = small_market([10.0] * 12)
    own: dict[str, Any] = {"horizon": 2, "start": date(2), "end": date(11), "data": market}
    env: Any = gym.make(ANY, window=2, **own, **options)
    drawn = {env.reset(seed=seed)[1]["session"] for seed in range(30)}
    assert drawn == {date(n) for n in days}
    facts = facts_of(ANY, **own, **options)
    assert facts.window == (date(days[0]), date(days[-1] + 2))
    side = "up to" if options.get("side") == "before" else "after"
    assert f"every decision is {side} the knowledge cutoff" in facts.findings[-1]
    assert ("remember" in facts.findings[-1]) is (side == "up to")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"horizon": 30}, "no decision from 2020-01-04 to 2020-01-24 has a horizon of 30 bar(s)"),
        ({"end": date(5)}, "has a horizon of 5 bar(s) within the dates and the data"),
        ({"knowledge_cutoff": "2020-02"}, "after the knowledge cutoff 2020-02 has a horizon"),
        ({"start": "2021-01-01", "end": "2021-02-01"}, "is outside the data"),
        ({"symbols": ["NONE"]}, "unknown symbol 'NONE'"),
        ({"markets": "train"}, "leave markets= out"),
        ({"pool": 4}, "leave pool= out"),
        ({"reward": "expected", "markets": "train"}, "leave markets= out"),
    ],
)
def test_bad_input_gets_one_clear_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvestorBenchError) as raised:
        snapshots(small_market([10.0] * LENGTH), **options)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_window_before_its_universe_was_chosen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from investorbench_env import universes

    chosen = Universe(
        name="Chosen",
        members=members_of("stock", "A B"),
        splits=universes.STOCKS.splits,
        chosen_on="2020-01-20",
    )
    monkeypatch.setitem(universes.UNIVERSES, "Chosen", chosen)
    market = replace(several(2, "A", "B"), simulated=False)
    own: dict[str, Any] = {"data": market, "universe": "Chosen", "end": date(23)}
    early = facts_of(ANY, start=date(3), horizon=2, **own)
    assert early.symbols == ("Chosen",)
    assert early.findings[-1] == (
        "Chosen: chosen with hindsight on 2020-01-20, when what its assets did was known; whatever "
        "buys them has the bias"
    )
    assert not facts_of(ANY, start=date(20), horizon=1, **own).findings


def test_all_assets_of_a_folder_are_drawn_from(tmp_path: Path) -> None:
    days = np.arange("2020-01-02", "2020-03-01", dtype="M8[D]")
    for symbol, price in (("AAA", 10.0), ("BBB", 20.0), ("SPY", 300.0)):
        rows = [
            f"{day},{price},{price},{price},{price},1000"
            for day in days
            if np.is_busday(day, holidays=["2020-01-20", "2020-02-17"])
        ]
        text = "\n".join(["date,open,high,low,close,volume", *rows])
        (tmp_path / f"{symbol}.csv").write_text(text)
    own = {"data": str(tmp_path), "start": "2020-01-10", "end": "2020-02-20", "horizon": 3}
    env: Any = gym.make(ANY, symbols="all", **own)
    facts = env.unwrapped.facts
    assert {env.reset(seed=seed)[1]["symbol"] for seed in range(30)} == {"AAA", "BBB"}
    assert (facts.symbols, facts.simulated) == (("2 assets",), False)
    assert facts.markets == "25 days of 2 assets"
    assert facts.draws_markets
    assert "what was delisted may be missing" in facts.findings[-1]
    with pytest.raises(DataNotFoundError, match="no data of the class 'crypto'"):
        gym.make(ANY, symbols="all", asset_class="crypto", **own)


def test_what_is_earned_and_shown_is_of_the_asset_that_was_drawn() -> None:
    market = several(5, "A", "B")
    env = snapshots(market, horizon=3)
    shown = TextObservation(env)
    for seed in range(12):
        text, info = shown.reset(seed=seed)
        symbol = info["symbol"]
        assert f"one asset: {symbol} (stock)" in text
        assert info["history"].symbol == symbol
        assert all(row.symbol == symbol for row in info["documents"])
        *_, info = shown.step(2)
        assert [fill.symbol for fill in info["fills"]] == [symbol]
        assert info["symbol"] == symbol and "market_seed" not in info


# What follows a decision changes nothing that is seen at it.


def seen(market: Market, form: Callable[[Any], Any], **options: Any) -> dict[Any, Any]:
    """All that is shown at each decision, by its asset and day."""
    found = {}
    env = form(snapshots(market, **options))
    for seed in range(40):
        observation, info = env.reset(seed=seed)
        shown = {name: value for name, value in info.items() if name != "label"}
        found[info["symbol"], info["session"]] = canonical((observation, shown))
    return found


def assert_no_future(
    seed: int, form: Callable[[Any], Any] = lambda env: env, **options: Any
) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng)
    t = int(rng.integers(8, 18))
    before = seen(market, form, **options)
    after = seen(changed_after(market, t, rng), form, **options)
    common = [key for key in before.keys() & after.keys() if key[1] <= date(t)]
    assert common
    for key in common:
        assert before[key] == after[key]


@settings(max_examples=5, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    horizon=st.integers(1, 4),
    split=st.sampled_from(["warmup", "test"]),
    form=st.sampled_from([lambda env: env, TextObservation]),
)
def test_what_follows_changes_nothing_that_is_seen(
    seed: int, horizon: int, split: str, form: Callable[[Any], Any]
) -> None:
    # Of a universe whose test is on other dates, within which no warm-up may lie.
    assert_no_future(seed, form, horizon=horizon, split=split, universe="Coins", symbols=["TEST"])


def look_at_some_markets() -> None:
    for seed in range(6):
        assert_no_future(seed, horizon=2)


def show_the_bar_of_the_entry(patch: pytest.MonkeyPatch) -> None:
    window = History._window
    patch.setattr(History, "_window", lambda self, t: window(self, min(t + 1, LENGTH - 1)))


def show_the_documents_of_the_horizon(patch: pytest.MonkeyPatch) -> None:
    rows = History._document_rows

    def more(self: History, t: int, before: int) -> slice:
        found = rows(self, t, before)
        return slice(found.start, min(found.stop + 1, len(self.market.documents.rows)))

    patch.setattr(History, "_document_rows", more)


def hint_at_what_is_earned(patch: pytest.MonkeyPatch) -> None:
    until = SnapshotHistory.until

    def hinted(self: SnapshotHistory, place: int) -> Any:
        moment = until(self, place)
        hint = {**moment.observation, "time": f"{moment.time} {self.end.earned}"}
        return replace(moment, observation=hint)

    patch.setattr(SnapshotHistory, "until", hinted)


@pytest.mark.parametrize(
    "plant",
    [show_the_bar_of_the_entry, show_the_documents_of_the_horizon, hint_at_what_is_earned],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_leak_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        look_at_some_markets()


def test_the_future_of_a_simulated_snapshot_changes_nothing_that_is_seen() -> None:
    shown = []
    for horizon in (1, 9):
        options = {"start": "2021-01-04", "end": "2021-04-30", "horizon": horizon, "window": 5}
        env: Any = gym.make("InvestorBench/Snapshot-SIM", document_sessions=3, **options)
        observation, info = env.reset(seed=0)  # number 0 is of the first day, whatever the horizon
        shown.append(canonical((observation, info)))
    assert shown[0] == shown[1]


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    horizon=st.sampled_from([1, 3]),
    split=st.sampled_from(["warmup", "test"]),
    action=st.sampled_from(["trade", "weight"]),
)
def test_lanes_are_the_snapshots_of_their_seeds_to_the_bit(
    seed: int, horizon: int, split: str, action: str
) -> None:
    own: dict[str, Any] = {
        "data": several(seed, "A", "B"), "horizon": horizon, "split": split, "action": action,
        "universe": "Coins", "symbols": ["A", "B"], "start": date(3), "end": date(LENGTH - 1),
        "window": 4, "asset_class": "stock",
    }  # fmt: skip
    many: Any = gym.make_vec(ANY, num_envs=3, **own)
    alone: Any = [gym.make(ANY, **own) for _ in range(3)]
    rng = np.random.default_rng(seed)
    observation, info = many.reset(seed=seed)
    seeds: list[int | None] = [seed, seed + 1, seed + 2]
    for _ in range(3):
        begun = [env.reset(seed=own_seed) for env, own_seed in zip(alone, seeds, strict=True)]
        for lane, (seen, scalar) in enumerate(begun):
            for name, values in observation.items():
                assert values[lane].tobytes() == seen[name].tobytes(), name
            for name in ("symbol", "session", "equity", "dividend", "split"):
                assert str(info[name][lane]) == str(scalar[name])
            assert many.texts(info)[lane] == scalar["documents"]
            assert many.histories(info)[lane] == scalar["history"]
        weights = action == "weight"
        actions = rng.uniform(-1, 1, 3) if weights else rng.integers(3, size=3)
        observation, rewards, terminated, truncated, info = many.step(actions)
        for lane, env in enumerate(alone):
            seen, *outcome, scalar = env.step(actions[lane])
            assert [rewards[lane], terminated[lane], truncated[lane]] == outcome
            for name in ("equity", "fill_price", "notional", "cost"):
                assert info[name][lane] == scalar[name]
        observation, *_, info = many.step(actions)
        seeds = [None] * 3
