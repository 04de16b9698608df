"""How ``investorbench inspect`` looks. What it shows was written by others: it is never markup."""

import json
import math
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from investorbench.scripts.terminal import Console
from investorbench.tasks.answers import role_of
from investorbench.tasks.forecasts.words import came_words, forecast_words
from investorbench.tasks.record.schema import Line
from investorbench.tasks.wording import count, usd
from investorbench_env.accounting.events import AnyOrder
from investorbench_env.accounting.order_words import order_words, signal_words
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.signals import Signal

STYLES = {"buy": "green", "sell": "red", "invalid": "red", "refused": "red", "truncated": "red"}
PARTS = {"recalled", "question", "decision"}
"""Of a thought that is shown part by part; other agents may record what they like."""
LONG_ACTION = 30
SHARES = ("returns", "momentum", "weight", "total_return")
"""Facts that are shown in percent."""
BLOCK = re.compile(r'(?m)^## (\S+)$|<memory id="(\w+)"[^>]*>\n([^<]*)\n</memory>')
"""A memory in a prompt, whose text is nowhere else in the record; or the heading of a section."""
LONGEST = 600
"""Characters of a prompt or an answer that are shown unless all of it is asked for."""

Values = Mapping[str, Any]


class ShownDay(Protocol):
    """What is shown of a decision: a line of a record, and where it stands."""

    @property
    def index(self) -> int: ...
    @property
    def split(self) -> str: ...
    @property
    def line(self) -> Line: ...
    @property
    def action(self) -> str: ...
    @property
    def orders(self) -> Sequence[str]: ...


class Grid:
    """Labels and what belongs to them, below each other; a label stands but once."""

    def __init__(self) -> None:
        self.table = Table.grid(padding=(0, 2, 0, 0))
        self.table.add_column(style="dim", no_wrap=True)
        self.table.add_column(overflow="fold")
        self._label = ""

    def add(self, label: str, *values: object) -> None:
        """Add a row for each value; None is left out."""
        for value in values:
            if value is not None:
                shown = "" if label == self._label else label
                self.table.add_row(safe(shown), value if isinstance(value, Text) else safe(value))
                self._label = label


def console(stderr: bool = False) -> Console:
    """80 columns where the width is not known, so that piped output keeps its form."""
    is_known = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(highlight=False, stderr=stderr, width=None if is_known else 80)


def safe(text: object, style: str = "") -> Text:
    """Foreign text as it may be printed: no markup, no control codes, no direction of its own."""
    kept = (
        character
        for character in str(text)
        if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )
    return Text("".join(kept), style)


def warn(console: Console, problem: str) -> None:
    """One thing that is wrong with a record."""
    console.print(Text.assemble(("warning: ", "yellow"), safe(problem)), soft_wrap=True)


def summary(day: ShownDay) -> dict[str, Any]:
    """A day in the few values of the overview; None where there is none, as for a baseline.

    Fill price and position are None, too, where an account may hold several assets.
    """
    line, thought = day.line, _thought(day)
    answer = line.answers[0] if line.answers else {}
    tokens = answer.get("tokens") or {}
    is_several = len(line.account.marks) > 1
    return {
        "index": day.index,
        "session": line.session,
        "time": line.time,
        "split": day.split,
        "decision": thought["decision"]["word"] if thought else None,
        "action": line.action,
        "recalled": len(thought["recalled"]) if thought else None,
        "status": answer.get("status"),
        "input_tokens": tokens["input"] if tokens.get("known") else None,
        "output_tokens": tokens["output"] if tokens.get("known") else None,
        "fills": len(line.fills),
        "fill_price": None if is_several else sum(fill.price for fill in line.fills[-1:]),
        "positions": len(line.account.positions),
        "position": None if is_several else line.units,
        "equity": line.account.equity,
    }


def print_overview(console: Console, name: str, days: Sequence[ShownDay]) -> None:
    """A row a day."""
    rows = [summary(day) for day in days]
    sessions = {(row["split"], row["session"]) for row in rows}
    is_of_snapshots = any(day.line.market_seed is not None for day in days)
    has_dates = is_of_snapshots or len(sessions) == len(days)
    assets = [", ".join(day.line.account.marks) for day in days]
    varies = is_of_snapshots and len(set(assets)) > 1
    thinks = any(row["status"] for row in rows)
    words = [row["decision"] or day.action for day, row in zip(days, rows, strict=True)]
    # Of long actions as much is shown as the rest leaves room for.
    is_long = max(map(len, words), default=0) > LONG_ACTION
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=0, header_style="bold", expand=is_long)
    table.add_column("", justify="right", style="dim")
    for heading in ("asset", "session", "split")[0 if varies else 1 :]:
        table.add_column(heading, no_wrap=True)
    table.add_column("action", no_wrap=True, ratio=1 if is_long else None)
    if thinks:
        table.add_column("mem.", justify="right", no_wrap=True)
        table.add_column("answer", no_wrap=True)
        table.add_column("tokens", justify="right", no_wrap=True)
    for heading in ("fill", "position", "equity"):
        table.add_column(heading, justify="right", no_wrap=True)
    for word, row, asset in zip(words, rows, assets, strict=True):
        table.add_row(
            str(row["index"]),
            *([safe(asset)] if varies else ()),
            safe(row["session"] if has_dates else row["time"][:16]),
            row["split"].removesuffix("up"),
            safe(word, STYLES.get(word, "")),
            *(_answered(row) if thinks else ()),
            *_traded(row),
            f"{row['equity']:,.0f}" if isinstance(row["equity"], int | float) else "–",
        )
    console.print(safe(name, "bold"))
    console.print()
    console.print(table)


def print_day(console: Console, name: str, day: ShownDay, *, whole: bool = False) -> None:
    """Everything of one day.

    Args:
        console: where.
        name: of the record.
        day: the one to show.
        whole: show prompts and answers at full length.
    """
    line, thought = day.line, _thought(day)
    observed = _observed(line, thought).table
    sections = [("Observed", observed)] if observed.row_count else []
    if thought:
        sections += [
            ("Recalled", _recalled(thought, _texts(thought))),
            ("Asked", _asked(thought["question"], whole).table),
        ]
    elif line.thought:
        sections.append(("Thought", _other(line.thought, whole).table))
    for answer in line.answers:
        of = "" if len(line.answers) == 1 else f": {role_of(answer)}"
        sections.append((f"Answered{of}", _answer(answer, whole).table))
    sections.append(("Done", _done(day, thought).table))
    title = f"{name} · {day.split} · {line.session}"
    console.print(safe(title, "bold"), soft_wrap=True)
    for heading, content in sections:
        console.print()
        console.print(safe(heading, "bold cyan"), soft_wrap=True)
        console.print(Padding(content, (0, 0, 0, 2), expand=False))


def number(value: Any) -> str:
    """A number with as many digits as it takes, and a dash for none."""
    if not isinstance(value, int | float):
        return "–"
    # What rounding left of a sum is nothing, and adding 0.0 takes the sign from a zero.
    is_small = 1e-8 <= abs(value) < 1
    return f"{value:.4g}" if is_small else f"{round(value, 2) + 0.0:,.2f}"


def _thought(day: ShownDay) -> Values:
    """The thought of a day, if it has the parts that are shown; else nothing."""
    thought: Any = day.line.thought
    return thought if isinstance(thought, dict) and thought.keys() >= PARTS else {}


def _answered(row: Values) -> tuple[str, Text, str]:
    if row["status"] is None:
        return "–", Text("–"), "–"
    tokens = row["input_tokens"], row["output_tokens"]
    size = "–" if None in tokens else f"{tokens[0]}+{tokens[1]}"
    recalled = "–" if row["recalled"] is None else str(row["recalled"])
    return recalled, safe(row["status"], STYLES.get(row["status"], "")), size


def _traded(row: Values) -> tuple[str, str]:
    """Fill and position of one asset, or how many there are of several."""
    if row["position"] is None:
        return count(row["fills"], "fill"), f"{row['positions']} held"
    return number(row["fill_price"] or None), number(row["position"])


def _texts(thought: Values) -> dict[str, str]:
    """The memories in the prompt of a day, by what they are called there.

    Where several assets have one each, a label counts within the section of one.
    """
    known: dict[str, str] = {}
    heading = ""
    for found in BLOCK.finditer(thought["question"]["user"] if thought else ""):
        section, label, text = found.groups()
        heading = section or heading
        if label:
            known |= {label: text, f"{heading} {label}": text}
    return known


def _observed(line: Line, thought: Values) -> Grid:
    grid = Grid()
    for name, value in thought.get("perception", {}).items():
        if name not in ("symbol", "session") and value is not None:
            grid.add(name.replace("_", " "), _fact(name, value))
    if thought.get("label") is not None:
        grid.add("label", f"{thought['label']:+.2%} over the next step")
    if thought:
        grid.add("appetite", thought["appetite"].replace("_", "-"))
        grid.add(
            "stored",
            *(f"{id}: {text.partition(chr(10))[0]}" for id, text in thought["stored"].items()),
        )
    grid.add("documents", *line.documents)
    return grid


def _fact(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_short(count)} {word}" for word, count in value.items())
    values = value if isinstance(value, list) else [value]
    return ", ".join(f"{each:+.2%}" if name in SHARES else number(each) for each in values)


def _short(count: Any) -> str:
    return f"{count:.6g}" if isinstance(count, float) else str(count)


def _recalled(thought: Values, known: Mapping[str, str]) -> Table:
    """Memories by layer with the parts of their scores; a star: the answer cites it."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("id", justify="right", no_wrap=True)
    table.add_column("date", no_wrap=True)
    for heading in ("score", "= sim", "+ rec", "+ imp"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("text")
    layer = None
    for memory in thought["recalled"]:
        if memory["layer"] != layer:
            layer = memory["layer"]
            table.add_row("", safe(layer, "bold"))
        star = "*" * (memory["id"] in thought["decision"]["cited"])
        importance = min(memory["importance"], 100.0) / 100.0
        parts = (memory["score"], memory["similarity"], memory["recency"], importance)
        label = str(memory.get("label", memory["id"]))  # older prompts call them by their ids
        text = safe(" ".join(known.get(label, "").split()))
        text.no_wrap, text.overflow = True, "ellipsis"
        numbers = (f"{part:.3f}" for part in parts)
        table.add_row(safe(f"{star}{memory['id']}"), safe(memory["time"]), *numbers, text)
    return table


def _asked(question: Values, whole: bool) -> Grid:
    grid = Grid()
    sizes = (f"{len(question[part]):,} of {part}" for part in ("system", "user"))
    grid.add("characters", " and ".join(sizes))
    grid.add("keys", ", ".join(question["schema"]["required"]))
    grid.add("sha256", question["sha256"])
    if whole:
        grid.add("system", question["system"])
    grid.add("user", _text(question["user"], whole))
    return grid


def _answer(answer: Values, whole: bool) -> Grid:
    grid, tokens = Grid(), answer.get("tokens") or {}
    status, cost = answer["status"], answer.get("cost_usd")
    how = f", asked as {answer.get('rung')}, by {answer.get('model')}"
    cache = ", from the cache" * bool(answer.get("cached"))
    grid.add("status", safe(status, STYLES.get(status, "")).append(safe(how + cache)))
    if answer.get("defects"):
        grid.add("defects", f"{', '.join(answer['defects'])}: {answer.get('problem')}")
    if answer.get("tolerated"):
        grid.add("tolerated", ", ".join(answer["tolerated"]))
    if tokens.get("known"):
        into = f"{tokens['input']:,} in ({tokens['cached']:,} cached)"
        grid.add("tokens", f"{into}, {tokens['output']:,} out ({tokens['reasoning']:,} thinking)")
    took = f"{answer.get('latency_s', 0.0):.2f} s, {answer.get('attempts', 0)} requests"
    grid.add("took", took + ("" if cost is None else f", {usd(cost)}"))
    if answer.get("reasoning"):
        grid.add("thinking", _text(answer["reasoning"], whole))
    grid.add("text", _text(str(answer.get("text", "")), whole))
    return grid


def _other(thought: Any, whole: bool) -> Grid:
    """The thought of an agent that records other things."""
    grid = Grid()
    parts = thought if isinstance(thought, dict) else {"": thought}
    for name, value in parts.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        grid.add(name, _text(shown, whole))
    return grid


def _done(day: ShownDay, thought: Values) -> Grid:
    grid, line, decision = Grid(), day.line, thought.get("decision")
    if decision:
        forced = ", forced by the label" * (thought.get("label") is not None)
        missing = ", without a usable answer" * (not decision["valid"])
        grid.add("decision", decision["word"] + (forced or missing))
        dropped = f"; {decision['dropped']} that were never shown" * bool(decision["dropped"])
        grid.add("cites", _ids(decision["cited"]) + dropped)
    account = line.account
    is_several = len(account.marks) > 1
    grid.add("action", safe(day.action, STYLES.get(day.action, "")), *day.orders)
    if line.forecast is not None:
        grid.add("forecast", forecast_words(line.forecast))
    if line.scored is not None:
        grid.add("came", "; ".join(came_words(line.scored)))
    for fill in line.fills:
        what = f"{fill.symbol} {number(fill.quantity)} " * is_several
        worth, cost = number(fill.notional), number(fill.cost)
        grid.add("fill", f"{what}at {number(fill.price)}, worth {worth}, cost {cost}")
    if not line.fills:
        grid.add("fill", "none")
    for rejection in line.rejections:
        grid.add("rejected", f"{_ordered(rejection.order)}: {rejection.reason}")
    for order in line.open_orders or ():
        grid.add("waiting", order_words(order._asdict()))
    for paid in line.distributions:
        split = f", {number(paid.ratio)} units for one" * (paid.ratio != 1.0)
        grid.add("received", f"{number(paid.cash)} of {paid.symbol}{split}")
    if not is_several:
        grid.add("position", number(line.units))
    elif not account.positions:
        grid.add("position", "none")
    for held in account.positions if is_several else ():
        grid.add("position", f"{held.symbol} {number(held.quantity)}")
    grid.add("cash", number(account.cash))
    grid.add("equity", number(account.equity))
    grid.add("reward", f"{line.reward:+.6f}" if math.isfinite(line.reward) else None)
    if thought:
        given = thought["feedback"]
        for feedback in given if isinstance(given, list) else [given]:
            sign = f"{feedback['sign']:+d} for " if feedback["ids"] else ""
            grid.add("feedback", sign + _ids(feedback["ids"]))
        grid.add("reflected", _ids(thought["reflections"]))
        moves = (f"{m['id']} from {m['origin']} to {m['destination']}" for m in thought["moves"])
        grid.add("moved", *moves)
        grid.add("forgotten", _ids(thought["deleted"]))
    return grid


def _ordered(order: AnyOrder) -> str:
    if isinstance(order, ShareOrder):
        return order_words(order._asdict())
    if isinstance(order, Signal):
        return signal_words(order)
    return f"{order.symbol} to weight {order.weight:+.2f}"


def _ids(ids: Sequence[object]) -> str:
    return ", ".join(map(str, ids)) or "none"


def _text(text: str, whole: bool) -> Text:
    """A long text without its middle, cut between lines where there are some."""
    if whole or len(text) <= LONGEST:
        return safe(text)
    head, tail = text[: LONGEST // 3], text[-LONGEST * 2 // 3 :]
    head, tail = head.rpartition("\n")[0] or head, tail.partition("\n")[2].lstrip("\n") or tail
    left_out = f"\n[… {len(text) - len(head) - len(tail):,} characters; --prompt shows them …]\n"
    return safe(head).append(left_out, "dim").append(safe(tail))
