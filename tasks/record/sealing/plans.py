"""What is known of a run before it begins, and the same as its record has it, by part."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from investorbench.tasks.record.code import code_of
from investorbench.tasks.record.episode_folder import FILES, METRICS
from investorbench.tasks.record.lines import header_in
from investorbench.tasks.record.run_files import SealedParts, file_parts
from investorbench.tasks.record.run_folder import jobs_in
from investorbench.tasks.record.schema import Content, as_json
from investorbench.tasks.record.settings import RACE, REPEATS, as_yaml, read_settings, settings_in
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.task import SplitName, Task
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

SEED = "seed"
NUMBER, FINISHED = "number", "finished"
CONFIGURATION, SEEDS, CODE, DATA = "configuration", "seeds", "code", "data"
PARTS = (CONFIGURATION, SEEDS, REPEATS, CODE, DATA)


class Planned(Protocol):
    """A job that is to be run, such as :class:`~investorbench.tasks.Job`; its seed is known."""

    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def task(self) -> Task: ...
    @property
    def seeds(self) -> Sequence[Seeds]: ...
    @property
    def warmup(self) -> bool: ...
    def path(self, run: Path, /) -> Path: ...


def planned_parts(job: Planned) -> SealedParts:
    """What is known of a job before it begins, by part.

    Raises:
        InvestorBenchError: it has no seed yet, or there is no data for it here.
    """
    if job.settings[SEED] is None:
        raise InvestorBenchError(
            f"{job.task.id}: a plan needs the seed of its run; name one with seed=..., or let "
            "`investorbench seal --plan` draw one"
        )
    settings = settings_in(as_yaml(job.settings))  # as the folder of the job will have it
    splits: Sequence[SplitName] = ("warmup", "test") if job.warmup else ("test",)
    facts = {split: job.task.facts(split) for split in splits}
    seeds = {f"repeat-{number}": list(own) for number, own in enumerate(job.seeds)}
    return as_json(
        {
            CONFIGURATION: _configuration(settings),
            SEEDS: {"run": settings[SEED], **seeds},
            REPEATS: _repeats(settings),
            CODE: {"sha256": code_of()["sha256"]},
            DATA: {split: _data(own) for split, own in facts.items()},
        }
    )


def recorded_parts(job: Path) -> SealedParts:
    """The same of a job that is recorded, from its configuration and its headers.

    Parts that are not recorded, or cannot be read, are left out; a header that says something else
    than those before it has a name of its own.
    """
    parts: SealedParts = {}
    repeats = sorted(path for path in job.glob("repeat-*") if path.is_dir())
    headers = {
        (repeat.name, split): header
        for repeat in repeats
        for split, name in FILES.items()
        if (header := header_in(repeat / name)) is not None
    }
    seeds: Content = {}
    with contextlib.suppress(InvestorBenchError):
        settings = read_settings(job)
        parts[CONFIGURATION] = _configuration(settings)
        parts[REPEATS] = _repeats(settings)
        finished = sum((repeat / METRICS).exists() for repeat in repeats)
        if finished != settings.get(REPEATS):
            parts[REPEATS][FINISHED] = finished
        seeds["run"] = settings.get(SEED)
    found: SealedParts = {SEEDS: seeds, CODE: {}, DATA: {}}
    for (repeat, split), header in headers.items():
        _add(found[SEEDS], repeat, split, repeat, list(header.seeds))
        _add(found[CODE], "sha256", split, repeat, header.code.get("sha256"))
        _add(found[DATA], split, split, repeat, _data(header.facts))
    return as_json(parts | (found if headers else {}))


def record_parts(run: Path) -> dict[str, SealedParts]:
    """All parts of a record: what was planned, as far as it is recorded, and every file.

    Raises:
        InvestorBenchError: it is no run folder, or a file cannot be read.
    """
    parts = file_parts(run)
    for place, own in planned_of(run).items():
        parts[place] = own | parts.get(place, {})
    return parts


def planned_of(run: Path) -> dict[str, SealedParts]:
    """What was planned, as far as it is recorded."""
    return {job.relative_to(run).as_posix(): recorded_parts(job) for job in jobs_in(run)}


def _add(part: Content, name: str, split: str, repeat: str, value: Any) -> None:
    """Add what a header says; where another one said something else, under a name of its own."""
    if part.setdefault(name, value) != value:
        part[f"{name} ({split} of {repeat})"] = value


def _repeats(settings: Mapping[str, Any]) -> Content:
    """How many there are to be; of a job that may stop before, how many at most."""
    return {NUMBER: settings.get(RACE, settings).get(REPEATS)}


def _configuration(settings: Mapping[str, Any]) -> Content:
    return {name: part for name, part in settings.items() if name not in (SEED, REPEATS)}


def _data(facts: Facts) -> Content:
    return {
        "sha256": facts.fingerprint,
        "window": list(facts.window),
        "simulated": facts.simulated,
    }
