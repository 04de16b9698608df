"""What decides without reading anything: constant answers, momentum, and one that knows the label.

Pure functions of classes. A day without a label is left out wherever decisions are paid.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.forecasts import rank_correlation
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.trading_r1.decisions import words_of
from investorbench.tasks.trading_r1.labels import LONGEST
from investorbench.tasks.trading_r1.rewards import DECISION_REWARDS, NO_DECISION
from investorbench_env.errors import InvestorBenchError, UnknownNameError

Labels = Sequence[str | None]

PUBLISHED_MIX = MappingProxyType(dict(zip(CLASSES, (0.15, 0.32, 0.38, 0.12, 0.03), strict=True)))
"""Shares of the classes in training, by the quantiles of their thresholds."""


class LabelAgreement(NamedTuple):
    """How far two labels of the same days say the same.

    Attributes:
        days: that have both.
        equal: the share of those on which they are equal.
        by_chance: the share on which they would be if the one were shuffled.
        ranks: Spearman's correlation of the classes; horizons that overlap are in its interval.
    """

    days: int
    equal: float
    by_chance: float
    ranks: Estimate


def baseline_decisions(truths: Labels, trailing: Labels) -> dict[str, Labels]:
    """What each baseline decides on the same days.

    Args:
        truths: the labels.
        trailing: classes of trailing scores by thresholds of their own, which are known on the
            day: momentum, with a hold where there is none yet.
    """
    constant = {f"always {words_of(label)}": (label,) * len(truths) for label in CLASSES}
    momentum = tuple(label or "HOLD" for label in trailing)
    return constant | {"momentum class": momentum, "label oracle": truths}


def mean_decision_reward(decisions: Labels, truths: Labels) -> float:
    """The mean reward over days with a label; a decision that is None is none.

    Raises:
        InvestorBenchError: no day has a label.
    """
    paid = [
        NO_DECISION if decision is None else DECISION_REWARDS[decision][CLASSES.index(truth)]
        for decision, truth in zip(decisions, truths, strict=True)
        if truth is not None
    ]
    if not paid:
        raise InvestorBenchError(
            f"none of {len(truths)} days has a label that a decision could meet"
        )
    return fmean(paid)


def expected_reward(decision: str, mix: Mapping[str, float] = PUBLISHED_MIX) -> float:
    """What a constant answer is to earn.

    Args:
        decision: one of ``CLASSES``.
        mix: how often each class is true, as shares or as counts.

    Raises:
        UnknownNameError: there is no such class.
        InvestorBenchError: the mix is empty.
    """
    for name in (decision, *mix):
        if name not in CLASSES:
            raise UnknownNameError("class", name, CLASSES)
    if not (total := sum(mix.values())) > 0.0:
        raise InvestorBenchError(f"a mix of classes needs a share above 0; got {dict(mix)}")
    row = DECISION_REWARDS[decision]
    return sum(share * row[CLASSES.index(label)] for label, share in mix.items()) / total


def agreement(first: Labels, second: Labels) -> LabelAgreement:
    """Compare two labels of the same consecutive days.

    Raises:
        InvestorBenchError: no day has both.
    """
    both = [
        (day, CLASSES.index(one), CLASSES.index(other))
        for day, (one, other) in enumerate(zip(first, second, strict=True))
        if one is not None and other is not None
    ]
    if not both:
        raise InvestorBenchError("no day has both labels, so they cannot be compared")
    days, ones, others = np.array(both).T
    ranks = rank_correlation(ones.astype(float), others.astype(float), days, overlap=LONGEST)
    shares, other_shares = (np.bincount(each, minlength=len(CLASSES)) for each in (ones, others))
    return LabelAgreement(
        days=len(both),
        equal=float((ones == others).mean()),
        by_chance=float(shares @ other_shares) / len(both) ** 2,
        ranks=ranks,
    )
