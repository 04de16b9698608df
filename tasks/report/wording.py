"""Figures as a reader likes them: a real minus, thin spaces between thousands, a dash for none."""

import math

from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.statistics import Estimate

NONE = "–"


def number(value: float | None, digits: int = 0) -> str:
    """``−12 345.7``; a dash where there is no finite number."""
    if value is None or not math.isfinite(value):
        return NONE
    # Adding 0.0 takes the sign from a zero.
    text = f"{round(value, digits) + 0.0:,.{digits}f}"
    return text.replace(",", "\u202f").replace("-", "−")


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction in percent, without the sign: the column names the unit."""
    return number(None if value is None else value * 100.0, digits)


def probability(value: float | None) -> str:
    """``.034``, or ``<.001``."""
    if value is None or not math.isfinite(value):
        return NONE
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def rank(places: tuple[int, int]) -> str:
    """``2``, or ``1–13`` where nothing tells the places apart."""
    best, worst = places
    return str(best) if best == worst else f"{best}–{worst}"


def interval(estimate: Estimate, factor: float, digits: int) -> str:
    """``[−1.8, 3.4]``; empty without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = number(estimate.low * factor, digits), number(estimate.high * factor, digits)
    return f"[{low}, {high}]"


def nothing(reason: str) -> Html:
    """An empty cell's dash, with the reason for eyes and ears."""
    return join(
        element("span", NONE, class_="none", title=reason, aria_hidden="true"),
        element("span", f"no figure: {reason}", class_="unseen"),
    )


def count(things: int, name: str) -> str:
    """``1 agent``, ``2 agents``."""
    return f"{number(things)} {name}{'s' * (things != 1)}"
