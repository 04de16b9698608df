"""What a model decides on briefings that it has not seen, beside constant answers on the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from investorbench.agents.thesis.thesis import CLASSES, parse
from investorbench.tasks.forecasts.clustered import clustered_mean
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.trading_r1.baselines import mean_decision_reward
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.corpus.rows import CorpusRow
from investorbench.tasks.trading_r1.decisions import words_of
from investorbench.tasks.trading_r1.labels import LONGEST
from investorbench.tasks.trading_r1.rewards import (
    DECISION_REWARDS,
    NO_DECISION,
    Rewards,
    rewards,
)
from investorbench.tasks.training.dealing import dealings

SHUFFLES = 2_000
"""Ways that the answers are dealt, in whole stretches of days; see ``dealing``."""
SURE = 0.05
"""A model whose answers earn no more than shuffled ones by this p-value ignores its briefings."""


class UnseenFigures(NamedTuple):
    """How a model's theses did, one about each briefing, each word of it the likeliest.

    Attributes:
        model: which: ``"start"``, or the phase that it comes from.
        reward: mean decision reward; days whose horizons overlap are in its interval.
        structure, evidence: mean rewards.
        accuracy: how often the class was the true one.
        shuffled: the mean decision reward of the same answers, each paid on another briefing.
        p_value: how often shuffled answers earn as much.
        decisions: how often each class was answered; without a decision as ``"none"``.
        constants: mean decision rewards of constant answers.
    """

    model: str
    reward: Estimate
    structure: float
    evidence: float
    accuracy: float
    shuffled: float
    p_value: float
    decisions: Mapping[str, int]
    constants: Mapping[str, float]

    @property
    def reads(self) -> bool:
        """Whether its answers depend on what its briefings say."""
        return self.p_value < SURE

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        reward = {"value": self.reward.value, "low": self.reward.low, "high": self.reward.high}
        return {**self._asdict(), "reward": reward, "reads": self.reads}


def figures_on(model: str, rows: Sequence[CorpusRow], texts: Sequence[str]) -> UnseenFigures:
    """Judge theses.

    Args:
        model: who wrote them.
        rows: what they are about.
        texts: one a row.
    """
    earned = [_rewards(row, text) for row, text in zip(rows, texts, strict=True)]
    decided = [parse(text).decision for text in texts]
    truths = [row["label"] for row in rows]
    shuffled, p_value = _shuffled(decided, truths, rows)
    counts = Counter(decision or "none" for decision in decided)
    return UnseenFigures(
        model=model,
        reward=clustered_mean(
            np.array([each.decision for each in earned]), _days(rows), overlap=LONGEST
        ),
        structure=float(np.mean([each.structure for each in earned])),
        evidence=float(np.mean([each.evidence for each in earned])),
        accuracy=float(np.mean([one == other for one, other in zip(decided, truths, strict=True)])),
        shuffled=shuffled,
        p_value=p_value,
        decisions={name: counts[name] for name in (*CLASSES, "none") if counts[name]},
        constants={
            f"always {words_of(label)}": mean_decision_reward([label] * len(truths), truths)
            for label in CLASSES
        },
    )


def _rewards(row: CorpusRow, text: str) -> Rewards:
    citable = Citable.of(row["prompt"][-1]["content"], row["ids"])
    return rewards(text, citable, row["label"])


def _shuffled(
    decided: Sequence[str | None], truths: Sequence[str], rows: Sequence[CorpusRow]
) -> tuple[float, float]:
    """What answers earn on average on other days, and how often as much as on their own."""
    table = np.array([*DECISION_REWARDS.values(), [NO_DECISION] * len(CLASSES)])
    names = [*DECISION_REWARDS, None]
    answers = np.array([names.index(each) for each in decided])
    classes = np.array([CLASSES.index(each) for each in truths])
    own = table[answers, classes].mean()
    dealt = np.array([table[answers, classes[met]].mean() for met in dealings(rows, SHUFFLES)])
    above = int((dealt >= own - 1e-12).sum())
    return float(dealt.mean()), (1 + above) / (1 + SHUFFLES)


def _days(rows: Sequence[CorpusRow]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers of days that lie as far from each other as they depend on each other.

    Days of one market have the numbers of its sessions in the corpus; markets that were drawn
    apart share nothing.
    """
    drawn = sorted({row["market_seed"] for row in rows if row["market_seed"] is not None})
    weekdays = np.busday_count("1970-01-01", [row["date"] for row in rows]).astype(np.int64)
    apart = int(weekdays.max() - weekdays.min()) + 2 * LONGEST
    seeds = [row["market_seed"] for row in rows]
    offsets = [0 if seed is None else drawn.index(seed) * apart for seed in seeds]
    return np.asarray(weekdays - weekdays.min() + np.array(offsets, dtype=np.int64))
