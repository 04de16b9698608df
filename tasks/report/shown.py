"""What the page shows of one decision: observed, asked, answered, done, and held after it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from investorbench.tasks.actions import action_parts, action_word
from investorbench.tasks.answers import role_of
from investorbench.tasks.days import is_within_a_day
from investorbench.tasks.forecasts.words import came_words, forecast_words
from investorbench.tasks.record.schema import Line, without_nan
from investorbench.tasks.report.shared_lines import Lines
from investorbench.tasks.wording import number, percent
from investorbench_env.accounting.events import Fill
from investorbench_env.accounting.order_words import order_words, signal_words
from investorbench_env.accounting.orders import ShareOrder
from investorbench_env.accounting.signals import Signal
from investorbench_env.facts import Facts

MONEY = 1000.0
"""Six digits of what is below it reach further than the cent."""
OF_ONE = ("fill price", "notional", "cost", "position", "cash", "equity", "reward")
OF_SEVERAL = ("exposure", "cost", "cash", "equity", "reward")
"""What an account came out with, where it trades one asset or several."""
PARTS = {"recalled", "question", "decision"}
"""Of a thought that is shown part by part, as FinMem's; others are shown as they are."""
LATER = ("reflections", "feedback", "deleted", "moves")
DecisionRow = dict[str, Any]


def outcome_names(facts: Facts) -> tuple[str, ...]:
    """What the figures of an outcome are."""
    return OF_ONE if len(facts.symbols) == 1 else OF_SEVERAL


def facts_of(line: Line, facts: Facts, lines: Lines, owner: int) -> DecisionRow:
    """Observation, action and outcome, short.

    Args:
        line: of the record.
        facts: of its environment.
        lines: where texts are kept.
        owner: the number of its episode.
    """
    thought = _parts(line)
    documents = "\n".join(line.documents)
    known = {name: value for name, value in thought.get("perception", {}).items()
             if name not in ("symbol", "session") and value is not None}  # fmt: skip
    found: DecisionRow = {
        "day": line.session,
        "action": action_text(line.action, facts),
        "status": ", ".join(dict.fromkeys(str(each.get("status")) for each in line.answers))
        or None,
        "valid": thought.get("decision", {}).get("valid"),
        "documents": lines.read(documents, owner) if documents else [],
        "facts": _short(known),
    }
    if is_within_a_day(facts.interval):
        found |= {"session": line.session, "day": _moment(line)}
    if len(facts.symbols) == 1:
        found["outcome"] = _of_one(line)
    else:
        found["outcome"] = _of_several(line)
        found["positions"] = [
            [each.symbol, *map(_short, (each.quantity, each.price, each.weight))]
            for each in line.account.positions
        ]
        found["fills"] = [
            [each.symbol, *map(_short, (each.quantity, each.price, each.notional, each.cost))]
            for each in line.fills
        ]
    for name, texts in (
        ("orders", action_parts(line.action, facts)),
        ("rejected", _rejections(line)),
        ("paid", _distributions(line)),
        ("forecast", [forecast_words(line.forecast)] if line.forecast else ()),
        ("came", came_words(line.scored) if line.scored else ()),
    ):
        if listed := list(texts):
            found[name] = listed
    return dict(without_nan(found))


def texts_of(line: Line, lines: Lines, owner: int) -> DecisionRow:
    """Memories, prompt and answers; nothing of an agent that records none."""
    thought = _parts(line)
    if not thought:
        if not line.thought and not line.answers:
            return {}
        other = {**(line.thought or {}), **({"answers": line.answers} if line.answers else {})}
        return {"other": lines.read(json.dumps(other, ensure_ascii=False, indent=1), owner)}
    question, decision = thought["question"], thought["decision"]
    first: Mapping[str, Any] = line.answers[0] if line.answers else {}
    thinking = _joined(line.answers, "reasoning")
    return {
        "appetite": thought.get("appetite"),
        "recalled": [_recalled(memory) for memory in thought["recalled"]],
        "cited": decision.get("cited", []),
        "dropped": decision.get("dropped", 0),
        "system": lines.read(str(question["system"]), owner),
        "user": lines.read(str(question["user"]), owner),
        "answer": lines.read(_joined(line.answers, "text"), owner),
        "thinking": lines.read(thinking, owner) if thinking else [],
        "asked": [first.get(name) for name in ("rung", "model", "problem")],
        "tokens": _tokens(line.answers),
        "took": _short([_total(line.answers, n) for n in ("latency_s", "cost_usd", "attempts")]),
        "later": {name: thought[name] for name in LATER if thought.get(name)},
    }


def action_text(action: Any, facts: Facts) -> str:
    """An action in words; a number for each asset to two digits, in their order."""
    numbers = action if isinstance(action, list) and facts.action != "weights" else []
    if len(numbers) > 1 and all(isinstance(each, float) for each in numbers):
        return ", ".join(f"{each:+.2f}" for each in numbers)
    return action_word(action, facts.action)


def _parts(line: Line) -> Mapping[str, Any]:
    """A thought that is shown part by part; nothing of others."""
    thought: Any = line.thought
    return thought if isinstance(thought, dict) and thought.keys() >= PARTS else {}


def _moment(line: Line) -> str:
    """When a decision was taken, to the minute in UTC."""
    return f"{datetime.fromisoformat(line.time):%Y-%m-%d %H:%M}" if line.time else line.session


def _of_one(line: Line) -> list[Any]:
    notional, cost = (_sum(line.fills, name) for name in ("notional", "cost"))
    units = sum(abs(fill.quantity) for fill in line.fills)
    price = line.fills[0].price if len(line.fills) == 1 else notional / units if units else 0.0
    held = line.account.cash, line.account.equity
    return [_short(value) for value in (price, notional, cost, line.units, *held, line.reward)]


def _of_several(line: Line) -> list[Any]:
    account = line.account
    cost = _sum(line.fills, "cost")
    return [
        _short(each) for each in (account.exposure, cost, account.cash, account.equity, line.reward)
    ]


def _sum(fills: Sequence[Fill], name: str) -> float:
    return float(sum(getattr(fill, name) for fill in fills))


def _rejections(line: Line) -> Iterator[str]:
    for order, reason in line.rejections:
        if isinstance(order, ShareOrder):
            yield f"{order_words(order._asdict())}: {reason}"
        elif isinstance(order, Signal):
            yield f"{signal_words(order)}: {reason}"
        else:
            yield f"{order.symbol} to {percent(order.weight, 0)} %: {reason}"


def _distributions(line: Line) -> Iterator[str]:
    for symbol, cash, ratio in line.distributions:
        units = f", {ratio:g} new units for each" if ratio != 1.0 else ""
        yield f"{symbol} {number(cash, 2)}{units}"


def _joined(answers: Sequence[Mapping[str, Any]], name: str) -> str:
    """The texts of all answers, each under its role where there are several."""
    texts = [(role_of(each), str(each.get(name) or "")) for each in answers]
    if len(texts) == 1:
        return texts[0][1]
    return "\n\n".join(f"[{role}]\n{text}" for role, text in texts if text)


def _tokens(answers: Sequence[Mapping[str, Any]]) -> list[int] | None:
    """Read and written, of all answers; None where a server does not say."""
    known = [each.get("tokens") or {} for each in answers]
    if not known or not all(tokens.get("known") for tokens in known):
        return None
    return [sum(tokens[name] for tokens in known) for name in ("input", "output")]


def _total(answers: Sequence[Mapping[str, Any]], name: str) -> float | None:
    found = [each.get(name) for each in answers]
    known = [value for value in found if value is not None]
    return sum(known) if known and len(known) == len(found) else None


def _recalled(memory: Mapping[str, Any]) -> list[Any]:
    """Id, what the prompt calls it, layer, date, and the score with its three parts."""
    importance = min(memory["importance"], 100.0) / 100.0
    scores = (memory["score"], memory["similarity"], memory["recency"], importance)
    label = str(memory.get("label", memory["id"]))
    return [memory["id"], label, memory["layer"], memory["time"], *(round(s, 3) for s in scores)]


def _short(value: Any) -> Any:
    """Figures with six significant digits, and those that are money to the cent."""
    if isinstance(value, float):
        return round(value, 2) if abs(value) >= MONEY else float(f"{value:.6g}")
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    return value
