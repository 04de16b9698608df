"""What an agent of a portfolio is handed is its own, and leads to nothing of the future."""

from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from investorbench_env.envs.portfolio_options import PortfolioOptions
from investorbench_env.envs.portfolio_setup import PortfolioSetup, prepare
from investorbench_env.market import Market
from investorbench_env.market.joint_history import JointHistory
from investorbench_env.market.market import CLOSE
from investorbench_env.market.simulated import JointLaw
from investorbench_env.market.simulated.bands import FRESH, ONE
from investorbench_env.registration import market_of
from tests.env.test_no_future import canonical
from tests.env.test_secrecy import handed_out, seeds_in, vandalise

THREE: dict[str, Any] = {
    "id": "InvestorBench/Portfolio-SIM", "window": 3, "symbols": ["SIM-A", "SIM-B", "SIM-F"]
}  # fmt: skip
ENGINE = (Market, JointHistory, PortfolioSetup, JointLaw)


def foreseen(seeds: set[int], info: dict[str, Any]) -> bool:
    """Whether a market that anybody can simulate from one of the seeds is the one of an info."""
    id, options = THREE["id"], {name: value for name, value in THREE.items() if name != "id"}
    setup = prepare(PortfolioOptions.of({**gym.spec(id).kwargs, **options}))
    law: Any = setup.markets.law  # type: ignore[attr-defined]
    # A later end changes nothing before it, so a few sessions will do.
    law = replace(law, end=info["session"])
    closes = [info["account"].marks[symbol] for symbol in law.symbols]
    entropies = [(band, seed) for seed in sorted(seeds) for band in range(FRESH, ONE + 1)]
    drawn = law.numbers(entropies, news=False).bars[:, -1, :, CLOSE]
    return bool((drawn == closes).all(axis=-1).any())


@pytest.mark.parametrize("action", ["weights", "orders"])
def test_nothing_public_leads_to_the_seed_the_market_or_the_hidden_state(action: str) -> None:
    env: Any = gym.make(**THREE, action=action)
    env.action_space.seed(0)
    observation, info = env.reset(seed=123_456_789)
    for _ in range(2):
        observation, *_, info = env.step(env.action_space.sample())
    values = list(handed_out(env, observation, info))
    assert not [value for value in values if isinstance(value, ENGINE)]
    assert not foreseen(seeds_in(iter(values)), info)
    assert not {"hidden_state", "market_seed"} & info.keys()
    # With the seed, an agent would know.
    assert foreseen({123_456_789}, info)


@pytest.mark.parametrize(
    ("markets", "number"), [("fresh", 5), ([7, 9], 9), ("held_out", 5), ("train", 5)]
)
def test_the_end_of_an_episode_names_its_market_and_what_drove_it(
    markets: Any, number: int
) -> None:
    options = {**THREE, "markets": markets, "start": "2020-10-01", "end": "2020-10-06"}
    env = gym.make(**options)
    env.reset(seed=5)
    ended = False
    while not ended:
        _, _, terminated, truncated, info = env.step(np.full(3, 0.1, np.float32))
        ended = terminated or truncated
    market = market_of(**options, seed=5)
    assert info["market_seed"] == number
    assert (
        market.hidden_state is not None
        and info["hidden_state"].keys() == market.hidden_state.keys()
    )
    for name, values in market.hidden_state.items():
        assert np.array_equal(info["hidden_state"][name], values), name
    # The same of the warm-up, which is of the same market and names nothing.
    warmup = gym.make(**THREE, markets=markets, split="warmup", episode_length=1)
    warmup.reset(seed=5)
    assert not {"hidden_state", "market_seed"} & warmup.step(np.zeros(3, np.float32))[-1].keys()


@pytest.mark.parametrize("action", ["weights", "orders"])
def test_an_agent_that_changes_all_it_is_handed_changes_nothing(action: str) -> None:
    options = {**THREE, "markets": [1, 2], "episode_length": 2, "action": action}
    env, twin = (gym.make(**options) for _ in range(2))
    env.action_space.seed(1)
    kept: list[Any] = []
    shown, untouched = env.reset(seed=3), twin.reset(seed=3)
    for _ in range(4):
        assert canonical(_plain(shown)) == canonical(_plain(untouched))
        kept.append((untouched, canonical(_plain(untouched))))
        chosen: Any = env.action_space.sample()
        vandalise(shown)
        shown, untouched = env.step(chosen), twin.step(chosen)
        if untouched[2] or untouched[3]:
            assert canonical(_plain(shown)) == canonical(_plain(untouched))
            shown, untouched = env.reset(), twin.reset()
    # What was kept stays as it was shown.
    assert all(canonical(_plain(value)) == before for value, before in kept)


def _plain(shown: Any) -> Any:
    """What is shown, with the past of each asset in a plain dict."""
    *rest, info = shown
    return [*rest, {**info, "history": dict(info["history"])}]
