"""Simulated markets are fresh, the same in lanes as one by one, and secret while they last."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env import registration
from investorbench_env.errors import InvestorBenchError
from investorbench_env.registration import FAMILIES
from investorbench_env.wrappers import (
    NumericObservation,
    NumericVectorObservation,
)
from tests.covering import some_quickly

STOCK = "InvestorBench/Stock-SIM"
SIMULATED = [
    id for each in FAMILIES.values() if each.each == "asset" for id in each.ids() if "-SIM" in id
]
FIGURES = (
    "equity", "cash", "position", "weight", "fill_price", "notional", "cost", "costs", "dividend",
    "split",
)  # fmt: skip


def play(env: Any, seed: int | None, steps: int | None = None) -> list[dict[str, Any]]:
    """The infos of an episode in which BUY was said once and then nothing."""
    _, info = env.reset(seed=seed)
    infos = [info]
    while steps is None or len(infos) <= steps:
        _, _, terminated, truncated, info = env.step(2 if len(infos) == 1 else 1)
        infos.append(info)
        if terminated or truncated:
            break
    return infos


def closes(env: Any, seed: int | None) -> bytes:
    marks = [list(info["account"].marks.values()) for info in play(env, seed, 20)]
    return np.array(marks).tobytes()


@pytest.mark.parametrize("id", SIMULATED)
def test_every_seed_has_a_market_of_its_own_and_always_the_same(id: str) -> None:
    env: Any = gym.make(id)
    first = closes(env, 1)
    assert closes(env, 2) != first == closes(env, 1) == closes(gym.make(id), 1)


def test_a_reset_without_a_seed_draws_a_new_market_which_the_seed_before_fixes() -> None:
    env, other = gym.make(STOCK), gym.make(STOCK)
    seen = [closes(env, 5), closes(env, None), closes(env, None)]
    assert len(set(seen)) == 3
    assert seen == [closes(other, 5), closes(other, None), closes(other, None)]
    assert closes(gym.make(STOCK), None) != closes(gym.make(STOCK), None)


def test_warm_up_and_test_of_one_seed_are_one_market() -> None:
    options: dict[str, Any] = {"protocol": "standard", "window": 40}
    warmup, test = (gym.make(STOCK, split=split, **options) for split in ("warmup", "test"))
    last = warmup.reset(seed=3)[0]
    while True:
        last, _, terminated, truncated, _ = warmup.step(1)
        if terminated or truncated:
            break
    first, _ = test.reset(seed=3)
    assert np.array_equal(last["bars"][1:], first["bars"][:-1])


@pytest.mark.parametrize("id", some_quickly(SIMULATED, 1))
def test_how_long_a_market_goes_on_changes_nothing_that_is_seen_before(id: str) -> None:
    end = np.datetime64(gym.make(id).unwrapped.facts.window[1])  # type: ignore[attr-defined]
    envs: Any = [
        gym.make(id, window=8, end=str(end + np.timedelta64(days, "D"))) for days in (0, 300)
    ]
    seen = [env.reset(seed=6) for env in envs]
    for _ in range(60):
        for observation, info in seen:
            observation["account"][5] = 0.0  # bars left, which are known beforehand
            info.pop("account")
        (one, scalar_info), (other, known) = seen
        assert scalar_info == known
        assert all(np.array_equal(one[name], other[name]) for name in one)
        seen = [(step[0], step[-1]) for step in (env.step(2) for env in envs)]


def test_the_bands_share_no_market() -> None:
    markets: list[Any] = ["fresh", "train", "held_out", [3, 4], "one"]
    seen = {closes(gym.make(STOCK, markets=which), 3) for which in markets}
    assert len(seen) == 5


def test_a_list_names_all_the_markets_there_are() -> None:
    env: Any = gym.make(STOCK, markets=[7, 1, 4], episode_length=20)
    seen = {play(env, None)[-1]["market_seed"] for _ in range(40)}
    assert seen == {7, 1, 4}
    assert env.unwrapped.facts.markets == "markets 7, 1, 4"


def test_one_is_the_same_market_whatever_the_seed() -> None:
    env: Any = gym.make(STOCK, markets="one")
    assert closes(env, 1) == closes(env, None) == closes(gym.make(STOCK, markets="one"), 9)


def test_a_pool_is_drawn_once_and_episodes_choose_from_it() -> None:
    env: Any = gym.make(STOCK, pool=3, episode_length=2)
    env.reset(seed=0)
    seen = [play(env, None)[-1]["market_seed"] for _ in range(40)]
    assert len(set(seen)) == 3
    other: Any = gym.make(STOCK, pool=3, episode_length=2)
    other.reset(seed=0)
    assert [play(other, None)[-1]["market_seed"] for _ in range(40)] == seen
    assert env.unwrapped.facts.markets == "fresh; pool of 3"


@pytest.mark.parametrize(
    "options",
    [
        {"markets": "stale"}, {"markets": []}, {"markets": [-1]}, {"markets": [1, 1]},
        {"markets": 3}, {"markets": [1.5]}, {"markets": ["one"]}, {"pool": 0}, {"pool": 2.0},
        {"markets": "one", "pool": 3}, {"markets": [1, 2], "pool": 2},
    ],
    ids=str,
)  # fmt: skip
def test_markets_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvestorBenchError, match=r"markets|pool"):
        gym.make(STOCK, **options)


@pytest.mark.parametrize("options", [{"markets": "train"}, {"pool": 4}, {"markets": [1]}], ids=str)
def test_markets_are_not_drawn_where_there_is_one(options: dict[str, Any]) -> None:
    market = registration.market_of(STOCK, seed=0)
    with pytest.raises(InvestorBenchError, match=r'has one market.*data="simulated"'):
        gym.make(STOCK, data=market, **options)


@pytest.mark.parametrize("id", SIMULATED)
def test_the_market_of_a_seed_can_be_asked_for(id: str) -> None:
    market = registration.market_of(id, seed=8)
    infos = play(gym.make(id), 8)
    t = int(np.searchsorted(market.sessions, np.datetime64(infos[5]["session"])))
    assert market.bars[t, 0, 3] in infos[5]["account"].marks.values()
    for name, values in infos[-1]["hidden_state"].items():
        assert np.array_equal(values, market.hidden_state[name][:, 0])  # type: ignore[index]


def test_a_market_without_a_seed_is_refused_where_each_has_its_own() -> None:
    with pytest.raises(InvestorBenchError, match="seed="):
        registration.market_of(STOCK)
    assert registration.market_of(STOCK, markets="one").simulated


@pytest.mark.parametrize("id", SIMULATED)
@pytest.mark.parametrize("split", ["warmup", "test"])
def test_environments_on_fresh_markets_pass_the_check(id: str, split: str) -> None:
    check_env(gym.make(id, split=split).unwrapped)


LANES = st.fixed_dictionaries(
    {
        "split": st.sampled_from(["warmup", "test"]),
        "protocol": st.sampled_from(["standard", "paper"]),
        "action": st.sampled_from(["trade", "weight"]),
        "window": st.sampled_from([1, 7, 90]),
        "markets": st.sampled_from(["fresh", "held_out", [2, 5, 11], "one"]),
        "episode_length": st.sampled_from([None, 3, 20]),
    }
)


@settings(max_examples=5, deadline=None)
@given(id=st.sampled_from(SIMULATED), seed=st.integers(0, 2**100), options=LANES)
def test_each_lane_is_the_environment_of_its_seed_to_the_bit(
    id: str, seed: int, options: dict[str, Any]
) -> None:
    many: Any = gym.make_vec(id, num_envs=3, **options)
    alone: Any = [gym.make(id, **options) for _ in range(3)]
    rng = np.random.default_rng(seed)
    observation, info = many.reset(seed=seed)
    shown = [(*env.reset(seed=seed + lane), 0.0, False, False) for lane, env in enumerate(alone)]
    ended = [False] * 3
    steps = {None: 155, 3: 12, 20: 45}[options["episode_length"]]
    for step in range(steps):
        texts = many.texts(info) if step % 10 == 0 else ()
        for lane, (seen, scalar_info, *_) in enumerate(shown):
            assert_lane(lane, observation, info, seen, scalar_info)
            assert not texts or texts[lane] == scalar_info["documents"]
        actions = rng.integers(3, size=3)
        if options["action"] == "weight":
            actions = rng.uniform(-1, 1, 3).astype(np.float32)
        observation, rewards, terminated, truncated, info = many.step(actions)
        shown = []
        for lane, env in enumerate(alone):
            if ended[lane]:
                seen, scalar_info = env.reset()
                outcome = [0.0, False, False]
            else:
                seen, *outcome, scalar_info = env.step(actions[lane])
            assert [rewards[lane], terminated[lane], truncated[lane]] == outcome
            ended[lane] = outcome[1] or outcome[2]
            shown.append((seen, scalar_info, *outcome))


def assert_lane(lane: int, observation: Any, info: Any, seen: Any, scalar_info: Any) -> None:
    for name, values in observation.items():
        assert np.ascontiguousarray(values[lane]).tobytes() == seen[name].tobytes(), name
    for name in FIGURES:
        assert info[name][lane] == scalar_info[name], name
    assert str(info["session"][lane]) == scalar_info["session"]
    for name in ("label", "market_seed"):
        assert (name in scalar_info) == bool(info.get("_" + name, [False] * 3)[lane])
        assert name not in scalar_info or scalar_info[name] == info[name][lane]


def test_lanes_of_a_pool_draw_from_the_markets_of_the_first_ones_seed() -> None:
    options: dict[str, Any] = {"pool": 3, "episode_length": 4}
    many, one = gym.make_vec(STOCK, num_envs=5, **options), gym.make(STOCK, **options)
    observation, _ = many.reset(seed=6)
    assert np.array_equal(observation["bars"][0], one.reset(seed=6)[0]["bars"])
    seen = set()
    for _ in range(60):
        *_, info = many.step(np.ones(5, np.int64))
        seen |= {*info.get("market_seed", ())}
    assert len(seen - {None}) == 3


def test_a_list_of_seeds_gives_each_lane_its_own() -> None:
    many: Any = gym.make_vec(STOCK, num_envs=3)
    observation, _ = many.reset(seed=[9, 4, 4])
    assert np.array_equal(observation["bars"][1], observation["bars"][2])
    for lane, seed in enumerate((9, 4)):
        alone, _ = gym.make(STOCK).reset(seed=seed)
        # The default window of a vectorised environment shows the same numbers.
        assert np.array_equal(observation["bars"][lane], alone["bars"])
    for seeds in ([1, 2], [1, -2, 3], [1.0, 2, 3]):
        with pytest.raises(InvestorBenchError, match="seed="):
            many.reset(seed=seeds)


class Modes:
    """One vectorised environment a mode, stepped by the same actions until some have ended."""

    LENGTH = 5

    @staticmethod
    def make(mode: Any) -> Any:
        return gym.make_vec(
            STOCK, num_envs=3, episode_length=Modes.LENGTH, window=4, autoreset_mode=mode
        )


ACTIONS = np.array([2, 0, 1])


def test_at_the_same_step_the_next_episode_is_shown_and_the_last_step_told_beside_it() -> None:
    same, following = Modes.make(AutoresetMode.SAME_STEP), Modes.make("NextStep")
    one, other = same.reset(seed=1), following.reset(seed=1)
    for _ in range(Modes.LENGTH):
        one, other = same.step(ACTIONS), following.step(ACTIONS)
    assert one[3].all()
    assert np.array_equal(one[1], other[1])
    final = one[-1]["final_info"]
    assert one[-1]["_final_obs"].all()
    assert np.array_equal(final["equity"], other[-1]["equity"])
    assert final["market_seed"].tolist() == other[-1]["market_seed"].tolist()
    for lane in range(3):
        for name, values in other[0].items():
            assert np.array_equal(one[-1]["final_obs"][lane][name], values[lane]), name
    begun = following.step(ACTIONS)
    for name, values in begun[0].items():
        assert np.array_equal(one[0][name], values), name
    assert np.array_equal(one[-1]["equity"], begun[-1]["equity"])
    assert "market_seed" not in one[-1]


def test_where_autoreset_is_disabled_an_ended_episode_waits_for_its_mask() -> None:
    envs, following = Modes.make("DISABLED"), Modes.make("NEXT_STEP")
    envs.reset(seed=1)
    following.reset(seed=1)
    for _ in range(Modes.LENGTH):
        envs.step(ACTIONS)
        following.step(ACTIONS)
    with pytest.raises(ResetNeeded, match="reset_mask"):
        envs.step(ACTIONS)
    first, _ = envs.reset(options={"reset_mask": np.array([True, False, True])})
    with pytest.raises(ResetNeeded):
        envs.step(ACTIONS)
    second, _ = envs.reset(options={"reset_mask": np.array([False, True, False])})
    begun = following.step(ACTIONS)[0]
    assert np.array_equal(second["bars"], begun["bars"])
    assert np.array_equal(first["bars"][[0, 2]], begun["bars"][[0, 2]])
    assert not np.array_equal(first["bars"][1], begun["bars"][1])
    envs.step(ACTIONS)


@pytest.mark.parametrize("mask", [np.ones(2, bool), [True] * 3, np.ones(3), np.zeros(3, bool)])
def test_a_mask_that_is_not_one_of_lanes_is_refused(mask: Any) -> None:
    envs = Modes.make("DISABLED")
    envs.reset(seed=1)
    with pytest.raises(InvestorBenchError, match="reset_mask"):
        envs.reset(options={"reset_mask": mask})


def test_an_unknown_mode_is_answered_with_those_there_are() -> None:
    with pytest.raises(InvestorBenchError, match="NEXT_STEP"):
        Modes.make("sometime")


def test_texts_of_an_info_are_those_of_its_episode_and_never_of_a_later_time() -> None:
    envs: Any = gym.make_vec(STOCK, num_envs=2, episode_length=4)
    _, info = envs.reset(seed=2)
    before = envs.texts(info)
    *_, later = envs.step(np.ones(2, np.int64))
    assert envs.texts(info) == before
    envs.texts(later)
    with pytest.raises(InvestorBenchError, match="ask for the texts"):
        envs.texts({**later, "time": later["time"] + np.timedelta64(7, "D")})
    for _ in range(4):
        envs.step(np.ones(2, np.int64))
    with pytest.raises(InvestorBenchError, match="ask for the texts"):
        envs.texts(later)


def test_texts_of_what_is_no_info_are_refused() -> None:
    envs: Any = gym.make_vec(STOCK, num_envs=2, episode_length=4)
    with pytest.raises(InvestorBenchError, match="takes the info of a reset or a step"):
        envs.texts({"episode_number": np.zeros(2, np.int64), "time": np.zeros(2, "M8[ns]")})
    _, info = envs.reset(seed=2)
    odd = (None, "2020-01-02", 5, ["a", "b"], [[1], [1, 2]], info["time"][:1], info["time"][0])
    infos = [{**info, "time": time} for time in odd]
    infos += [{**info, "episode_number": number} for number in (None, "0", np.zeros(2), [0])]
    for wrong in (*infos, {}, None, "info"):
        with pytest.raises(InvestorBenchError, match="takes the info of a reset or a step"):
            envs.texts(wrong)


@pytest.mark.parametrize("split", ["warmup", "test"])
def test_features_of_lanes_are_those_of_each_alone_to_the_bit(split: str) -> None:
    options: dict[str, Any] = {"split": split, "window": 33, "action": "weight"}
    many = NumericVectorObservation(gym.make_vec(STOCK, num_envs=5, **options))
    alone = [NumericObservation(gym.make(STOCK, **options)) for _ in range(5)]
    shown: Any = many.reset(seed=3)[0]
    each = [env.reset(seed=3 + lane)[0] for lane, env in enumerate(alone)]
    rng, ended = np.random.default_rng(0), np.zeros(5, bool)
    assert many.feature_names == alone[0].feature_names
    for _ in range(160):
        assert shown.tobytes() == np.stack(each).tobytes()
        actions = rng.uniform(-1, 1, 5).astype(np.float32)
        shown, _, terminated, truncated, _ = many.step(actions)
        each = [
            env.reset()[0] if over else env.step(action)[0]
            for env, action, over in zip(alone, actions, ended, strict=True)
        ]
        ended = terminated | truncated


def test_final_features_are_measured_against_their_own_episode() -> None:
    options: dict[str, Any] = {"episode_length": 5, "window": 3}
    same = NumericVectorObservation(
        gym.make_vec(STOCK, num_envs=3, autoreset_mode="SAME_STEP", **options)
    )
    following = NumericVectorObservation(gym.make_vec(STOCK, num_envs=3, **options))
    same.reset(seed=1)
    following.reset(seed=1)
    for _ in range(5):
        one, other = same.step(ACTIONS), following.step(ACTIONS)
    assert np.stack(list(one[-1]["final_obs"])).tobytes() == other[0].tobytes()
    assert one[0].tobytes() == following.step(ACTIONS)[0].tobytes()
