"""The settings of a job as its folder keeps them: all that determines what comes out."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from investorbench_env.errors import InvestorBenchError
from investorbench_env.regular_files import read_text

CONFIG = "config.yaml"
MOST_PARTS = 100_000
"""Keys and values of a configuration; no run writes nearly as many."""
READ_OTHERWISE = re.compile("[\t!%?\ufeff\ud800-\udfff]")
"""Characters that the reader in C takes where Python's refuses them, or reads otherwise."""
REPEATS = "repeats"
"""May grow; nothing in an episode follows from it."""
RACE = "race"
"""The rule by which an agent may stop before it has played the most repeats, which it names."""


def as_yaml(settings: Mapping[str, Any]) -> str:
    """Plain settings as YAML, in their order."""
    return yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)


def settings_in(text: str) -> dict[str, Any]:
    """The settings that YAML holds.

    Raises:
        InvestorBenchError: it holds none.
    """
    try:
        settings = _load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise InvestorBenchError(f"cannot be read as a configuration: {error}") from None
    if not isinstance(settings, dict):
        raise InvestorBenchError("cannot be read as a configuration: it holds no settings")
    return settings


def _load(text: str) -> Any:
    """What YAML holds, if that is not much more than is written: an alias repeats what it names."""
    if READ_OTHERWISE.search(text):
        return _loaded(yaml.SafeLoader(text))
    try:
        return _loaded(_Loader(text))
    except (yaml.YAMLError, RecursionError):
        return _loaded(yaml.SafeLoader(text))  # whose words for what is wrong are always the same


def _loaded(loader: Any) -> Any:
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > MOST_PARTS:
            raise yaml.YAMLError(f"it has more than {MOST_PARTS:,} parts, with what aliases repeat")
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _quicker() -> Any:
    """The reader in C, where PyYAML has it, in an eighth of the time; nodes are Python's work.

    Those of the reader in C are made in calls within calls that nothing counts: a text of many
    levels would end the process.
    """
    if not yaml.__with_libyaml__:
        return yaml.SafeLoader

    class Loader(Composer, yaml.CSafeLoader):
        """Events from C, nodes from Python."""

        def __init__(self, text: str) -> None:
            yaml.CSafeLoader.__init__(self, text)
            Composer.__init__(self)

    return Loader


_Loader = _quicker()


def _size(node: yaml.Node, known: dict[int, float]) -> float:
    """How many parts a node has, all that its aliases stand for among them; inf in a circle."""
    if id(node) not in known:
        known[id(node)] = math.inf  # as long as it is within itself
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        inner = [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]
        known[id(node)] = 1 + sum(_size(each, known) for each in inner)
    return known[id(node)]


def read_settings(job: Path) -> dict[str, Any]:
    """The settings of the job in a folder.

    Raises:
        InvestorBenchError: they are missing, or cannot be read.
    """
    path = job / CONFIG
    try:
        return settings_in(read_text(path))
    except FileNotFoundError:
        raise InvestorBenchError(f"{path} is missing, which says what was run") from None
    except OSError as error:
        raise InvestorBenchError(f"{path} cannot be read: {error.strerror}") from None
    except (InvestorBenchError, ValueError) as error:
        raise InvestorBenchError(f"{path} {error}") from None


def hashes_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each part of some settings, by its name."""
    return {
        name: text_hash(json.dumps(part, sort_keys=True, default=str))
        for name, part in settings.items()
        if name != REPEATS
    }


def has_more_repeats(wanted: str, had: str) -> bool:
    """Whether YAML asks for more repeats than another one, and for the same else."""
    try:
        now, before = settings_in(wanted), settings_in(had)
        return hashes_of(now) == hashes_of(before) and int(now[REPEATS]) > int(before[REPEATS])
    except (InvestorBenchError, LookupError, TypeError, ValueError):
        return False


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
