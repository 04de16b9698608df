"""What is learned from a corpus: rows for each phase of training, and those that none has seen."""

import random
from collections.abc import Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.tasks.task import Task, task_of
from investorbench.tasks.trading_r1.corpus.filters import ThesisFilter, reaches
from investorbench.tasks.trading_r1.corpus.rows import (
    MANIFEST,
    SPLITS,
    CorpusRow,
    file_of,
    read_manifest,
    read_rows,
)
from investorbench.tasks.training.settings import TrainingSettings
from investorbench_env.errors import DataNotFoundError, InvestorBenchError

COLUMNS = (
    "prompt", "label", "ids", "horizon_return", "daily_volatility", "round_trip_rate", "market",
    "task", "market_seed", "date", "seed",
)  # fmt: skip
"""Of a row, in the phase by rewards."""


class Lessons(NamedTuple):
    """The rows of a corpus.

    Attributes:
        train: all to learn from.
        unseen: some of the test, drawn by the seed of a training.
        tasks: whose markets they are of, by the names of the markets.
        keeps: what a thesis must earn, as the corpus was built with.
    """

    train: tuple[CorpusRow, ...]
    unseen: tuple[CorpusRow, ...]
    tasks: Mapping[str, Task]
    keeps: ThesisFilter

    def written(self, stage: str) -> list[dict[str, Any]]:
        """A teacher's theses that passed the filter of a stage, as a library learns from them.

        Raises:
            InvestorBenchError: there are none.
        """
        kept = [row for row in self.train if row["completion"] and reaches(row["stage"], stage)]
        if not kept:
            raise InvestorBenchError(
                f"no row of the corpus has a thesis that passed the filter of stage {stage}: build "
                "it with teacher=…, or leave this phase out with phases=rewards"
            )
        return [lesson_of(row["prompt"], str(row["completion"])) for row in kept]

    def paid(self) -> list[dict[str, Any]]:
        """Briefings with what their theses are paid by."""
        return [{name: row[name] for name in COLUMNS} for row in self.train]  # type: ignore[literal-required]


def lesson_of(prompt: Sequence[Any], completion: str) -> dict[str, Any]:
    """A prompt and what is to be answered."""
    return {
        "prompt": list(prompt),
        "completion": [{"role": "assistant", "content": completion}],
    }


def lessons_in(folder: Path, settings: TrainingSettings) -> Lessons:
    """The rows of a finished corpus whose files are as they were built.

    Raises:
        DataNotFoundError: there is no finished corpus.
        InvestorBenchError: its files changed since, or a split is empty.
    """
    corpus_sha256(folder)
    train, test = (tuple(read_rows(folder, split)) for split in SPLITS)
    for name, rows in zip(SPLITS, (train, test), strict=True):
        if not rows:
            raise InvestorBenchError(f"{file_of(folder, name)} holds no row: build a larger corpus")
    drawn = random.Random(f"unseen {settings.seed}").sample(test, min(settings.unseen, len(test)))
    drawn.sort(key=lambda row: (row["symbol"], row["market_seed"] or 0, row["date"], row["id"]))
    return Lessons(train, tuple(drawn), tasks_in(folder), filter_in(folder))


def tasks_in(folder: Path) -> dict[str, Task]:
    """The tasks that a corpus is of, by the names of its markets.

    Raises:
        DataNotFoundError: there is no finished corpus.
        InvestorBenchError: its manifest cannot be read.
    """
    try:
        markets = read_manifest(folder).get("markets", ())
        return {market["name"]: task_of(market) for market in markets}
    except (AttributeError, LookupError, TypeError) as error:
        raise _unread(folder, "markets", error) from None


def filter_in(folder: Path) -> ThesisFilter:
    """What the theses of a corpus's teacher had to earn; the usual filter without a teacher.

    Raises:
        DataNotFoundError: there is no finished corpus.
        InvestorBenchError: its manifest cannot be read.
    """
    try:
        teacher = read_manifest(folder).get("settings", {}).get("teacher")
        if teacher is None:
            return ThesisFilter()
        return ThesisFilter(structure=teacher["structure"], evidence=teacher["evidence"])
    except (AttributeError, LookupError, TypeError) as error:
        raise _unread(folder, "teacher", error) from None


def corpus_sha256(folder: Path) -> dict[str, str]:
    """The digests of a corpus's files, its manifest's too, which must be those that it names.

    Raises:
        DataNotFoundError: there is no finished corpus.
        InvestorBenchError: a file changed since it was built; and which.
    """
    named = read_manifest(folder).get("files", {})
    found = {MANIFEST: _sha256(folder / MANIFEST)}
    for split in SPLITS:
        path = file_of(folder, split)
        if not path.exists():
            raise DataNotFoundError(f"{folder} holds no {path.name}: build the corpus again")
        found[path.name] = _sha256(path)
        wanted = named.get(path.name)
        if wanted is not None and wanted != found[path.name]:
            raise InvestorBenchError(
                f"{path} changed since the corpus was built: its SHA-256 was {str(wanted)[:12]}… "
                f"and is {found[path.name][:12]}…; build the corpus again"
            )
    return found


def _unread(folder: Path, part: str, error: Exception) -> InvestorBenchError:
    reason = f"{type(error).__name__}: {error}"
    return InvestorBenchError(
        f"the {part} in {folder / MANIFEST} cannot be read ({reason}): build the corpus again"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
