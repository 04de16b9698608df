"""How ``investorbench models`` looks: a line a model in 80 columns, more on wide terminals."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from rich.markup import escape

from investorbench.agents.llm.answer import RUNGS
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.probing import LIMITS, Acceptance, ServerCheck
from investorbench.scripts.data_output import hanging
from investorbench.scripts.model_rows import ModelRow
from investorbench.scripts.terminal import Console
from investorbench.tasks.wording import count
from investorbench_env.errors import UnknownNameError

WIDE = 120
"""Columns from which on maker and id are shown, too."""
NONE = "–"


class ModelColumn(NamedTuple):
    """A column of the table: its head, its width (to the right where negative), its text."""

    head: str
    width: int
    text: Callable[[ModelRow], str]


def print_models(console: Console, models: Sequence[ModelRow]) -> None:
    """A table by folder, and what its marks mean."""
    columns = [*COLUMNS, *(MORE if console.width >= WIDE else ())]
    name = max(len(_short(each)) for each in models) + 1
    head = " " * (name + 1) + "".join(_in(column, column.head) for column in columns)
    console.print(f"[bold]{head.rstrip()}[/]", soft_wrap=True)
    for folder, group in groupby(models, lambda each: each.name.rpartition("/")[0]):
        console.print(f"[bold cyan]{escape(folder or 'others')}[/]", soft_wrap=True)
        for each in group:
            cells = "".join(_in(column, column.text(each)) for column in columns)
            line = escape(f" {_short(each):{name}}{cells}".rstrip())
            console.print(line, style="dim" if each.is_past else None, soft_wrap=True)
    console.print()
    for mark, meaning in _legend(models):
        hanging(console, mark, meaning, 9, "dim")


def print_probe(
    console: Console, model: Model, address: str, found: ServerCheck, max_usd: float
) -> None:
    """How a server stands, a line a finding, and what it cost."""
    colour, mark = ("red", "✗") if found.is_fault else ("yellow", "·")
    if found.state == "answers":
        colour, mark = "green", "✓"
    text = f"{address} {found.state}" + (f" as {found.answered_by}" if found.answered_by else "")
    hanging(console, f"{mark} {model.name}", text, len(model.name) + 2, colour)
    if found.says:
        hanging(console, "", found.says, 2, colour)
    if found.listed:
        hanging(console, "", str(UnknownNameError("model", model.id, found.listed)), 2, "bold")
    width = max((len(each.what) for each in found.findings), default=0) + 2
    for each in found.findings:
        hanging(console, f"  {each.what}", _finding(each), width, _colour(each))
    if found.requests:
        hanging(console, "", _cost(found, max_usd), 0, "dim")


def _in(column: ModelColumn, text: str) -> str:
    width = abs(column.width)
    return f"{text:>{width}} " if column.width < 0 else f"{text:{width}} "


def _short(row: ModelRow) -> str:
    return row.name.rpartition("/")[2] + ("?" if row.model.unverified else "")


def _retires(row: ModelRow) -> str:
    return f"{row.model.retires or NONE}{'✗' if row.is_past else ''}"


def _knows(row: ModelRow) -> str:
    known = row.model.knowledge
    return NONE if known is None else known.until if known.is_stated else f"≤{known.until}"


def _context(row: ModelRow) -> str:
    tokens = row.model.context_length
    if tokens is None:
        return NONE
    return f"{tokens / 1e6:.3g}M" if tokens >= 1_000_000 else f"{tokens / 1e3:.0f}K"


def _price(of: Literal["input", "output"]) -> Callable[[ModelRow], str]:
    def price(row: ModelRow) -> str:
        return NONE if row.model.price is None else f"{getattr(row.model.price, of):g}"

    return price


def _key(row: ModelRow) -> str:
    return NONE if row.key_is_set is None else "set" if row.key_is_set else "no"


COLUMNS = (
    ModelColumn("released", 10, lambda row: row.model.released or NONE),
    ModelColumn("retires", 11, _retires),
    ModelColumn("knows to", 11, _knows),
    ModelColumn("context", -7, _context),
    ModelColumn("in", -4, _price("input")),
    ModelColumn("out", -4, _price("output")),
    ModelColumn("key", 3, _key),
)
MORE = (
    ModelColumn("maker", 12, lambda row: row.model.maker or NONE),
    ModelColumn("id", 0, lambda row: "model.id=…" if row.is_of_any_id else row.model.id),
)


def _legend(models: Sequence[ModelRow]) -> list[tuple[str, str]]:
    lines = [
        (
            "in, out",
            "USD for a million tokens, on the day in its file; –: a server of yours",
        ),
        ("knows to", "its knowledge cutoff; ≤: its makers state none, so its release bounds it"),
    ]
    if any(each.is_past for each in models):
        lines.append(("✗", "its makers' servers no longer answer for it"))
    if missing := sorted({str(each.model.key_env) for each in models if each.key_is_set is False}):
        lines.append(("key", f"not set here: {', '.join(missing)}"))
    if any(each.model.unverified for each in models):
        lines.append(("?", "not all of it could be confirmed from a public page"))
    return lines


def _finding(found: Acceptance) -> str:
    text = found.taken + (f" ({found.says})" if found.says else "")
    return text + (f"; {_advice(found)}" if found.differs else "")


def _advice(found: Acceptance) -> str:
    """The setting with which the model's file would say what the server does."""
    if found.what in RUNGS:
        verb = "leave it out of" if found.expected else "it may stand in"
        return f"{verb} model.accepts.rungs"
    if found.what in LIMITS:
        return f"set model.accepts.max_tokens={found.what}"
    if found.what in ("temperature", "seed", "images"):
        return f"set model.accepts.{found.what}={str(not found.expected).lower()}"
    return "as it is set, agents that call tools cannot ask it"


def _colour(found: Acceptance) -> str:
    if found.differs:
        return "red" if found.expected else "yellow"
    return "yellow" if found.taken in ("unclear", "not asked") else "green"


def _cost(found: ServerCheck, max_usd: float) -> str:
    usage, asked = found.usage, count(found.requests, "request")
    if found.state != "answers":
        return f"{asked}, no answer"
    tokens = (
        f"{usage.input:,} tokens read, {usage.cached:,} of them from its cache, and "
        f"{usage.output:,} written, {usage.reasoning:,} of them thinking"
        if usage.known
        else "it does not count the tokens of each reply"
    )
    money = (
        "its price is not known"
        if found.cost_usd is None
        else f"{found.cost_usd:.6f} USD of at most {max_usd:g}"
    )
    return f"{asked}: {tokens}; {money}"
