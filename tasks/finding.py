"""Tasks by name: ids of ours and of others, files of settings, names that packages give them."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym

import investorbench_env
from investorbench.agents.finding import entry_points_of, import_own, load
from investorbench.agents.settings_files import SUFFIXES, read_settings
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.registration import NAMESPACE

FILES = Path(__file__).resolve().parent.parent / "conf" / "task"
TASK_ENTRY_POINTS = "investorbench.tasks"
"""The group in which a package names tasks for everybody who has it installed."""
SETTINGS = ("id", "data", "start", "end", "options", "labels")
"""What a file of a task may say."""
OF_THE_MARKET = ("symbol", "symbols", "universe")
"""Options that say which assets an environment is on, and on which dates."""
TASK_FORMS = "or name your own as ./my_task.yaml or my_module:Namespace/Name"


def find_task(name: str) -> dict[str, Any]:
    """What a name says of a task: its id, and whatever else is set.

    Args:
        name: an id such as ``"InvestorBench/Stock-TSLA"``, short ``"stock/tsla"``; of an
            environment of somebody else's, with the module that registers it,
            ``"my_module:Namespace/Name"``; a file ``"./my_task.yaml"``; or what an installed
            package calls a task in its entry points.

    Raises:
        UnknownNameError: there is none of that name, or no such setting.
        InvestorBenchError: a file or a module cannot be read.
    """
    if name.endswith(SUFFIXES):
        return _checked(read_settings(name), f"task {Path(name).name}")
    points = entry_points_of(TASK_ENTRY_POINTS)
    if name in points and our_id(name) is None:
        return _said_by(load(points[name].value)[1], name)
    if name in (files := _files_without_id()):
        return _checked(read_settings(str(files[name])), f"task {name}")
    return {"id": find_id(name)}


def is_task(name: str) -> bool:
    """Whether a name is one for :func:`find_task`, which may say what is wrong with it."""
    known = our_id(name) is not None or name in _files_without_id()
    known |= name in entry_points_of(TASK_ENTRY_POINTS)
    return known or ":" in name or name.endswith(SUFFIXES)


def find_id(name: str) -> str:
    """An environment id from itself or from its short form ``class/symbol``, in any case.

    Ids of other people's environments are known once they are registered, or with the module that
    registers them: ``module:Namespace/Name``.

    Raises:
        UnknownNameError: there is no such id.
        InvestorBenchError: there is no such module.
    """
    if (ours := our_id(name)) is not None:
        return ours
    module, _, id = name.rpartition(":")
    if module:
        import_own(module, f"task {id} in {module}")
    if id in gym.registry:
        return name
    short = _ids_by_short_form()
    known = (
        short.values()
        if f"{NAMESPACE}/" in name
        else [*short, *_files_without_id(), *entry_points_of(TASK_ENTRY_POINTS)]
    )
    raise UnknownNameError("task", name, known, TASK_FORMS)


def name_of(id: str, options: Mapping[str, Any]) -> str | None:
    """What we call the task of an environment on these assets; None where nothing has a name.

    Args:
        id: of the environment.
        options: of it; those that say which assets on which dates count.
    """
    own = [options.get(name) for name in OF_THE_MARKET]
    for name, file in _files_without_id().items():
        said = _checked(read_settings(str(file)), name)
        of_it = said.get("options", {})
        if said["id"] == id and [of_it.get(each) for each in OF_THE_MARKET] == own:
            return name
    names = {its: name for name, its in _ids_by_short_form().items()}
    return names.get(id) if own == [None] * len(own) else None


def our_id(name: str) -> str | None:
    """The id of ours that a name stands for, if it does."""
    short = _ids_by_short_form()
    return (short | {id.lower(): id for id in short.values()}).get(name.lower())


def _files_without_id() -> dict[str, Path]:
    """The files of tasks of ours that are more than an id, by their names: ``snapshot/panel``."""
    ids = _ids_by_short_form()
    files = {f"{each.parent.name}/{each.stem}": each for each in FILES.glob("*/*.yaml")}
    return {name: file for name, file in files.items() if name not in ids}


def _ids_by_short_form() -> dict[str, str]:
    """Such as ``stock/tsla``."""
    ids = [*investorbench_env.environment_ids(), *investorbench_env.family_ids()]
    return {id.removeprefix(f"{NAMESPACE}/").replace("-", "/", 1).lower(): id for id in ids}


def _said_by(value: Any, name: str) -> dict[str, Any]:
    """What an entry point says: an id, a table of settings, or a Task."""
    if isinstance(value, str):
        return {"id": find_id(value)}
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if not isinstance(value, Mapping):
        raise InvestorBenchError(
            f"task {name} is {value!r}: it should be an id, settings or a Task"
        )
    return _checked(value, f"task {name}")


def _checked(settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in settings:
        if name not in SETTINGS:
            raise UnknownNameError(f"setting of {where}", name, SETTINGS)
    if not settings.get("id"):
        raise InvestorBenchError(f"{where} needs an id, such as `id: {NAMESPACE}/Stock-TSLA`")
    given = {name: value for name, value in settings.items() if value is not None}
    return {**given, "id": find_id(str(settings["id"]))}
