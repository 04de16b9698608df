"""Which bars are possible: the rules, for those who refuse others and those who report them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from investorbench_env.market.market import (
    FIELDS,
    LEAST_PRICE,
    MOST_PRICE,
    MOST_VOLUME,
    VOLUME,
)

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (*FIELDS, "adj_close")
ROUNDING = 1e-4
"""By what share of it an open or close may lie outside low..high."""


@dataclass(frozen=True, slots=True)
class Breach:
    """Rows that break a rule.

    Attributes:
        rows: which do, by the index of the table.
        sentence: what is wrong with one of them.
    """

    rows: "pd.Series[bool]"
    sentence: Callable[[Any], str]


def breaches(rows: "pd.DataFrame") -> Iterator[Breach]:
    """What makes rows of bars impossible, a rule at a time; those that no row breaks are left out.

    Args:
        rows: with date, and what there is of open, high, low, close, volume and adj_close.
    """
    for breach in _all_breaches(rows):
        if breach.rows.any():
            yield breach


def _all_breaches(rows: "pd.DataFrame") -> Iterator[Breach]:
    for name in COLUMNS:
        if name == FIELDS[VOLUME] or name not in rows:
            continue
        yield Breach(rows[name] <= 0, partial(_not_positive, name))
        extreme = ((rows[name] > 0) & (rows[name] < LEAST_PRICE)) | (rows[name] > MOST_PRICE)
        yield Breach(extreme, partial(_extreme, name))
    if {"high", "low"} <= set(rows):
        yield Breach(
            rows["high"] < rows["low"],
            lambda row: f"high {row['high']:g} is below low {row['low']:g} on {_day(row)}",
        )
    if "volume" in rows:
        yield Breach(
            rows["volume"] < 0,
            lambda row: f"volume {row['volume']:g} on {_day(row)} is negative",
        )
        yield Breach(rows["volume"] > MOST_VOLUME, partial(_extreme, "volume"))
    yield Breach(
        is_given_twice(rows) & ~is_repeated(rows),
        lambda row: f"a second bar of {_day(row)} contradicts the first",
    )


def _not_positive(name: str, row: Any) -> str:
    return f"{name} {row[name]:g} on {_day(row)} is not positive"


def _extreme(name: str, row: Any) -> str:
    return f"{name} {row[name]:g} on {_day(row)} is not one of any market"


def is_given_twice(rows: "pd.DataFrame") -> "pd.Series[bool]":
    """Which rows are of a date that a row before them has."""
    return rows.duplicated(["date"], keep="first")


def is_outside(rows: "pd.DataFrame") -> "pd.Series[bool]":
    """Which rows have an open or close outside low..high: odd, and not impossible."""
    if not set(FIELDS[:VOLUME]) <= set(rows):
        return rows["date"].isna()  # of none
    body = rows[["open", "close"]]
    above = body.max(axis=1) > rows["high"] * (1 + ROUNDING)
    return (above | (body.min(axis=1) < rows["low"] * (1 - ROUNDING))) & (
        rows["high"] >= rows["low"]
    )


def is_repeated(rows: "pd.DataFrame") -> "pd.Series[bool]":
    """Which rows say the same as a row before them."""
    return rows.duplicated(["date", *(name for name in COLUMNS if name in rows)], keep="first")


def _day(row: Any) -> str:
    moment = row["date"]
    return f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%d %H:%M}"
