"""What the settings of a job say of its model and memory, in the words of tables."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class JobWords(NamedTuple):
    """What a job's agent asks and remembers with; None for what it has not, or does not say.

    Attributes:
        model: its language model, by the name of the model's file.
        model_id: the same as its server calls it.
        memory: the profile of its memory.
        temperature: that the model samples at.
        cutoff: until when the model's knowledge reaches, as configured.
        released: when the model was.
    """

    model: str | None
    model_id: str | None
    memory: str | None
    temperature: float | None
    cutoff: str | None
    released: str | None


def job_words(settings: Mapping[str, Any]) -> JobWords:
    """What the settings of a job say.

    Args:
        settings: as its configuration has them, or as a result does.
    """
    model = _part(settings, "model")
    temperature = _part(model, "sampling").get("temperature")
    return JobWords(
        model=_text(model.get("name")),
        model_id=_text(model.get("id")),
        memory=_text(_part(settings, "memory").get("profile")),
        temperature=float(temperature) if isinstance(temperature, int | float) else None,
        cutoff=_text(model.get("knowledge_cutoff")),
        released=_text(model.get("released")),
    )


def _part(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = settings.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
