"""How figures are written, everywhere alike: numbers, shares, p-values, money, counts.

Text only. Tables for the terminal, files for papers, the report and messages are all made of these;
a thing that is missing is a dash.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

NONE = "–"
SMALLEST_P = 0.001
"""No p-value is written more exactly."""
LARGEST_REJECTED = 0.05


def number(value: float | None, digits: int = 0) -> str:
    """``−12,345.7``; a dash where there is no finite number."""
    if value is None or not math.isfinite(value):
        return NONE
    # Adding 0.0 takes the sign from a zero.
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")


def percent(share: float | None, digits: int = 1) -> str:
    """A fraction in percent, without the sign for it: a head or the text around it has that."""
    return number(None if share is None else share * 100.0, digits)


def p_value(p: float | None, digits: int = 2) -> str:
    """``.62``, ``.009``, ``<.001``: a third digit below .01, and no zero before the point.

    One just above .05 has it, too, rounded up: ``.05`` is of a test that rejects.
    """
    if p is None or not math.isfinite(p):
        return NONE
    if p < SMALLEST_P:
        return f"<{SMALLEST_P:g}".replace("0.", ".")
    if digits == 2 and LARGEST_REJECTED < p < LARGEST_REJECTED + 0.005:
        p, digits = math.ceil(p * 1000.0) / 1000.0, 3
    return f"{p:.{3 if p < 0.01 else digits}f}".removeprefix("0")


def p_equals(p: float) -> str:
    """A p-value in a sentence: ``p = .04``, ``p < .001``."""
    text = p_value(p)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


def probability(value: float | None, digits: int = 3) -> str:
    """``.962``, ``<.001`` or ``>.999``."""
    if value is not None and 1.0 - SMALLEST_P < value < 1.0:
        return f">{1.0 - SMALLEST_P:g}".replace("0.", ".")
    return p_value(value, digits)


def usd(amount: float | None) -> str:
    """``12.50 USD``; a smaller sum than a dollar with as many digits as a token's price takes."""
    if amount is None or not math.isfinite(amount):
        return NONE
    size = abs(amount)
    digits = 2 if size >= 1.0 or size == 0.0 else 4 if size >= 0.01 else 6
    return f"{number(amount, digits)} USD"


def count(things: float, name: str) -> str:
    """``1 agent``, ``2,000 agents``."""
    return f"{number(things)} {name}{'s' * (things != 1)}"


def roughly(value: float) -> str:
    """An estimate of which only two digits mean anything: ``9,600``, ``38``, ``0.85``."""
    rounded = float(f"{value:.2g}")
    return number(rounded) if rounded >= 10.0 else f"{rounded:g}"


def rank(places: tuple[int, int]) -> str:
    """``2``, or ``1–13`` where the tests leave several places open."""
    best, worst = places
    return str(best) if best == worst else f"{best}–{worst}"


def listed(names: Sequence[str]) -> str:
    """Names as in "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


Table = Literal[
    "terminal", "paper", "file", "page", "benchmark", "skill", "trading", "answers", "variance"
]
"""Where figures stand: a table in the terminal, in LaTeX or Markdown, a file of figures, the ranks
of the report, and its other tables."""


class Unit(NamedTuple):
    """What a figure is counted in.

    Attributes:
        text: how a figure is written with so many digits.
        storage: its type in a file of figures, as pandas names it.
    """

    text: Callable[[float, int], str]
    storage: str = "Float64"


def _fixed(write: Callable[[float], str]) -> Callable[[float, int], str]:
    return lambda value, digits: write(value)


RATIO = Unit(number)
PERCENT = Unit(percent)
"""Kept as a fraction."""
P_VALUE = Unit(_fixed(p_value))
PROBABILITY = Unit(_fixed(probability))
DAYS = Unit(_fixed(lambda days: "∞" if days == math.inf else roughly(days)))
"""Of which no more than two digits mean anything."""
USD = Unit(number)
"""In a column, whose head has the currency."""
COUNT = Unit(number, "Int64")
MEAN_COUNT = Unit(number)
"""Of repeats, so that it need not be whole."""
TEXT = Unit(_fixed(str), "string")
TRUTH = Unit(_fixed(lambda value: "yes" if value else "no"), "boolean")
