"""What users give as terms and constraints of a portfolio, each value checked by itself."""

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from numbers import Real
from typing import Any

from investorbench_env.accounting.constraints import Constraints
from investorbench_env.accounting.portfolio import LAB, LIMIT_FILLS, Terms
from investorbench_env.errors import InvestorBenchError, UnknownNameError

TERMS: Mapping[str, Terms] = {"standard": Terms(), "lab": LAB}
"""By the name under which an environment takes them."""
COSTS = ("commission", "slippage")
"""Given in basis points, as to every environment."""
BASIS_POINT = 1e-4
COUNTS = ("max_positions",)
SHARES_OF_ONE = ("max_weight", "volume_cap")


def terms_of(
    given: Mapping[str, Any] | str | Terms | None = None,
    *,
    commission_bps: float | None = None,
    slippage_bps: float | None = None,
) -> Terms:
    """Terms from a name of ``TERMS``, or from a mapping of their attributes but for the costs.

    Args:
        given: the name or the mapping; None for the standard ones.
        commission_bps: in basis points of the notional; None for those of ``given``.
        slippage_bps: in basis points of the price; None likewise.

    Raises:
        UnknownNameError: no such name or attribute.
        InvestorBenchError: a value that makes no sense.
    """
    costs: dict[str, Any] = {
        name: _number(f"{name}_bps", value) * BASIS_POINT
        for name, value in zip(COSTS, (commission_bps, slippage_bps), strict=True)
        if value is not None
    }
    if isinstance(given, str):
        if given not in TERMS:
            raise UnknownNameError("terms", given, TERMS)
        return replace(TERMS[given], **costs)
    if isinstance(given, Terms):
        return replace(given, **costs)
    values = _known("terms", given, [each.name for each in fields(Terms)])
    for name, value in values.items():
        if name in COSTS:
            raise InvestorBenchError(f"terms have no {name}: give {name}_bps beside them")
        if name == "limit_fill":
            if value not in LIMIT_FILLS:
                raise UnknownNameError("limit_fill", value, LIMIT_FILLS)
        else:
            _require_boolean(name, value)
    return Terms(**values, **costs)


def constraints_of(given: Mapping[str, Any] | Constraints | None = None) -> Constraints:
    """Constraints from a mapping of their attributes; a value of None is no limit.

    Raises:
        UnknownNameError: no such attribute.
        InvestorBenchError: a value that makes no sense.
    """
    if isinstance(given, Constraints):
        return given
    values = _known("constraints", given, [each.name for each in fields(Constraints)])
    for name, value in values.items():
        if name == "whole_shares":
            _require_boolean(name, value)
        elif value is not None:
            values[name] = _limit(name, value)
    return Constraints(**values)


def _known(kind: str, given: Mapping[str, Any] | None, names: Collection[str]) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise InvestorBenchError(f"{kind}={given!r} must be a mapping of {', '.join(names)}")
    for name in given or {}:
        if name not in names:
            raise UnknownNameError(f"name in {kind}", name, names)
    return dict(given or {})


def _limit(name: str, value: Any) -> float:
    number = _number(name, value)
    if name in SHARES_OF_ONE and number > 1.0:
        raise InvestorBenchError(f"{name}={value!r} must be at most 1: it is a share, .25 for 25 %")
    if name not in COUNTS:
        return number
    if number != int(number):
        raise InvestorBenchError(f"{name}={value!r} must be a whole number")
    return int(number)


def _number(name: str, value: Any) -> float:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    number = float(value) if is_number else math.nan
    if not math.isfinite(number) or number < 0:
        raise InvestorBenchError(f"{name}={value!r} must be a number of at least 0")
    return number


def _require_boolean(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InvestorBenchError(f"{name}={value!r} must be True or False")
