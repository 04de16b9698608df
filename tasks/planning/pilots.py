"""What an earlier run shows of one to come: how much scores vary, and what answers take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from investorbench.tasks.answers import answers_of
from investorbench.tasks.leaderboard.snapshot_rows import snapshot_boards
from investorbench.tasks.planning.estimates import AnswerSize, PilotTask, spread_of
from investorbench.tasks.record.reading import recorded_entry
from investorbench.tasks.record.run_folder import job_in, jobs_in
from investorbench.tasks.result import Entry, Result
from investorbench.tasks.running.observed import ASSETS_A_DAY
from investorbench.tasks.suites.freezing import task_of_suite
from investorbench.tasks.suites.suite import Suite
from investorbench.tasks.task import Task
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """An earlier run, as far as it says anything of a suite.

    Attributes:
        run: its folder.
        tasks: what it shows, by the suite's names of tasks.
        answering: what its language models' answers took; None where it asked none.
    """

    run: Path
    tasks: Mapping[str, PilotTask]
    answering: AnswerSize | None


def pilot_of(run: Path, suite: Suite) -> Pilot:
    """What a run shows of a suite; some repeats of it are enough.

    Raises:
        InvestorBenchError: it holds no two agents on the same markets of a task of the suite.
    """
    entries = [recorded_entry(job_in(path)) for path in jobs_in(run)]
    tasks = {}
    for task in suite.tasks:
        own = [each for each in entries if _is_of(each.result, task_of_suite(task, suite))]
        if (found := _shown(own, run)) is not None:
            tasks[task.task] = found
    if not tasks:
        raise InvestorBenchError(
            f"{run} is no pilot of suite {suite.name}: it holds no two agents that scored "
            "differently on several of the same markets of one of its tasks"
        )
    return Pilot(run=run, tasks=tasks, answering=_answering([each.result for each in entries]))


def _is_of(result: Result, made: Task) -> bool:
    options = {name: own for name, own in result.task.options.items() if name != ASSETS_A_DAY}
    return (result.task.id, options) == (made.id, made.options)


def _shown(entries: Sequence[Entry], run: Path) -> PilotTask | None:
    """What the agents of one task show; None of fewer than two."""
    source = f"{count(len(entries), 'agent')} in {run}"
    boards = snapshot_boards(entries)
    if not boards:
        spread = spread_of(_ratios([each.result for each in entries]), source)
        return None if spread is None else PilotTask(spread)
    (board, *_) = boards
    spread = spread_of(board.scores, source)
    if spread is None:
        return None
    return PilotTask(spread, min(row.decisions for row in board.rows) / board.observations)


def _ratios(results: Sequence[Result]) -> dict[str, np.ndarray]:
    """The Sharpe ratios of agents on the markets that all of them met [n] each."""
    met = {
        each.agent: {own.market_seed: own.metrics["SR"] for own in each.episodes}
        for each in results
        if each.facts.draws_markets
    }
    every = list(met.values())
    shared = [seed for seed in every[0] if all(seed in own for own in every)] if every else []
    return {agent: np.array([own[seed] for seed in shared]) for agent, own in met.items()}


def _answering(results: Sequence[Result]) -> AnswerSize | None:
    """Tokens of an answer, over all language models."""
    found = [each for each in map(answers_of, results) if each and each.is_language_model]
    decisions = sum(each.decisions for each in found)
    if not decisions:
        return None
    read, written = sum(each.read for each in found), sum(each.written for each in found)
    return AnswerSize(read / decisions, written / decisions)
