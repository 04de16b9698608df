"""Agents that are a person or a chat window: a prompt to read, an answer in a file.

The ledger has both. The files are made from it, and an answer counts once it is in there: whatever
was cut off in between is mended by the next step.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from investorbench.tasks.live.experiment.accounts import held_in, plain_order
from investorbench.tasks.live.experiment.derived import write_where_other
from investorbench.tasks.live.experiment.ledger import LedgerEntry
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench.tasks.wording import number, percent
from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.order_words import order_words
from investorbench_env.errors import InvestorBenchError

AGENTS = "agents"
PROMPT, ANSWER, TAKEN = "prompt.md", "answer.json", "taken"
FENCED = re.compile(rb"\s*```\w*\s(.*?)```\s*", re.DOTALL)
"""JSON as chat windows give it."""
SHOWN = 5
"""Closes of each asset in a prompt."""
TEMPLATE = Template("""\
# $session

You run an account of stocks. What you order now meets the session after this answer is taken, at
its open or at your limit.

## Account

Cash $cash, equity $equity.

$holdings
$waiting
## Closes

$closes

## Rules

- Costs: commission $commission and slippage $slippage basis points.
- Long only; a purchase takes cash that is there.
$rules
## Answer

Write `answer.json` beside this file, and have the next step taken before the open:

```json
{"session": "$session", "orders": [
  {"symbol": "$first", "side": "buy", "quantity": 1, "limit": null, "stop": null, "until": "day"}
], "reason": "in a sentence"}
```

`side` is buy, sell, stop (sets the price at which all shares of a holding are sold) or cancel (with
the `id` of an order that waits); `until` is day or cancelled. No orders: `"orders": []`.
""")


class FileAnswer(NamedTuple):
    """An answer in a file.

    Attributes:
        orders: as they are written.
        reason: likewise.
        file: by which it is known again: its SHA-256 and when it was written.
    """

    orders: list[Any]
    reason: str
    file: dict[str, Any]


class AnswerError(InvestorBenchError):
    """An answer that cannot be taken; it stays where it is."""


def folder_of(folder: Path, name: str) -> Path:
    """Where the prompt and the answer of an agent are."""
    return folder / AGENTS / name


def read_answer(folder: Path, view: LedgerView, name: str) -> FileAnswer | None:
    """The answer that waits to be taken; None for none, or for one that was taken.

    Raises:
        AnswerError: it cannot be read, or answers another prompt.
    """
    path = folder_of(folder, name) / ANSWER
    asked = view.question(name)
    if asked is None or not path.is_file():
        return None
    try:
        content, identity = _content(path)
    except OSError as error:
        raise AnswerError(f"{path} cannot be read: {error.strerror}") from None
    if _was_taken(view, name, identity):
        return None
    try:
        fenced = FENCED.fullmatch(content)
        given = json.loads(fenced[1] if fenced else content)
    except (RecursionError, ValueError) as error:
        raise AnswerError(f"{path} is no JSON ({error}): mend it and step again") from None
    if isinstance(given, list):
        given = {"orders": given}
    if not isinstance(given, dict) or not isinstance(given.get("orders"), list):
        raise AnswerError(f'{path} has no list of "orders": mend it and step again')
    session = given.get("session", asked.session)
    if session != asked.session:
        raise AnswerError(
            f"{path} answers the prompt of {session!r:.40}, not that of {asked.session}: answer "
            f"{PROMPT} and step again"
        )
    orders = json.loads(json.dumps(given["orders"]), parse_constant=str)
    return FileAnswer(orders, str(given.get("reason") or ""), identity)


def prompt_of(view: LedgerView, name: str) -> str:
    """What an agent is asked after the last session."""
    settings, session = view.settings, view.sessions[-1]
    entry = view.account(session, name)
    assert entry is not None  # every agent has one of each session
    portfolio = held_in(entry.content)
    equity = portfolio.equity
    rows = [
        f"| {symbol} | {number(held.quantity, 4)} | {number(held.entry, 2)} | "
        f"{number(portfolio.marks[symbol], 2)} | "
        f"{percent(held.quantity * portfolio.marks[symbol] / equity)} | "
        f"{number(held.stop, 2)} |\n"
        for symbol, held in portfolio.holdings.items()
    ]
    heads = (
        "| asset | shares | average cost | price | weight, % | stop |\n|---|---|---|---|---|---|\n"
    )
    waiting = [
        f"- {order_words(plain_order(order))}{f' (id {order.id})' if order.id else ''}\n"
        for order in portfolio.waiting
    ]
    return TEMPLATE.substitute(
        session=session,
        cash=number(portfolio.cash, 2),
        equity=number(equity, 2),
        holdings=heads + "".join(rows) if rows else "Nothing is held.\n",
        waiting="\nOrders that wait:\n\n" + "".join(waiting) if waiting else "",
        closes=_closes(view),
        commission=f"{settings.terms.commission * 1e4:g}",
        slippage=f"{settings.terms.slippage * 1e4:g}",
        rules="".join(f"- {rule}\n" for rule in _rules(settings.constraints)),
        first=settings.symbols[0],
    )


def _rules(constraints: Constraints) -> Iterator[str]:
    for name in Constraints.__dataclass_fields__:
        value = getattr(constraints, name)
        if value is not None and value is not False:
            yield name if value is True else f"{name} {value:g}"


def _closes(view: LedgerView) -> str:
    days = [*view.past_sessions(), *view.sessions][-SHOWN:]
    lines = [f"| asset | {' | '.join(days)} |", "|---" * (len(days) + 1) + "|"]
    for symbol in view.settings.symbols:
        quotes = [view.quote(day, symbol) for day in days]
        cells = [number(None if quote is None else quote.close, 2) for quote in quotes]
        lines.append(f"| {symbol} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_prompts(folder: Path, view: LedgerView) -> None:
    """Bring prompts to what the ledger has, and put answers that were taken aside."""
    for agent in view.settings.agents:
        asked = view.question(agent.name)
        if not agent.is_file or asked is None:
            continue
        place = folder_of(folder, agent.name)
        text = asked.content["prompt"]
        write_where_other(place / PROMPT, text)
        _put_aside(place, view, agent.name)


def _put_aside(place: Path, view: LedgerView, name: str) -> None:
    last = view.decisions(name)[-1:]
    with contextlib.suppress(FileNotFoundError):
        _, identity = _content(place / ANSWER)
        if last and last[0].content.get("file") == identity:
            (place / TAKEN).mkdir(exist_ok=True)
            (place / ANSWER).replace(place / TAKEN / f"{last[0].number}.json")


def _was_taken(view: LedgerView, name: str, identity: dict[str, Any]) -> bool:
    return any(each.content.get("file") == identity for each in view.decisions(name))


def _content(path: Path) -> tuple[bytes, dict[str, Any]]:
    """What a file holds, and by what it is known again."""
    written = path.stat().st_mtime_ns
    content = path.read_bytes()
    return content, {"sha256": hashlib.sha256(content).hexdigest(), "written_ns": written}


def decision_of(answer: FileAnswer, asked: LedgerEntry, meets: str) -> dict[str, Any]:
    """The content of an entry with an answer."""
    return {
        "orders": answer.orders,
        "reason": answer.reason,
        "file": answer.file,
        "question": asked.number,
        "meets": meets,
    }
