"""Money is neither made nor lost: an account is worth what its trades have added to it."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.env.perpetual_markets import perpetuals, random_perpetual_market
from tests.env.test_perpetuals_no_future import decided


def follow(seed: int, **options: Any) -> Counter[str]:
    """Trade at random; at each decision the account must be what its trades come to."""
    rng = np.random.default_rng(seed)
    minutes = int(rng.choice([3, 60]))
    market = random_perpetual_market(rng, ("BTC", "SOL"), minutes=minutes, context=4, count=60)
    env = perpetuals(market, slippage_bps=float(rng.choice([0, 10])), **options)
    _, info = env.reset(seed=0)
    added, costs, received, reasons, growth = 0.0, 0.0, 0.0, Counter[str](), 1.0
    ended = False
    while not ended:
        _, reward, terminated, truncated, info = env.step(decided(info, rng))
        for trade in info["closed"]:
            reasons[trade.reason] += 1
            added += trade.pnl - trade.fees + trade.funding
            assert trade.opened <= trade.closed
            if options["margin"] == "isolated":
                assert trade.pnl + trade.funding >= -trade.margin * (1 + 1e-12) - 1e-9
        open_ones = sum(
            each.unrealised_pnl + each.funding - each.fees for each in info["positions"]
        )
        assert info["equity"] == pytest.approx(10_000 + added + open_ones, rel=1e-10, abs=1e-6)
        costs += sum(fill.cost for fill in info["fills"])
        received += sum(paid.cash for paid in info["funding"])
        assert info["costs"] == pytest.approx(costs)
        assert info["plans"].keys() == {each.symbol for each in info["positions"]}
        growth *= 1.0 + reward
        assert info["equity"] == pytest.approx(10_000 * growth, rel=1e-9, abs=1e-6)
        ended = terminated or truncated
    return reasons


@pytest.mark.parametrize("margin", ["isolated", "cross"])
@pytest.mark.parametrize("seeds", [range(5), pytest.param(range(5, 100), marks=pytest.mark.long)])
def test_an_account_is_worth_what_its_trades_have_added(margin: str, seeds: range) -> None:
    reasons = Counter[str]()
    for seed in seeds:
        rules = {"adding": bool(seed % 2)}
        reasons += follow(seed, margin=margin, every=1 + seed % 3, rules=rules)
    # A shared margin lasts longer: in few markets nothing ends it.
    rare = {"liquidation"} if margin == "isolated" or len(seeds) > 5 else set()
    assert {"stop", "target", "close", *rare} <= reasons.keys()
