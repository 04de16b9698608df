"""Agents by name that are not ours: of installed packages, and a user's own in a module or a file.

It finds what makes an agent and which settings that takes; it reads no configuration.
"""

import hashlib
import importlib
import inspect
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import TracebackException
from types import ModuleType
from typing import Any

from investorbench.agents.baselines import ALL_BASELINES
from investorbench.agents.parts import PARTS
from investorbench_env.errors import InvestorBenchError, UnknownNameError

AGENT_ENTRY_POINTS = "investorbench.agents"
"""The group in which a package names agents for everybody who has it installed."""
SOURCE, PATH, SHA256 = "_source_", "_path_", "_sha256_"
"""What a configuration says of where an agent is defined; the path is for this machine alone."""
AGENT_FORMS = "or name your own as my_module:MyAgent or ./my_agent.py:MyAgent"
POLICY_ARGUMENTS = 2
"""Of a function that is an agent itself: the observation and the info."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAgent:
    """What makes an agent that is named by where it is defined.

    Attributes:
        name: what tables and records call it.
        source: where it is defined, the same on every machine: ``"my_agent.py:MyAgent"``.
        path: what finds it again on this machine.
        sha256: of the file in which it is defined; empty where there is none.
        made_by: its class, a function that makes one, or what is an agent already.
    """

    name: str
    source: str
    path: str
    sha256: str
    made_by: Any

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        """What it takes, by name."""
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        parameters = self._parameters
        if self.is_policy:
            parameters = parameters[POLICY_ARGUMENTS:]
        return {each.name: each for each in parameters if each.kind in named}

    @property
    def is_policy(self) -> bool:
        """Whether it is a function that is an agent itself."""
        return _is_policy(self.made_by)

    @property
    def takes_any(self) -> bool:
        """Whether it takes settings of any name, as ``**settings``."""
        return any(each.kind is each.VAR_KEYWORD for each in self._parameters)

    @property
    def defaults(self) -> dict[str, Any]:
        """Settings that have a plain value where none is given."""
        values = {name: each.default for name, each in self.settings.items()}
        return {name: _listed(value) for name, value in values.items() if _is_plain(value)}

    @property
    def required(self) -> list[str]:
        """Settings without which it cannot be made; what a run gives may be among them."""
        return [name for name, each in self.settings.items() if each.default is each.empty]

    def make(self, **settings: Any) -> Any:
        """A new agent.

        Raises:
            UnknownNameError: it takes no setting of that name.
            InvestorBenchError: a setting is missing, or it cannot be copied.
        """
        self.require(settings)
        if not _makes(self.made_by):
            return deepcopy(self.made_by)
        if self.is_policy:
            return partial(self.made_by, **settings) if settings else self.made_by
        return self.made_by(**settings)

    def require(self, names: Iterable[str]) -> None:
        """Check that it can be made with settings of these names; for errors see :meth:`make`."""
        given = set(names)
        if not self.takes_any:
            for name in sorted(given - self.settings.keys()):
                raise UnknownNameError(f"setting of {self.name}", name, self.settings)
        if missing := [name for name in self.required if name not in given]:
            mend = "on the command line: " + " ".join(f"agent.{name}=…" for name in missing)
            if PARTS.issuperset(missing):  # there, a run gives them
                given_here = ", ".join([self.name, *(f"{name}=…" for name in missing)])
                mend = f"a run gives it on the command line; here: functools.partial({given_here})"
            raise InvestorBenchError(
                f"{self.name} cannot be made without {', '.join(missing)}; {mend}"
            )

    @property
    def _parameters(self) -> list[inspect.Parameter]:
        if not _makes(self.made_by):
            return []
        try:
            return list(inspect.signature(self.made_by).parameters.values())
        except (TypeError, ValueError):
            return []  # Python knows no signature of some classes of its own


def find_agent(name: str) -> FoundAgent:
    """What makes an agent that is not one of ours.

    Args:
        name: ``"my_module:MyAgent"``, ``"./my_agent.py:MyAgent"``, or what an installed package
            calls an agent in its entry points. A class, or a function that makes an agent, is
            called with settings by keyword; a function that cannot be called without two arguments
            is an agent itself, and so is an object with ``act`` or ``predict``, which is copied.

    Raises:
        UnknownNameError: there is none of that name.
        InvestorBenchError: the module or the file cannot be imported; says in which line, and why.
    """
    points = entry_points_of(AGENT_ENTRY_POINTS)
    if name in points:
        return _found(points[name].value, name)
    if not is_agent(name):
        raise UnknownNameError("agent", name, [*ALL_BASELINES, *points], AGENT_FORMS)
    return _found(name)


def is_agent(name: str) -> bool:
    """Whether a name is one for :func:`find_agent`, which may say what is wrong with it."""
    return ":" in name or _is_file(name) or name in entry_points_of(AGENT_ENTRY_POINTS)


def entry_points_of(group: str) -> dict[str, EntryPoint]:
    """What installed packages have in a group, by name."""
    return {point.name: point for point in entry_points(group=group)}


def load(reference: str) -> tuple[ModuleType, Any]:
    """A module or a file, and what its name behind the colon stands for.

    Modules are looked for in the working folder first, and what a file imports beside it.

    Raises:
        UnknownNameError: there is nothing of that name in it.
        InvestorBenchError: there is no such module or file, or it cannot be imported.
    """
    place, attribute = _parts(reference)
    module = import_own(place, f"{attribute} in {place}" if attribute else place)
    value: Any = module
    for part in attribute.split("."):
        if not part or not hasattr(value, part):
            raise UnknownNameError(f"name in {place}:", attribute, _defined_in(module))
        value = getattr(value, part)
    return module, value


def locate(path: str) -> tuple[ModuleType, Any]:
    """What a dotted path leads to, such as ``my_module.MyAgent``, and the module it is in.

    Raises:
        UnknownNameError: there is nothing of that name.
        InvestorBenchError: there is no such module, or it cannot be imported.
    """
    first, *rest = path.split(".")
    module = value = import_own(first, path)
    place = first
    for part in rest:
        place = f"{place}.{part}"
        if hasattr(value, part):
            value = getattr(value, part)
        elif value is module and hasattr(module, "__path__") and find_spec(place) is not None:
            value = import_own(place, path)
        else:
            raise UnknownNameError(f"name in {module.__name__}:", part, _defined_in(module))
        if isinstance(value, ModuleType):
            module = value
    return module, value


def import_own(place: str, wanted: str) -> ModuleType:
    """A module or a file of somebody's own; modules are looked for in the working folder first.

    Args:
        place: the name of the module, or the path of the file.
        wanted: what is looked for in it, for the message where it cannot be imported.

    Raises:
        InvestorBenchError: there is none, or an error in it, with the lines that are its author's.
    """
    file = Path(place).expanduser().resolve()
    if _is_file(place) and not file.is_file():
        raise InvestorBenchError(f"looked for {wanted}: there is no such file")
    try:
        with _importing_from(file.parent if _is_file(place) else Path.cwd()):
            return _module_at(file) if _is_file(place) else importlib.import_module(place)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{place}.".startswith(f"{missing}."):
            raise InvestorBenchError(
                f"looked for {wanted}: there is no module {missing!r} in the working folder or "
                "among what is installed; a file is named by its path, such as ./my_file.py"
            ) from None
        raise InvestorBenchError(_import_failure(wanted, error)) from error


def sha256_of(module: ModuleType) -> str:
    """The SHA-256 of the file of a module; empty where it has none."""
    file = getattr(module, "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def _found(reference: str, name: str | None = None) -> FoundAgent:
    module, made_by = load(reference)
    if not callable(made_by) and not hasattr(made_by, "predict") and not hasattr(made_by, "act"):
        raise InvestorBenchError(
            f"{reference} is no agent but {made_by!r}: name a class, or a function that makes an "
            "agent or is one"
        )
    place, attribute = _parts(reference)
    own_name = vars(made_by).get("name") if inspect.isclass(made_by) else None  # not inherited
    return FoundAgent(
        name=name or (own_name if isinstance(own_name, str) else attribute.rpartition(".")[2]),
        source=f"{Path(place).name}:{attribute}" if _is_file(place) else reference,
        path=f"{module.__file__}:{attribute}" if _is_file(place) else reference,
        sha256=sha256_of(module),
        made_by=made_by,
    )


def _makes(made_by: Any) -> bool:
    """Whether it is to be called for an agent, or is a function that is one."""
    return inspect.isclass(made_by) or not (hasattr(made_by, "act") or hasattr(made_by, "predict"))


def _is_policy(made_by: Any) -> bool:
    """Whether it is a function that is an agent itself."""
    called = made_by.func if isinstance(made_by, partial) else made_by
    if inspect.isclass(called) or not _makes(made_by):
        return False
    placed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(made_by).parameters.values()
    needed = {
        each.name for each in parameters if each.kind in placed and each.default is each.empty
    }
    return len(needed) == POLICY_ARGUMENTS and needed.isdisjoint(PARTS)


def _is_plain(value: Any) -> bool:
    """Whether a value can be written into a file of settings."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(value[key]) for key in value)
    return value is None or isinstance(value, bool | int | float | str)


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value


def _parts(reference: str) -> tuple[str, str]:
    """The module or file, and the name in it."""
    place, _, attribute = reference.rpartition(":")
    return (place, attribute) if place else (reference, "")


def _is_file(place: str) -> bool:
    return place.endswith(".py")


def _defined_in(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def _import_failure(wanted: str, error: BaseException) -> str:
    """Why a module of somebody's own was not imported: the lines of the traceback that are his."""
    trace = TracebackException.from_exception(error)
    plumbing = (__file__, importlib.__file__, "<frozen")
    frames = [frame for frame in trace.stack if not frame.filename.startswith(plumbing)]
    paths = sysconfig.get_paths()
    libraries = tuple(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    his = [frame for frame in frames if not frame.filename.startswith(libraries)]
    trace.stack[:] = his or frames
    lines = "".join(trace.format(chain=False)).rstrip().splitlines()
    shown = lines if not trace.stack else lines[1:]  # without "Traceback (most recent call last)"
    return "\n".join([f"looked for {wanted}, which cannot be imported:", *shown])


def _module_at(file: Path) -> ModuleType:
    """The module that a file is, by a name that nothing else has; once for each content."""
    digest = hashlib.sha256(b"\0".join([bytes(file), file.read_bytes()])).hexdigest()
    name = f"_{file.stem}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # it ends with .py
    module = module_from_spec(spec)
    sys.modules[name] = module  # as classes of data and pickles want it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Look in a folder first; afterwards, for what is imported late, last."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
