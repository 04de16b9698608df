"""``investorbench corpus``: briefings with labels and theses to train on, and what is wrong there.

It reads the command line and connects the teacher; tasks/trading_r1/corpus does the work.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from investorbench.agents.llm import Budget, Cache, LanguageModel, Model, connect, load_model
from investorbench.agents.thesis.question import prompt_of
from investorbench.scripts.corpus_output import Watching, print_built, print_check, watching
from investorbench.scripts.model_settings import nested
from investorbench.scripts.terminal import Console
from investorbench.tasks.record.files import folder_name
from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.corpus.building import build_corpus
from investorbench.tasks.trading_r1.corpus.checking import BRIEFINGS, check_corpus
from investorbench.tasks.trading_r1.corpus.filters import ThesisFilter
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings, TeacherSettings
from investorbench.tasks.trading_r1.thresholds import Dates
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.wrappers.briefing_form import BriefingForm

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
CORPORA = Path("corpora")
"""Where corpora are that are given no place of their own."""
TEACHER = "teacher"
"""In a corpus, the folder of what its teacher was asked."""
ANSWERS, SPENDING = "answers.sqlite", "spending.txt"
BETWEEN = ".."
"""Stands between the first and the last date of a window."""

OF_CORPUS: Mapping[str, Callable[[str], Any]] = {"variants": int, "seed": int, "markets": int}
OF_TEACHER: Mapping[str, Callable[[str], Any]] = {"stage": str, "tries": int, "max_tokens": int}
OF_FILTER: Mapping[str, Callable[[str], Any]] = {"structure": float, "evidence": float}
OTHERS: Mapping[str, Callable[[str], Any]] = {
    "task": str, "symbols": str, "data": str, "train": str, "test": str, "direction": str,
    "volatility": str, "teacher": str, "max_usd": float, "out": Path,
}  # fmt: skip
OPEN = ("task.", "teacher.", "briefing.")
"""Beginnings of settings whose names others check."""

app = typer.Typer(no_args_is_help=True)


@app.callback()
def corpus() -> None:
    """Corpora to train on."""


@app.command("build", context_settings=CONTEXT)
def build(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="The manifest, in one line.")] = False,
) -> None:
    """Write briefings, labels and theses: task=stock/tsla,… [variants=20] [teacher=MODEL] [out=…].

    Also train=FIRST..LAST test=FIRST..LAST symbols=… data=… markets=… seed=… stage=I|II|III tries=…
    structure=… evidence=… max_usd=… max_tokens=… direction=… volatility=… task.options.…=…
    briefing.…=… teacher.…=…; docs/corpus.md explains them. One that was killed goes on.
    """
    given = _given(context.args)
    settings = _settings(given)
    folder: Path = given.get("out") or CORPORA / _name(settings)
    spending = folder / TEACHER / SPENDING
    with ExitStack() as stack:
        teacher = None if settings.teacher is None else partial(
            _connected, settings.teacher.model, folder / TEACHER, given.get("max_usd"), stack
        )  # fmt: skip
        watch = stack.enter_context(watching())
        try:
            manifest = build_corpus(folder, settings, teacher=teacher, watch=watch)
        except InvestorBenchError as error:
            raise _with_what_stays(error, watch, folder) from error
    if as_json:
        print(json.dumps(manifest, ensure_ascii=False))
        return
    is_paid = settings.teacher is not None and settings.teacher.model.price is not None
    spent = Budget(ledger=spending).spent_usd if is_paid else None
    print_built(Console(highlight=False), folder, manifest, spent)


@app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="Of a corpus.")],
    briefings: Annotated[
        int, typer.Option(min=0, help="So many are written again at most, and compared.")
    ] = BRIEFINGS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Find leaks over the embargo, duplicated days, changed data; show labels and sample size."""
    with watching() as watch:
        found = check_corpus(folder, briefings=briefings, watch=watch)
    if as_json:
        print(json.dumps(found.plain(), ensure_ascii=False))
    else:
        print_check(Console(highlight=False), folder, found)
    if not found.is_sound:
        raise typer.Exit(1)


def _connected(model: Model, place: Path, max_usd: float | None, stack: ExitStack) -> LanguageModel:
    """What answers for a teacher, whose answers and costs are kept in a folder."""
    place.mkdir(parents=True, exist_ok=True)
    cache = stack.enter_context(Cache(place / ANSWERS))
    return connect(model, cache=cache, budget=Budget(max_usd, ledger=place / SPENDING))


def _given(arguments: Sequence[str]) -> dict[str, Any]:
    """The settings on a command line, each read; those of others as they stand."""
    kinds = {**OTHERS, **OF_CORPUS, **OF_TEACHER, **OF_FILTER}
    found: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key.startswith(OPEN):
            found[key] = argument
            continue
        if not equals or key not in kinds:
            known = [*(f"{name}=…" for name in kinds), *(f"{name}…=…" for name in OPEN)]
            raise UnknownNameError("option of corpus build", key, known)
        try:
            found[key] = kinds[key](value)
        except ValueError:
            raise InvestorBenchError(f"{argument}: {value!r} should be a number") from None
    return found


def _settings(given: Mapping[str, Any]) -> CorpusSettings:
    """The settings of a corpus."""
    numbers: dict[str, Any] = {name: given[name] for name in OF_CORPUS if name in given}
    return CorpusSettings(
        tasks=list(_tasks(given)),
        instructions=str(prompt_of("")[0]["content"]),
        labels={name: given[name] for name in ("direction", "volatility") if name in given},
        form=_form(_nested(given, "briefing")),
        teacher=_teacher(given),
        train=_window("train", given),
        test=_window("test", given),
        **numbers,
    )


def _tasks(given: Mapping[str, Any]) -> Iterator[Task]:
    """The tasks that are named, of each symbol where symbols are."""
    if "task" not in given:
        raise InvestorBenchError(
            "of which task? investorbench corpus build task=stock/sim, or of several, "
            "task=stock/tsla,stock/msft"
        )
    changes = _nested(given, "task")
    symbols = [{"symbol": each} for each in str(given.get("symbols", "")).split(",") if each]
    for name in given["task"].split(","):
        for options in symbols or [{}]:
            own = {**changes, "options": {**changes.get("options", {}), **options}}
            unknown = [each for each in own if each not in ("start", "end", "options", "protocol")]
            if unknown:
                raise UnknownNameError(
                    "setting of a task", unknown[0], ["start", "end", "options", "protocol"]
                )
            yield Task.of(name.strip(), data=given.get("data"), **own)


def _teacher(given: Mapping[str, Any]) -> TeacherSettings | None:
    if "teacher" not in given:
        for name in (*OF_TEACHER, *OF_FILTER, "max_usd"):
            if name in given:
                raise InvestorBenchError(f"{name}= is of a teacher: name one, too, teacher=MODEL")
        return None
    keeps = ThesisFilter(**{name: given[name] for name in OF_FILTER if name in given})
    model: Model = load_model(given["teacher"], _nested(given, "teacher"))
    others = {name: given[name] for name in OF_TEACHER if name in given}
    return TeacherSettings(model=model, keeps=keeps, **others)


def _form(given: Mapping[str, Any]) -> BriefingForm:
    known = [each.name for each in fields(BriefingForm) if each.name != "count_tokens"]
    for name in given:
        if name not in known:
            raise UnknownNameError("setting of a briefing", name, known)
    return replace(BriefingForm(), **given)


def _nested(given: Mapping[str, Any], group: str) -> dict[str, Any]:
    own = [str(value) for key, value in given.items() if key.startswith(f"{group}.")]
    return nested(each.removeprefix(f"{group}.") for each in own)


def _window(name: str, given: Mapping[str, Any]) -> Dates | None:
    if name not in given:
        return None
    text: str = given[name]
    first, between, last = text.partition(BETWEEN)
    if not (first and between and last):
        raise InvestorBenchError(f"{name}={text} is no window: {name}=2021-01-04..2022-12-30")
    return first, last


def _name(settings: CorpusSettings) -> str:
    """Of a corpus that is given no place: its tasks, the first three by name."""
    names = list(dict.fromkeys(task.short_name for task in settings.tasks))
    more = [f"{len(names) - 3}-more"] if len(names) > 3 else []
    teacher = [] if settings.teacher is None else [f"teacher={settings.teacher.model.name}"]
    return folder_name("+".join([*names[:3], *more, *teacher]))


def _with_what_stays(
    error: InvestorBenchError, watch: Watching, folder: Path
) -> InvestorBenchError:
    """The same error, and how much of a corpus is done all the same."""
    if not watch.done:
        return error
    kept = f"; {watch.done} of {watch.total} rows are done, and the same command goes on"
    return InvestorBenchError(f"{error}{kept} ({folder})")
