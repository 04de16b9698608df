"""What users give as a venue of perpetuals, each value checked by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

from investorbench_env.accounting.venues import (
    VENUES,
    FeeTier,
    PerpetualContract,
    PerpetualVenue,
    is_finite,
    margin_tiers,
)
from investorbench_env.errors import InvestorBenchError, UnknownNameError

HOURS_A_DAY = 24
MOST_FIGURES = 15
"""Beyond, a float has none."""
ATTRIBUTES = tuple(each.name for each in fields(PerpetualVenue))
WHOLE = ("significant_figures", "price_decimals", "funding_hours")
NUMBERS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "min_notional": (lambda value: value >= 0, "0 or more"),
    "significant_figures": (
        lambda value: value in range(1, MOST_FIGURES + 1),
        f"a whole number from 1 to {MOST_FIGURES}",
    ),
    "price_decimals": (
        lambda value: value in range(MOST_FIGURES + 1),
        f"a whole number from 0 to {MOST_FIGURES}",
    ),
    "funding_hours": (
        lambda value: value > 0 and HOURS_A_DAY % value == 0 and value % 1 == 0,
        "whole hours that divide a day",
    ),
    "funding_cap": (lambda value: 0 < value <= 1, "a share above 0, at most 1"),
}
"""Attributes that are numbers: which ones are right, and that in words."""


def venue_of(given: PerpetualVenue | Mapping[str, Any] | str) -> PerpetualVenue:
    """A venue from its name in ``VENUES``, or from a mapping of all its attributes.

    Raises:
        UnknownNameError: no such name or attribute.
        InvestorBenchError: a value that is missing or makes no sense.
    """
    if isinstance(given, PerpetualVenue):
        return given
    if isinstance(given, str):
        if given not in VENUES:
            raise UnknownNameError("venue", given, VENUES)
        return VENUES[given]
    values = _complete("the venue", given, ATTRIBUTES)
    for name, (is_right, wanted) in NUMBERS.items():
        if not is_finite(values[name]) or not is_right(values[name]):
            raise InvestorBenchError(f"{name}={values[name]!r} of a venue must be {wanted}")
    contracts = values["contracts"]
    if not isinstance(contracts, Mapping) or not contracts:
        raise InvestorBenchError(f"a venue has contracts by symbol, not {contracts!r:.80}")
    return PerpetualVenue(
        name=str(values["name"]),
        contracts={str(symbol): _contract(symbol, row) for symbol, row in contracts.items()},
        fees=_fee_tiers(values["fees"]),
        **{name: int(values[name]) if name in WHOLE else values[name] for name in NUMBERS},
    )


def _complete(what: str, given: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """A mapping that has all of some names and no other."""
    if not isinstance(given, Mapping):
        raise InvestorBenchError(f"{what} has {', '.join(names)}; it is {given!r:.80}")
    for name in given:
        if name not in names:
            raise UnknownNameError(f"attribute of {what}", name, names)
    if missing := [name for name in names if name not in given]:
        raise InvestorBenchError(f"{what} lacks {', '.join(missing)}")
    return given


def _rows(what: str, given: Any, most: int) -> list[Sequence[float]]:
    """Rows of a table of tiers."""
    rows = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
    if not rows or not all(isinstance(row, Sequence) and len(row) <= most for row in rows):
        raise InvestorBenchError(f"{what} are rows of at most {most} numbers, not {given!r:.80}")
    return rows


def _contract(symbol: Any, given: Any) -> PerpetualContract:
    row = _complete(f"the contract of {symbol}", given, ("tiers", "size_decimals"))
    decimals = row["size_decimals"]
    if not is_finite(decimals) or decimals not in range(MOST_FIGURES + 1):
        raise InvestorBenchError(
            f"size_decimals={decimals!r} of {symbol} must be a whole number from 0 to "
            f"{MOST_FIGURES}"
        )
    tiers = margin_tiers(_rows(f"margin tiers of {symbol}", row["tiers"], 3))
    return PerpetualContract(tiers=tiers, size_decimals=int(decimals))


def _fee_tiers(given: Any) -> tuple[FeeTier, ...]:
    rows = _rows("fee tiers", given, 3)
    for row in rows:
        if len(row) != 3 or not all(map(is_finite, row)) or not 0 <= row[1] < 1:
            raise InvestorBenchError(
                "a fee tier is [above, taker, maker], with fees as shares such as 0.00045, not "
                f"{row!r}"
            )
    tiers = tuple(FeeTier(*map(float, row)) for row in rows)
    if tiers[0].above or any(a.above >= b.above for a, b in pairwise(tiers)):
        raise InvestorBenchError("fee tiers begin at a volume of 0 and rise")
    return tiers
