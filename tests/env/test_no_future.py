"""Nothing that comes after a decision can change what is seen at it, by a single byte."""

import warnings
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.envs.setup import Setup
from investorbench_env.market import DocumentTable, Market
from investorbench_env.market.bar_rows import BAR
from investorbench_env.market.history import History
from investorbench_env.market.market import CLOSE, HIGH, LOW, OPEN, VOLUME, MarketView
from investorbench_env.market.past import Past
from investorbench_env.registration import FAMILIES
from investorbench_env.wrappers import NumericObservation, TextObservation
from tests.covering import each_pair_quickly
from tests.env.small_markets import date, random_document, random_market, small_market

FIRST = 6
"""The session of the first decision; the ones before it are history."""

Make = Callable[[Market, dict[str, Any]], Any]


def plain(market: Market, options: dict[str, Any]) -> Any:
    return gym.make(data=market, **options)


def text(market: Market, options: dict[str, Any]) -> Any:
    return TextObservation(plain(market, options), sessions=5, news_characters=8)


def numeric(market: Market, options: dict[str, Any]) -> Any:
    return NumericObservation(plain(market, options))


def vector(market: Market, options: dict[str, Any]) -> Any:
    return gym.make_vec(data=market, num_envs=2, **options)


FORMS = {"plain": plain, "text": text, "numeric": numeric, "vector": vector}


def assert_nothing_from_the_future(make: Make, market: Market, seed: int, **options: Any) -> None:
    """Change a market after a random decision; everything seen until then must be the same.

    The label of the warm-up split is the future by intention, so it is taken out first.
    """
    rng = np.random.default_rng(seed)
    known = ~np.isnan(market.bars[:, 0, CLOSE])
    t = int(rng.choice(np.flatnonzero(known[FIRST:-1])) + FIRST)
    start, end = (str(market.sessions[n]) for n in (FIRST, -1))
    options = {"window": 5, "start": start, "end": end, **options}
    seen = []
    for world in (market, changed_after(market, t, rng)):
        actions = np.random.default_rng(seed + 1)
        seen.append(seen_until(make(world, options), market.times[t], actions))
    assert len(seen[0]) == len(seen[1])
    for before, after in zip(*seen, strict=True):
        assert before == after


def seen_until(env: Any, last: np.datetime64, rng: np.random.Generator) -> list[Any]:
    """All that an agent meets up to the decision at a time, in canonical form."""
    env.action_space.seed(int(rng.integers(2**31)))
    observation, info = env.reset(seed=0)
    reward, ended = 0.0, False
    seen = [canonical((observation, shown_in(env, info), reward, ended))]
    while time_of(info) != last:
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        if np.any(terminated):  # a random account can be ruined before
            break
        seen.append(canonical((observation, shown_in(env, info), reward, terminated, truncated)))
    return seen


def time_of(info: dict[str, Any]) -> np.datetime64:
    return np.datetime64(str(np.ravel(info["time"])[0]).removesuffix("+00:00"), "ns")


def shown_in(env: Any, info: dict[str, Any]) -> dict[str, Any]:
    """An info without its label, and with the documents that it points at."""
    shown = {name: value for name, value in info.items() if name not in ("label", "_label")}
    if "documents" not in info:
        shown["documents"] = env.unwrapped.texts(info)
        shown["history"] = env.unwrapped.histories(info)
    return shown


def canonical(value: Any) -> Any:
    """A value as bytes and names; two of these are equal only if nothing can tell them apart."""
    if isinstance(value, dict):
        return [(name, canonical(part)) for name, part in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [canonical(part) for part in value]
    if isinstance(value, np.ndarray) and value.dtype == object:
        return "array", canonical(value.tolist())
    if isinstance(value, np.ndarray | np.generic):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, Past):
        found = [value.bars(), value.bars(adjusted=False), value.documents()]
        return canonical([*found, value.search("text", k=3), value.time, len(value)])
    if is_dataclass(value):
        return [(field.name, canonical(getattr(value, field.name))) for field in fields(value)]
    return type(value).__name__, repr(value)


def changed_after(market: Market, t: int, rng: np.random.Generator) -> Market:
    """The same market up to the decision of session ``t``, and another one after it."""
    later = slice(t + 1, None)
    bars, count = market.bars.copy(), len(market.sessions) - t - 1
    bars[later, :, :VOLUME] *= rng.uniform(0.2, 5.0, (count, 1, 1))
    bars[later, :, OPEN] = bars[later, :, CLOSE] * rng.uniform(0.5, 2.0, (count, 1))
    bars[later, :, VOLUME] = rng.uniform(0.0, 1e6, (count, 1))
    bars[t + 1 : -1][rng.random(count - 1) < 0.3] = np.nan
    arrays = {name: getattr(market, name).copy() for name in ("adjusted_close", "dividends")}
    arrays["adjusted_close"][later] = rng.uniform(1.0, 500.0, (count, 1))
    arrays["dividends"][later] = rng.uniform(0.0, 5.0, (count, 1))
    splits = market.share_splits.copy()
    splits[later] = rng.choice([1.0, 0.1, 4.0], (count, 1))
    return replace(
        market,
        bars=bars,
        share_splits=splits,
        documents=other_documents(market, t, rng),
        hidden_state={name: -values for name, values in (market.hidden_state or {}).items()},
        **arrays,
    )


def other_documents(market: Market, t: int, rng: np.random.Generator) -> DocumentTable:
    """What is known stays; of the rest some are deleted, some rewritten, and others are added."""
    table = market.documents
    known = int(np.searchsorted(table.available_at, market.times[t], side="right"))
    rest = [
        replace(row, text="rewritten", sentiment="negative", kind=str(rng.choice(["news", "8-K"])))
        for row in table.rows[known:]
        if rng.random() < 0.5
    ]
    now = float((market.times[t] - np.datetime64(date(0))) / np.timedelta64(1, "D"))
    added = [random_document(rng, now + 0.01, now + 2.0) for _ in range(6)]
    moment = market.times[t].astype("datetime64[us]").item() + timedelta(microseconds=1)
    just_after = replace(added[0], available_at=moment.replace(tzinfo=added[0].available_at.tzinfo))
    return DocumentTable((*table.rows[:known], *rest, *added, just_after))


@pytest.mark.parametrize(
    ("id", "form", "action", "protocol"),
    each_pair_quickly(
        [each.id for each in FAMILIES.values() if each.each == "asset"],
        list(FORMS), ["trade", "weight"], ["standard", "paper"],
    ),
)  # fmt: skip
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), split=st.sampled_from(["warmup", "test"]))
def test_the_future_changes_nothing_that_is_seen(
    id: str, protocol: str, action: str, form: str, split: str, seed: int
) -> None:
    asset_class = gym.spec(id).kwargs["asset_class"]
    market = random_market(np.random.default_rng(seed), asset_class=asset_class)
    # Of a universe whose test is on other dates, within which no warm-up may lie.
    chosen = {"id": id, "universe": "Coins", "protocol": protocol, "action": action}
    assert_nothing_from_the_future(FORMS[form], market, seed, split=split, **chosen)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("interval", ["3m", "4h", "1w"])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), split=st.sampled_from(["warmup", "test"]))
def test_the_future_changes_nothing_that_is_seen_in_bars_of_any_length(
    interval: str, form: str, split: str, seed: int
) -> None:
    market = random_market(np.random.default_rng(seed), interval=interval)
    assert_nothing_from_the_future(FORMS[form], market, seed, id="InvestorBench/Stock", split=split)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_future_changes_no_bar_of_any_length_that_a_view_shows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fine = random_market(rng, interval="3m", length=60)
    t = int(rng.integers(len(fine.times) - 1))
    worlds = [
        replace(world, intervals={name: coarser(world, name) for name in ("9m", "1d")})
        for world in (fine, changed_after(fine, t, rng))
    ]
    for u in range(t + 1):
        one, other = (
            [view_of(world.until(u).interval(name)) for name in world.intervals] for world in worlds
        )
        assert one == other
        view = worlds[0].until(u).interval("9m")
        assert view is None or view.time <= worlds[0].until(u).time


def coarser(market: Market, interval: str) -> Market:
    """Its bars, several to one: three, or those of a session."""
    size = {"9m": 3, "1d": 6}[interval]
    groups = market.bars.reshape(-1, size, *market.bars.shape[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of bars of which none is known
        bars = np.stack([
            groups[:, 0, :, OPEN], np.nanmax(groups[..., HIGH], 1), np.nanmin(groups[..., LOW], 1),
            groups[:, -1, :, CLOSE], np.nansum(groups[..., VOLUME], 1),
        ], -1)  # fmt: skip
    ends = slice(size - 1, None, size)
    return replace(
        market, interval=interval, bars=bars, intervals={}, documents=DocumentTable(),
        hidden_state=None, sessions=market.sessions[ends], times=market.times[ends],
        **{
            name: getattr(market, name)[ends]
            for name in ("adjusted_close", "dividends", "share_splits")
        },
    )  # fmt: skip


def view_of(view: MarketView | None) -> Any:
    if view is None:
        return None
    return [view.time.tobytes(), view.bars.tobytes(), view.adjusted_close.tobytes()]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), form=st.sampled_from(sorted(FORMS)))
def test_the_future_changes_nothing_where_only_closes_are_known(seed: int, form: str) -> None:
    rng = np.random.default_rng(seed)
    market = random_market(rng)
    bars = market.bars.copy()
    bars[..., :CLOSE] = bars[..., VOLUME] = np.nan
    market = replace(market, bars=bars)
    # That a data set has no opens is known of it beforehand, so it has none in either future.
    options: dict[str, Any] = {"window": 5, "start": date(FIRST), "end": date(len(bars) - 1)}
    t = int(np.flatnonzero(~np.isnan(bars[FIRST:-1, 0, CLOSE]))[-1]) + FIRST
    other = changed_after(market, t, rng)
    bars = other.bars.copy()
    bars[..., :CLOSE] = np.nan
    seen = [
        seen_until(
            FORMS[form](world, {"id": "InvestorBench/Stock", **options}),
            market.times[t],
            np.random.default_rng(0),
        )
        for world in (market, replace(other, bars=bars))
    ]
    assert seen[0] == seen[1]


def test_the_label_is_there_in_the_warmup_but_at_its_last_decision() -> None:
    labels = labels_of("warmup")
    assert len(labels) > 5
    assert None not in labels[:-1]
    assert labels[-1] is None


def test_the_test_split_has_no_label() -> None:
    assert set(labels_of("test")) == {None}


def test_the_label_is_what_a_position_earns_from_its_fill_to_the_end_of_the_step() -> None:
    market = random_market(np.random.default_rng(3))
    bars = market.bars[FIRST:, 0]
    opens, closes = bars[~np.isnan(bars[:, 3])][1:, [0, 3]].T
    fills = np.where(np.isnan(opens), closes, opens)
    np.testing.assert_allclose(labels_of("warmup")[:-1], closes / fills - 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("protocol", "opens", "expected"),
    [
        # Bought at the open of 2020-01-04 and held to its close, and so on.
        ("standard", [9, 9, 9, 10, 20, 25], [0.1, -0.4, 0.2]),
        # Orders fill at closes: what is ordered now earns over the step after the next.
        ("standard", None, [12 / 11 - 1, 30 / 12 - 1, 0.0]),
        ("paper", [9, 9, 9, 10, 20, 25], [np.log(11 / 10), np.log(12 / 11), np.log(30 / 12)]),
    ],
)
def test_labels_by_hand(protocol: str, opens: Any, expected: list[float]) -> None:
    market = small_market([8, 9, 10, 11, 12, 30], opens=[np.nan] * 6 if opens is None else opens)
    options = {"data": market, "split": "warmup", "start": "2020-01-03", "end": "2020-01-06"}
    one: Any = gym.make("InvestorBench/Stock", protocol=protocol, **options)
    many: Any = gym.make_vec("InvestorBench/Stock", 2, protocol=protocol, **options)
    labels, lanes = [one.reset()[1]["label"]], [many.reset()[1]["label"][1]]
    for _ in range(2):
        labels.append(one.step(1)[4]["label"])
        lanes.append(many.step(np.array([1, 1]))[4]["label"][1])
    assert labels == pytest.approx(expected) and lanes == labels


def test_buying_what_the_label_calls_good_pays_before_costs() -> None:
    market = random_market(np.random.default_rng(3))
    options = {"data": market, "split": "warmup", "start": date(FIRST), "end": date(23)}
    env: Any = gym.make("InvestorBench/Stock", commission_bps=0.0, slippage_bps=0.0, **options)
    for n in range(5):
        _, info = env.reset()
        for _ in range(n):
            _, _, _, _, info = env.step(1)
        _, reward, *_ = env.step(2)
        assert reward == pytest.approx(info["label"], abs=1e-12)


def labels_of(split: str) -> list[Any]:
    market = random_market(np.random.default_rng(3))
    env: Any = gym.make(
        "InvestorBench/Stock", data=market, split=split, start=date(FIRST), end=date(23)
    )
    _, info = env.reset()
    labels, ended = [info.get("label")], False
    while not ended:
        _, _, terminated, truncated, info = env.step(1)
        labels.append(info.get("label"))
        ended = terminated or truncated
    return labels


# Leaks that somebody could build in by mistake: the property must find each of them.


def show_tomorrows_bar(patch: pytest.MonkeyPatch) -> None:
    window = History._window
    patch.setattr(History, "_window", lambda self, t: window(self, min(t + 1, 23)))


def adjust_for_tomorrows_split(patch: pytest.MonkeyPatch) -> None:
    window = History._window

    def adjusted(self: History, t: int) -> Any:
        bars, mask = window(self, t)
        return bars * np.float32(self.market.share_splits[min(t + 1, 23), self.asset]), mask

    patch.setattr(History, "_window", adjusted)


def scale_by_the_highest_close_there_will_be(patch: pytest.MonkeyPatch) -> None:
    window = History._window

    def scaled(self: History, t: int) -> Any:
        bars, mask = window(self, t)
        return bars / np.float32(np.nanmax(self.market.bars[:, self.asset, CLOSE])), mask

    patch.setattr(History, "_window", scaled)


def hand_out_documents_a_day_early(patch: pytest.MonkeyPatch) -> None:
    hand_out_early(patch, np.timedelta64(1, "D"))


def hand_out_documents_a_microsecond_early(patch: pytest.MonkeyPatch) -> None:
    hand_out_early(patch, np.timedelta64(1, "us"))


def hand_out_early(patch: pytest.MonkeyPatch, early: np.timedelta64) -> None:
    by = DocumentTable.available_by
    patch.setattr(DocumentTable, "available_by", lambda self, times: by(self, times + early))


def label_the_test_split_under_another_name(patch: pytest.MonkeyPatch) -> None:
    from investorbench_env.envs.single_asset import SingleAssetEnv

    step = SingleAssetEnv.step

    def leaky(self: SingleAssetEnv, action: Any) -> Any:
        *rest, info = step(self, action)
        return *rest, {
            **info,
            "hint": self._setup.label(self._path.history, min(self._at, self._end - 1)),
        }

    patch.setattr(SingleAssetEnv, "step", leaky)


def count_only_sessions_that_will_have_a_bar(patch: pytest.MonkeyPatch) -> None:
    from investorbench_env.envs.single_asset import SingleAssetEnv

    init = SingleAssetEnv.__init__

    def leaky(self: SingleAssetEnv, **options: Any) -> None:
        init(self, **options)
        self._whole_split = False

    patch.setattr(SingleAssetEnv, "__init__", leaky)


def read_a_column_one_row_ahead(patch: pytest.MonkeyPatch) -> None:
    lay_out = History.__init__

    def leaky(self: History, *given: Any, **more: Any) -> None:
        lay_out(self, *given, **more)
        self._fill = np.append(self._fill[1:], 1.0)

    patch.setattr(History, "__init__", leaky)


def show_a_bar_more_of_the_past(patch: pytest.MonkeyPatch) -> None:
    past = History._past
    patch.setattr(History, "_past", lambda self, t: past(self, min(t + 1, 23)))


def adjust_the_past_for_distributions_to_come(patch: pytest.MonkeyPatch) -> None:
    known = vars(History)["_bars_known"].func

    def levels(self: History) -> bytes:
        rows = np.frombuffer(known(self), BAR).copy()
        rows["total_return"] = self._adjusted / self._adjusted[-1]
        return rows.tobytes()

    patch.setattr(History, "_bars_known", property(levels))


LEAKS = (
    show_tomorrows_bar,
    adjust_for_tomorrows_split,
    scale_by_the_highest_close_there_will_be,
    hand_out_documents_a_day_early,
    hand_out_documents_a_microsecond_early,
    label_the_test_split_under_another_name,
    count_only_sessions_that_will_have_a_bar,
    read_a_column_one_row_ahead,
    show_a_bar_more_of_the_past,
    adjust_the_past_for_distributions_to_come,
)


def look_for_leaks(make: Make = plain, interval: str = "1d", **options: Any) -> None:
    for seed in range(20):
        market = random_market(np.random.default_rng(seed), interval=interval)
        assert_nothing_from_the_future(
            make, market, seed, **{"id": "InvestorBench/Stock", **options}
        )


@pytest.mark.parametrize("interval", ["1d", "3m"])
def test_no_leak_is_found_where_none_is_planted(interval: str) -> None:
    look_for_leaks(interval=interval)


@pytest.mark.parametrize("interval", ["1d", "3m"])
@pytest.mark.parametrize("plant", LEAKS, ids=lambda plant: plant.__name__)
def test_a_planted_leak_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], interval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        look_for_leaks(interval=interval)


def test_a_label_in_the_test_split_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Setup, "labelled", property(lambda self: True))
    assert set(labels_of("test")) != {None}


class LeakyText(TextObservation):
    def _text(self, observation: Any, info: Any) -> str:
        market = self.env.unwrapped._path.history.market
        t = int(np.searchsorted(market.sessions, np.datetime64(info["session"])))
        return f"{super()._text(observation, info)} {market.bars[t + 1 :, 0, CLOSE].max()}"


class LeakyNumeric(NumericObservation):
    def observation(self, observation: Any) -> Any:
        volumes = self.env.unwrapped._path.history.market.bars[:, 0, VOLUME]
        return super().observation(observation) / np.nanmean(volumes)


@pytest.mark.parametrize("wrapper", [LeakyText, LeakyNumeric])
def test_a_leak_in_a_wrapper_is_found(wrapper: Any) -> None:
    with pytest.raises(AssertionError):
        look_for_leaks(lambda market, options: wrapper(plain(market, options)))


def test_a_leak_in_the_vectorised_environment_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    show_tomorrows_bar(monkeypatch)
    with pytest.raises(AssertionError):
        look_for_leaks(vector)
