"""From decisions about a portfolio to the actions of its environment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from investorbench.agents.portfolio.decision import ORDERS
from investorbench.agents.portfolio.perception import SMALL, PortfolioPerception
from investorbench.agents.portfolio.question import PortfolioBriefing
from investorbench.agents.portfolio.wording import order_words
from investorbench_env.facts import Facts

SPARE = 0.02
"""Of equity: what training leaves in cash, for the next open may be above the last close."""
WAITS, HOLD = "cancelled", "hold"
NAMED = 10
"""Assets that a line names of those that were ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What is ordered.

    Attributes:
        action: as the environment takes it: a list of orders, or weights float32 [A].
        word: all of it in a word or two, such as ``"2 buy, 1 sell"``.
        by_asset: in words, by symbol; nothing of assets that are left as they are.
        left_out: what could not be meant, in words.
        last_id: the number of the last order that waits.
    """

    action: Any
    word: str
    by_asset: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    last_id: int = 0

    def words(self) -> str:
        """All of it in one line."""
        named = [*self.by_asset.values()][:NAMED]
        more = len(self.by_asset) - len(named)
        return ", ".join(named + [f"{more} more"] * bool(more)) or "no change"

    def plain(self) -> list[Any]:
        """The action as plain values."""
        plain: list[Any] = self.action if isinstance(self.action, list) else self.action.tolist()
        return plain


def ordered_of(
    facts: Facts, day: PortfolioBriefing, given: Sequence[Mapping[str, Any]], last_id: int
) -> Ordered:
    """What is ordered: in training what the labels say, else what was decided.

    Args:
        facts: of the environment.
        day: as it was shown.
        given: orders or weights of an answer.
        last_id: the number of the last order that waited.
    """
    perception = day.perception
    targets = None if day.labels is None else equal_parts(day.labels, perception.constraints)
    if facts.action == ORDERS:
        orders = given if targets is None else orders_for(targets, perception)
        return shares_ordered(orders, last_id)
    if targets is not None:
        symbols = [quote.symbol for quote in perception.quotes]
        given = [{"symbol": symbol, "weight": targets.get(symbol, 0.0)} for symbol in symbols]
    return weights_ordered(given, perception, 0.0 if facts.long_only else -1.0)


def shares_ordered(given: Sequence[Mapping[str, Any]], last_id: int) -> Ordered:
    """Orders for shares; those that wait get an id, by which they can be cancelled.

    Whatever cannot be meant the environment rejects, one by one and with a reason.

    Args:
        given: of an answer; an id of theirs is that of what they cancel.
        last_id: the number of the last one before.
    """
    orders, by_asset = [], dict[str, str]()
    for each in given:
        order = {name: value for name, value in each.items() if value is not None}
        if order["side"] != "cancel":
            order.pop("id", None)
            if order.get("until") == WAITS:
                last_id += 1
                order["id"] = f"W{last_id}"
        orders.append(order)
        symbol = order["symbol"]
        by_asset[symbol] = " and ".join(
            [*([by_asset[symbol]] if symbol in by_asset else []), order_words(order)]
        )
    sides = Counter(order["side"] for order in orders)
    word = ", ".join(f"{count} {side}" for side, count in sides.items()) or HOLD
    return Ordered(action=orders, word=word, by_asset=by_asset, last_id=last_id)


def weights_ordered(
    given: Sequence[Mapping[str, Any]], perception: PortfolioPerception, least: float
) -> Ordered:
    """Target weights of all assets; one without a new one keeps what it has.

    Args:
        given: of an answer, each asset once.
        perception: of the day.
        least: that a weight can be, 0 or -1.
    """
    held = {position.symbol: position.weight for position in perception.positions}
    weights, by_asset, left_out = {**held}, {}, []
    for each in given:
        symbol, weight = each["symbol"], float(each["weight"])
        if least <= weight <= 1.0:
            weights[symbol] = weight
            if abs(weight - held.get(symbol, 0.0)) >= SMALL:
                by_asset[symbol] = f"{symbol} to {100.0 * weight:.3g}%"
        else:
            left_out.append(f"{symbol} to a weight of {weight:g}, not within {least:g} to 1")
    action = np.array([weights.get(quote.symbol, 0.0) for quote in perception.quotes], np.float32)
    action = np.clip(action, np.float32(least), np.float32(1.0))
    word = f"{len(by_asset)} of {len(action)} weights" if by_asset else HOLD
    return Ordered(action=action, word=word, by_asset=by_asset, left_out=tuple(left_out))


def equal_parts(labels: Mapping[str, float], constraints: Mapping[str, Any]) -> dict[str, float]:
    """Equal weights of the assets that rise, as far as limits allow, and some cash apart.

    Args:
        labels: what each returns next, by symbol.
        constraints: limits of purchases, by name.
    """
    rise = [symbol for symbol, label in labels.items() if label > 0.0]
    best = sorted(rise, key=lambda symbol: -labels[symbol])
    most = constraints.get("max_positions")
    kept = {*best[: len(best) if most is None else int(most)]}
    if not kept:
        return {}
    weight = min(1.0 / len(kept), constraints.get("max_weight") or 1.0)
    return {symbol: weight * (1.0 - SPARE) for symbol in rise if symbol in kept}


def orders_for(
    targets: Mapping[str, float], perception: PortfolioPerception
) -> list[dict[str, Any]]:
    """Orders that lead from what is held to target weights, sales first.

    Shares are whole but for those of what is sold altogether.

    Args:
        targets: of the assets to hold; of all others everything is sold.
        perception: of the day.
    """
    closes = {quote.symbol: quote.close for quote in perception.quotes if quote.tradable}
    held = {position.symbol: position.quantity for position in perception.positions}
    trades: list[tuple[str, float]] = []
    for symbol, close in closes.items():
        wanted = targets.get(symbol, 0.0) * perception.equity / close if close else 0.0
        traded = wanted - held.get(symbol, 0.0)
        trades.append((symbol, float(int(traded)) if wanted else traded))
    return [
        {"symbol": symbol, "side": "buy" if traded > 0.0 else "sell", "quantity": abs(traded)}
        for symbol, traded in sorted(trades, key=lambda trade: trade[1] > 0.0)
        if traded
    ]
