"""What an agent of perpetuals is handed is its own, and leads to nothing of the future."""

from typing import Any

import gymnasium as gym
import numpy as np

from investorbench_env.accounting.perpetual_book import PerpetualBook
from investorbench_env.envs.perpetuals_history import PerpetualHistory
from investorbench_env.envs.perpetuals_options import PerpetualOptions
from investorbench_env.envs.perpetuals_setup import PerpetualSetup, prepare
from investorbench_env.envs.perpetuals_trader import PerpetualTrader
from investorbench_env.market import Market
from investorbench_env.market.market import CLOSE
from investorbench_env.market.simulated.bands import FRESH
from investorbench_env.market.simulated.perpetual_law import PerpetualLaw
from investorbench_env.registration import market_of
from tests.env.test_no_future import canonical
from tests.env.test_perpetuals_no_future import decided
from tests.env.test_secrecy import handed_out, seeds_in, vandalise

SIM = "InvestorBench/Perpetuals-SIM"
SEED = 123_456_789
ENGINE = (Market, PerpetualHistory, PerpetualSetup, PerpetualLaw, PerpetualBook, PerpetualTrader)


def is_of(seed: int, info: dict[str, Any]) -> bool:
    """Whether the market that anybody can simulate from a seed is the one of an info."""
    setup = prepare(PerpetualOptions.of(gym.spec(SIM).kwargs))
    law: Any = setup.markets.law  # type: ignore[attr-defined]
    t = int(np.searchsorted(law.times, np.datetime64(info["time"][:19], "ns")))
    closes = [info["account"].marks[symbol] for symbol in law.symbols]
    return closes == law.market((FRESH, seed)).bars[t, :, CLOSE].tolist()


def test_nothing_public_of_perpetuals_leads_to_the_seed_or_the_market() -> None:
    env: Any = gym.make(SIM)
    observation, info = env.reset(seed=SEED)
    rng = np.random.default_rng(0)
    for _ in range(2):
        observation, *_, info = env.step(decided(info, rng))
    values = list(handed_out(env, observation, info))
    assert not [value for value in values if isinstance(value, ENGINE)]
    assert SEED not in seeds_in(iter(values))
    assert not {"hidden_state", "market_seed"} & info.keys()
    # With the seed, an agent would know.
    assert is_of(SEED, info)


def test_the_end_of_an_episode_of_perpetuals_names_its_market_and_what_drove_it() -> None:
    env = gym.make(SIM, every=480)
    env.reset(seed=5)
    ended = False
    while not ended:
        *_, ended, info = env.step({})
    market = market_of(SIM, seed=5)
    assert info["market_seed"] == 5
    for name, values in (market.hidden_state or {}).items():
        assert np.array_equal(info["hidden_state"][name], values), name


def test_an_agent_that_changes_all_it_is_handed_of_perpetuals_changes_nothing() -> None:
    options = {"markets": [1, 2], "episode_length": 3, "every": 40, "rules": "baseline"}
    env, twin = (gym.make(SIM, **options) for _ in range(2))
    rng, kept = np.random.default_rng(1), []
    shown, untouched = env.reset(seed=3), twin.reset(seed=3)
    for _ in range(6):
        assert canonical(_plain(shown)) == canonical(_plain(untouched))
        kept.append((untouched, canonical(_plain(untouched))))
        chosen = decided(untouched[-1], rng)
        vandalise(shown)
        shown, untouched = env.step(chosen), twin.step(chosen)
        if untouched[3]:
            shown, untouched = env.reset(), twin.reset()
    assert all(canonical(_plain(value)) == before for value, before in kept)


def _plain(shown: Any) -> Any:
    """What is shown, with the past of each coin as its last bars."""
    *rest, info = shown
    bars = {symbol: past.bars(last=3) for symbol, past in info["history"].items()}
    return [*rest, {**info, "history": bars}]
