"""What a result on snapshots says of itself: what decisions were worth, not an account."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from investorbench.tasks.snapshots.results import figures_in
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import NONE, count, number
from investorbench_env.errors import InvestorBenchError

if TYPE_CHECKING:
    from investorbench.tasks.result import Result

BPS = 1e4
SHOWN = {
    "edge": ("Edge bps", 1, "what a decision was expected to earn, in basis points"),
    "skill": ("Skill", 2, "0 for the best constant weight, 1 for the filter"),
    "linear": ("Linear bps", 1, "what a decision was expected to earn, risk left aside"),
}
"""Figures that rest on what was to be expected: head, digits, and what each is."""


def worth_of(result: "Result") -> Iterator[tuple[str, str, str]]:
    """Head, text and meaning of each figure."""
    try:
        figures = figures_in(result)
    except InvestorBenchError:  # real markets, whose law is not known
        figures = None
    for name, (head, digits, doc) in SHOWN.items() if figures else ():
        yield head, _text(getattr(figures, name), digits), doc
    came = np.concatenate([each.rewards for each in result.episodes])
    yield "Realised bps", number(float(came.mean()) * BPS, 1), "what came of a decision"


def size_of(result: "Result") -> str:
    """How many decisions there are, over what."""
    blocks = len(result.episodes)
    size = len(result.median.rewards)
    return f"{number(blocks * size)} decisions" + (f", {count(blocks, 'block')}" * (blocks > 1))


def _text(figure: Estimate, digits: int) -> str:
    if figure.value is None:
        return NONE
    ends = [number(end, digits) for end in (figure.low, figure.high)]
    value = number(figure.value, digits)
    return value if NONE in ends else f"{value} ({ends[0]} to {ends[1]})"
