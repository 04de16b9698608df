"""Jobs whose plan is sealed before any of them runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from investorbench.tasks.record.sealing import Seal, seal_plan
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.run_seed import seeded
from investorbench.tasks.running.seating import with_rivals


class SealedPlan(NamedTuple):
    """What is to be run, with the seed that was named, recorded or drawn, and its seal."""

    jobs: list[Job]
    seal: Seal


def sealed_plan(jobs: Sequence[Job], run: Path) -> SealedPlan:
    """Seal what is to be run in a folder; a seed that is drawn for it stays in the folder.

    Raises:
        InvestorBenchError: something is recorded there, or another plan was sealed for it.
    """
    with seeded(with_rivals(jobs), run) as known:
        return SealedPlan(known, seal_plan(known, run))
