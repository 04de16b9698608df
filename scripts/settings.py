"""What ``name=value`` on the command line can set, and errors in better words than Hydra's."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.utils import get_class

from investorbench.agents.parts import PARTS
from investorbench.agents.settings_files import read_settings
from investorbench.scripts.choices import CONF, GROUPS, OF_A_TASK, Choices, parsed
from investorbench_env.errors import InvestorBenchError, UnknownNameError

OPEN = ("task.options", "task.labels", "memory.embedder", "model.")
"""Settings that others know and check the names of: an environment, an embedder, a model."""
TARGET = "_target_"
SWEEPS = ("-m", "--multirun", "hydra.mode=MULTIRUN")


def swept(overrides: Sequence[str]) -> list[str]:
    """The settings that a sweep changes from job to job.

    Raises:
        InvestorBenchError: one cannot be read, or has several values without a sweep.
    """
    found = [each for each in map(parsed, overrides) if each and each.is_sweep_override()]
    if found and not set(SWEEPS) & set(overrides):
        raise InvestorBenchError(
            f"{found[0].input_line} names several: give -m, too, to run one after another, or "
            f"quote a list that is one value, {found[0].key_or_group}=[…]"
        )
    return [each.key_or_group for each in found]


def require_known_settings(overrides: Sequence[str], choices: Choices) -> list[str]:
    """Check the names of settings before Hydra does.

    Returns:
        The command line, in which settings that no file of configuration lists may be set.

    Raises:
        UnknownNameError: there is no such setting.
        InvestorBenchError: there is, but not of what was chosen.
    """
    known = _Settings(overrides, choices)
    return [known.checked(override) for override in overrides]


class _Settings:
    """What can be set on a command line, by what it chooses."""

    def __init__(self, overrides: Sequence[str], choices: Choices) -> None:
        self._choices = choices
        self._given = {each.key_or_group: each for each in map(parsed, overrides) if each}
        self._own = read_settings(CONF / "config.yaml")
        self._defaults: dict[str, str] = {}
        for entry in self._own.pop("defaults"):
            if isinstance(entry, Mapping):
                self._defaults |= entry
        del self._own["hydra"]

    def checked(self, override: str) -> str:
        key, equals, _ = override.partition("=")
        if key.removeprefix("~") in (*GROUPS, *_dotted(self._own)) and key.startswith("~"):
            raise InvestorBenchError(f"{override}: a setting of every run cannot be taken away")
        # Asks Hydra to add something: an agent looks at its settings itself, and elsewhere what
        # nothing reads would have no effect.
        if key.startswith("+"):
            if not key.lstrip("+").startswith("agent."):
                self.checked(override.lstrip("+"))
            return override
        # What starts with another sign is a flag, or asks Hydra to drop something.
        if not equals or not key[:1].isalpha() or key.startswith("hydra"):
            return override
        if key.startswith(OPEN):
            return f"++{override}"
        group, _, rest = key.partition(".")
        if key in GROUPS or key in _dotted(self._own):
            return override
        if group not in GROUPS or group in OF_A_TASK or not rest:
            raise UnknownNameError("setting", key, self._all())
        if f"{group}._target_" in self._given:
            return override  # a class of somebody's own in place of the one that was chosen
        is_listed = [self._takes(group, name, rest) for name in self._chosen(group)]
        return override if all(is_listed) else f"++{override}"

    def _takes(self, group: str, name: str, rest: str) -> bool:
        """Whether the file of what was chosen lists a setting that it takes."""
        settings = self._settings_of(group, name)
        own = self._choices.agents.get(name) if group == "agent" else None
        if rest in settings or "defaults" in settings:
            return True
        if own is not None and (own.takes_any or rest in own.settings):
            return False
        if group == "agent" and rest in self._unlisted(name):
            return False
        takes = [*settings, *(own.settings if own is not None else ())]
        others = self._others(group, rest)
        if not others:
            raise UnknownNameError("setting", f"{group}.{rest}", self._all())
        raise InvestorBenchError(
            f"{group}={name} takes no {rest}, unlike {', '.join(others)}; it takes "
            + (", ".join(each for each in takes if not each.startswith("_")) or "no settings")
        )

    def _chosen(self, group: str) -> list[str]:
        """The names that a command line chooses of a group."""
        if group not in self._given:
            return [self._defaults[group]]
        override = self._given[group]
        if override.is_sweep_override():
            return [str(getattr(name, "text", name)) for name in override.sweep_iterator()]
        return [str(override.value())]

    def _settings_of(self, group: str, name: str) -> list[str]:
        table = read_settings(self._choices.file(group, name))
        common = self._own.get(group, {})
        return list(dict.fromkeys(_dotted({**common, **table})))

    def _unlisted(self, name: str) -> list[str]:
        """What an agent of ours takes besides what its file lists, and does without."""
        target = read_settings(self._choices.file("agent", name)).get(TARGET)
        if target is None:
            return []
        parameters = inspect.signature(get_class(target)).parameters.values()
        return [each.name for each in parameters if each.default is None and each.name not in PARTS]

    def _others(self, group: str, rest: str) -> list[str]:
        names = self._choices.names(group)
        return [name for name in names if rest in self._settings_of(group, name)]

    def _all(self) -> list[str]:
        """Everything that can be set, of whatever is chosen."""
        of_groups = (
            f"{group}.{key}"
            for group in GROUPS
            if group not in OF_A_TASK
            for name in self._choices.names(group)
            for key in self._settings_of(group, name)
            if not key.startswith("_")
        )
        return [*GROUPS, *_dotted(self._own), *of_groups]


def _dotted(table: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The names of what is in tables in a table, such as ``accepts.seed``."""
    for name, value in table.items():
        yield f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{before}{name}.")
