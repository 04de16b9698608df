"""What was asked and answered at each decision, of any agent, in plain texts."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from investorbench.tasks.actions import action_parts, action_word
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.record.schema import Content
from investorbench_env.accounting.events import AccountState
from investorbench_env.facts import Facts


class ChatTurn(NamedTuple):
    """A pair of messages of one decision.

    Attributes:
        system: what the model was asked to be; empty where that is not recorded.
        user: what it was shown; of an agent that records no prompt, the moment and the account.
        assistant: what it answered; of an agent that asks no model, what it did.
        reasoning: what it thought, where a server says so.
    """

    system: str
    user: str
    assistant: str
    reasoning: str


def exchanges(
    lines: Iterable[Content], facts: Facts, opening: AccountState
) -> Iterator[tuple[Content, ChatTurn]]:
    """Decisions of a split, each with its messages.

    Args:
        lines: of the record.
        facts: of its environment.
        opening: the account at the first decision; of snapshots, at each.
    """
    equity: float | None = opening.equity
    for line in lines:
        yield line, _turn(line, facts, equity)
        if not is_of_snapshots(facts):
            equity = line["account"]["equity"]


def _turn(line: Content, facts: Facts, equity_before: float | None) -> ChatTurn:
    """The messages of a decision.

    Args:
        line: of the record.
        facts: of its environment.
        equity_before: of the account, when it was taken; None where it is not known.
    """
    system, user = _question(line["thought"])
    answers = line["answers"]
    said = [str(each.get("text") or "") for each in answers]
    thought = [str(each.get("reasoning") or "") for each in answers]
    done = "; ".join(
        [action_word(line["action"], facts.action), *action_parts(line["action"], facts)]
    )
    equity = "equity not known" if equity_before is None else f"equity {equity_before:,.2f} USD"
    return ChatTurn(
        system=system,
        user=user or f"{line['session']}, {line['time']}: {equity}",
        assistant="\n\n".join(filter(None, said)) or done,
        reasoning="\n\n".join(filter(None, thought)),
    )


def _question(thought: Any) -> tuple[str, str]:
    """System and user text of what was asked, in the forms that our agents record."""
    question = thought.get("question") if isinstance(thought, Mapping) else None
    if isinstance(question, Mapping):
        return _text(question.get("system")), _text(question.get("user"))
    if isinstance(question, list):  # messages
        parts: dict[str, list[str]] = {}
        for each in question:
            if isinstance(each, Mapping):
                parts.setdefault(str(each.get("role")), []).append(_text(each.get("content")))
        return "\n\n".join(parts.get("system", ())), "\n\n".join(parts.get("user", ()))
    return "", _text(question)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
