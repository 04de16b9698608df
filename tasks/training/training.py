"""Trains a stage: from a model and a corpus to another model, and what it does on unseen days.

A training that was interrupted goes on where it was, if model, corpus and settings are the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.trading_r1.corpus.rows import CorpusRow
from investorbench.tasks.training.callbacks import TrainingWatch
from investorbench.tasks.training.lessons import Lessons, corpus_sha256, lessons_in
from investorbench.tasks.training.libraries import Libraries, libraries
from investorbench.tasks.training.models import (
    LoadedModel,
    identity_of,
    load_model_in,
    require_room,
)
from investorbench.tasks.training.phases import MODEL, StagePhases
from investorbench.tasks.training.settings import TrainingPlaces, TrainingSettings
from investorbench.tasks.training.unseen import UnseenFigures, figures_on
from investorbench.tasks.training.writing import written
from investorbench_env.errors import InvestorBenchError

BEGUN, REPORT, UNSEEN, LOCK = "training.json", "report.json", "unseen", ".lock"
START = "start"
"""The model that a training begins with, in tables."""

UnseenWatch = Callable[[UnseenFigures], None]


def train(
    places: TrainingPlaces,
    settings: TrainingSettings,
    *,
    watch: TrainingWatch | None = None,
    unseen: UnseenWatch | None = None,
) -> tuple[UnseenFigures, ...]:
    """Train, or go on with a training that was interrupted.

    Args:
        places: where the model, the corpus and what comes of them are.
        settings: how.
        watch: is called after each update.
        unseen: is called with what each model does on briefings that none has seen.

    Returns:
        The figures of the first model and of each phase's.

    Raises:
        MissingDependencyError: torch or TRL is not installed.
        InvestorBenchError: there is no model or corpus, they or the settings differ from those that
            the training began with, or another process is at it.
    """
    begun = {
        "settings": settings.plain(),
        "model": identity_of(places.model),
        "corpus": corpus_sha256(places.corpus),
    }
    found = libraries()
    for name in ("model", "corpus"):
        if places.into.resolve() == getattr(places, name).resolve():
            raise InvestorBenchError(
                f"into={places.into} is the folder of the {name}, which a training leaves as it "
                "is: give another into="
            )
    try:
        places.into.mkdir(parents=True, exist_ok=True)
        lock = FileLock(places.into / LOCK).acquire(timeout=0)
    except Timeout:
        raise InvestorBenchError(
            f"another process trains in {places.into}: wait for it, or give another into="
        ) from None
    except OSError as error:
        raise InvestorBenchError(
            f"into={places.into} cannot be written to ({error.strerror}): give another folder"
        ) from None
    with lock:
        require_same_training(places.into, begun)
        write_json(places.into / BEGUN, begun)
        lessons = lessons_in(places.corpus, settings)
        figures = tuple(_stage(found, places, settings, lessons, watch, unseen))
        write_json(places.into / REPORT, {"unseen": [each.plain() for each in figures]})
        return figures


def require_same_training(into: Path, begun: Mapping[str, Any]) -> None:
    """Refuse to go on with a training of another model, corpus or settings.

    Raises:
        InvestorBenchError: they differ; and in what.
    """
    if not (into / BEGUN).exists():
        return
    before = {
        part: found if isinstance(found, dict) else {}
        for part, found in read_json(into / BEGUN).items()
    }
    differ = [
        _difference(part, name, *values)
        for part in begun
        for name in sorted({*before.get(part, {}), *begun[part]})
        if (values := (before.get(part, {}).get(name), begun[part].get(name)))[0] != values[1]
    ]
    if differ:
        raise InvestorBenchError(
            f"the training in {into} cannot go on, for it was begun with others: "
            f"{'; '.join(differ)}; give what it began with, or another into="
        )


def _difference(part: str, name: str, before: Any, now: Any) -> str:
    if part == "settings":
        return f"{name} was {before}, is {now}"
    what = {"tokenizer": "another tokenizer", "template": "another chat template"}
    return what.get(name, "other weights") if part == "model" else f"{name} of the corpus changed"


def _stage(
    found: Libraries,
    places: TrainingPlaces,
    settings: TrainingSettings,
    lessons: Lessons,
    watch: TrainingWatch | None,
    unseen: UnseenWatch | None,
) -> Iterator[UnseenFigures]:
    phases = StagePhases(found, settings, lessons, places.into, watch)
    folder = places.model
    for name in (START, *settings.phases):
        if name != START:
            before, folder = folder, places.into / name / MODEL
            if not folder.exists():
                phases.train(name, _loaded(found, before, settings, lessons.train))
        texts = _unseen_theses(
            found, folder, settings, lessons, places.into / UNSEEN / f"{name}.json"
        )
        figures = figures_on(name, lessons.unseen, texts)
        if unseen is not None:
            unseen(figures)
        yield figures


def _unseen_theses(
    found: Libraries, folder: Path, settings: TrainingSettings, lessons: Lessons, path: Path
) -> list[str]:
    """A model's theses about what is unseen, each word the likeliest; they are written once."""
    if not path.exists():
        prompts = [row["prompt"] for row in lessons.unseen]
        loaded = _loaded(found, folder, settings, lessons.unseen)
        texts = written(found, loaded, prompts, tokens=settings.tokens)
        ids = [row["id"] for row in lessons.unseen]
        pairs = [{"id": id, "text": text} for id, text in zip(ids, texts, strict=True)]
        write_json(path, {"theses": pairs})
    return [str(each["text"]) for each in read_json(path)["theses"]]


def _loaded(
    found: Libraries, folder: Path, settings: TrainingSettings, rows: Sequence[CorpusRow]
) -> LoadedModel:
    """The model in a folder, which has room for what is asked of it."""
    loaded = load_model_in(folder, found)
    require_room(folder, loaded, [row["prompt"] for row in rows], settings.tokens)
    return loaded
