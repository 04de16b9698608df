"""Amounts and foreign text as a text observation writes them; plain characters only."""

import math
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from investorbench_env.market.intervals import DAILY

SIZES = ((1e9, "B"), (1e6, "M"), (1e3, "K"))
UNKNOWN = "n/a"
LENGTHS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}


class BarWords(NamedTuple):
    """What a bar is called: a daily one is its session.

    Attributes:
        one: ``"session"`` or ``"bar"``.
        many: the plural.
        length: how long it is, such as ``"3 minutes"`` or ``"week"``.
    """

    one: str
    many: str
    length: str

    @classmethod
    def of(cls, interval: str) -> "BarWords":
        """The words for bars of an interval, such as ``"3m"``."""
        number, unit = interval[:-1], LENGTHS[interval[-1]]
        length = unit if number == "1" else f"{number} {unit}s"
        if interval == DAILY:
            return cls("session", "sessions", length)
        return cls("bar", "bars", length)


def price(value: float) -> str:
    """A price or a number of units, which are never negative."""
    if math.isnan(value):
        return UNKNOWN
    return f"{value:,.2f}" if value >= 1.0 else f"{value:.4g}"


def volume(value: float) -> str:
    """A large amount in thousands, millions or billions."""
    if math.isnan(value):
        return UNKNOWN
    size, letter = next(((s, n) for s, n in SIZES if value >= s), (1.0, ""))
    return f"{value / size:,.2f}{letter}"


def money(amount: float) -> str:
    """An amount to the cent."""
    # Adding nothing turns a negative zero into zero.
    return f"{round(amount, 2) + 0.0:,.2f}"


def percent(share: float) -> str:
    """A signed share in percent."""
    return UNKNOWN if math.isnan(share) else f"{round(share, 4) + 0.0:+.2%}"


def distribution_words(info: Mapping[str, Any]) -> Iterator[str]:
    """What a share of the last decision became on the way to this one, a sentence each.

    Args:
        info: with the step's ``dividend`` and ``split``, or without either.
    """
    ratio, cash = float(info.get("split", 1.0)), float(info.get("dividend", 0.0))
    if ratio != 1.0:
        new, old = (ratio, 1.0) if ratio > 1.0 else (1.0, 1.0 / ratio)
        yield f"{new:.6g}-for-{old:.6g} split: position and past prices restated"
    if cash:
        yield f"Dividend of {price(cash)} for each unit held at the last decision"


def lines_of(text: str) -> list[str]:
    """Lines without blank ones, runs of blanks, or control and direction marks."""
    return [line for line in map(one_line, text.splitlines()) if line]


def one_line(text: str) -> str:
    """Text without line breaks, runs of blanks, or control and direction marks."""
    flat = " ".join(text.split())
    if flat.isprintable():
        return flat
    return "".join(c for c in flat if unicodedata.category(c)[0] != "C")
