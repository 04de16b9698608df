"""The five decisions in the words of a prompt, a table or a tool call."""

from investorbench.agents.thesis.thesis import CLASSES
from investorbench_env.errors import UnknownNameError


def words_of(label: str) -> str:
    """A class as people write it: ``"strong buy"`` for ``"STRONG_BUY"``."""
    return class_of(label).replace("_", " ").lower()


def mark_of(label: str) -> str:
    """A class as a thesis ends: ``"[[[STRONG_BUY]]]"``."""
    return f"[[[{class_of(label)}]]]"


def class_of(words: str) -> str:
    """The class of a decision in any case, with blanks or underscores.

    Raises:
        UnknownNameError: there is no such decision.
    """
    # What a model calls a tool with may be anything.
    name = "_".join(words.replace("_", " ").upper().split()) if isinstance(words, str) else words
    if name not in CLASSES:
        raise UnknownNameError("decision", words, map(str.lower, CLASSES))
    return name
