"""What a thesis earns: for its structure, its evidence and its decision, and what a stage weighs.

Pure functions of a thesis and of what it was given. Trading-R1's formulas, with claims that are
checked against the briefing; docs/theses.md has the rules.
"""

import math
from statistics import fmean
from types import MappingProxyType
from typing import NamedTuple

from investorbench.agents.thesis.thesis import (
    CLASSES,
    Bullet,
    Thesis,
    ThesisSection,
    count_words,
    parse,
)
from investorbench.tasks.trading_r1.citable import Citable, support
from investorbench_env.errors import InvestorBenchError, UnknownNameError

NO_DECISION = -1.5
DECISION_REWARDS = MappingProxyType(
    {
        "STRONG_BUY": (1.0, 0.75, -1.25, -2.0, -2.25),
        "BUY": (0.75, 1.0, -0.75, -1.5, -2.0),
        "HOLD": (-1.5, -1.0, 1.0, -1.0, -1.5),
        "SELL": (-1.75, -1.25, -0.75, 1.0, 0.75),
        "STRONG_SELL": (-2.0, -1.5, -1.25, 0.75, 1.0),
    }
)
"""By decision, then by the true class in the order of ``CLASSES``."""
SIZES = MappingProxyType(
    {"STRONG_BUY": 1.0, "BUY": 0.5, "HOLD": 0.0, "SELL": -0.5, "STRONG_SELL": -1.0}
)
"""Sign and size of a decision."""
FLOOR = 0.01
"""What a bullet or a section counts at least in a harmonic mean."""
SECTION_WORDS = 50
"""Fewer of them make no section, whatever form they have."""
HORIZON = 7
"""Sessions over which a decision is paid in money."""


class Rewards(NamedTuple):
    """The three rewards of a thesis, or the weights that a stage gives them."""

    structure: float
    evidence: float
    decision: float


STAGES = MappingProxyType(
    {"I": Rewards(1, 0, 0), "II": Rewards(0.3, 1, 0), "III": Rewards(0.1, 0.3, 1)}
)
"""What each stage of training weighs."""


def rewards(text: str, citable: Citable, truth: str) -> Rewards:
    """All three rewards of a completion.

    Args:
        text: what the model wrote.
        citable: what its prompt gave it to cite.
        truth: the true class, one of ``CLASSES``.
    """
    thesis = parse(text)
    return Rewards(structure(thesis), evidence(thesis, citable), decision(thesis, truth))


def staged(of: Rewards, stage: str) -> float:
    """The sum of rewards by a stage's weights.

    Raises:
        UnknownNameError: there is no such stage.
    """
    if stage not in STAGES:
        raise UnknownNameError("stage", stage, STAGES)
    return math.fsum(weight * reward for weight, reward in zip(STAGES[stage], of, strict=True))


def structure(thesis: Thesis) -> float:
    """.6 · R_count + .4 · the mean over all sections, the conclusion included; 0 without one."""
    if thesis.conclusion is None:
        return 0.0
    number = len(thesis.sections)
    if number < 5:
        count = max(0.3, 0.7 * number / 5)
    else:
        count = max(0.3, 1 - 0.15 * max(0, number - 7))
    return 0.6 * count + 0.4 * fmean(map(_form, (*thesis.sections, thesis.conclusion)))


def evidence(thesis: Thesis, citable: Citable, *, faithful: bool = True) -> float:
    """The harmonic mean over sections of what their bullets quote, cite and conclude.

    Args:
        thesis: what is looked at; its conclusion is not.
        citable: what may be cited.
        faithful: whether quotes must be in the briefing, and sources among its ids. Without it,
            that they are there is enough, as published.
    """
    return _harmonic([_claims(each, citable if faithful else None) for each in thesis.sections])


def decision(thesis: Thesis, truth: str) -> float:
    """What a decision earns where the truth is one of ``CLASSES``.

    Raises:
        UnknownNameError: there is no such class.
    """
    if truth not in CLASSES:
        raise UnknownNameError("class", truth, CLASSES)
    if thesis.decision is None:
        return NO_DECISION
    return DECISION_REWARDS[thesis.decision][CLASSES.index(truth)]


def graded(
    thesis: Thesis, horizon_return: float, daily_volatility: float, round_trip_rate: float
) -> float:
    """What a decision earned in money, in units of what the stock moves in the time.

    Undivided, the wildest stock would decide what is learned.

    Args:
        thesis: what decides.
        horizon_return: the stock's simple return over the ``HORIZON`` sessions after the decision.
        daily_volatility: standard deviation of its daily returns over the last 20 sessions.
        round_trip_rate: what buying and selling cost together, as a fraction of the position.

    Raises:
        InvestorBenchError: the volatility is not a positive number, or the others are none.
    """
    if not (0 < daily_volatility < math.inf and math.isfinite(horizon_return + round_trip_rate)):
        raise InvestorBenchError(
            f"no graded reward for a return of {horizon_return}, a daily volatility of "
            f"{daily_volatility} and costs of {round_trip_rate}: leave out days without a return "
            "or with constant prices"
        )
    if thesis.decision is None:
        return NO_DECISION
    return graded_size(SIZES[thesis.decision], horizon_return, daily_volatility, round_trip_rate)


def graded_size(
    size: float, horizon_return: float, daily_volatility: float, round_trip_rate: float
) -> float:
    """What a position of a signed size earned, in units of what the stock moves in the time."""
    net = size * horizon_return - abs(size) * round_trip_rate
    return net / (daily_volatility * math.sqrt(HORIZON))


def _form(section: ThesisSection) -> float:
    if section.words < SECTION_WORDS:
        return 0.2
    return (
        0.3 * section.has_header
        + 0.4 * bool(section.bullets)
        + 0.2 * section.has_bold
        + 0.1 * section.has_table
    )


def _claims(section: ThesisSection, citable: Citable | None) -> float:
    """What the bullets of a section earn, by their number and the harmonic mean of each."""
    number = len(section.bullets)
    if not number:
        return 0.0
    count = number / 4 if number < 4 else max(0.3, 1 - 0.1 * max(0, number - 7))
    earned = {each: _claim(each, citable) for each in set(section.bullets)}
    return 0.3 * count + 0.7 * _harmonic([earned[each] for each in section.bullets])


def _claim(bullet: Bullet, citable: Citable | None) -> float:
    if bullet.quote is None and bullet.source is None:
        return 0.4 * _opinion(count_words(bullet.opinion), complete=False)
    quoted, sourced = support(bullet, citable)
    opinion = _opinion(count_words(bullet.opinion), quoted and sourced)
    return 0.4 * opinion + 0.35 * quoted + 0.25 * sourced


def _opinion(words: int, complete: bool) -> float:
    if not complete:
        return min(0.3, 0.3 * words / 15)
    if words < 15:
        return words / 15
    return max(0.5, 1 - 0.02 * max(0, words - 90))


def _harmonic(values: list[float]) -> float:
    """The harmonic mean of values that count ``FLOOR`` at least; 0 of none."""
    return len(values) / math.fsum(1 / max(value, FLOOR) for value in values) if values else 0.0
