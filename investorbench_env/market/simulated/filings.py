"""Simulated filings: when a stock reports, and what its reports say; no words yet."""

from collections.abc import Sequence

import numpy as np

from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.bands import generator
from investorbench_env.market.simulated.dynamics import TOPICS, Dynamics
from investorbench_env.market.simulated.items import HOUR, MINUTE, Item, combined, state_scores
from investorbench_env.market.simulated.process import SimulatedPaths

FILING_DATES = (("10-K", "02-12"), ("10-Q", "04-24"), ("10-Q", "07-24"), ("10-Q", "10-24"))
"""The earliest date of each report in a year."""
FILING_TOPICS = {"10-Q": ("value",) * 3 + ("regime",), "10-K": ("value",) * 5 + ("regime",) * 2}
"""What the statements of a report are about."""


def plan_filings(
    dynamics: Dynamics,
    path: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    entropy: Sequence[int],
) -> list[Item]:
    """Reports three times a year (10-Q) and once (10-K), accepted after the close."""
    items = []
    scores = state_scores(dynamics, path)
    for year in range(int(str(sessions[0])[:4]), int(str(sessions[-1])[:4]) + 1):
        # A year has its own generator, so a longer simulation files the same reports.
        rng = generator(entropy, 4, year)
        for kind, date in FILING_DATES:
            late, minutes = rng.integers(14), rng.integers(60)
            draws, number = rng.random(len(FILING_TOPICS[kind])), int(rng.integers(1 << 62))
            number = combined(number, int(rng.integers(1 << 62)))
            day = np.datetime64(f"{year}-{date}") + np.timedelta64(int(late), "D")
            t = int(np.searchsorted(sessions, day))
            if t == len(sessions) or day < sessions[0]:
                continue
            statements = tuple(
                (topic, _coin(dynamics.filing_informativeness * scores[TOPICS.index(topic)][t], u))
                for topic, u in zip(FILING_TOPICS[kind], draws.tolist(), strict=True)
            )
            items.append(
                Item(
                    session=t,
                    available_at=times[t] - 7 * HOUR - int(minutes) * MINUTE,
                    known=t,
                    reported=t,
                    kind=kind,
                    about="own",
                    statements=statements,
                    sentiment=None,
                    number=number,
                )
            )
    return items


def _coin(log_odds: float, uniform: float) -> int:
    return 1 if uniform < 1 / (1 + np.exp(-log_odds)) else -1
