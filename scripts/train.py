"""``investorbench train``: a stage of Trading-R1, from a model and a corpus to another model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from investorbench.scripts.terminal import Console
from investorbench.scripts.train_output import print_unseen, print_update
from investorbench.tasks.training.settings import TrainingPlaces, TrainingSettings
from investorbench.tasks.training.training import train as train_stage
from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
TRUTHS = {"true": True, "false": False}
PLACES = ("model", "corpus", "into")
EXAMPLE = "investorbench train stage=I model=FOLDER corpus=FOLDER into=FOLDER"


def train(context: typer.Context) -> None:
    """Train a stage: stage=I|II|III model=FOLDER corpus=FOLDER into=FOLDER [rewards_steps=200]."""
    places, settings = given(context.args)
    console = Console(highlight=False)
    found = train_stage(
        places,
        settings,
        watch=lambda figures: print_update(console, figures),
    )
    print_unseen(console, found, places.into)


def given(arguments: Sequence[str]) -> tuple[TrainingPlaces, TrainingSettings]:
    """What a command line asks for.

    Raises:
        UnknownNameError: there is no such option.
        InvestorBenchError: a value cannot be read, or what is needed is missing.
    """
    kinds = {**dict.fromkeys(PLACES, Path), **_kinds()}
    found: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key not in kinds:
            raise UnknownNameError("option of train", key, [f"{name}=…" for name in kinds])
        try:
            found[key] = kinds[key](value)
        except (ValueError, KeyError):
            raise InvestorBenchError(f"{argument}: {value!r} is no {_wanted(key)}") from None
    if missing := [name for name in ("stage", *PLACES) if name not in found]:
        raise InvestorBenchError(
            f"training needs {' and '.join(f'{name}=…' for name in missing)}: {EXAMPLE}"
        )
    places = TrainingPlaces(**{name: found.pop(name) for name in PLACES})
    return places, TrainingSettings(**found)


def _kinds() -> Mapping[str, Callable[[str], Any]]:
    """What reads the value of each setting, by its type."""
    readers: Mapping[Any, Callable[[str], Any]] = {
        str: str,
        int: int,
        float: float,
        bool: lambda text: TRUTHS[text.lower()],
        tuple[str, ...]: lambda text: tuple(text.split(",")),
    }
    return {each.name: readers[each.type] for each in fields(TrainingSettings)}


def _wanted(name: str) -> str:
    kinds = {int: "whole number", float: "number", bool: "true or false"}
    return next((kinds[e.type] for e in fields(TrainingSettings) if e.name == name), "value")  # type: ignore[index]
