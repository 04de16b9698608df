"""What decisions of classes come to: rewards, accuracy, hits and ranks, each with its interval.

Accuracy alone flatters: it is shown beside what constant answers earn on the same days.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.forecasts import clustered_mean, rank_correlation
from investorbench.tasks.labelled import MarkedDay
from investorbench.tasks.statistics.estimate import LEVEL, Estimate
from investorbench.tasks.trading_r1.baselines import baseline_decisions
from investorbench.tasks.trading_r1.blocks import (
    FEWEST_BLOCKS,
    SHARED,
    MarketDay,
    blocks_of,
    numbers_of,
)
from investorbench.tasks.trading_r1.rewards import (
    DECISION_REWARDS,
    NO_DECISION,
    SIZES,
    STAGES,
    Rewards,
    graded_size,
    staged,
)

FloatArray = npt.NDArray[np.float64]
BEST_CONSTANT = "always buy"
"""What every mean decision reward is compared with."""
NO_THESES = "it writes no theses"
NO_LABEL = "no day has a label"
NO_SIDE = "it never took a side"
SAME = "it is the same every day"


class LabelledDecision(NamedTuple):
    """A decision of an agent on a ticker, with what came after it.

    Attributes:
        symbol: the ticker.
        day: of the decision.
        known: what came, and what it earned.
        round_trip_rate: what buying and selling cost together, as a share.
    """

    symbol: str
    day: MarketDay
    known: MarkedDay
    round_trip_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFigures:
    """What the decisions of an agent come to.

    Attributes:
        decisions: all there are.
        labelled: those on a day with a label.
        undecided: those of the labelled ones that are none.
        sessions: different ones with a label; where none has, all.
        blocks: independent ones of at least 15 of these sessions, common to all tickers.
        structure, evidence: of theses.
        decision: the mean reward of classes.
        graded: the same in money, in units of what a stock moves.
        stages: rewards by stage of training.
        accuracy: the share of labelled days on which the class came, none counted as wrong.
        hits: the share of decisions for a side that the next seven sessions agreed with.
        ranks: Spearman's correlation of signed sizes with these returns; none has size 0.
        lead: the mean reward less that of always buy on the same days.
        confusion: decisions by what was decided, None for none, and by what came.
    """

    decisions: int
    labelled: int
    undecided: int
    sessions: int
    blocks: int
    structure: Estimate
    evidence: Estimate
    decision: Estimate
    graded: Estimate
    stages: Mapping[str, Estimate]
    accuracy: Estimate
    hits: Estimate
    ranks: Estimate
    lead: Estimate
    confusion: Mapping[str | None, Mapping[str, int]]


def figures_of(given: Sequence[LabelledDecision], *, level: float = LEVEL) -> DecisionFigures:
    """What decisions come to, over all repeats and tickers.

    Args:
        given: of one agent, at least one.
        level: of the interval of ``lead``.
    """
    labelled = [each for each in given if each.known.label is not None]
    blocks = blocks_of(each.day for each in labelled or given)
    of_all = blocks_of(each.day for each in given)
    rewards = partial(_mean, labelled, blocks, missing=NO_LABEL)
    formed = partial(_mean, given, of_all, missing=NO_THESES)
    buys = DECISION_REWARDS["BUY"]
    return DecisionFigures(
        decisions=len(given),
        labelled=len(labelled),
        undecided=sum(each.known.decided is None for each in labelled),
        sessions=len(blocks),
        blocks=len(set(blocks.values())),
        structure=formed(lambda day: day.structure),
        evidence=formed(lambda day: day.evidence),
        decision=rewards(lambda day: day.decision),
        graded=_mean(given, of_all, lambda day: day.graded, missing=NO_LABEL),
        stages={stage: _stage(stage, given, labelled) for stage in STAGES},
        accuracy=_share(rewards(lambda day: float(day.decided == day.label))),
        hits=_share(_mean(given, of_all, _hit, missing=NO_SIDE)),
        ranks=_ranks(given),
        lead=rewards(lambda day: _less(day.decision, buys, day.label), level=level),
        confusion={
            decided: {
                label: sum(
                    (each.known.decided, each.known.label) == (decided, label) for each in labelled
                )
                for label in CLASSES
            }
            for decided in (*CLASSES, None)
        },
    )


def baselines_of(given: Sequence[LabelledDecision]) -> dict[str, list[LabelledDecision]]:
    """What constant answers, momentum and one that knows the label decide on the same days.

    Args:
        given: of one agent or several; each day of a ticker counts once.
    """
    each_once = list({(each.symbol, each.day): each for each in given}.values())
    truths = [each.known.label for each in each_once]
    found = baseline_decisions(truths, [each.known.momentum for each in each_once])
    return {
        name: [_as_if(each, label) for each, label in zip(each_once, decided, strict=True)]
        for name, decided in found.items()
    }


def _as_if(given: LabelledDecision, decided: str | None) -> LabelledDecision:
    """The same day with another class decided, and no thesis."""
    known = given.known._replace(decided=decided, structure=None, evidence=None)
    reward = paid = None
    if known.label is not None:
        reward = _reward(decided, known.label)
    if known.horizon_return is not None and known.daily_volatility is not None and decided:
        rate = given.round_trip_rate
        paid = graded_size(SIZES[decided], known.horizon_return, known.daily_volatility, rate)
    return given._replace(known=known._replace(decision=reward, graded=paid))


def _reward(decided: str | None, label: str) -> float:
    if decided is None:
        return NO_DECISION
    return DECISION_REWARDS[decided][CLASSES.index(label)]


def _less(reward: float | None, other: Sequence[float], label: str | None) -> float | None:
    return None if reward is None or label is None else reward - other[CLASSES.index(label)]


def _mean(
    given: Sequence[LabelledDecision],
    blocks: Mapping[MarketDay, int],
    figure: Callable[[MarkedDay], float | None],
    *,
    missing: str,
    level: float = LEVEL,
) -> Estimate:
    """The mean of those that have a figure, with an interval by blocks."""
    found = [(each.day, value) for each in given if (value := figure(each.known)) is not None]
    if not found:
        return Estimate(reason=missing)
    values = np.array([value for _, value in found])
    numbers = numbers_of([day for day, _ in found], blocks)
    estimate = clustered_mean(values, numbers, fewest=FEWEST_BLOCKS, level=level, neighbours=SHARED)
    if estimate.low is None:
        return _few(estimate, len(np.unique(numbers)))
    # Where nothing varies, nothing is known of how much it would.
    return Estimate(value=estimate.value, reason=SAME) if np.ptp(values) == 0.0 else estimate


def _share(estimate: Estimate) -> Estimate:
    """An estimate whose interval does not leave 0 to 1."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(estimate.low, 0.0), high=min(estimate.high, 1.0))


def _stage(
    stage: str, given: Sequence[LabelledDecision], labelled: Sequence[LabelledDecision]
) -> Estimate:
    """A stage that weighs the decision counts labelled days alone."""
    counted = labelled if STAGES[stage].decision else given

    def of(day: MarkedDay) -> float | None:
        if day.structure is None or day.evidence is None:
            return None
        return staged(Rewards(day.structure, day.evidence, day.decision or 0.0), stage)

    missing = NO_LABEL if not counted else NO_THESES
    return _mean(counted, blocks_of(each.day for each in counted), of, missing=missing)


def _hit(day: MarkedDay) -> float | None:
    size = SIZES[day.decided] if day.decided else 0.0
    if not size or day.horizon_return is None:
        return None
    return float(np.sign(size) == np.sign(day.horizon_return))


def _ranks(given: Sequence[LabelledDecision]) -> Estimate:
    known = [each for each in given if each.known.horizon_return is not None]
    if not known:
        return Estimate(reason=NO_LABEL)
    sizes = [SIZES[each.known.decided] if each.known.decided else 0.0 for each in known]
    returns = [each.known.horizon_return or 0.0 for each in known]
    numbers = numbers_of([each.day for each in known], blocks_of(each.day for each in known))
    found = rank_correlation(
        np.array(sizes), np.array(returns), numbers, fewest=FEWEST_BLOCKS, neighbours=SHARED
    )
    if found.value is not None and found.low is None and len(np.unique(numbers)) < FEWEST_BLOCKS:
        return _few(found, len(np.unique(numbers)))
    return found


def _few(estimate: Estimate, blocks: int) -> Estimate:
    reason = f"{blocks} independent block{'s' * (blocks != 1)}, {FEWEST_BLOCKS} are needed"
    return Estimate(value=estimate.value, reason=reason)
