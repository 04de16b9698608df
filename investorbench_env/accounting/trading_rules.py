"""Rules of an arena beside those of the venue, as data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from investorbench_env.errors import InvestorBenchError, UnknownNameError

NEEDED = ("profit_target", "stop_loss", "confidence")
"""Fields of a signal without which rules may reject an entry."""
FLAGS = ("full_leverage", "adding", "ranks", "news")
SHARES = ("least_margin", "most_margin")
COUNTS = ("most_positions", "entries_a_day")
LEVERAGES = ("least_leverage", "most_leverage")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRules:
    """Limits of entries; a position is closed in full, and never turned around at once.

    Attributes:
        name: of the set of rules.
        least_leverage: of an entry.
        most_leverage: of an entry, beside the coin's own; None for that alone.
        full_leverage: whether an entry takes exactly the most leverage that its coin allows.
        adding: whether an entry may add to a position of the same side.
        least_margin: the margin of an entry as a share of free cash, at least.
        most_margin: the margin of an entry as a share of the account, at most; None for all that is
            free.
        most_positions: that are held at once; None for any number.
        entries_a_day: of all coins together, in a day of UTC; None for any number.
        needs: fields that an entry must have beside quantity and leverage.
        ranks: whether traders are shown the ranks of their rivals.
        news: whether traders are shown news.
    """

    name: str = "custom"
    least_leverage: float = 1.0
    most_leverage: float | None = None
    full_leverage: bool = False
    adding: bool = False
    least_margin: float = 0.0
    most_margin: float | None = None
    most_positions: int | None = None
    entries_a_day: int | None = None
    needs: tuple[str, ...] = ()
    ranks: bool = False
    news: bool = False

    def __post_init__(self) -> None:
        for name in FLAGS:
            if not isinstance(getattr(self, name), bool):
                raise InvestorBenchError(f"{name}={getattr(self, name)!r} must be True or False")
        for names, least, most in ((SHARES, 0.0, 1.0), (COUNTS, 0, math.inf), (LEVERAGES, 1, 1e3)):
            for name in names:
                value = getattr(self, name)
                if value is None and name not in ("least_leverage", "least_margin"):
                    continue
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise InvestorBenchError(f"{name}={value!r} must be a number")
                if not least <= value <= most:
                    bound = f" and at most {most:g}" if most < math.inf else ""
                    raise InvestorBenchError(f"{name}={value!r} must be at least {least:g}{bound}")
        for name in self.needs:
            if name not in NEEDED:
                raise UnknownNameError("field of an entry", name, NEEDED)

    def most_leverage_of(self, contract: Any) -> Any:
        """Of an entry, where the contract allows so much."""
        if self.most_leverage is None:
            return contract
        own = self.most_leverage
        return (contract < own) * contract + (contract >= own) * own


RULES: Mapping[str, TradingRules] = {
    rules.name: rules
    for rules in (
        TradingRules(name="season1", least_leverage=5.0, least_margin=0.05),
        TradingRules(name="baseline", least_leverage=5.0, adding=True, news=True),
        TradingRules(
            name="monk", least_leverage=5.0, least_margin=0.05, most_margin=0.1, entries_a_day=4
        ),
        TradingRules(name="situational", least_leverage=5.0, least_margin=0.05, ranks=True),
        TradingRules(name="max_leverage", full_leverage=True, least_margin=0.05),
    )
}
"""By the name under which an environment takes them."""


def rules_of(given: TradingRules | Mapping[str, Any] | str) -> TradingRules:
    """Rules from a name of ``RULES``, or from a mapping of their attributes.

    Raises:
        UnknownNameError: no such name or attribute.
        InvestorBenchError: a value that makes no sense.
    """
    if isinstance(given, TradingRules):
        return given
    if isinstance(given, str) or not isinstance(given, Mapping):
        if given not in tuple(RULES):
            raise UnknownNameError("rules", given, RULES)
        return RULES[given]
    names = [each.name for each in fields(TradingRules)]
    for name in given:
        if name not in names:
            raise UnknownNameError("attribute of rules", name, names)
    values = dict(given)
    if "needs" in values:
        values["needs"] = tuple(values["needs"])
    return TradingRules(**values)
