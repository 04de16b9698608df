"""Simulated filings: when a stock reports, and what its reports say; no words yet."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.dynamics import TOPICS, Dynamics
from investorbench_env.market.simulated.elementary import FloatArray, exp
from investorbench_env.market.simulated.news import state_scores
from investorbench_env.market.simulated.process import SimulatedPaths

HOUR, MINUTE = np.timedelta64(3600, "s"), np.timedelta64(60, "s")
FILING_DATES = (("10-K", "02-12"), ("10-Q", "04-24"), ("10-Q", "07-24"), ("10-Q", "10-24"))
"""The earliest date of each report in a year."""
FILING_TOPICS = {"10-Q": ("value",) * 3 + ("regime",), "10-K": ("value",) * 5 + ("regime",) * 2}
"""What the statements of a report are about."""


class PlannedFiling(NamedTuple):
    """What a report has to say, before it is put into words."""

    kind: str
    session: int
    """After whose close it is filed, and whose state it reports."""
    available_at: np.datetime64
    statements: tuple[tuple[str, int], ...]
    """Topic and polarity of each."""
    number: int
    """Fixes the words."""


class FilingDate(NamedTuple):
    """When a report is due, and what is drawn for it."""

    kind: str
    session: int
    year: int
    place: int
    """Which of the year's reports it is, from 0."""
    minutes: int
    draws: FloatArray
    number: int


def filing_dates(sessions: TimeArray, origin: Origin) -> Iterator[FilingDate]:
    """The reports of a path: three a year (10-Q) and one (10-K), after a close."""
    for year in range(int(str(sessions[0])[:4]), int(str(sessions[-1])[:4]) + 1):
        # A year has its own generator, so a longer simulation files the same reports.
        rng = origin.generator(Purpose.FILINGS, year)
        for place, (kind, date) in enumerate(FILING_DATES):
            late, minutes = rng.integers(14), rng.integers(60)
            draws = rng.random(len(FILING_TOPICS[kind]))
            if origin.mirrored:
                draws = 1.0 - draws
            first, second = rng.integers(1 << 62, size=2).tolist()
            day = np.datetime64(f"{year}-{date}") + np.timedelta64(int(late), "D")
            t = int(np.searchsorted(sessions, day))
            if t == len(sessions) or day < sessions[0]:
                continue
            yield FilingDate(kind, t, year, place, int(minutes), draws, first << 62 | second)


def plan_filings(
    dynamics: Dynamics,
    paths: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    origin: Origin,
) -> list[PlannedFiling]:
    """Reports of the first path, with what they have to say."""
    return [
        PlannedFiling(
            kind=due.kind,
            session=due.session,
            available_at=times[due.session] - 7 * HOUR - due.minutes * MINUTE,
            statements=_statements(
                dynamics, paths, due.session, FILING_TOPICS[due.kind], due.draws
            ),
            number=due.number,
        )
        for due in filing_dates(sessions, origin)
    ]


def _statements(
    dynamics: Dynamics, paths: SimulatedPaths, t: int, topics: tuple[str, ...], draws: FloatArray
) -> tuple[tuple[str, int], ...]:
    """Topic and polarity of each statement about the first path after session ``t``."""
    scores = dict(zip(TOPICS, state_scores(dynamics, paths, 0, np.array([t])).ravel(), strict=True))
    log_odds = dynamics.filing_informativeness * np.array([scores[topic] for topic in topics])
    good = draws < 1 / (1 + exp(-log_odds))
    return tuple(zip(topics, np.where(good, 1, -1).tolist(), strict=True))
