"""What a model may ask of the past, as tools: bars, documents, search, read.

Whatever goes wrong with a call is a text to the model, and has a name by which it is counted.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal, NamedTuple

from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.llm import Tool, ToolCall
from investorbench.agents.llm.fitting import fit
from investorbench_env.errors import InvestorBenchError, NotYetKnownError
from investorbench_env.market.documents import Document
from investorbench_env.market.past import Past

CallError = Literal["unknown_tool", "arguments", "future", "failed", "too_long", "too_many"]
"""Why a call had no result: no such tool, arguments that do not fit, a date after the decision, an
error in the tool, a result beyond the budget, or no calls left."""

LONGEST_QUERY = 400
EXCERPT, PAGE_OF_TEXT, PAGE = 240, 4_000, 10
"""Characters of a document in a list and on a page of its own; documents to a page."""
DATE = {"type": "string", "description": "YYYY-MM-DD"}
RANGE: Mapping[str, Any] = {"start": DATE, "end": DATE}
KIND: Mapping[str, Any] = {
    "kind": {"type": "string", "description": 'news, filing, or a form such as "10-K"'}
}


class CallOutcome(NamedTuple):
    """What came of a call: a text for the model, and the error's name where it is one."""

    text: str
    error: CallError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTool:
    """A tool over the past.

    Attributes:
        tool: as a model sees it.
        run: its result, of a past and arguments that fit.
    """

    tool: Tool
    run: Callable[[Past, Mapping[str, Any]], str]


def carry_out(
    call: ToolCall, past: Past, longest: int, verbs: Mapping[str, PastTool] | None = None
) -> CallOutcome:
    """Carry out a call.

    Args:
        call: of a model.
        past: what is known.
        longest: characters that a result may have.
        verbs: those that there are, by name; None for all of ours.
    """
    known = VERBS if verbs is None else verbs
    verb = known.get(call.name)
    if verb is None:
        text = f"there is no tool {call.name!r}; there are {', '.join(known)}"
        return CallOutcome(f"Error: {text}.", "unknown_tool")
    arguments = {name: value for name, value in call.arguments.items() if value is not None}
    problem = call.problem
    if not problem and (arguments or verb.tool.parameters.get("required")):
        fitted = fit(arguments, verb.tool.parameters)
        problem, arguments = fitted.problem, fitted.value
    if problem:
        return CallOutcome(f"Error: {neutral(problem)}.", "arguments")
    try:
        text = verb.run(past, arguments)
    except NotYetKnownError as error:
        return CallOutcome(f"Error: {neutral(str(error))}.", "future")
    except InvestorBenchError as error:
        return CallOutcome(f"Error: {neutral(str(error))}.", "arguments")
    except Exception as error:  # noqa: BLE001 - a tool of somebody's own may raise anything
        return CallOutcome(f"Error: {call.name} failed: {type(error).__name__}.", "failed")
    if len(text) > longest:
        advice = "ask for fewer, for a shorter range or for the next page"
        said = f"the result has {len(text):,} characters, at most {longest:,} fit: {advice}"
        return CallOutcome(f"Error: {said}.", "too_long")
    return CallOutcome(text)


def shown(document: Document, text: str | None = None) -> str:
    """A document as a block that its text cannot end.

    Args:
        document: which.
        text: in place of its own.
    """
    kind, own = document.kind, ""
    if document.is_filing:
        kind, own = "filing", f' form="{_in_quotes(document.kind)}"'
    said = neutral(str(document) if text is None else text)
    at = f"{document.available_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f'<{kind} id="{_in_quotes(document.id)}"{own} available="{at}">\n{said}\n</{kind}>'


def _in_quotes(text: str) -> str:
    """Foreign text that ends no attribute."""
    return " ".join(neutral(text).replace('"', "'").split())


def excerpt(document: Document, query: str = "") -> str:
    """The beginning of a document, or where the first word of a query stands."""
    text = " ".join(str(document).split())
    places = [text.lower().find(word) for word in query.lower().split()]
    first = min((place for place in places if place >= 0), default=0)
    start = max(0, min(first - EXCERPT // 4, len(text) - EXCERPT))
    cut = text[start : start + EXCERPT]
    return f"{'… ' * (start > 0)}{cut}{' …' * (start + EXCERPT < len(text))}"


def _bars(past: Past, given: Mapping[str, Any]) -> str:
    in_range = not given.keys().isdisjoint(RANGE)
    last = given.get("last", None if in_range else 20)
    rows = past.bars(given.get("start"), given.get("end"), last=last)
    lines = ["session open high low close volume"]
    for row in rows:
        prices = " ".join(f"{row[name]:.6g}" for name in ("open", "high", "low", "close"))
        paid = f" dividend {row['dividend']:.6g}" if row["dividend"] else ""
        split = f" split {row['split']:.6g} for 1" if row["split"] != 1.0 else ""
        lines.append(f"{row['session']} {prices} {row['volume']:.6g}{paid}{split}")
    return "\n".join(lines) if len(rows) else "There are no bars in that range."


def _documents(past: Past, given: Mapping[str, Any]) -> str:
    asked = given.get("kind"), given.get("start"), given.get("end")
    page, count = given.get("page", 1), len(past.documents(*asked))
    found = past.documents(*asked, page=page, size=PAGE)
    if not found:
        return f"No documents there. {_kinds(past)}"
    head = f"Page {page} of {-(-count // PAGE)}, the latest first."
    return "\n".join([head, *(shown(each, excerpt(each)) for each in found)])


def _search(past: Past, given: Mapping[str, Any]) -> str:
    query = given["query"]
    asked = given.get("kind"), given.get("start"), given.get("end")
    hits = past.search(query, *asked, k=given.get("k", 5))
    if not hits:
        return f"Nothing has these words. {_kinds(past)}"
    return "\n".join(shown(hit.document, excerpt(hit.document, query)) for hit in hits)


def _read(past: Past, given: Mapping[str, Any]) -> str:
    document, page = past.read(given["id"]), given.get("page", 1)
    text = str(document)
    pages = max(1, -(-len(text) // PAGE_OF_TEXT))
    if page > pages:
        raise InvestorBenchError(f"page {page} is beyond the last, {pages}")
    part = text[(page - 1) * PAGE_OF_TEXT : page * PAGE_OF_TEXT]
    return f"Page {page} of {pages}.\n{shown(document, part)}"


def _kinds(past: Past) -> str:
    counts = ", ".join(f"{count} of {neutral(kind)}" for kind, count in past.kinds.items())
    return f"Up to now there are {counts or 'no documents at all'}."


def _verb(
    name: str,
    description: str,
    run: Callable[[Past, Mapping[str, Any]], str],
    properties: Mapping[str, Any],
    required: Sequence[str] = (),
) -> PastTool:
    parameters = {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
    return PastTool(tool=Tool(name=name, description=description, parameters=parameters), run=run)


def _up_to(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


VERBS: Mapping[str, PastTool] = {
    verb.tool.name: verb
    for verb in (
        _verb(
            "bars",
            "Open, high, low, close and volume of past sessions, oldest first, in the shares of "
            "today, with dividends and splits. Without arguments the last 20.",
            _bars,
            {**RANGE, "last": _up_to(250)},
        ),
        _verb(
            "documents",
            "Past news and filings, the latest first, ten to a page, each by its beginning.",
            _documents,
            {**KIND, **RANGE, "page": _up_to(10_000)},
        ),
        _verb(
            "search",
            "Past news and filings that have the words of a query, best first.",
            _search,
            {
                "query": {"type": "string", "maxLength": LONGEST_QUERY},
                **KIND,
                **RANGE,
                "k": _up_to(20),
            },
            ["query"],
        ),
        _verb(
            "read",
            "A past document in full, by its id, page by page.",
            _read,
            {"id": {"type": "string"}, "page": _up_to(10_000)},
            ["id"],
        ),
    )
}
"""The tools over the past, by name."""


def as_message(call: ToolCall) -> dict[str, Any]:
    """A call as the model's own message has it."""
    extra = {"extra": dict(call.extra)} if call.extra else {}
    return {"id": call.id, "name": call.name, "arguments": dict(call.arguments), **extra}


def as_recorded(call: ToolCall, outcome: CallOutcome) -> dict[str, Any]:
    """A call and what came of it, in plain JSON values."""
    arguments = json.loads(json.dumps(call.arguments))
    return {
        "name": call.name,
        "arguments": arguments,
        "error": outcome.error,
        "result": outcome.text,
    }
