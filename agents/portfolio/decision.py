"""What a model is asked to answer about a portfolio, and what is read from its answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from investorbench.agents.finmem.decision import brief
from investorbench.agents.finmem.settings import require_daily
from investorbench.agents.llm import Answer
from investorbench_env.accounting.orders import SIDES, UNTIL
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

ORDERS, WEIGHTS = "orders", "weights"
"""What actions are, and the key of an answer that holds them."""
UNFIT = "unfit_item"
"""How an answer counts what does not fit its schema and was left out."""


class View(NamedTuple):
    """What the model has to say on one asset.

    Attributes:
        symbol: the asset.
        rationale: why; may be empty.
        cited: ids of memories of this asset that were shown.
    """

    symbol: str
    rationale: str
    cited: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioDecision:
    """What was read from an answer.

    Attributes:
        valid: whether there is one that can be used.
        orders: as they were given, those that could be read.
        rationale: on the portfolio; may be empty.
        reflection: on recent decisions, where it was asked for.
        views: on assets, each once.
        dropped: how many labels were named that were never shown.
        left_out: what was ordered and cannot be meant, in words.
        unfit: entries that did not fit the schema, which one of these words is about.
    """

    valid: bool
    orders: tuple[Mapping[str, Any], ...] = ()
    rationale: str = ""
    reflection: str = ""
    views: tuple[View, ...] = ()
    dropped: int = 0
    left_out: tuple[str, ...] = ()
    unfit: int = 0


def require_portfolio(facts: Facts, agent: str) -> None:
    """Refuse an environment of another kind.

    Args:
        facts: of the environment.
        agent: whose decisions these are, for the error.

    Raises:
        InvestorBenchError: its actions are neither orders nor weights, or its bars are not daily.
    """
    if facts.action not in (ORDERS, WEIGHTS):
        raise InvestorBenchError(
            f"{agent} decides on a portfolio, by orders (action='orders') or by target weights "
            f"(action='weights'); {facts.family} has action={facts.action!r}: use agent=finmem"
        )
    require_daily(facts, agent)


def schema_of(symbols: Sequence[str], labels: Sequence[str], kind: str) -> dict[str, Any]:
    """A JSON Schema that servers' strict modes take: every key required, no others.

    It is the same for all questions of an episode. Labels count within an asset, so that it does
    not grow with their number.

    Args:
        symbols: the assets.
        labels: by which an answer may cite what it was shown of an asset.
        kind: :data:`ORDERS` or :data:`WEIGHTS`.
    """
    symbol = {"type": "string", "enum": [*symbols]}
    text, number = {"type": "string"}, {"type": ["number", "null"]}
    view = {
        "symbol": symbol,
        "rationale": text,
        "memory_ids": {"type": "array", "items": {"type": "string", "enum": [*labels]}},
    }
    order: dict[str, Any] = {
        "symbol": symbol,
        "side": {"type": "string", "enum": [*SIDES]},
        "quantity": number,
        "limit": number,
        "stop": number,
        "until": {"type": "string", "enum": [*UNTIL]},
        "id": {"type": ["string", "null"]},
    }
    weight = {"symbol": symbol, "weight": {"type": "number"}}
    return _object(
        {
            "reflection": text,
            "rationale": text,
            "views": {"type": "array", "items": _object(view)},
            kind: {"type": "array", "items": _object(order if kind == ORDERS else weight)},
        }
    )


def _object(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(parts),
        "required": list(parts),
        "additionalProperties": False,
    }


def read_answer(
    answer: Answer, shown: Mapping[str, Mapping[str, int]], kind: str, *, reflects: bool
) -> PortfolioDecision:
    """The decision in an answer.

    Args:
        answer: of the model.
        shown: for each asset, ids by the labels of what was shown.
        kind: :data:`ORDERS` or :data:`WEIGHTS`.
        reflects: whether it was asked what recent decisions teach.
    """
    value = answer.value
    if value is None:
        return PortfolioDecision(valid=False)
    views: dict[str, View] = {}
    dropped = answer.tolerated.count("unknown_item")
    for given in value.get("views", ()):
        own = shown[given["symbol"]]
        known = [own[label] for label in given["memory_ids"] if label in own]
        dropped += len(given["memory_ids"]) - len(known)
        before = views.get(given["symbol"], View(given["symbol"], "", ()))
        views[given["symbol"]] = View(
            given["symbol"],
            before.rationale or brief(given["rationale"]),
            tuple(dict.fromkeys([*before.cited, *known])),
        )
    orders, left_out = _once_each(value.get(kind, ()), kind)
    unfit = answer.tolerated.count(UNFIT)
    if unfit:
        left_out.insert(0, f"{unfit} of its entries, which did not fit: {answer.problem}")
    return PortfolioDecision(
        valid=True,
        orders=tuple(orders),
        rationale=brief(value.get("rationale")),
        reflection=brief(value.get("reflection")) if reflects else "",
        views=tuple(views.values()),
        dropped=dropped,
        left_out=tuple(left_out),
        unfit=unfit,
    )


def _once_each(
    given: Sequence[Mapping[str, Any]], kind: str
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Orders that can be meant, and what is wrong with the others.

    Of orders the environment is the judge, and rejects one by one. A weight is one number in a row
    of the action, so two of one asset contradict each other.
    """
    if kind == ORDERS:
        return [*given], []
    weights: dict[str, set[float]] = {}
    for each in given:
        weights.setdefault(each["symbol"], set()).add(float(each["weight"]))
    twice = sorted(symbol for symbol, several in weights.items() if len(several) > 1)
    counted = Counter(each["symbol"] for each in given)
    kept = {each["symbol"]: each for each in given if each["symbol"] not in twice}
    return [*kept.values()], [f"{symbol} has {counted[symbol]} weights" for symbol in twice]
