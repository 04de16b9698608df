"""Fees by what was traded in the 14 UTC days before, of accounts at different days."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from investorbench_env.accounting.traded_volume import TradedVolume
from investorbench_env.accounting.venues import HYPERLIQUID

DAYS = st.lists(st.integers(0, 20), min_size=1, max_size=8)
VOLUMES = st.lists(st.sampled_from([0.0, 1e6, 4e6, 3e7]), min_size=8, max_size=8)


def fee_after(traded: dict[int, float], day: int) -> float:
    before = sum(volume for when, volume in traded.items() if day - 14 <= when < day)
    return [tier.taker for tier in HYPERLIQUID.fees if before > tier.above or not tier.above][-1]


@example(paces=([0, 0], [0, 1]), volumes=[3e7] * 8)
@given(paces=st.tuples(DAYS, DAYS), volumes=VOLUMES)
def test_each_account_pays_by_its_own_14_days(
    paces: tuple[list[int], list[int]], volumes: list[float]
) -> None:
    both = TradedVolume(HYPERLIQUID.fees, 2)
    day = np.array([20_000, 19_500])
    traded: tuple[dict[int, float], dict[int, float]] = ({}, {})
    for step in range(min(map(len, paces))):
        day = day + np.array([pace[step] for pace in paces])
        both.reach(day)
        for account in (0, 1):
            assert both.taker[account] == fee_after(traded[account], int(day[account]))
            own = traded[account]
            own[int(day[account])] = own.get(int(day[account]), 0.0) + volumes[step]
        both.add(np.array([0, 1]), np.full(2, volumes[step]))
