"""A row a decision: chosen, done, held after it, and what asking a model for it took."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from investorbench.tasks.actions import action_word
from investorbench.tasks.answers import is_unusable
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.record.scanning import Scan
from investorbench.tasks.record.schema import Content
from investorbench.tasks.tables import labels
from investorbench.tasks.tables.fields import EPISODE, Field, TidyRow

FIELDS = (
    *EPISODE,
    Field("split", "string", "warmup or test"),
    Field("number", "Int64", "of the decision in its split, from 0"),
    Field("time", "string", "of the decision, in UTC"),
    Field("session", "string", "of the decision"),
    Field("marked_at", "string", "when its step was marked, in UTC"),
    Field("marked", "string", "the session of that"),
    Field("action", "string", "in a few words"),
    Field("action_json", "string", "as it is recorded"),
    Field("forecast_json", "string", "what was said of the return, where anything was"),
    Field("reward", "Float64", "of the step"),
    Field("return", "Float64", "of equity over the step"),
    Field("equity", "Float64", "after the step, in USD"),
    Field("cash", "Float64", "after the step, in USD"),
    Field("cost", "Float64", "of the step's trades, in USD"),
    Field("notional", "Float64", "of the step's trades, in USD, without signs"),
    Field("fills", "Int64", "how many trades there were"),
    Field("rejections", "Int64", "how many orders were not carried out"),
    Field("weight", "Float64", "of all positions after the step, as a share of equity"),
    Field("exposure", "Float64", "the same without signs"),
    Field("positions_json", "string", "units of each asset after the step"),
    Field("funding", "Float64", "received for holding perpetuals in the step, in USD"),
    Field("documents", "Int64", "how many news and filings were new"),
    Field("scored_return", "Float64", "what a position of weight 1 returned, where that is scored"),
    Field("scored_mean", "Float64", "what it was expected to, on a simulated market"),
    Field("answers", "Int64", "how many answers of models there were"),
    Field("status", "string", "theirs, each once"),
    Field("unusable", "boolean", "whether the decision rests on no usable answer"),
    Field("tokens_read", "Int64", "of all prompts, where the server counts them"),
    Field("tokens_written", "Int64", "of all answers, likewise"),
    Field("cost_usd", "Float64", "of all answers; empty without a price"),
    Field("latency_s", "Float64", "of all answers"),
    Field("rationale", "string", "what the agent gave as its reason"),
    *labels.OF_DECISIONS,
    Field("written_at", "string", "wall-clock time, in UTC"),
)


def rows(scan: Scan) -> Iterator[TidyRow]:
    """The rows of a split.

    Args:
        scan: its lines.
    """
    facts = scan.header.facts
    is_alone = is_of_snapshots(facts)  # each begins with an account of its own
    before = scan.header.opening.equity
    for line in scan.lines:
        account, fills = line["account"], line["fills"]
        equity = account["equity"]
        weights = [each["weight"] for each in line["positions"]]
        scored = line.get("scored") or {}
        own = {"market_seed": str(line["market_seed"])} if "market_seed" in line else {}
        yield {
            **own,
            "number": line["number"],
            "time": line["time"],
            "session": line["session"],
            "marked_at": line["marked_at"] or None,
            "marked": line["marked"] or None,
            "action": action_word(line["action"], facts.action),
            "action_json": _as_json(line["action"]),
            "forecast_json": _json(line["forecast"]) if line.get("forecast") else None,
            "reward": line["reward"],
            "return": equity / before - 1.0 if equity is not None and before else None,
            "equity": equity,
            "cash": account["cash"],
            "cost": _sum(fills, "cost"),
            "notional": sum(abs(each["notional"]) for each in fills),
            "fills": len(fills),
            "rejections": len(line["rejections"]),
            "weight": _known(weights, sum),
            "exposure": _known(weights, lambda own: sum(map(abs, own))),
            "positions_json": _json({p["symbol"]: p["quantity"] for p in line["positions"]}),
            "funding": _sum(line["funding"], "cash") if line.get("funding") is not None else None,
            "documents": len(line["documents"]),
            "scored_return": scored.get("return"),
            "scored_mean": scored.get("mean"),
            **_asked(line),
            "written_at": line["written_at"] or None,
        }
        before = before if is_alone else equity


def _asked(line: Content) -> TidyRow:
    """What asking for a decision took, and what it rests on; nothing of an agent that asks none."""
    answers, thought = line["answers"], line["thought"]
    decision = thought.get("decision") if isinstance(thought, Mapping) else None
    rationale = decision.get("rationale") if isinstance(decision, Mapping) else None
    if not answers:
        return {"answers": 0, "rationale": rationale or None}
    tokens = [each.get("tokens") or {} for each in answers]
    counted = all(each.get("known") for each in tokens)
    return {
        "answers": len(answers),
        "status": ", ".join(dict.fromkeys(str(each.get("status")) for each in answers)),
        "unusable": is_unusable(answers, thought),
        "tokens_read": _sum(tokens, "input") if counted else None,
        "tokens_written": _sum(tokens, "output") if counted else None,
        "cost_usd": _sum(answers, "cost_usd"),
        "latency_s": _sum(answers, "latency_s"),
        "rationale": rationale or None,
    }


def _sum(parts: Sequence[Mapping[str, Any]], name: str) -> Any:
    """What parts add up to; None where one is not known."""
    return _known([each.get(name) for each in parts], sum)


def _known(values: Sequence[Any], of: Any) -> Any:
    return None if None in values else of(values)


def _as_json(action: Any) -> str:
    return str(action) if type(action) is int else _json(action)  # one of three, as most are


_json = json.JSONEncoder(ensure_ascii=False).encode
"""As ``json.dumps``, which makes an encoder at every call."""
