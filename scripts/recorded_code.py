"""What of the code that a record names may run: a record comes from elsewhere, and may be hostile.

Ours may, the user's own in the working folder, and packages that name agents in their entry points.
Nothing else that a configuration can say is imported, called, read or sent anywhere.
"""

import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from inspect import isclass
from pathlib import Path
from typing import Any

from investorbench.agents.finding import (
    AGENT_ENTRY_POINTS,
    SHA256,
    SOURCE,
    entry_points_of,
    locate,
)
from investorbench.agents.finmem import Character
from investorbench.memory.models import PACKAGED_MODEL
from investorbench.tasks.record.code import source_folders
from investorbench.tasks.running.rederiving import CannotRederiveError
from investorbench_env.errors import InvestorBenchError

TARGET, PARTIAL = "_target_", "_partial_"
OURS = "investorbench."
OF_AGENTS = f"{OURS}agents."
AGENTS_OF_LABELS = f"{OURS}tasks.trading_r1.baseline_agents."
"""Where those are that decide by labels, which agents themselves know nothing of."""
CHARACTER = f"{OF_AGENTS}finmem.{Character.__name__}"
KNOWN = {TARGET, PARTIAL, SOURCE, SHA256}
"""What an agent's settings say of code; a record has nothing else of the kind."""
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
FILE = re.compile(r"[^/\\]+\.py")


def require_known_code(agent: Mapping[str, Any], within: Path | None = None) -> None:
    """Refuse an agent's settings that would run anything but an agent of a known place.

    Args:
        agent: its settings, as they are recorded.
        within: the folder that holds the record: nothing in it is run.

    Raises:
        CannotRederiveError: which part of the settings names what.
    """
    _require_plain(agent)
    if strange := sorted(each for each in agent if each.startswith("_") and each not in KNOWN):
        raise CannotRederiveError(f"its settings have {strange[0]}, which no run records")
    if not isinstance(agent.get(PARTIAL, True), bool):
        raise CannotRederiveError(f"its settings have {PARTIAL}={agent[PARTIAL]!r}")
    for part in _parts_of([part for name, part in agent.items() if name not in KNOWN]):
        strange = sorted(each for each in part if each.startswith("_"))
        if strange and (strange != [TARGET] or part[TARGET] != CHARACTER):
            raise CannotRederiveError(
                f"its settings name {str(part.get(TARGET, strange[0]))[:80]!r} in a setting: only "
                "an agent's own class is made again"
            )
    for name in (SOURCE, TARGET):
        if name in agent:
            _require_place(str(agent[name]), name, within)


def require_known_memory(memory: Mapping[str, Any]) -> None:
    """Refuse an embedder that asks a server, or loads a model from where the record says.

    Raises:
        CannotRederiveError: it does.
    """
    _require_plain(memory)
    embedder = dict(memory.get("embedder") or {})
    kind = embedder.get("kind", "hashed_ngrams")
    is_packaged = embedder.get("model", PACKAGED_MODEL) == PACKAGED_MODEL
    if kind == "hashed_ngrams" or (kind == "sentence_transformers" and is_packaged):
        return
    what = embedder.get("base_url") or embedder.get("model")
    raise CannotRederiveError(
        f"its embedder {kind} is at {str(what)[:80]!r}, and a check asks no server, and loads no "
        "model, that a record names"
    )


def _require_place(name: str, key: str, within: Path | None) -> None:
    if key == TARGET and name.startswith(OURS):
        if not _is_agent_of_ours(name):
            raise CannotRederiveError(f"{name[:80]!r} is no agent of ours")
        return
    place = name.partition(":")[0] if key == SOURCE else name
    if FILE.fullmatch(place) and key == SOURCE:
        found_in = Path.cwd() / place
    elif not DOTTED.fullmatch(place):
        raise CannotRederiveError(f"{name[:80]!r} names no agent in the working folder")
    elif f"{place}.".startswith((OURS, "investorbench_env.")):
        raise CannotRederiveError(f"{name[:80]!r} is no agent of ours")
    elif place.partition(".")[0] in _packages_of_agents():
        return
    else:
        found_in = _found_in(place.partition(".")[0])
    if not _is_own(found_in.resolve(), within):
        raise CannotRederiveError(
            f"{name[:80]!r} is neither ours nor the working folder's nor of a package that names "
            "agents: code from elsewhere is not run"
        )


def _is_agent_of_ours(name: str) -> bool:
    try:
        _, found = locate(name)
    except InvestorBenchError:
        return False
    if getattr(found, "asks_a_server", False):
        raise CannotRederiveError("it asks a server that the record names, and a check asks none")
    is_there = isclass(found) and f"{found.__module__}.".startswith((OF_AGENTS, AGENTS_OF_LABELS))
    return is_there and hasattr(found, "act")


def _is_own(place: Path, within: Path | None) -> bool:
    """Whether a file or folder of code is the user's own, and not one that came with a record."""
    here, paths = Path.cwd().resolve(), sysconfig.get_paths()
    installed = [Path(paths[name]).resolve() for name in ("stdlib", "purelib", "platlib")]
    installed += [folder.resolve() for folder in source_folders().values()]
    record = None if within is None else within.resolve()
    if record is not None and (record in (place, *place.parents) or place in record.parents):
        return False
    inside = (place, *place.parents)
    return here in place.parents and not any(each in inside for each in installed)


def _found_in(module: str) -> Path:
    """Where a module would come from; it is not imported."""
    if module in sys.modules:
        spec = sys.modules[module].__spec__
    else:
        spec = PathFinder.find_spec(module, [str(Path.cwd()), *sys.path])
    if spec is None:
        return Path("/")
    files = [spec.origin] if spec.has_location else []  # what is built in has none
    return Path(next(iter([*(spec.submodule_search_locations or []), *map(str, files)]), "/"))


def _packages_of_agents() -> set[str]:
    points = entry_points_of(AGENT_ENTRY_POINTS).values()
    return {point.value.partition(":")[0].partition(".")[0] for point in points}


def _parts_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every table in a value, at any depth."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, Mapping):
            yield {str(name): part for name, part in each.items()}
            rest += each.values()
        elif isinstance(each, list):
            rest += each


def _require_plain(value: Any) -> None:
    """Refuse a text that would be filled in, with a variable of the environment for example."""
    rest = [value]
    while rest:
        each = rest.pop()
        if isinstance(each, Mapping):
            rest += [*each, *each.values()]
        elif isinstance(each, list):
            rest += each
        elif isinstance(each, str) and "${" in each:
            raise CannotRederiveError(f"{each[:80]!r} is to be filled in, and no run records that")
