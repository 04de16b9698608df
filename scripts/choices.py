"""What can be chosen for a run: our configuration, that of a user's folders, and a user's own.

An agent, a task, a model or a memory that is named by a path is written down as configuration under
a name of its own for as long as the command runs, so that Hydra composes and sweeps it like ours.
"""

import importlib.util
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import OverrideParseException
from omegaconf import OmegaConf

from investorbench.agents.finding import (
    AGENT_ENTRY_POINTS,
    AGENT_FORMS,
    PATH,
    SHA256,
    SOURCE,
    FoundAgent,
    entry_points_of,
    find_agent,
    is_agent,
)
from investorbench.agents.llm.model_names import full_name, short_names
from investorbench.agents.llm.models import MODEL_FORMS
from investorbench.agents.settings_files import SUFFIXES, read_settings
from investorbench.memory import profile_of
from investorbench.tasks.finding import TASK_ENTRY_POINTS, TASK_FORMS, find_task, is_task
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.protocols import STANDARD
from investorbench_env.whole_files import write_atomically

CONF = Path(__file__).resolve().parent.parent / "conf"
GROUPS = ("agent", "task", "portfolio", "perpetual", "protocol", "model", "memory", "launcher")
OF_A_TASK = ("portfolio", "perpetual")
"""Groups whose files set options of the task and have no settings of their own."""
BY_FILE = ("agent", "task", "model", "memory")
"""Groups of which a file can be named by its path."""
BY_LAST_PART = ("model", "agent")
"""Groups of which ``gpt-4o`` names what is ``paper/gpt-4o``, where no other ends so."""
SEARCH_PATH, CONFIG_DIR = "hydra.searchpath", ("--config-dir", "-cd")
ENTRY_POINTS = {"agent": AGENT_ENTRY_POINTS, "task": TASK_ENTRY_POINTS}
FORMS = {
    "agent": AGENT_FORMS,
    "task": TASK_FORMS,
    "model": MODEL_FORMS,
    "memory": "or name your own as ./my_profile.yaml",
}
TASK: dict[str, Any] = {"data": None, "start": None, "end": None, "options": {}}
"""What a task is set to that says nothing of it."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What can be chosen, by group and name.

    Attributes:
        folders: of configuration, in the order in which Hydra looks through them.
        agents: those of a user's own that were named, by the name that they go by.
        tasks: the names of a user's own that say more than an id.
    """

    folders: tuple[Path, ...] = (CONF,)
    agents: Mapping[str, FoundAgent] = field(default_factory=dict)
    tasks: frozenset[str] = frozenset()

    def names(self, group: str) -> list[str]:
        """Such as ``stock/tsla`` of ``task``."""
        return sorted({name for folder in self.folders for name in _files(folder, group)})

    def said(self, group: str) -> list[str]:
        """The shortest names under which each can be chosen."""
        names = self.names(group)
        return short_names(names) if group in BY_LAST_PART else names

    def not_ours(self, group: str) -> list[str]:
        """Names of what did not come with this package."""
        known = {*self.names(group), *self.of_packages(group)}
        return sorted(known - _files(CONF, group).keys())

    def of_packages(self, group: str) -> list[str]:
        """Names that installed packages give to agents and tasks."""
        return sorted(entry_points_of(ENTRY_POINTS[group])) if group in ENTRY_POINTS else []

    def file(self, group: str, name: str) -> Path:
        """The file of a choice that was named.

        Raises:
            UnknownNameError: there is none of that name.
            InvestorBenchError: there are several.
        """
        known = name.removesuffix(".yaml")
        files = [_files(folder, group).get(known) for folder in self.folders]
        found = [path for path in files if path is not None]
        if not found:
            valid = [*self.said(group), *self.of_packages(group)]
            raise UnknownNameError(group, name, valid, FORMS.get(group, ""))
        if len(found) > 1:
            raise InvestorBenchError(
                f"{group}={name} is a name of ours, too: rename {found[1]}, or give its path"
            )
        return found[0]


def _files(folder: Path, group: str) -> dict[str, Path]:
    root = folder / group
    return {
        path.relative_to(root).with_suffix("").as_posix(): path for path in root.rglob("*.yaml")
    }


@contextmanager
def choosing(overrides: Sequence[str], within: Path | None) -> Iterator[tuple[list[str], Choices]]:
    """A command line in which whatever is a user's own goes by name, and what can be chosen.

    Args:
        overrides: the command line.
        within: where what is written down lies for as long as the block runs; None where no other
            machine is to read it.

    Raises:
        UnknownNameError: there is no agent, task, model, memory or protocol of a name.
        InvestorBenchError: a file or a module cannot be read, or two things have one name.
    """
    given, named = _without_folders(overrides)
    here = Path("conf")
    is_other = here.is_dir() and here.resolve() != CONF
    folders = (CONF, *named, *([here] if is_other else []))
    with _Own(within, folders) as own:
        for place, override in enumerate(given):
            group, equals, value = override.partition("=")
            if equals and value and group in GROUPS:
                given[place] = f"{group}={','.join(own.names_of(group, value))}"
        choices = own.choices
        if addresses := [f"file://{folder.resolve()}" for folder in choices.folders[1:]]:
            given.append(f"{SEARCH_PATH}=[{','.join(map(_quoted, addresses))}]")
        yield given, choices


def parsed(override: str) -> Override | None:
    """An override as Hydra reads it; None where it is a flag, or the value of one.

    Raises:
        InvestorBenchError: it cannot be read.
    """
    try:
        (read,) = OverridesParser.create().parse_overrides([override])
    except OverrideParseException as error:
        if "=" not in override or override.startswith("-"):
            return None
        reason = str(error).splitlines()[0]
        raise InvestorBenchError(
            f"cannot read {override!r} ({reason}); quote a value with special characters, such as "
            "\"data='my [data]'\""
        ) from None
    return read


def _without_folders(overrides: Sequence[str]) -> tuple[list[str], list[Path]]:
    """A command line without the folders of configuration that it names, and those folders.

    Raises:
        InvestorBenchError: there is no such folder.
    """
    rest, kept, folders = list(overrides), list[str](), list[Path]()
    while rest:
        flag, equals, value = (each := rest.pop(0)).partition("=")
        if flag in CONFIG_DIR:
            folders.append(Path(value if equals or not rest else rest.pop(0)))
        elif flag == SEARCH_PATH:
            read = parsed(each)
            addresses: Any = read.value() if read is not None else ()
            folders += map(_folder_at, addresses)
        else:
            kept.append(each)
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise InvestorBenchError(f"there is no folder {missing[0]} with configuration")
    return kept, folders


def _folder_at(address: str) -> Path:
    """The folder of an address as Hydra has them: ``file://…`` or ``pkg://…``."""
    scheme, _, place = str(address).rpartition("://")
    if scheme != "pkg":
        return Path(place).expanduser()
    found = importlib.util.find_spec(place)
    locations = list(found.submodule_search_locations or []) if found is not None else []
    return Path(locations[0] if locations else place)


def _fits(name: str, pattern: Glob) -> bool:
    """Whether a pattern names a choice; as in a shell, a ``*`` does not reach over a ``/``."""

    def is_like(one: str) -> bool:
        parts, wanted = name.split("/"), one.split("/")
        return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))

    return any(map(is_like, pattern.include)) and not any(map(is_like, pattern.exclude))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Own:
    """What is a user's own, written down as configuration."""

    def __init__(self, within: Path | None, folders: Sequence[Path]) -> None:
        self._within = within
        self._folder: Path | None = None
        self._known = Choices(folders=tuple(folders))
        self._named: dict[tuple[str, str], str] = {}
        self._agents: dict[str, FoundAgent] = {}
        self._tasks: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder)

    @property
    def choices(self) -> Choices:
        """What can be chosen now."""
        written = () if self._folder is None else (self._folder,)
        return Choices(
            folders=(*self._known.folders, *written),
            agents=self._agents,
            tasks=frozenset(self._tasks),
        )

    def names_of(self, group: str, given: str) -> list[str]:
        """The names under which Hydra finds what was given: several, or a pattern, for a sweep."""
        if not given.startswith("glob("):
            names = [self._name_of(group, each.strip("\"' ")) for each in given.split(",")]
            return list(dict.fromkeys(names))  # gpt-4o and paper/gpt-4o are one
        read = parsed(f"{group}={given}")
        pattern: Any = read.value() if read is not None else Glob()
        known = self._known.names(group)
        names = [name for name in known if _fits(name, pattern)]
        if not names:
            raise UnknownNameError(group, given, known)
        return names

    def _name_of(self, group: str, given: str) -> str:
        known = self._known.names(group)
        if group in BY_LAST_PART:
            given = full_name(given.removesuffix(".yaml"), known, group) or given
        if given.removesuffix(".yaml") not in known:
            if group in BY_FILE and given.endswith(SUFFIXES):
                return self._file(group, given)
            if group == "agent" and is_agent(given):
                return self._agent(given)
            if group == "task" and is_task(given):
                return self._task(given, given if given in self._known.of_packages(group) else "")
        self._known.file(group, given)
        return given

    def _agent(self, given: str) -> str:
        found = find_agent(given)
        origin = {SOURCE: found.source, SHA256: found.sha256, PATH: found.path}
        self._agents[found.name] = found
        return self._written("agent", given, found.name, {**origin, **found.defaults})

    def _task(self, given: str, name: str) -> str:
        task = find_task(given)
        protocol = task.pop("protocol", "")
        if protocol not in ("", STANDARD.name):
            raise InvestorBenchError(f"task={given} wants protocol={protocol}: give it, too")
        name = name or task["id"].rpartition(":")[2]
        if len(task) > 1:
            self._tasks.add(name)
        return self._written("task", given, name, TASK | task)

    def _file(self, group: str, given: str) -> str:
        name = Path(given).stem
        if group == "task":
            return self._task(given, name)
        settings = read_settings(given)
        if group == "memory" and "layers" in settings:
            settings = {"profile": profile_of({"name": name, **settings}).record()}
        if group == "model":
            settings = {"name": name, **settings}
        return self._written(group, given, name, settings)

    def _written(self, group: str, given: str, name: str, settings: Mapping[str, Any]) -> str:
        if name in self._known.names(group):
            raise InvestorBenchError(
                f"{group}={given} has the name {name}, which is taken: give it another"
            )
        if (other := self._named.setdefault((group, name), given)) != given:
            raise InvestorBenchError(
                f"{group}={other} and {group}={given} are both called {name}: give one another name"
            )
        if self._folder is None:
            if self._within is not None:
                self._within.mkdir(parents=True, exist_ok=True)
            self._folder = Path(mkdtemp(prefix=".choices-", dir=self._within))
        path = self._folder / group / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, OmegaConf.to_yaml(OmegaConf.create(dict(settings))))
        return name if re.fullmatch(r"[\w./-]+", name) else _quoted(name)
