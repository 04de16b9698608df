"""Builds a corpus page by page; one that was interrupted goes on, and ends as if it never was.

A page is written to the end of a file, and then counted in ``building.json``: what stands behind
the last page that was counted is of a page that was cut off, and is written again.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from investorbench import __version__
from investorbench.agents.llm import LanguageModel
from investorbench.tasks.plain import plain
from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.trading_r1.corpus.markets import (
    CorpusDay,
    LabelledMarket,
    MarketOf,
    days_of,
    labelled,
    make_room,
    markets_of,
    require_apart,
    rows_in,
)
from investorbench.tasks.trading_r1.corpus.rows import (
    MANIFEST,
    SPLITS,
    CorpusRow,
    CorpusSplit,
    file_of,
    read_manifest,
    row_line,
    write_parquet,
)
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings, differences, named
from investorbench.tasks.trading_r1.corpus.teaching import Taught, Teacher
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.history import History
from investorbench_env.wrappers.briefing import brief

FORMAT = 1
STATE, LOCK, PART = "building.json", ".lock", ".part"
PAGE = 64
"""Rows that are briefed, asked about and written together."""
HISTORY_DAYS = 64
"""Days after which what was known is put together afresh, so that texts are in memory once."""
READ_BYTES = 1 << 20

CorpusWatch = Callable[[str, int, int], None]
"""Takes what is at work, and how many rows of how many are done."""


@dataclass(slots=True, kw_only=True)
class CorpusProgress:
    """How far a corpus is.

    Attributes:
        rows: written so far, of all splits.
        ends: the byte after the last page of each split.
        counts: rows of each split.
        taught: what a teacher was asked.
    """

    rows: int = 0
    ends: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SPLITS, 0))
    taught: Taught = field(default_factory=Taught)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "rows": self.rows,
            "ends": self.ends,
            "counts": self.counts,
            "taught": self.taught.plain(),
        }


def build_corpus(
    folder: Path,
    settings: CorpusSettings,
    *,
    teacher: Callable[[], LanguageModel] | None = None,
    watch: CorpusWatch | None = None,
) -> dict[str, Any]:
    """Build a corpus, or go on with one that was interrupted, and return its manifest.

    Args:
        folder: where it is; made where it is missing.
        settings: what it is built from.
        teacher: connects what answers for the teacher of the settings, once rows are to be written.
        watch: is called after each page.

    Raises:
        InvestorBenchError: the folder holds a corpus of other settings or other data, or another
            process builds it; settings, markets or the teacher do not work.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / LOCK).acquire(timeout=0)
    except Timeout:
        raise InvestorBenchError(
            f"another process builds the corpus in {folder}: wait for it, or give another out="
        ) from None
    try:
        with lock:
            return _build(folder, settings, teacher, watch or (lambda *_: None))
    except InvestorBenchError:
        if is_new and not (folder / STATE).exists():  # refused before anything was written
            with contextlib.suppress(OSError):
                (folder / LOCK).unlink()
                folder.rmdir()
        raise


def _build(
    folder: Path,
    settings: CorpusSettings,
    teacher: Callable[[], LanguageModel] | None,
    watch: CorpusWatch,
) -> dict[str, Any]:
    for name in (STATE, MANIFEST, *_names("parquet")):
        for path in folder.glob(f".{name}.*{PART}"):  # that a kill cut off
            path.unlink()
    asked = {"format": FORMAT, "settings": plain(settings.plain())}
    finished = dict(read_manifest(folder)) if (folder / MANIFEST).exists() else None
    before = finished
    if before is None and (folder / STATE).exists():
        before = read_json(folder / STATE)
    if before is None:
        _require_free(folder)
    else:  # before markets are opened, which takes a while
        _require_same(folder, {name: before.get(name) for name in asked}, asked)
    watch("opening markets", 0, 0)
    which = markets_of(settings)
    about = asked | {"markets": list(_described(which, settings))}
    require_apart([(said["name"], said) for said in about["markets"]])
    progress = CorpusProgress()
    if before is not None:
        _require_same(folder, {name: before.get(name) for name in about}, about)
        if finished is not None:
            _require_written(folder, finished)
            (folder / STATE).unlink(missing_ok=True)
            return finished
        progress = _progress_in(folder, before)
    total = rows_in(about["markets"], settings.variants)
    with asyncio.Runner() as runner, _pages(folder, about, progress) as write:
        asking = None
        if teacher is not None and settings.teacher is not None:
            asking = Teacher(teacher(), settings.teacher, progress.taught)
        watch("", progress.rows, total)
        for name, page in _written(which, settings, about["markets"], progress.rows):
            if asking is not None:
                runner.run(asking.teach(page))
            write(page)
            watch(name, progress.rows, total)
    watch("writing Parquet", total, total)
    return _finish(folder, about, progress)


def _described(which: Sequence[MarketOf], settings: CorpusSettings) -> Iterator[dict[str, Any]]:
    """What each market is, one in memory at a time."""
    for of in which:
        yield dict(plain(labelled(of, settings).plain()))
        make_room(settings)


def _written(
    which: Sequence[MarketOf],
    settings: CorpusSettings,
    described: Sequence[Any],
    done: int,
) -> Iterator[tuple[str, list[CorpusRow]]]:
    """Pages of rows, from the first that is not done; a market is opened where it has one."""
    for of, said in zip(which, described, strict=True):
        rows = rows_in([said], settings.variants)
        if done >= rows:
            done -= rows
            continue
        market = labelled(of, settings)
        following = islice(_rows(market, settings), done, None)
        while page := [make() for make in islice(following, PAGE)]:
            yield of.name, page
        done = 0
        del market, following
        make_room(settings)


def _rows(market: LabelledMarket, settings: CorpusSettings) -> Iterator[Callable[[], CorpusRow]]:
    """What makes each row of a market; those that are passed over cost nothing."""
    for number, (split, day) in enumerate(days_of(market)):
        if number % HISTORY_DAYS == 0:  # it keeps what it has shown
            history = market.history()
        for variant in range(settings.variants):
            yield partial(row_for, market, history, settings, split, day, variant)


def row_for(
    market: LabelledMarket,
    history: History,
    settings: CorpusSettings,
    split: CorpusSplit,
    day: CorpusDay,
    variant: int,
) -> CorpusRow:
    """The row of a briefing, without a thesis."""
    seed, past = settings.seed_of(variant), history.past(day.t)
    found = brief(past, market.facts, seed=seed, form=settings.form)
    if not found.ids:  # what was drawn has nothing to say on this day
        found = brief(past, market.facts, seed=seed, form=replace(settings.form, drop=0.0))
    text = found.text.encode("utf-8", "replace").decode()
    prompt: Any = [
        {"role": "system", "content": settings.instructions},
        {"role": "user", "content": text},
    ]
    return {
        "id": f"{market.of.name}/{day.date}/{variant}",
        "market": market.of.name,
        "task": market.of.task.id,
        "symbol": market.of.task.symbol,
        "market_seed": market.of.seed,
        "date": day.date,
        "split": split,
        "variant": variant,
        "seed": seed,
        "label": day.label,
        "score": day.score,
        "horizon_return": day.horizon_return,
        "daily_volatility": day.daily_volatility,
        "round_trip_rate": 2.0 * market.facts.cost_rate,
        "briefing_sha256": sha256(text.encode()).hexdigest(),
        "ids": list(found.ids),
        "prompt": prompt,
        "messages": prompt,
        "completion": None,
        "teacher": None,
        "stage": None,
        "rejected": None,
        "structure": None,
        "evidence": None,
        "decision": None,
    }


def _require_same(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with a corpus that is of something else."""
    if found := differences(before, now):
        raise InvestorBenchError(
            f"{folder} holds a corpus of other settings or data ({named(found)}): give another "
            "out=, or remove the folder"
        )


def _require_free(folder: Path) -> None:
    """Refuse to write over files of somebody else, where no corpus was begun."""
    parts = [f"{name}{PART}" for name in _names("jsonl")]
    for name in (*_names("jsonl"), *_names("parquet"), *parts):
        path = folder / name
        if path.exists() and path.stat().st_size:
            raise InvestorBenchError(
                f"{path} is there, and no corpus was begun in {folder}: give another out=, or move "
                "it away"
            )


def _require_written(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse a finished corpus that lost files since, or whose files were changed."""
    for name, recorded in manifest["files"].items():
        path = folder / name
        if not path.exists() or hash_of(path) != recorded:
            raise InvestorBenchError(
                f"{path} is not the file that was written: give another out=, or remove the "
                "folder, and build the corpus again"
            )


def _progress_in(folder: Path, state: dict[str, Any]) -> CorpusProgress:
    """How far a corpus is, of which all is there that was counted."""
    said = state["progress"]
    progress = CorpusProgress(**{**said, "taught": Taught.of(said["taught"])})
    for split in SPLITS:
        part, whole = _part(folder, split), file_of(folder, split)
        size = next((each.stat().st_size for each in (part, whole) if each.exists()), 0)
        if size < progress.ends[split]:
            raise InvestorBenchError(
                f"{part} has {size} bytes, and {progress.ends[split]} were written: it was "
                "changed; remove the folder, and build the corpus again"
            )
    return progress


@contextlib.contextmanager
def _pages(
    folder: Path, about: dict[str, Any], progress: CorpusProgress
) -> Iterator[Callable[[Sequence[CorpusRow]], None]]:
    """What writes a page to the ends of the files and counts it."""
    with contextlib.ExitStack() as stack:
        files = {}
        for split in SPLITS:
            path = _part(folder, split)
            if progress.rows and not path.exists() and file_of(folder, split).exists():
                continue  # a kill came after it got its name
            files[split] = stack.enter_context(path.open("ab"))
            files[split].truncate(progress.ends[split])
        _count(folder, about, progress)

        def write(page: Sequence[CorpusRow]) -> None:
            for row in page:
                files[row["split"]].write(row_line(row))
                progress.counts[row["split"]] += 1
            for split, file in files.items():
                file.flush()
                os.fsync(file.fileno())
                progress.ends[split] = file.tell()
            progress.rows += len(page)
            _count(folder, about, progress)

        yield write


def _count(folder: Path, about: dict[str, Any], progress: CorpusProgress) -> None:
    write_json(folder / STATE, {**about, "progress": progress.plain()})


def _finish(folder: Path, about: dict[str, Any], progress: CorpusProgress) -> dict[str, Any]:
    """Give the files their names, and say what they hold."""
    for split in SPLITS:
        part, whole = _part(folder, split), file_of(folder, split)
        if part.exists():
            part.replace(whole)
        write_parquet(whole, file_of(folder, split, "parquet"))
    paths = [file_of(folder, split, kind) for split in SPLITS for kind in ("jsonl", "parquet")]
    manifest = {
        **about,
        "investorbench": __version__,
        "rows": progress.counts,
        "taught": progress.taught.plain() if about["settings"]["teacher"] else None,
        "files": {path.name: hash_of(path) for path in paths},
    }
    write_json(folder / MANIFEST, manifest)
    (folder / STATE).unlink()
    return dict(read_manifest(folder))


def hash_of(path: Path) -> str:
    """SHA-256 of a file, of which little is in memory."""
    found = sha256()
    with path.open("rb") as file:
        while part := file.read(READ_BYTES):
            found.update(part)
    return found.hexdigest()


def _names(suffix: str) -> tuple[str, ...]:
    """The files of all splits."""
    return tuple(f"{split}.{suffix}" for split in SPLITS)


def _part(folder: Path, split: CorpusSplit) -> Path:
    path = file_of(folder, split)
    return path.with_name(path.name + PART)
