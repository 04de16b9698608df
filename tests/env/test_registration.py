"""Every id: registered on import, sound by the rules of Gymnasium, on real and simulated data."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from investorbench_env import environment_ids, family_ids, registration
from investorbench_env.errors import InvestorBenchError, SimulatedDataWarning
from investorbench_env.market import Market
from investorbench_env.registration import FAMILIES
from investorbench_env.wrappers import NumericObservation, TextObservation
from tests.covering import each_pair_quickly

OF_ONE_ASSET = [family for family in FAMILIES.values() if family.each == "asset"]
IDS = [id for family in OF_ONE_ASSET for id in family.ids()]
SIMULATED = [id for id in IDS if "-SIM" in id]
INSTALLED = [id for id in IDS if id.startswith("InvestorBench/Index-")]
REAL = [id for id in IDS if id not in SIMULATED + INSTALLED]


@cache
def market_of(id: str) -> Market:
    """A market for an id, simulated where that can be; made once, for it takes a second."""
    if id in INSTALLED:
        pytest.importorskip("arch", reason="needs the extra: pip install 'investorbench[stats]'")
    return registration.market_of(id, seed=0, data="real" if id in INSTALLED else "simulated")


each_id = pytest.mark.parametrize("id", IDS)
each_protocol = pytest.mark.parametrize("protocol", ["standard", "paper"])
each_action = pytest.mark.parametrize("action", ["trade", "weight"])


@pytest.mark.parametrize(
    ("id", "protocol", "split", "action"),
    each_pair_quickly(IDS, ["standard", "paper"], ["warmup", "test"], ["trade", "weight"]),
)
def test_every_environment_passes_the_check_of_gymnasium(
    id: str, protocol: str, split: str, action: str
) -> None:
    env = gym.make(id, data=market_of(id), protocol=protocol, split=split, action=action)
    check_env(env.unwrapped)


@pytest.mark.parametrize("id", SIMULATED)
@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
def test_an_environment_that_renders_passes_the_check(id: str, render_mode: str) -> None:
    check_env(gym.make(id, data=market_of(id), render_mode=render_mode, window=5).unwrapped)


@pytest.mark.parametrize("wrapper", [TextObservation, NumericObservation])
@pytest.mark.parametrize("id", SIMULATED)
@each_protocol
@each_action
def test_every_wrapped_environment_passes_the_check(
    wrapper: Any, id: str, protocol: str, action: str
) -> None:
    check_wrapped(wrapper(gym.make(id, data=market_of(id), protocol=protocol, action=action)))


def check_wrapped(env: Any) -> None:
    """``check_env`` on a wrapper, of which its one warning says that it is a wrapper."""
    with pytest.warns(UserWarning, match="different from the unwrapped version"):
        check_env(env, skip_render_check=True)


@each_id
@each_protocol
@each_action
def test_every_vectorised_environment_keeps_the_rules_of_gymnasium(
    id: str, protocol: str, action: str
) -> None:
    options = {"data": market_of(id), "protocol": protocol, "action": action, "split": "warmup"}
    check_vector_env(lambda: gym.make_vec(id, num_envs=3, episode_length=5, **options))


def check_vector_env(make: Any) -> None:
    """What ``check_env`` tests for one environment; Gymnasium 1.4 has no check for many."""
    env, twin = make(), make()
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert env.observation_space.contains(env.observation_space.sample())
    assert env.reset(seed=1)[0]["account"].shape[0] == env.num_envs == 3
    same(env.reset(seed=1), twin.reset(seed=1))
    env.action_space.seed(1)
    before: Any = None
    for _ in range(12):  # two episodes and their new starts
        actions = env.action_space.sample()
        step = env.step(actions)
        same(step, twin.step(actions))
        observation, info = step[0], step[-1]
        assert env.observation_space.contains(observation)
        assert [part.shape for part in step[1:4]] == [(3,)] * 3
        assert [part.dtype.kind for part in step[1:4]] == ["f", "b", "b"]
        assert_masked(info)
        if before is not None:
            for name, array in observation.items():
                assert not np.shares_memory(array, before[name])
        before = observation


def assert_masked(info: dict[str, Any]) -> None:
    """Every value has the three episodes on its first axis, and a mask that says which have one."""
    for name in (name for name in info if not name.startswith("_")):
        if isinstance(info[name], dict):
            assert_masked(info[name])
        else:
            assert info[name].shape[0] == 3
        assert info["_" + name].shape == (3,)
        assert info["_" + name].dtype == np.bool_


def same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list | tuple):
        for part, counterpart in zip(one, other, strict=True):
            same(part, counterpart)
    else:
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


ON_REAL_DATA = [f"InvestorBench/{name}" for name in (
    "Stock-TSLA", "Stock-MSFT", "Stock-HON", "Stock-JNJ", "Crypto-BTC", "Crypto-ETH", "ETF-SPY"
)]  # fmt: skip


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("id", "protocol", "split"),
    each_pair_quickly(ON_REAL_DATA, ["standard", "paper"], ["warmup", "test"]),
)
def test_environments_on_real_data_pass_the_checks(
    id: str, protocol: str, split: str, data_folder: Path
) -> None:
    options = {"data": str(data_folder), "protocol": protocol, "split": split}
    env = gym.make(id, **options)
    assert not env.reset()[1]["simulated"]
    check_env(env.unwrapped)
    check_wrapped(NumericObservation(gym.make(id, **options)))
    check_wrapped(TextObservation(gym.make(id, **options)))
    check_vector_env(lambda: gym.make_vec(id, num_envs=3, episode_length=5, **options))


@pytest.mark.parametrize("id", REAL)
def test_without_data_a_warning_says_that_a_simulated_market_stands_in(id: str) -> None:
    with pytest.warns(SimulatedDataWarning, match=r"INVESTORBENCH_DATA.*investorbench data fetch"):
        env = gym.make(id)
    info = env.reset()[1]
    assert info["simulated"]
    assert "simulated" in info["data_source"]


@pytest.mark.parametrize("id", SIMULATED)
def test_a_simulated_id_warns_of_nothing(id: str) -> None:
    env = gym.make(id)
    assert env.reset()[1]["symbol"] == id.partition("-")[2]


def test_every_id_and_every_family_is_registered_on_import() -> None:
    assert {*environment_ids(), *family_ids()} <= gym.registry.keys()
    assert "InvestorBench/Stock-TSLA" in IDS
    assert len(IDS) == 16


def test_an_id_can_be_made_without_the_import() -> None:
    program = (
        "import sys, gymnasium as gym\n"
        "assert 'investorbench_env' not in sys.modules\n"
        "print(gym.make('investorbench_env:InvestorBench/Stock-SIM').reset(seed=0)[1]['symbol'])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert finished.stdout == "SIM\n"
    assert finished.stderr == ""


@pytest.mark.parametrize("id", [each.id for each in OF_ONE_ASSET if each.name != "Index"])
def test_a_family_takes_any_symbol(id: str) -> None:
    env = gym.make(id, symbol="NVDA", data="simulated")
    assert env.reset()[1]["symbol"] == "NVDA"


def test_a_family_takes_any_symbol_from_a_folder(data_folder: Path) -> None:
    env = gym.make("InvestorBench/Stock", symbol="NVDA", data=str(data_folder))
    info = env.reset()[1]
    assert (info["symbol"], info["simulated"]) == ("NVDA", False)


@pytest.mark.parametrize("modality", ["bars", "account", "sentiment", "news", "filings", "time"])
def test_an_observation_holds_what_was_wanted_and_nothing_else(modality: str) -> None:
    id = "InvestorBench/Stock-SIM"
    env = gym.make(id, data=market_of(id), modalities=[modality])
    expected = {"bars", "mask"} if modality == "bars" else {modality}
    assert set(env.observation_space.spaces) == set(env.reset()[0]) == expected  # type: ignore[attr-defined]
    check_env(env.unwrapped)


def test_text_cannot_be_asked_of_many_environments() -> None:
    with pytest.raises(InvestorBenchError, match=r"env\.texts\(info\)"):
        gym.make_vec("InvestorBench/Stock-SIM", num_envs=2, modalities=["news", "time"])
