"""``model=offline``: a deterministic reader behind a language model's interface; it is none.

It reads the tone of the texts in a prompt with a word list, and the momentum among its numbers,
and fills in whatever schema it is given: of a list of objects one for each section of the prompt
that an object may name, and of signals about perpetuals one for each coin. Where a thesis is asked
for it fills in a template. Of tools it calls once, all together, those that need no arguments. So
everything runs without a key, a GPU or a download.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Self

from investorbench.agents.asked_forecasts import UP
from investorbench.agents.llm.answer import Answer, Message, Schema, Tool, ToolCall, Usage
from investorbench.agents.llm.canonical import canonical, digest
from investorbench.agents.llm.contents import require_eyes, text_of
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.offline_orders import ordered, sections
from investorbench.agents.llm.offline_signals import signals
from investorbench.agents.llm.offline_theses import decisions_asked, offline_thesis
from investorbench.agents.llm.wordlist import Words, load_words, tone

IS_CLEAR = 0.05
"""Scores closer to zero than this mean hold."""
FULL_MOMENTUM = 0.05
"""A return over the momentum's window that counts as much as the plainest text."""
MOST_CITED = 3
FULL_TILT = 0.2
"""How far from one half the probability of a rise is by the plainest text."""

# Foreign text in our prompts is in marked blocks, or indented: never in a line of its own.
_BLOCK = re.compile(r"<(\w+)(?:\s[^<>]*)?>\n?([^<]*)</\1>")
_INDENTED = re.compile(r"^[ \t]+\S.*$", re.MULTILINE)
_HEADING = re.compile(r"(?m)^#+ ")
_BY_ID = re.compile(
    r"(?m)(?:^\s*[\[(#]?([\w-]+)[\])]?[:.\s]|id=[\"']?([\w-]+)[\"']?[^>\n]*>)\s*(.+)$"
)
_MOMENTUM = re.compile(r"(?i)\bmomentum\b[^\n%]*?([+\-−]?\d+(?:\.\d+)?)\s*%")
_RETURN = re.compile(r"(?i)\breturns?\b[^\n%]*?([+\-−]?\d+(?:\.\d+)?)\s*%")

_SIGNS = {"buy": 1, "long": 1, "sell": -1, "short": -1, "hold": 0, "flat": 0}


class Impression(NamedTuple):
    """What a prompt says to this reader."""

    tone: float
    """Mean tone of its texts, −1 to 1; 0 where it has none."""
    texts: int
    momentum: float | None
    """The last return it calls momentum (or, without one, a return), as a share."""

    @property
    def score(self) -> float:
        """Tone and momentum together, −1 to 1."""
        drift = math.tanh((self.momentum or 0.0) / FULL_MOMENTUM)
        return (self.tone + drift) / 2

    @property
    def sign(self) -> int:
        """1 for buy, −1 for sell, 0 for hold."""
        return (self.score > IS_CLEAR) - (self.score < -IS_CLEAR)


class OfflineReader:
    """Answers by word list and momentum; the same prompt always gets the same answer.

    Args:
        model: settings with ``provider: offline``; only name, id and word list matter.
    """

    is_language_model = False

    def __init__(self, model: Model) -> None:
        self.model, self.name = model, model.name
        self._words = load_words(model.word_list or "vader")
        self._tone = lru_cache(maxsize=8192)(lambda text: tone(text, self._words))

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        return self  # it has no state, and its word list cannot be copied

    async def decide(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        *,
        seed: int | None = None,
        repeat: int = 0,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
    ) -> Answer:
        """Fill in a schema; for the arguments see ``Client.decide``. Seeds change nothing here."""
        require_eyes(self.model, messages)
        read = [text_of(m["content"]) for m in messages if m["role"] in ("user", "tool")]
        prompt = "\n".join(read)
        calls = () if any(m["role"] == "tool" for m in messages) else _calls(tools)
        seen = self.read(prompt)
        value = None if schema is None or calls else signals(schema, prompt)
        if value is None and schema is not None and not calls:
            value = self._fill(schema, seen, prompt)
        text = self._text(messages, prompt, seen) if value is None else canonical(value)
        return Answer(
            value=value,
            text="Looks up by rules, being no language model." if calls else text,
            status="ok",
            rung="text",
            model=self.model.id,
            request_hash=digest([self.model.id, self.model.word_list, list(messages), schema]),
            usage=Usage(),
            cost_usd=0.0,
            is_language_model=False,
            tool_calls=calls,
        )

    def read(self, prompt: str) -> Impression:
        """What a prompt says: the tone of the texts it quotes, and its momentum."""
        texts = list(quoted(prompt))
        if not texts and not _HEADING.search(prompt):
            texts = [prompt]  # nothing but a text
        tones = [self._tone(text) for text in texts]
        ours = _INDENTED.sub("", _BLOCK.sub("", prompt)) if texts != [prompt] else prompt
        momentum = _last_percent(_MOMENTUM, ours)
        if momentum is None:
            momentum = _last_percent(_RETURN, ours)
        return Impression(sum(tones) / max(len(tones), 1), len(texts), momentum)

    def _text(self, messages: Sequence[Message], prompt: str, seen: Impression) -> str:
        """Plain text: a thesis where that is asked for, else what it makes of the prompt."""
        decisions = decisions_asked(messages)
        return offline_thesis(prompt, decisions, self._tone) if decisions else _rationale(seen)

    def _fill(self, schema: Any, seen: Impression, prompt: str, name: str = "") -> Any:
        """A value of a schema; what can express the impression does, the rest is plain."""
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return _choice(list(schema["enum"]), seen)
        for several in ("anyOf", "oneOf", "allOf"):
            if schema.get(several):
                return self._fill(schema[several][0], seen, prompt, name)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        match kind[0] if isinstance(kind, list) else kind:
            case "object":
                parts: Mapping[str, Any] = schema.get("properties", {})
                return {key: self._fill(part, seen, prompt, key) for key, part in parts.items()}
            case "array" if "properties" in schema.get("items", {}):
                return list(self._objects(schema["items"], prompt))
            case "array":
                return self._cited(schema, seen, prompt)
            case "number" if name == UP:
                return 0.5 + FULL_TILT * seen.score
            case "number":
                return _clipped(seen.score, schema)
            case "integer":
                return round(_clipped(seen.sign, schema))
            case "boolean":
                return seen.sign > 0
            case "null":
                return None
        return _rationale(seen)[: schema.get("maxLength", 1_000)]

    def _objects(self, schema: Mapping[str, Any], prompt: str) -> Iterator[Mapping[str, Any]]:
        """For each section that an object of a list may name, the object, if there is one to make.

        Where it is an order, there is none of what has no clear tone or no size, see
        :mod:`investorbench.agents.llm.offline_orders`.
        """
        parts: Mapping[str, Any] = schema["properties"]
        several = (sections(prompt, part["enum"]) for part in parts.values() if part.get("enum"))
        found = next(filter(None, several), {})
        for name, text in found.items():
            seen = self.read(text)
            plain = {key: self._fill(part, seen, text, key) for key, part in parts.items()}
            plain |= {key: name for key, part in parts.items() if name in part.get("enum", ())}
            order = ordered(plain, seen.sign, text, prompt, len(found))
            if order is not None:
                yield order

    def _cited(self, schema: Mapping[str, Any], seen: Impression, prompt: str) -> list[Any]:
        """Of the ids that may be cited, those whose texts speak most clearly for the decision."""
        allowed = list(schema.get("items", {}).get("enum", ()))
        most = min(schema.get("maxItems", MOST_CITED), MOST_CITED)
        if not allowed:
            return []
        texts = _texts_by_id(prompt, allowed)
        weights = {
            place: self._tone(texts.get(str(item), "")) * (seen.sign or 1)
            for place, item in enumerate(allowed)
        }
        ranked = sorted(weights, key=lambda place: (-weights[place], place))
        least = schema.get("minItems", 0)
        chosen = [place for place in ranked if weights[place] > 0][:most]
        chosen = chosen if len(chosen) >= least else ranked[:least]
        return [allowed[place] for place in chosen]


def quoted(prompt: str) -> Iterator[str]:
    """The foreign texts in a prompt: marked blocks, or where there are none, indented lines."""
    blocks = [found.group(2).strip() for found in _BLOCK.finditer(prompt)]
    for block in blocks or _INDENTED.findall(prompt):
        yield from (line.strip() for line in block.splitlines() if re.search("[A-Za-z]{3}", line))


def _texts_by_id(prompt: str, allowed: Sequence[Any]) -> dict[str, str]:
    """What stands beside each id: ``[id] text``, ``id: text`` or ``<memory id="id">text``."""
    known = {str(item) for item in allowed}
    found = {match.group(1) or match.group(2): match.group(3) for match in _BY_ID.finditer(prompt)}
    return {id: text for id, text in found.items() if id in known}


def _calls(tools: Sequence[Tool]) -> tuple[ToolCall, ...]:
    """One of each tool that can be called without a choice."""
    free = [tool.name for tool in tools if not tool.parameters.get("required")]
    return tuple(ToolCall(id=f"call{n:05d}", name=name) for n, name in enumerate(free, 1))


def _choice(words: list[Any], seen: Impression) -> Any:
    """The word that means what was decided; where none does, the first."""
    signs = {word: _SIGNS.get(str(word).lower().split("_")[0]) for word in words}
    for sign in (seen.sign, 0):
        for word, meaning in signs.items():
            if meaning == sign:
                return word
    return words[0]


def _clipped(value: float, schema: Mapping[str, Any]) -> float:
    return float(min(max(value, schema.get("minimum", -1.0)), schema.get("maximum", 1.0)))


def _last_percent(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.findall(text)
    return float(found[-1].replace("−", "-")) / 100 if found else None


def _rationale(seen: Impression) -> str:
    momentum = "unknown" if seen.momentum is None else f"{seen.momentum:+.2%}"
    word = {1: "buy", 0: "hold", -1: "sell"}[seen.sign]
    return (
        f"Word list over {seen.texts} texts: tone {seen.tone:+.2f}; momentum {momentum}; "
        f"together {seen.score:+.2f}: {word}. (Read by rules, not by a language model.)"
    )


__all__ = ["Impression", "OfflineReader", "Words", "quoted"]
