"""What ``investorbench models`` says of each model: one row a file."""

import os
from dataclasses import asdict, dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from investorbench.agents.llm.lifetime import is_past
from investorbench.agents.llm.model_names import full_name, short_names
from investorbench.agents.llm.models import MODEL_FORMS, Model, load_model
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
        model: its settings.
        is_past: whether it is no longer served.
        key_is_set: None where it needs none.
        is_of_any_id: whether its user says which model it is.
    """

    name: str
    model: Model
    is_past: bool
    key_is_set: bool | None
    is_of_any_id: bool

    def record(self) -> dict[str, Any]:
        """As plain JSON values."""
        model, known = self.model, self.model.knowledge
        return {
            "name": self.name,
            "id": None if self.is_of_any_id else model.id,
            "maker": model.maker,
            "provider": model.provider,
            "released": model.released,
            "retires": model.retires,
            "is_past": self.is_past,
            "knows_until": known.until if known else None,
            "cutoff_is_stated": bool(known and known.is_stated),
            "context_length": model.context_length,
            "price": asdict(model.price) if model.price else None,
            "key_env": model.key_env,
            "key_is_set": self.key_is_set,
            "is_verified": not model.unverified,
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
        ModelError: a file is no model's.
    """
    if wanted is not None and wanted.endswith(SUFFIXES):
        return [_row(Path(wanted).stem, Path(wanted), today)]
    names = choices.names(GROUP)
    found = names if wanted is None else _fitting(wanted, names)
    if not found:
        raise UnknownNameError(GROUP, str(wanted), short_names(names), MODEL_FORMS)
    return [
        _row(name, choices.file(GROUP, name), today)
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


def _row(name: str, file: Path, today: date) -> ModelRow:
    left = [key for key, value in read_settings(file).items() if value == BY_ITS_USER]
    model = load_model(str(file), dict.fromkeys(left, "given later"))
    key_env = model.key_env
    return ModelRow(
        name=name,
        model=model,
        is_past=is_past(model.retires, today),
        key_is_set=None if key_env is None else bool(os.environ.get(key_env, "").strip()),
        is_of_any_id="id" in left,
    )
