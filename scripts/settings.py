"""What ``name=value`` on the command line can set, and errors in better words than Hydra's."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import OmegaConf

from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONF = Path(__file__).resolve().parent.parent / "conf"
GROUPS = ("agent", "task", "protocol", "model", "memory", "launcher")
OPEN = ("task.options", "memory.embedder", "model.")
"""Settings that others know and check the names of: an environment, an embedder, a model."""


def swept(overrides: list[str]) -> list[str]:
    """The settings that a sweep changes from job to job.

    Raises:
        InvestorBenchError: one cannot be read.
    """
    parser = OverridesParser.create()
    found = []
    for given in overrides:
        try:
            (override,) = parser.parse_overrides([given])
        except OverrideParseException as error:
            if "=" not in given or given.startswith("-"):
                continue  # a flag or its value
            reason = str(error).splitlines()[0]
            raise InvestorBenchError(
                f"cannot read {given!r} ({reason}); quote a value with special characters, such as "
                "\"data='my [data]'\""
            ) from None
        if override.is_sweep_override():
            found.append(override.key_or_group)
    return found


def require_known_options(overrides: list[str]) -> None:
    """Check the names of settings before Hydra does, in better words.

    Raises:
        UnknownNameError: one does not exist; says which do, nearest first.
    """
    for override in overrides:
        key, equals, _ = override.partition("=")
        # What starts with a sign is a flag, or asks Hydra to add or to drop something.
        if not equals or not key[:1].isalpha() or key.startswith(("hydra", *OPEN)):
            continue
        if key not in (known := settings()):
            raise UnknownNameError("setting", key, known)


@cache
def settings() -> list[str]:
    """Everything that ``name=value`` can set, those of all agents and tasks together."""
    own = {
        name: value
        for name, value in _table(CONF / "config.yaml").items()
        if name not in ("defaults", "hydra")
    }
    nested = set(_dotted(own))
    for group in GROUPS:
        for path in (CONF / group).rglob("*.yaml"):
            nested |= set(_dotted({group: _table(path)}))
    return [*GROUPS, *(name for name in own if name not in GROUPS), *sorted(nested)]


def _table(path: Path) -> dict[str, Any]:
    settings: Any = OmegaConf.to_container(OmegaConf.load(path))
    return dict(settings)


def _dotted(table: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The names of what is in tables in a table, such as ``model.accepts.seed``."""
    for name, value in table.items():
        if before:
            yield f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{before}{name}.")


def choices(group: str) -> list[str]:
    """The names of a configuration group, such as ``stock/tsla`` of ``task``."""
    folder = CONF / group
    return sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")
    )


def require_known_choices(overrides: list[str]) -> None:
    """Check the names of agents, tasks and protocols before Hydra does, in better words.

    Raises:
        UnknownNameError: one does not exist; says which do, nearest first.
    """
    for override in overrides:
        group, _, value = override.partition("=")
        if group in GROUPS and value and "(" not in value:
            for name in value.split(","):
                if name.removesuffix(".yaml") not in choices(group):
                    raise UnknownNameError(group, name, choices(group))
