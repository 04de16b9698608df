"""What the models of ``conf/model`` are called: by maker and name, or by name alone."""

from collections.abc import Collection
from pathlib import Path

from investorbench.agents.llm.errors import ModelError

CONF = Path(__file__).resolve().parents[2] / "conf" / "model"


def model_names() -> list[str]:
    """All models of ``conf/model``, such as ``"paper/gpt-4o"`` and ``"offline"``."""
    paths = (path.relative_to(CONF).as_posix() for path in CONF.rglob("*.yaml"))
    return sorted(path.removesuffix(".yaml") for path in paths)


def full_name(name: str, known: Collection[str], kind: str = "model") -> str | None:
    """The one of the known names that a name stands for: itself, or the only one that ends so.

    Args:
        name: such as ``"paper/gpt-4o"`` or ``"gpt-4o"``.
        known: all names, such as ``"paper/gpt-4o"``.
        kind: what they are names of.

    Raises:
        ModelError: it stands for several.
    """
    if name in known:
        return name
    found = sorted(each for each in known if each.endswith(f"/{name}"))
    if len(found) > 1:
        raise ModelError(f"{kind}={name} may be {' or '.join(found)}: write the whole of one")
    return found[0] if found else None


def short_names(known: Collection[str]) -> list[str]:
    """The shortest names that stand for each of the known ones."""
    last = [name.rpartition("/")[2] for name in known]
    return [
        short if last.count(short) == 1 else name for name, short in zip(known, last, strict=True)
    ]
