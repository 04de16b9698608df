"""The prompt: templates, and what goes into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any

from investorbench.agents.finmem.character import Appetite
from investorbench.agents.finmem.decision import schema_of, word_of
from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.finmem.past_decisions import PastDecision
from investorbench.agents.finmem.perception import Perception, signed_percent
from investorbench.agents.llm import Message
from investorbench.memory import Recalled

HEADINGS = {
    "long": "Long-term memory",
    "mid": "Mid-term memory",
    "reflection": "Reflections",
    "short": "Short-term memory",
    "all": "All memories",
    "today": "Texts of today",
}
"""Layers in the order in which they are shown: what changes least comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked.

    Attributes:
        system: what never changes in a repeat.
        user: what does.
        schema: of the answer.
    """

    system: str
    user: str
    schema: Mapping[str, Any]

    @property
    def messages(self) -> tuple[Message, ...]:
        """As a model takes them."""
        return (
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user},
        )

    @property
    def sha256(self) -> str:
        """Of the prompt's text."""
        return sha256(f"{self.system}\0{self.user}".encode("utf-8", "replace")).hexdigest()


def ask(
    system: str,
    recalled: Sequence[Recalled],
    recent: Sequence[PastDecision],
    perception: Perception,
    appetite: Appetite,
    label: float | None,
    *,
    reflects: bool,
) -> Question:
    """The question about one day.

    Args:
        system: the part that never changes.
        recalled: memories to show.
        recent: decisions to show, oldest first.
        perception: of the day.
        appetite: for risk.
        label: what the asset returns next; None outside the warm-up.
        reflects: whether to ask what the recent decisions teach.
    """
    values = {
        "symbol": perception.symbol,
        "memories": blocks(recalled),
        "recent": "\n".join(map(str, recent)) or "None yet.",
        "facts": str(perception),
        "appetite": template(appetite).strip(),
        "reflect": template("reflect") if reflects else "",
    }
    keys = ["reflection", "rationale"] if reflects else ["rationale"]
    if label is None:
        keys.append("decision")
        user = fill("test", **values)
    else:
        user = fill("warmup", label=signed_percent(label), decision=word_of(label), **values)
    schema = schema_of(keys, sorted(memory.id for memory in recalled))
    return Question(system=system, user=user, schema=schema)


def fill(name: str, **values: str) -> str:
    """A template with its values; ``$`` in a value means nothing."""
    return Template(template(name)).substitute(values).strip()


def blocks(recalled: Sequence[Recalled]) -> str:
    """Memories by layer, oldest first, each in a block that its text cannot leave."""
    present = {memory.layer for memory in recalled}
    others = sorted(present - {*HEADINGS})
    parts = []
    for layer in (*(known for known in HEADINGS if known in present), *others):
        parts.append(f"## {HEADINGS.get(layer, layer)}")
        own = (memory for memory in recalled if memory.layer == layer)
        parts += map(block, sorted(own, key=lambda memory: memory.id))
    return "\n".join(parts) or "None yet."


def block(memory: Recalled) -> str:
    """One memory in its block."""
    return f'<memory id="{memory.id}" date="{memory.time}">\n{neutral(memory.text)}\n</memory>'


@cache
def template(name: str) -> str:
    """The text of a template."""
    return (files("investorbench.agents.finmem") / "prompts" / f"{name}.md").read_text(
        encoding="utf-8"
    )


@cache
def templates_sha256() -> str:
    """Of all templates, by name and content: it changes whenever a prompt would."""
    folder = files("investorbench.agents.finmem") / "prompts"
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(".md"))
    texts = "\0".join(f"{name}\0{template(name.removesuffix('.md'))}" for name in names)
    return sha256(texts.encode("utf-8")).hexdigest()
