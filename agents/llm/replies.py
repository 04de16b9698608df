"""From the text of a reply to the object that was asked for, or to the reason why there is none.

It forgives only what cannot be misread, and says what it forgave.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from investorbench.agents.llm.answer import Completion, Defect, Schema, Status
from investorbench.agents.llm.by_name import from_list
from investorbench.agents.llm.fitting import fit

LONGEST_ANSWER = 20_000
"""Characters; a decision is a few hundred."""

_FENCE = re.compile(r"\A```[\w-]*[ \t]*\n?(.*?)\n?```\s*\Z", re.DOTALL)
_OBJECT = re.compile(r"\{\s*(?:[\"'}A-Za-z_]|\Z)")
# What is left where a text ends within a number, a word or an escape.
_BEGUN = re.compile(
    r"[-+.eE\d]*|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?|N(?:aN?)?|\\?(?:u[0-9a-fA-F]{0,3})?"
)
_REFUSAL = re.compile(
    r"(?i)\A\W*(?:i['’]?m (?:very |really |so )?sorry|i am sorry|sorry,|i apologi[sz]e|as an ai\b|"
    r"i (?:can(?:not|['’]t| not)|won['’]t|will not|am (?:unable|not able)|['’]m (?:unable|not able)"
    r"|must decline|do not feel))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reply says: a value, or a defect and the problem in words."""

    value: Mapping[str, Any] | None = None
    defect: Defect | None = None
    problem: str = ""
    tolerated: tuple[str, ...] = ()
    rest: Mapping[str, Any] | None = None
    """The value without the objects that alone are wrong, of lists or by name; None where more
    is."""
    unfit: int = 0
    """How many these are."""

    def without_unfit(self) -> "Reading":
        """What can be used of a reply once the model has had its second turn.

        Each object of a list, or by name, stands by itself, such as an order: one that is wrong
        takes no other with it. What is left out is noted, and the problem says what was wrong.
        """
        if self.rest is None:
            return self
        tolerated = (*self.tolerated, *["unfit_item"] * self.unfit)
        return Reading(value=self.rest, problem=self.problem, tolerated=tolerated)


class _TwiceError(ValueError):
    """One object gives a key two values."""


def read_reply(completion: Completion, schema: Schema, longest: int = LONGEST_ANSWER) -> Reading:
    """Find the object that a schema asks for.

    Args:
        completion: the reply, its thinking already apart.
        schema: what the object must be.
        longest: characters that an answer may have.
    """
    text = completion.text.strip()
    cut = completion.finish_reason == "length"
    if completion.refusal or completion.finish_reason == "content_filter":
        return _defect("refusal", f"the model declined: {completion.refusal[:200]}")
    if len(text) > longest:
        return _defect("over_long", f"it has {len(text)} characters; at most {longest} are allowed")
    if not text:
        return _defect("truncated" if cut else "empty", "it was cut off" if cut else "it was empty")
    unfenced = _FENCE.sub(r"\1", text)
    try:
        values, rest = _objects(unfenced)
    except _TwiceError as error:
        return _defect("contradictory", str(error))
    except ValueError as error:
        if cut:
            return _defect("truncated", "it was cut off before the object was complete; be brief")
        early = isinstance(error, json.JSONDecodeError) and _ends_early(error)
        return _defect("partial" if early else "not_json", f"it is no valid JSON: {error}")
    if not values:
        if cut:
            return _defect("truncated", "it was cut off before any object")
        if _REFUSAL.match(text):
            return _defect("refusal", "it declined to answer")
        return _defect("not_json", "it holds no JSON object")
    try:
        return _one_of(values, schema, _forgiven(text, unfenced, rest, values, cut))
    except RecursionError:  # the parser may go deeper than Python's own functions
        return _defect("not_json", "it is nested too deeply")


def _objects(text: str) -> tuple[list[Any], str]:
    """All JSON objects and lists at the top of a text, and what stands around them."""
    decoder = json.JSONDecoder(
        strict=False, object_pairs_hook=unrepeated, parse_constant=refuse_constant
    )
    values, rest, position = [], [], 0
    while (start := _next_start(text, position)) is not None:
        rest.append(text[position:start])
        try:
            value, position = decoder.raw_decode(text, start)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        values.append(value)
    rest.append(text[position:])
    return values, "".join(rest).strip()


def _next_start(text: str, position: int) -> int | None:
    """Where the next object, or list of objects, begins; braces in prose are no beginning."""
    found = _OBJECT.search(text, position)
    if found is None:
        return None
    opening = re.compile(r"\[\s*\Z").search(text, position, found.start())
    return opening.start() if opening else found.start()


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its pairs, none of which contradicts another: a hook for ``json``."""
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value and value[key] != item:
            raise _TwiceError(f"it gives {key!r} twice, with different values")
        value[key] = item
    return value


def refuse_constant(name: str) -> Any:
    """A hook for ``json``, which would take NaN and Infinity."""
    raise ValueError(f"{name} is not JSON")


def _ends_early(error: json.JSONDecodeError) -> bool:
    """Whether the decoder ran out of text rather than into something wrong."""
    left = error.doc[error.pos :].strip()
    return error.msg.startswith("Unterminated string") or _BEGUN.fullmatch(left) is not None


def _one_of(values: list[Any], schema: Schema, tolerated: tuple[str, ...]) -> Reading:
    """The one object among those found, if there is one."""
    if any(isinstance(value, list) for value in values):
        lists = (value if isinstance(value, list) else [value] for value in values)
        values = [item for items in lists for item in items]
        tolerated = (*tolerated, "list")
    combined = _combined(values, schema)
    if combined is not None:
        values, tolerated = [combined], (*tolerated, "list_of_parts")
    first, *others = values or [None]
    if any(other != first for other in others):
        return _defect("contradictory", f"it holds {len(values)} different objects; give one")
    if not isinstance(first, dict):
        return _defect("not_json", "it holds no JSON object")
    if others:
        tolerated = (*tolerated, "repeated")
    fitted = fit(first, schema)
    tolerated = (*tolerated, *fitted.tolerated)
    if fitted.problem:
        return Reading(
            defect="over_long" if fitted.too_long else "schema",
            problem=fitted.problem,
            tolerated=tolerated,
            rest=None if _is_foreign(fitted.prose) else fitted.rest,
            unfit=fitted.unfit,
        )
    if _is_foreign(fitted.prose):
        return _defect("language", "its text is not in English; answer in English")
    return Reading(value=fitted.value, tolerated=tolerated)


def _combined(values: list[Any], schema: Schema) -> dict[str, Any] | None:
    """One answer of several objects that are its parts; None where they are not, or need not be."""
    known = schema.get("properties", {}).keys()
    first, *others = values or [None]
    is_answer = isinstance(first, dict) and bool(first.keys() & known)
    if is_answer and all(other == first for other in others):
        return None
    return from_list(values, schema)


def read_text(completion: Completion) -> Reading:
    """Whether a reply is the plain text that was asked for."""
    if completion.refusal or completion.finish_reason == "content_filter":
        return Reading(defect="refusal", problem="the model declined")
    if not completion.text.strip():
        cut = completion.finish_reason == "length"
        return Reading(defect="truncated" if cut else "empty", problem="there is no text")
    return Reading()


def status_without(reading: Reading) -> Status:
    """What became of a question whose last reply has a defect."""
    match reading.defect:
        case "refusal":
            return "refused"
        case "truncated":
            return "truncated"
    return "invalid"


def _forgiven(text: str, unfenced: str, rest: str, values: list[Any], cut: bool) -> tuple[str, ...]:
    found = {
        "fence": unfenced != text or "```" in rest,
        "surrounding_text": bool(re.sub(r"```[\w-]*", "", rest).strip(" \n\t.,;")),
        "cut_after_object": cut and bool(values),
    }
    return tuple(name for name, holds in found.items() if holds)


def _is_foreign(prose: str) -> bool:
    """Whether most letters are of another script than Latin; names and quotations may be."""
    letters = [character for character in prose if character.isalpha()]
    latin = sum("LATIN" in unicodedata.name(letter, "LATIN") for letter in letters)
    return len(letters) >= 8 and latin * 2 < len(letters)


def _defect(defect: Defect, problem: str) -> Reading:
    return Reading(defect=defect, problem=problem)
