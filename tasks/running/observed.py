"""What repeats of a race are scored, and which of these scores are one observation.

Of snapshots on real markets that is a day, over all its assets: what they earn goes together. So
days are dealt one by one there, and those of a race have horizons that share no session.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from investorbench.tasks.days import Dates
from investorbench.tasks.expected.steps import expected_episode, why_unknown
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.result import Episode
from investorbench.tasks.snapshots.scores import BPS, SnapshotDecisions, edge, in_pairs, realised
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.sequential import StoppingError
from investorbench.tasks.task import Task
from investorbench_env.facts import Facts

ASSETS_A_DAY = "assets_a_day"
"""Names the option of a task that is dealt day by day, and the same in the settings of a race."""


class RepeatScores(NamedTuple):
    """What a repeat is scored, in basis points.

    Attributes:
        values: of snapshots, pairs or days of decisions, or the mean of an account [n].
        days: on which real snapshots were decided [n]; None where each score is an observation.
    """

    values: FloatArray
    days: Dates | None = None


def observations(
    repeats: Sequence[RepeatScores], setting: Mapping[str, Any] = MappingProxyType({})
) -> FloatArray:
    """The observations of repeats that follow one another: scores, or means of whole days [N].

    Days go on from one repeat to the next. The last is left out unless it has as many assets as any
    may have: the others may be in the repeat that follows.

    Args:
        repeats: at least one.
        setting: of the race.
    """
    values = np.concatenate([each.values for each in repeats])
    if ASSETS_A_DAY not in setting:
        return values
    days = np.concatenate([each.days for each in repeats if each.days is not None])
    if len(days) != len(values):
        raise StoppingError("scores of a race on real days without their days")
    first = np.append(0, np.flatnonzero(days[1:] != days[:-1]) + 1)
    sizes = np.diff(np.append(first, len(days)))
    means = np.add.reduceat(values, first) / sizes
    return np.asarray(means if sizes[-1] >= setting[ASSETS_A_DAY] else means[:-1])


def scores_of(episode: Episode, task: Task, facts: Facts) -> RepeatScores:
    """What a repeat is scored: its snapshots or pairs each, or an account by its mean.

    Real snapshots are scored by what came, and what is simulated by what was to be expected. So is
    an account where that is known, a day.

    Args:
        episode: of the repeat.
        task: that it was played on.
        facts: of its environment, as recorded: the data of a real market may be elsewhere.
    """
    if not is_of_snapshots(facts):
        return RepeatScores(np.array([BPS * float(np.mean(_returns(episode, task, facts)))]))
    if episode.scored is None:
        raise StoppingError(f"{task.id}: an older record of snapshots has no scores")
    own = episode.scored
    decided = SnapshotDecisions(
        weight=own.weights,
        mean=own.means,
        variance=own.variances,
        realised=own.returns,
        cost_rate=facts.cost_rate,
        by_weight=facts.action == "weight",
    )
    if ASSETS_A_DAY in task.options:
        return RepeatScores(BPS * realised(decided), episode.dates)
    decided.require_sound()
    scores = BPS * edge(decided)
    return RepeatScores(in_pairs(scores) if is_paired(task) else scores)


def is_paired(task: Task) -> bool:
    """Whether two snapshots that follow one another are an antithetic pair, one observation."""
    return bool(task.options.get("antithetic"))


def _returns(episode: Episode, task: Task, facts: Facts) -> FloatArray:
    if why_unknown(task, facts) is not None:
        return episode.returns
    return expected_episode(task, facts, episode).expected
