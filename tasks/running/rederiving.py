"""An agent run again from the start on the answers that were recorded: does all of it come out?

Environment, memory and agent are made again; of the model there are only its recorded answers.
Prompts, recalled memories, thoughts and actions must come out to the byte. It asks no server, and
what gave the answers it cannot know.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from investorbench.agents.agent import Runner
from investorbench.agents.errors import EXPLAINED, INFRASTRUCTURE
from investorbench.agents.llm import LanguageModel, connect
from investorbench.agents.llm.models import OF_THE_SERVER
from investorbench.agents.llm.recorded import NothingRecordedError, RecordedAnswers
from investorbench.tasks.ranks import Ranks
from investorbench.tasks.record.deep import first_difference
from investorbench.tasks.record.episode_folder import (
    CHECKPOINT,
    FILES,
    METRICS,
    EpisodeFolder,
    figures_in,
)
from investorbench.tasks.record.files import is_of_a_system, read_json
from investorbench.tasks.record.lines import RecordFile, read_record
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.replaying import HEADER, Replayed
from investorbench.tasks.record.schema import Content, Line, as_json
from investorbench.tasks.record.settings import read_settings
from investorbench.tasks.running.asked import Asked
from investorbench.tasks.running.block import RenewedAgent, play_block
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.play import Ranked, play
from investorbench.tasks.running.unusable import UnusableAnswers
from investorbench.tasks.step import Step
from investorbench_env.errors import InvestorBenchError

OURS, ARRAYS = "investorbench.", "arrays"


class CannotRederiveError(InvestorBenchError):
    """An episode whose agent cannot be run again, and why."""


async def rederive(recorded: RecordedJob, number: int, again: Job) -> Replayed:
    """Run the agent of a repeat again, and compare each line with the one that is recorded.

    Args:
        recorded: the job of the repeat.
        number: of the repeat.
        again: the same job, made from what is recorded of it.

    Returns:
        How many steps came out, and the first difference.

    Raises:
        CannotRederiveError: it was not finished, or too little of it was recorded.
        InvestorBenchError: the agent or its environment cannot be made here.
    """
    path = recorded.episodes[number]
    records: dict[str, RecordFile] = {
        split: read_record(path / FILES[split]).require_whole() for split in recorded.splits
    }
    _require_recorded(path, records, again)
    with tempfile.TemporaryDirectory(prefix="investorbench-verify-") as room:
        folder = EpisodeFolder(Path(room) / "repeat", settings=again.settings)
        answering = _answering(again, records, figures_in(path).get("described") or {})
        asked = (
            None
            if answering is None
            else Asked(answering, UnusableAnswers(), wording=again.wording(number))
        )
        runner = again.runner(number, asked, folder)
        try:
            return await _compared(recorded, number, runner, records, folder, asked)
        finally:
            await runner.close()


async def _compared(
    job: RecordedJob,
    number: int,
    runner: Runner,
    records: Mapping[str, RecordFile],
    folder: EpisodeFolder,
    asked: Asked | None,
) -> Replayed:
    path, steps = job.episodes[number], 0
    for split in job.splits:
        record, env = records[split], job.task.make(split)
        same, difference = 0, None
        try:
            ranked = _as_recorded(record.lines)
            seeds = job.seeds[number]
            played = (
                play_block(runner, env, number, folder, asked)
                if isinstance(runner, RenewedAgent)
                else play(runner, env, split, seeds, number, folder, asked, ranked)
            )
            async for step in played:
                if found := _start_differs(step, folder, record):
                    return Replayed(path, steps, f"{HEADER} {split}: {found}", record.path, 1)
                if found := _line_differs(step, record.lines):
                    difference = found
                    break
                same, steps = same + 1, steps + 1
        except Exception as error:
            if _is_elsewhere(error) or not (steps or isinstance(error, NothingRecordedError)):
                raise CannotRederiveError(_in_words(error)) from error
            difference = _in_words(error)
        if difference is None and same < len(record.lines):
            difference = "is recorded after the end of the split"
        if difference is not None:
            at = min(same, len(record.lines) - 1)
            when = f"{record.lines[at].session} ({split})"
            return Replayed(path, steps, f"{when}: {difference}", record.path, at + 2)
    if found := await _description_differs(path, runner):
        return Replayed(path, steps, found, path / METRICS)
    if _saves_alike(job) and (other := await _state_differs(path, runner)):
        return Replayed(path, steps, "is not what the agent comes to", other)
    return Replayed(path, steps, None)


def _as_recorded(lines: Sequence[Line]) -> Ranked | None:
    """Gives the ranks that an agent was shown; None where it was shown none."""
    if not lines or lines[0].ranks is None:
        return None

    async def ranked(split: str, number: int, equity: float) -> Ranks:
        return lines[min(number, len(lines) - 1)].ranks or {}

    return ranked


def _is_elsewhere(error: Exception) -> bool:
    """Whether it says nothing of the record: a server or a package that is missing here."""
    return isinstance(error, INFRASTRUCTURE) and not isinstance(error, NothingRecordedError)


def _in_words(error: Exception) -> str:
    is_ours = isinstance(error, EXPLAINED)
    return str(error) if is_ours else f"the agent raises {type(error).__name__}: {error}"


def _line_differs(step: Step, lines: Sequence[Line]) -> str | None:
    if step.number >= len(lines):
        return "goes on after the last line of the record"
    recorded = lines[step.number]
    line = Line.of(step).without_younger(recorded)
    now, before = line.to_json(), recorded.to_json()
    for content in (now, before):
        del content["written_at"]
    # An answer of an older record lacks what younger ones say of themselves.
    now["answers"] = [
        {name: part for name, part in own.items() if name in kept}
        for own, kept in zip(now["answers"], before["answers"], strict=False)
    ] + now["answers"][len(before["answers"]) :]
    return first_difference(now, before)


def _start_differs(step: Step, folder: EpisodeFolder, record: RecordFile) -> str | None:
    """Whether what is known before the first decision is as the header has it."""
    if step.number > 0 or record.header is None:
        return None
    now, before = folder.header_of(step).to_json(), record.header.to_json()
    for content in (now, before):
        for name in ("code", "written_at"):
            del content[name]
        content["agent"]["described"] = _without_server(content["agent"]["described"])
    if "market_seed" not in before:
        now.pop("market_seed", None)
    return first_difference(now, before)


async def _description_differs(path: Path, runner: Runner) -> str | None:
    """Whether the agent says of itself at the end what the figures say that it said."""
    described = await runner.describe()
    kept = figures_in(path).get("described") if (path / METRICS).exists() else None
    if described is None or kept is None:
        return None
    model = {name: part for name, part in kept.items() if name == "model"}
    now = _without_server(as_json({**described, **model}))
    return first_difference(now, _without_server(kept), "described")


def _saves_alike(job: RecordedJob) -> bool:
    """Whether its agent is one of ours, and saved all of its state in files of its own."""
    settings = read_settings(job.path)
    store = settings.get("memory", {}).get("store", ARRAYS)
    return str(settings["agent"].get("_target_", "")).startswith(OURS) and store == ARRAYS


async def _state_differs(path: Path, runner: Runner) -> Path | None:
    """The first file of the state that the agent was saved in at the end which is another one.

    One that is missing there, or is one more, is another one.
    """
    checkpoint = path / CHECKPOINT
    if not (checkpoint.exists() and runner.can_be_saved):
        return None
    kept = path / "agent" / str(read_json(checkpoint)["agent"])
    with tempfile.TemporaryDirectory(prefix="investorbench-verify-") as room:
        await runner.save(Path(room))
        now, before = _contents(Path(room)), _contents(kept)
    names = sorted(now.keys() | before.keys())
    return next((kept / name for name in names if now.get(name) != before.get(name)), None)


def _contents(folder: Path) -> dict[str, bytes]:
    """What the files below a folder hold, by their paths in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not is_of_a_system(path)
    }


def _without_server(described: Content | None) -> Any:
    model = (described or {}).get("model")
    if described is None or not isinstance(model, dict):
        return described
    kept = {name: part for name, part in model.items() if name not in OF_THE_SERVER}
    return {**described, "model": kept}


def _answering(
    job: Job, records: Mapping[str, RecordFile], described: Content
) -> LanguageModel | None:
    """What answers in place of the model; the offline reader, which anybody has, reads again.

    Args:
        job: the same as before.
        records: of the repeat.
        described: what its agent said of itself at the end, such as the context of its model.
    """
    if job.model is None:
        return None
    if not job.model.is_language_model:
        return connect(job.model)
    lines = [line for record in records.values() for line in record.lines]
    length = job.model.context_length or described.get("context_length")
    model = replace(job.model, context_length=length)
    answers = (answer for line in lines for answer in line.answers)
    refused = (each for line in lines for each in (line.thought or {}).get("refused", ()))
    numbers = {
        each["request_hash"]: (each["limit_tokens"], each["prompt_tokens"]) for each in refused
    }
    return RecordedAnswers(model, answers, numbers)


def _require_recorded(path: Path, records: Mapping[str, RecordFile], job: Job) -> None:
    for record in records.values():
        if record.schema == 1:
            raise CannotRederiveError("version 1 of the record holds too little to run it again")
        if not record.lines and (path / METRICS).exists():
            raise CannotRederiveError(f"{record.path.name} holds no lines")
    if job.wrapper is None and "wrapper" in job.settings:
        raise CannotRederiveError(
            f"its environment was wrapped in {job.settings['wrapper']}, which a record cannot make"
        )
