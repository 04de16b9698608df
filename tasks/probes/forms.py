"""In which form a reply is asked for: an object by coin, a list, or with numbers as texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from investorbench.agents.arena.reply import ARGUMENTS, THINKING
from investorbench.agents.llm import Answer
from investorbench_env.accounting.signal_lists import ReadSignals, read_signals

SIGNALS = "signals"
"""The key of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyForm:
    """One form of a reply.

    Attributes:
        words: that ask for it, after those that ask for an object by coin.
        schema: of the reply, given that of an object by coin.
        action: what of the reply is the action.
    """

    words: str
    schema: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    action: Callable[[Mapping[str, Any]], Any]

    def read(self, answer: Answer, symbols: Sequence[str]) -> ReadSignals | None:
        """The signals of an answer; None where the first reply could not be read as it stood."""
        if answer.status != "ok" or answer.value is None:
            return None
        return read_signals(self.action(answer.value), symbols)


def _by_coin(value: Mapping[str, Any]) -> dict[str, Any]:
    parts = ((coin, part) for coin, part in value.items() if isinstance(part, Mapping))
    return {coin: part[ARGUMENTS] for coin, part in parts}


def _listed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a list of what stands under each coin."""
    parts = dict(schema["properties"])
    thinking = {THINKING: parts.pop(THINKING)} if THINKING in parts else {}
    item = next(iter(parts.values()))["properties"][ARGUMENTS]
    coin = {"type": "string", "enum": [*parts]}
    item = {**item, "properties": {**item["properties"], "coin": coin}}
    properties = {**thinking, SIGNALS: {"type": "array", "items": item}}
    return {**schema, "properties": properties, "required": [*properties]}


def _as_texts(schema: Any) -> Any:
    """A schema in which every number is a text."""
    if isinstance(schema, Mapping):
        return {name: _as_texts(part) for name, part in schema.items()}
    if isinstance(schema, list):
        return ["string" if each == "number" else each for each in schema]
    return schema


BY_COIN = ReplyForm(words="", schema=dict, action=_by_coin)
AS_LIST = ReplyForm(
    words=f"Give the answer in another form than above: under the one key `{SIGNALS}`, in place of "
    f"the coins, a list of the objects that would stand under `{ARGUMENTS}`, one for each coin.",
    schema=_listed,
    action=lambda value: value[SIGNALS],
)
AS_TEXTS = ReplyForm(
    words='Write every number in the answer as a text in quotation marks, such as "0.62".',
    schema=_as_texts,
    action=_by_coin,
)
