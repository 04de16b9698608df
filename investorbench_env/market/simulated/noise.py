"""A law under which memory pays: what lasts, and what drowns it; no words yet.

Two things last. The guidance of a report holds until the next report, and a fact until it is
contradicted. Each is published once, at the close from which on it counts, among some two hundred
texts a day that say nothing of the asset.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.market.market import FloatArray
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.filings import FILING_DATES, FilingDate, filing_dates

IntArray = npt.NDArray[np.int64]

FEWEST, MOST = 150, 230
"""Texts of noise a session; every number between is as likely."""
RIVAL, RIVAL_LASTING, MARKET, TRIFLE, RECAP, COPY, RUMOUR, ORDER = range(8)
"""What a text of noise is: news of another firm; guidance or a fact of another firm; the market as
a whole; a trifle; an old fact or guidance, marked as old; news of the last days once more,
unmarked; a fact that a source which lies made up; an order to its reader."""
SHARES = (0.47, 0.12, 0.23, 0.15, 0.012, 0.008, 0.007, 0.003)
"""Of each of them."""
LABELLED = 0.2
"""Share of noise with a sentiment label, which then is any of the three."""
FACTS = 4
"""How many facts there are, as `noise_words.FACTS` names them."""
QUIET = 60
"""Sessions before the first fact and the first noise: those that environments show no texts of."""


@dataclass(frozen=True, kw_only=True)
class NoisyDynamics(Dynamics):
    """Parameters of a market whose texts drown what lasts; see ``lasting``.

    The regime moves volatility alone, so that what is said of it says nothing; and news of the
    mood, which is plain and prompt, pays for a day or two, for by then the mood has passed.

    Attributes:
        guidance_strength: drift while guidance is good, in daily volatilities.
        fact_strength: drift for each fact that is good.
        fact_days: mean time until a fact is contradicted, in sessions.
    """

    regime_drift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gap_noise: float = 0.0
    mood_days: float = 2.0
    mood_strength: float = 0.25
    news_a_day: float = 3.0
    informativeness: float = 3.0
    delay_days: float = 0.25
    noise: float = 0.05
    guidance_strength: float = 0.12
    fact_strength: float = 0.06
    fact_days: float = 50.0


class Guidance(NamedTuple):
    """What a report expects."""

    due: FilingDate
    sign: int


class Change(NamedTuple):
    """A fact that becomes known, or is contradicted."""

    session: int
    """After whose close."""
    fact: int
    sign: int


class Lasting(NamedTuple):
    """What lasts on a path, after each session."""

    guidance: npt.NDArray[np.int8]
    """+1, −1, or 0 before the first report [T]."""
    facts: npt.NDArray[np.int8]
    """+1, −1, or 0 for what is not known yet [T, FACTS]."""
    reports: list[Guidance]
    changes: list[Change]
    """In order of time."""

    def drift(self, dynamics: NoisyDynamics) -> FloatArray:
        """What it adds to the expected return of the next session [T]."""
        facts = self.facts.sum(axis=1, dtype=np.float64)
        daily = dynamics.guidance_strength * self.guidance + dynamics.fact_strength * facts
        return np.asarray(dynamics.daily_volatility * daily)


class Noise(NamedTuple):
    """The noise of a path, session by session [M]."""

    session: IntArray
    minutes: IntArray
    """Before the decision."""
    kind: IntArray
    label: IntArray
    """Index into ``news.LABELS``."""
    choice: FloatArray
    """In 0..1: which of several things it is about."""


def lasting(dynamics: NoisyDynamics, sessions: TimeArray, origin: Origin) -> Lasting:
    """What lasts on a path.

    Guidance is good or bad with even odds, whatever came before. A fact is unknown at first;
    in each session it changes with probability 1/``fact_days``: first to good or bad with even
    odds, and from then on to the other.
    """
    length = len(sessions)
    guidance = np.zeros(length, dtype=np.int8)
    reports = []
    for due in filing_dates(sessions, origin):
        # A year has its own generator, so a longer simulation has the same guidance.
        drawn = origin.generator(Purpose.GUIDANCE, due.year).random(len(FILING_DATES))
        sign = 1 if drawn[due.place] < 0.5 else -1
        guidance[due.session :] = sign
        reports.append(Guidance(due, sign))
    uniform = origin.generator(Purpose.FACTS).random((length, FACTS))
    changed = uniform < 1 / dynamics.fact_days
    changed[:QUIET] = False
    facts = np.zeros((length, FACTS), dtype=np.int8)
    changes = []
    for fact in range(FACTS):
        sign = 0
        for t in np.flatnonzero(changed[:, fact]).tolist():
            sign = -sign or (1 if uniform[t, fact] < 0.5 / dynamics.fact_days else -1)
            facts[t:, fact] = sign
            changes.append(Change(t, fact, sign))
    return Lasting(guidance, facts, reports, sorted(changes))


def plan_noise(length: int, origin: Origin) -> Noise:
    """The noise of a path of so many sessions."""
    # Counts and texts have their own generators, so a longer simulation begins with the shorter.
    counted = origin.generator(Purpose.NOISE).random(length)
    counts = FEWEST + np.floor(counted * (MOST - FEWEST + 1)).astype(np.int64)
    counts[:QUIET] = 0
    kinds, minutes, labels, choice = (
        origin.generator(Purpose.NOISE, 1).random((int(counts.sum()), 4)).T
    )
    return Noise(
        session=np.repeat(np.arange(length), counts),
        # A day that loses an hour to a change of clocks has 23.
        minutes=1 + np.floor(minutes * (23 * 60 - 1)).astype(np.int64),
        kind=np.searchsorted(np.cumsum(SHARES[:-1]), kinds, side="right").astype(np.int64),
        label=np.minimum(np.floor(labels * 3 / LABELLED), 3).astype(np.int64),
        choice=choice,
    )


def add_labels(counts: npt.NDArray[np.uint8], length: int, origin: Origin) -> None:
    """Add the labels of a path's noise to the counts of its sessions [T, 3]."""
    noise = plan_noise(length, origin)
    found = np.bincount(noise.session * 4 + noise.label, minlength=4 * length)
    counts += found.reshape(length, 4)[:, :3].astype(np.uint8)
