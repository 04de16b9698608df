"""What ``investorbench models`` says of each model: one row a file, read as it stands."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from investorbench.agents.llm.lifetime import Knowledge, is_past, knowledge
from investorbench.agents.llm.model_names import full_name, short_names
from investorbench.agents.llm.models import MODEL_FORMS
from investorbench.agents.settings_files import SUFFIXES, read_settings
from investorbench.scripts.choices import Choices
from investorbench_env.errors import UnknownNameError

GROUP = "model"
BY_ITS_USER = "???"
"""What a file leaves to the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model.

    Attributes:
        name: with its folder.
        id: None where its user says.
        is_past: whether it is no longer served.
        key_is_set: None where it needs none.
        is_verified: whether all of it could be confirmed.
    """

    name: str
    id: str | None
    maker: str | None
    provider: str
    released: str | None
    retires: str | None
    is_past: bool
    knowledge: Knowledge | None
    context_length: int | None
    price: Mapping[str, Any] | None
    key_env: str | None
    key_is_set: bool | None
    is_verified: bool

    def record(self) -> dict[str, Any]:
        """As plain JSON values."""
        known = self.knowledge
        return {
            "name": self.name,
            "id": self.id,
            "maker": self.maker,
            "provider": self.provider,
            "released": self.released,
            "retires": self.retires,
            "is_past": self.is_past,
            "knows_until": known.until if known else None,
            "cutoff_is_stated": bool(known and known.is_stated),
            "context_length": self.context_length,
            "price": dict(self.price) if self.price else None,
            "key_env": self.key_env,
            "key_is_set": self.key_is_set,
            "is_verified": self.is_verified,
        }


def rows(wanted: str | None, choices: Choices, today: date) -> list[ModelRow]:
    """The models that a name or a pattern stands for; all for None.

    Args:
        wanted: a name, such as ``"gpt-4o"``; a folder, such as ``"paper"``; a pattern, such as
            ``"*/claude-*"`` or ``"claude-*"``; a file, ``./my_model.yaml``.
        choices: what there is.
        today: the day on which it is asked.

    Raises:
        UnknownNameError: there is none.
    """
    if wanted is not None and wanted.endswith(SUFFIXES):
        return [_row(wanted, read_settings(wanted), today)]
    names = choices.names(GROUP)
    found = names if wanted is None else _fitting(wanted, names)
    if not found:
        raise UnknownNameError(GROUP, str(wanted), short_names(names), MODEL_FORMS)
    return [
        _row(name, read_settings(choices.file(GROUP, name)), today)
        for name in sorted(found, key=lambda each: ("/" not in each, each))
    ]


def _fitting(wanted: str, names: list[str]) -> list[str]:
    if wanted in {name.rpartition("/")[0] for name in names}:
        return [name for name in names if name.startswith(f"{wanted}/")]
    if not set(wanted) & set("*?["):
        one = full_name(wanted, names)
        return [] if one is None else [one]
    return [
        name
        for name in names
        if fnmatchcase(name, wanted) or fnmatchcase(name.rpartition("/")[2], wanted)
    ]


def _row(name: str, settings: Mapping[str, Any], today: date) -> ModelRow:
    given = {key: None if value == BY_ITS_USER else value for key, value in settings.items()}
    key_env, retires = given.get("key_env"), given.get("retires")
    return ModelRow(
        name=name,
        id=given.get("id"),
        maker=given.get("maker"),
        provider=str(given.get("provider")),
        released=given.get("released"),
        retires=retires,
        is_past=is_past(retires, today),
        knowledge=knowledge(given.get("knowledge_cutoff"), given.get("released")),
        context_length=given.get("context_length"),
        price=given.get("price"),
        key_env=key_env,
        key_is_set=None if key_env is None else bool(os.environ.get(key_env, "").strip()),
        is_verified=not given.get("unverified", False),
    )
