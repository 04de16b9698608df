"""Calendar-day returns, made here and nowhere else: everything statistical rests on them."""

import numpy as np
import numpy.typing as npt

from investorbench_env.market.intervals import DAY, length_of

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]
WEEK = np.timedelta64(7, "D")
ROUNDING = 1e-12
"""Returns closer to each other than this are one: an equity curve of doubles knows no better."""


def daily_returns(sessions: Dates, equity: FloatArray, interval: str) -> tuple[Dates, FloatArray]:
    """The days of an equity curve and what each returned.

    With bars of a day or longer each step is one period, dated by the session in which it was
    decided. With shorter ones a day goes from the last mark of the session before, or the opening
    account, to its own last mark, and is dated by the session in which its steps are marked.

    Args:
        sessions: of each decision, and of the last mark [T + 1]; they may repeat.
        equity: at each decision, the opening account included [..., T + 1].
        interval: length of a bar, see ``Facts.interval``.

    Returns:
        Dates [D] and simple returns [..., D].
    """
    if not is_within_a_day(interval):
        return sessions[:-1], equity[..., 1:] / equity[..., :-1] - 1.0
    marked = sessions[1:]
    last = np.flatnonzero(np.append(marked[1:] != marked[:-1], True))
    closing = equity[..., [0, *(last + 1)]]
    return marked[last], closing[..., 1:] / closing[..., :-1] - 1.0


def varies(returns: FloatArray) -> BoolArray:
    """Whether returns [..., T] differ by more than what rounding leaves of equal ones [...].

    Where they do not there is no Sharpe ratio: a mean over a rest of rounding says nothing.
    """
    if not returns.shape[-1]:
        return np.zeros(returns.shape[:-1], dtype=np.bool_)
    highest, lowest = returns.max(axis=-1), returns.min(axis=-1)
    scale = np.maximum(np.maximum(highest, -lowest), 1.0)
    return np.asarray(highest - lowest > ROUNDING * scale)


def period_name(interval: str) -> str:
    """What a return is one of, in a word: a day where bars are of a day or shorter.

    Raises:
        MarketError: it is no length of a bar.
    """
    length = length_of(interval)
    return "day" if length <= DAY else "week" if length == WEEK else "period"


def is_within_a_day(interval: str) -> bool:
    """Whether bars of this length are shorter than a day.

    Raises:
        MarketError: it is no length of a bar.
    """
    return bool(length_of(interval) < DAY)
