"""Records of version 1, before there was a header: read as before, in the types of today.

A line held one asset, one action and the SHA-256 of its own content. What it did not hold stays
unknown: entry prices, orders that were not carried out, where the last step was marked.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from investorbench.tasks.answers import answers_in, without_answers
from investorbench.tasks.record.schema import Content, Header, Line
from investorbench.tasks.task import Task
from investorbench_env.accounting.events import AccountState, Fill, Position
from investorbench_env.envs.options import Options
from investorbench_env.facts import Facts
from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.protocols import find_protocol
from investorbench_env.regular_files import read_text

BEFORE_THE_FIRST = "0" * 64
CHAIN = ("before", "hash")
BENCHMARK = "buy_and_hold"
"""With which every task was compared."""
AMOUNTS = ("fill_price", "notional", "cost", "position", "cash", "equity")
NEEDED = {"number", "session", "time", "documents", "action", "reward", *AMOUNTS, *CHAIN}


class ReadLines(NamedTuple):
    """The lines that can be read, the hash of the last one, and what is wrong, in words."""

    lines: tuple[Line, ...]
    last: str
    problems: tuple[str, ...]


def is_line(content: Mapping[str, Any]) -> bool:
    """Whether it is a line of version 1, which alone carry their own hash."""
    return "hash" in content and "schema" not in content


def read(path: Path, contents: Sequence[Content | None]) -> ReadLines:
    """What the lines of a file hold."""
    symbol = _symbol_of(path)
    known = [each if each is not None and _is_whole(each) else None for each in contents]
    hashes = [None if each is None else each["hash"] for each in known]
    problems: list[str] = []
    lines: list[Line] = []
    before: Any = BEFORE_THE_FIRST
    costs = held = 0.0
    for n, content in enumerate(known):
        if content is None:
            problems.append(f"line {n + 1} cannot be read: it was changed or damaged")
            before = None
            continue
        problems += _what_is_wrong(content, n, hashes, before)
        before = content["hash"]
        costs += content["cost"]
        after = known[n + 1] if n + 1 < len(known) else None
        following = after["session"] if after is not None else ""
        lines.append(_upgraded(content, symbol, held, costs, following))
        held = content["position"]
    return ReadLines(tuple(lines), str(before), tuple(problems))


def facts_of(task: Task, steps: int, manifest: Mapping[str, Any] | None = None) -> Facts:
    """What version 1 knew of an environment, all of which were of one asset and of ours.

    Args:
        task: what was recorded.
        steps: of its test split.
        manifest: of the job; None where only what an episode follows from is needed.

    Raises:
        KeyError: the manifest lacks something.
    """
    protocol = find_protocol(task.protocol)
    known: Mapping[str, Any] = manifest or {
        "window": ("0001-01-01", "0001-01-01"),
        "data_source": "",
        "simulated": False,
        "fills": "",
        "findings": (),
        "market_sha256": "",
    }
    return Facts(
        family=task.id.rpartition("/")[2].partition("-")[0],
        symbols=(task.symbol,),
        asset_class=task.asset_class,
        timezone=ASSET_CLASSES[task.asset_class].timezone,
        protocol=protocol.name,
        convention=protocol.convention,
        hold=protocol.hold,
        periods_a_year=ASSET_CLASSES[task.asset_class].days_a_year,
        action=str(task.options.get("action", "trade")),
        long_only=bool(task.options.get("long_only", False)),
        initial_cash=float(task.options.get("initial_cash", Options().initial_cash)),
        steps=steps,
        window=known["window"],
        source=known["data_source"],
        simulated=known["simulated"],
        fills=known["fills"],
        findings=known["findings"],
        fingerprint=known["market_sha256"],
        benchmark=BENCHMARK,
    )


def header_of(task: Task, seed: int, repeat: int, lines: Sequence[Line]) -> Header:
    """The header that the lines of a test split would have; at least one line."""
    is_ruined = lines[-1].account.equity <= 0.0
    facts = facts_of(task, len(lines) + is_ruined)
    cash = facts.initial_cash
    return Header(
        facts=facts,
        opening=AccountState(cash=cash, equity=cash, costs=0.0, positions=(), marks={}),
        split="test",
        repeat=repeat,
        seed=seed,
        agent={},
        configuration={},
        code={},
        written_at="",
    )


def _is_whole(content: Content) -> bool:
    is_figured = all(isinstance(content.get(name), int | float) for name in (*AMOUNTS, "reward"))
    return is_figured and content.keys() >= NEEDED


def fields_of(line: Line) -> Content:
    """What version 1 recorded of a step, from a line of any version."""
    position = line.account.positions[0] if line.account.positions else None
    fill = line.fills[0] if line.fills else None
    return {
        "number": line.number,
        "session": line.session,
        "time": line.time,
        "documents": list(line.documents),
        "action": line.action,
        "reward": line.reward,
        "fill_price": fill.price if fill else 0.0,
        "notional": fill.notional if fill else 0.0,
        "cost": fill.cost if fill else 0.0,
        "position": position.quantity if position else 0.0,
        "cash": line.account.cash,
        "equity": line.account.equity,
    }


def _upgraded(content: Content, symbol: str, held: float, costs: float, following: str) -> Line:
    cash, equity, quantity = (content[name] for name in ("cash", "equity", "position"))
    positions: tuple[Position, ...] = ()
    marks: dict[str, float] = {}
    if quantity:
        # Weights follow from cash and equity, up to rounding; so do marks.
        weight = (equity - cash) / (equity or 1.0)
        marks = {symbol: (equity - cash) / quantity}
        positions = (
            Position(
                symbol=symbol,
                quantity=quantity,
                entry_price=math.nan,
                price=marks[symbol],
                weight=weight,
                unrealised_pnl=math.nan,
            ),
        )
    thought = content.get("thought")
    return Line(
        number=content["number"],
        time=content["time"],
        session=content["session"],
        marked_at="",
        marked=following,
        documents=tuple(content["documents"]),
        action=content["action"],
        reward=content["reward"],
        is_last=False,
        account=AccountState(
            cash=cash, equity=equity, costs=costs, positions=positions, marks=marks
        ),
        fills=_fills(content, held, symbol),
        rejections=(),
        distributions=(),
        answers=answers_in(thought) if isinstance(thought, dict) else (),
        thought=_thought(thought),
    )


def _fills(content: Content, held: float, symbol: str) -> tuple[Fill, ...]:
    notional, price = content["notional"], content["fill_price"]
    if not notional:
        return ()
    quantity = math.copysign(notional / price, content["position"] - held)
    return (Fill(symbol, quantity, price, notional, content["cost"]),)


def _thought(thought: Any) -> Any:
    """The rest of a thought; what FinMem calls a perception now was called facts."""
    if not isinstance(thought, dict):
        return thought
    rest = dict(without_answers(thought) or {})
    if isinstance(rest.get("facts"), dict) and "recalled" in rest:
        return {"perception" if name == "facts" else name: part for name, part in rest.items()}
    return rest


def _symbol_of(path: Path) -> str:
    """The asset of a file, from the configuration of its job; empty where that is not there."""
    try:
        text = read_text(path.parent.parent / "config.yaml")
        task = yaml.safe_load(text)["task"]
        return str(task["options"].get("symbol") or task["id"].partition("-")[2])
    except (OSError, yaml.YAMLError, LookupError, TypeError, AttributeError):
        return ""


def _what_is_wrong(content: Content, n: int, hashes: Sequence[Any], before: Any) -> list[str]:
    """How line n, counted from 0, does not follow from the one before, whose hash is given."""
    day = f"{content['session']}"
    body = {name: value for name, value in content.items() if name != "hash"}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    if hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() != content["hash"]:
        return [f"line {n + 1} ({day}) was edited: its hash is that of another content"]
    if content["hash"] in hashes[:n]:
        return [f"line {n + 1} ({day}) repeats line {hashes.index(content['hash']) + 1}"]
    if before in (None, content["before"]):
        return []  # where its number is another, lines above are missing or repeated
    if content["before"] in hashes:
        follows = hashes.index(content["before"]) + 1
        return [f"line {n + 1} ({day}) is out of order: it follows from line {follows}"]
    return [f"before line {n + 1} ({day}) a line is missing or was replaced"]
