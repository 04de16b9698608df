"""What an earlier run shows of one to come: how much scores vary, and what answers take."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from investorbench.tasks.answers import answers_of
from investorbench.tasks.record.reading import recorded_entry
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.result import Result
from investorbench.tasks.snapshots.played import paired_edges
from investorbench.tasks.suites.estimates import AnswerSize, DifferenceSpread, spread_of
from investorbench.tasks.suites.freezing import task_of_suite
from investorbench.tasks.suites.suite import Suite
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """An earlier run, as far as it says anything of a suite.

    Attributes:
        run: its folder.
        spreads: of the differences of its agents, by the suite's names of tasks.
        answering: what its language models' answers took; None where it asked none.
    """

    run: Path
    spreads: Mapping[str, DifferenceSpread]
    answering: AnswerSize | None


def pilot_of(run: Path, suite: Suite) -> Pilot:
    """What a run shows of a suite; some blocks of it are enough.

    Raises:
        InvestorBenchError: it holds no two agents on the same snapshots of a task of the suite.
    """
    results = [recorded_entry(job_in(path)).result for path in jobs_in(run)]
    spreads = {}
    for task in suite.tasks:
        made = task_of_suite(task, suite)
        own = [each for each in results if each.task == made and each.facts.horizon is not None]
        edges = paired_edges(own)
        if len(edges) > 1 and (found := spread_of(edges, _source(run, edges))) is not None:
            spreads[task.task] = found
    if not spreads:
        raise InvestorBenchError(
            f"{run} is no pilot of suite {suite.name}: it holds no two agents that decided "
            "differently on the same snapshots of one of its tasks"
        )
    return Pilot(run=run, spreads=spreads, answering=_answering(results))


def _source(run: Path, edges: Mapping[str, object]) -> str:
    return f"{count(len(edges), 'agent')} in {run}"


def _answering(results: list[Result]) -> AnswerSize | None:
    """Tokens of an answer, over all language models."""
    found = [each for each in map(answers_of, results) if each and each.is_language_model]
    decisions = sum(each.decisions for each in found)
    if not decisions:
        return None
    read, written = sum(each.read for each in found), sum(each.written for each in found)
    return AnswerSize(read / decisions, written / decisions)
