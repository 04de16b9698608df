"""The figures of a result on a simulated task of snapshots, beside its frozen reference."""

from typing import TYPE_CHECKING

import numpy as np

from investorbench.tasks.snapshots.figures import SnapshotFigures, figures_of
from investorbench.tasks.snapshots.references import SnapshotReference, key_of, reference_of
from investorbench.tasks.snapshots.scores import SnapshotDecisions
from investorbench.tasks.statistics.estimate import Estimate
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError

if TYPE_CHECKING:
    from investorbench.tasks.result import Result


def decisions_in(result: "Result") -> SnapshotDecisions:
    """All decisions of a result in their order, with what was to be expected of each.

    Raises:
        InvestorBenchError: they are no snapshots, or the law of their markets is not known.
    """
    facts, blocks = result.facts, [each.scored for each in result.episodes]
    if facts.horizon is None or any(block is None for block in blocks):
        raise InvestorBenchError(f"{result.task.id} is no task of snapshots: its runs have no edge")
    if not facts.simulated:
        raise InvestorBenchError(
            f"{result.task.id} runs on {facts.source}: what was to be expected is known of "
            "simulated markets alone, such as those of snapshot/sim"
        )
    weight, realised, mean, variance = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("weights", "returns", "means", "variances")
    )
    by_weight = facts.action == "weight"
    return SnapshotDecisions(weight, mean, variance, realised, facts.cost_rate, by_weight)


def reference_for(task: Task) -> SnapshotReference:
    """The frozen reference of a task.

    Raises:
        InvestorBenchError: there is none.
    """
    return reference_of(key_of(task.facts("test"), task.options))


def figures_in(result: "Result", filter_result: "Result | None" = None) -> SnapshotFigures:
    """The figures of a result; on a task without a reference all but skill.

    Args:
        result: on a simulated task of snapshots.
        filter_result: the filter's on the same markets, as a control variate.

    Raises:
        InvestorBenchError: there is no edge; or the filter met other markets.
    """
    control = None
    if filter_result is not None:
        own, other = (
            [seed for each in met.episodes if each.scored for seed in each.scored.market_seeds]
            for met in (result, filter_result)
        )
        if own != other:
            raise InvestorBenchError(
                f"{result.agent} and {filter_result.agent} met other markets: a control variate "
                "needs runs of the same seed or salt"
            )
        control = decisions_in(filter_result)
    known, why_none = found_reference(result.task)
    paired = bool(result.task.options.get("antithetic"))
    figures = figures_of(decisions_in(result), known, control, antithetic=paired)
    return figures if known else figures._replace(skill=Estimate(reason=why_none))


def found_reference(task: Task) -> tuple[SnapshotReference | None, str]:
    """The frozen reference of a task, or why there is none."""
    try:
        return reference_for(task), ""
    except InvestorBenchError as error:
        return None, str(error)
