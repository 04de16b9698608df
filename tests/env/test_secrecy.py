"""What an agent is handed is its own, and leads to nothing of the future."""

import contextlib
import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.envs.options import Options
from investorbench_env.envs.setup import Setup, prepare
from investorbench_env.market import Market
from investorbench_env.market.history import History
from investorbench_env.market.market import CLOSE
from investorbench_env.market.simulated.bands import FRESH, ONE
from investorbench_env.wrappers import NumericObservation, TextObservation
from tests.env.small_markets import date, random_market
from tests.env.test_no_future import canonical

STOCK = "InvestorBench/Stock-SIM"
ENGINE = (Market, History, Setup)


def parts_of(value: Any, levels: int) -> Iterator[Any]:
    """A value and what its public names, items and elements lead to, so many levels down."""
    yield value
    if levels == 0 or value is None or isinstance(value, str | bytes | int | float | type):
        return
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, np.ndarray):
        inner = [value.base, *value.ravel()[:50].tolist()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)
    else:
        inner = [getattr(value, name, None) for name in dir(value) if not name.startswith("_")]
    for one in inner:
        yield from parts_of(one, levels - 1)


def handed_out(env: Any, observation: Any, info: Any) -> Iterator[Any]:
    """Everything public of an environment at a step."""
    yield from parts_of(observation, 2)
    yield from parts_of(info, 3)
    yield from parts_of(env, 2)
    yield from parts_of(env.unwrapped.facts, 2)
    yield from (repr(env), str(env), repr(env.unwrapped.facts), repr(observation), repr(info))


def seeds_in(values: Iterator[Any]) -> set[int]:
    """Every whole number among them, and every one that a text names."""
    found: set[int] = set()
    for value in values:
        if isinstance(value, int | np.integer):
            found.add(int(value))
        elif isinstance(value, str):
            found |= {int(digits) for digits in re.findall(r"\d+", value)[:500]}
    return {seed for seed in found if seed >= 0}


def foreseen(seeds: set[int], info: dict[str, Any]) -> bool:
    """Whether a market that anybody can simulate from one of the seeds is the one of an info."""
    law = prepare(Options.of(dict(gym.spec(STOCK).kwargs))).markets.law  # type: ignore[attr-defined]
    # A later end changes nothing before it, so a few sessions will do.
    law = replace(law, end=info["session"])
    close = info["account"].marks["SIM"]
    entropies = [(band, seed) for seed in sorted(seeds) for band in range(FRESH, ONE + 1)]
    drawn = law.numbers(entropies).bars[:, -1, CLOSE]
    return bool((drawn == close).any())


def test_nothing_public_leads_to_the_seed_the_market_or_the_hidden_state() -> None:
    env: Any = gym.make(STOCK, window=5)
    observation, info = env.reset(seed=123_456_789)
    for _ in range(3):
        observation, *_, info = env.step(2)
    values = list(handed_out(env, observation, info))
    assert not [value for value in values if isinstance(value, ENGINE)]
    assert not foreseen(seeds_in(iter(values)), info)
    assert not {"hidden_state", "market_seed"} & info.keys()
    # With the seed, an agent would know.
    assert foreseen({123_456_789}, info)


def test_nothing_public_of_lanes_leads_to_their_seeds_or_markets() -> None:
    envs: Any = gym.make_vec(STOCK, num_envs=2, window=5)
    alone: Any = gym.make(STOCK)
    observation, info = envs.reset(seed=123_456_789)
    _, one = alone.reset(seed=123_456_789)
    values = [*parts_of(observation, 2), *parts_of(info, 2), *parts_of(envs, 2), repr(info)]
    assert not [value for value in values if isinstance(value, ENGINE)]
    assert not foreseen(seeds_in(iter(values)), one)
    assert not hasattr(envs, "documents")


def test_the_generator_that_an_environment_shows_does_not_lead_to_its_next_market() -> None:
    env: Any = gym.make(STOCK)
    env.reset(seed=5)
    shown = copy.deepcopy(env.unwrapped.np_random)
    env.reset()
    while not (over := env.step(1))[3]:
        pass
    drawn = over[-1]["market_seed"]
    assert drawn not in {int.from_bytes(shown.bytes(16), "little") for _ in range(20)}
    assert env.unwrapped.np_random_seed == -1


@pytest.mark.parametrize("seed", [0, 5, 2**127 + 3])
@pytest.mark.parametrize("lanes", [None, 2])
def test_the_generator_that_an_environment_shows_names_no_seed_of_a_market(
    seed: int, lanes: int | None
) -> None:
    env: Any = gym.make(STOCK) if lanes is None else gym.make_vec(STOCK, num_envs=lanes)
    states = []
    for _ in range(2):
        env.reset(seed=seed)
        origin = env.unwrapped.np_random.bit_generator.seed_seq
        assert origin.entropy not in range(seed, seed + 2)
        states.append(env.unwrapped.np_random.bit_generator.state)
    # It follows from the seed nevertheless, for wrappers that draw from it.
    assert states[0] == states[1]


@pytest.mark.parametrize("wrapper", [TextObservation, NumericObservation])
def test_a_wrapper_shows_no_more(wrapper: Any) -> None:
    env: Any = wrapper(gym.make(STOCK, window=5))
    observation, info = env.reset(seed=123_456_789)
    values = [*parts_of(env, 1), *parts_of(observation, 1), repr(env), str(env)]
    assert not [value for value in values if isinstance(value, ENGINE)]
    if isinstance(observation, str):
        task = observation.split("# News")[0]
        assert not foreseen(seeds_in(iter([task])), info)


@pytest.mark.parametrize("lanes", [None, 3])
def test_a_reward_that_counts_within_its_arguments_leaves_the_accounts_alone(
    lanes: int | None,
) -> None:
    def within(before: Any, after: Any) -> Any:
        after -= before
        before *= 0.0
        return after

    def apart(before: Any, after: Any) -> Any:
        return after - before

    def lived(reward: Any) -> list[Any]:
        if lanes is None:
            env: Any = gym.make(STOCK, window=5, reward=reward)
        else:
            env = gym.make_vec(STOCK, num_envs=lanes, window=5, reward=reward)
        env.reset(seed=1)
        steps = [env.step(env.action_space.sample() * 0 + 2) for _ in range(5)]
        return [(np.asarray(step[1]).tolist(), np.asarray(step[4]["equity"])) for step in steps]

    assert canonical(lived(within)) == canonical(lived(apart))


def vandalise(value: Any, levels: int = 3) -> None:
    """Change all that can be changed of a value, and of what it holds, by public means."""
    if isinstance(value, np.ndarray):
        for one in (value, value.base):
            if isinstance(one, np.ndarray):
                with contextlib.suppress(ValueError):
                    one.setflags(write=True)
                    one[...] = np.zeros(1, one.dtype)
            elif isinstance(one, bytearray):
                one[:] = bytes(len(one))
    elif isinstance(value, dict):
        for one in [*value.values()]:
            vandalise(one, levels)
        value.clear()
    elif levels and isinstance(value, list | tuple):
        for one in value:
            vandalise(one, levels - 1)
    elif levels and not isinstance(value, str | bytes | int | float | None):
        for name in dir(value):
            if not name.startswith("_"):
                vandalise(getattr(value, name, None), levels - 1)
                with contextlib.suppress(AttributeError, TypeError):
                    setattr(value, name, None)


MARKETS: list[dict[str, Any]] = [
    {"id": STOCK, "window": 6, "markets": [1, 2], "episode_length": 12},
    {"id": "InvestorBench/Stock", "window": 6, "episode_length": 9, "start": date(6),
     "end": date(23), "data": random_market(np.random.default_rng(4))},
]  # fmt: skip


@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize("options", MARKETS, ids=lambda options: options["id"])
def test_an_agent_that_changes_all_it_is_handed_changes_nothing(
    options: dict[str, Any], protocol: str
) -> None:
    env, twin = (gym.make(**options, protocol=protocol, action="weight") for _ in range(2))
    rng, buffer = np.random.default_rng(1), np.zeros(1, np.float32)
    kept: list[Any] = []
    shown, untouched = env.reset(seed=3), twin.reset(seed=3)
    for _ in range(40):
        assert canonical(shown) == canonical(untouched)
        kept.append((untouched, canonical(untouched)))
        vandalise(shown)
        buffer[:] = rng.uniform(-1, 1)
        action = buffer.copy()
        shown, untouched = env.step(buffer), twin.step(action)
        buffer[:] = 0.0
        if untouched[2] or untouched[3]:
            assert canonical(shown) == canonical(untouched)
            shown, untouched = env.reset(), twin.reset()
    # What was kept stays as it was shown.
    assert all(canonical(value) == before for value, before in kept)


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP"])
@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize("options", MARKETS, ids=lambda options: options["id"])
def test_an_agent_that_changes_all_that_lanes_hand_out_changes_nothing(
    options: dict[str, Any], protocol: str, mode: str
) -> None:
    env, twin = (
        gym.make_vec(**options, num_envs=3, protocol=protocol, autoreset_mode=mode)
        for _ in range(2)
    )
    rng = np.random.default_rng(1)
    shown, untouched = env.reset(seed=3), twin.reset(seed=3)
    for _ in range(30):
        assert canonical(shown) == canonical(untouched)
        vandalise(shown)
        buffer = rng.integers(3, size=3)
        action = buffer.copy()
        shown, untouched = env.step(buffer), twin.step(action)
        buffer[:] = 0


class BrokenError(Exception):
    pass


def test_a_reward_that_raises_leaves_the_environment_where_it_was() -> None:
    failing = [False]

    def reward(before: Any, after: Any) -> Any:
        if failing[0]:
            raise BrokenError
        return after - before

    options: dict[str, Any] = {"id": STOCK, "markets": "one", "reward": reward, "window": 3}
    pairs: list[Any] = [[gym.make(**options) for _ in range(2)]]
    pairs.append([gym.make_vec(**options, num_envs=2, episode_length=3) for _ in range(2)])
    for env, twin in pairs:
        buy, sell = (2, 0) if env is pairs[0][0] else (np.array([2, 2]), np.array([0, 1]))
        for one in (env, twin):
            one.reset(seed=1)
            one.step(buy)
        failing[0] = True
        with pytest.raises(BrokenError):
            env.step(sell)
        failing[0] = False
        for action in (sell, buy, sell, buy):
            assert canonical(env.step(action)) == canonical(twin.step(action))
