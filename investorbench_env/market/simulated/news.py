"""Simulated news: how much, when, about what, and whether it is good; no words yet.

News that appears while a session is open knows the state after the session before; news after the
close, or with only a date, knows the state after that close. None knows more.
"""

from collections.abc import Sequence

import numpy as np

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import NEWS, Sentiment
from investorbench_env.market.market import FloatArray
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.bands import generator
from investorbench_env.market.simulated.dynamics import TOPICS, Dynamics
from investorbench_env.market.simulated.items import About, IntArray, Item, combined, state_scores
from investorbench_env.market.simulated.process import SimulatedPaths

MAX_NEWS = 8
MAX_DELAY = 10
UNDATED, AFTER_CLOSE = 0.12, 0.35
"""Shares of the news that has only a date, and that comes after the close (undated included)."""
LABELS: tuple[Sentiment | None, ...] = ("positive", "neutral", "negative", None)
DRAWS = ("about", "topic", "delay", "tone", "labelled", "label", "hour", "minute")
ABOUT: tuple[About, ...] = ("own", "other", "nothing", "repeat")
ABOUT_ELSE = (0.45, 0.30, 0.25)
"""Shares of the last three among the news that is not about the asset itself."""


def plan_news(
    dynamics: Dynamics,
    path: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    asset_class: AssetClass,
    entropy: Sequence[int],
) -> list[Item]:
    """The news of the first path, in order of session."""
    length = len(sessions)
    # Every slot has its own draws, so that a text of one session moves nothing in another.
    uniforms = generator(entropy, 2).random((length, MAX_NEWS, len(DRAWS)))
    draws = {name: uniforms[..., k] for k, name in enumerate(DRAWS)}
    numbers = generator(entropy, 3).integers(1 << 62, size=(length, MAX_NEWS, 2))
    used = np.arange(MAX_NEWS) < _counts(dynamics, path, sessions, entropy)[:, None]

    appears, known = _timing(sessions, times, asset_class, draws["hour"], draws["minute"])
    reported = np.maximum(known - _delay(dynamics, draws["delay"]), 0)
    topic = (draws["topic"] * len(TOPICS)).astype(int)
    about = _about(dynamics, draws["about"])
    score = np.choose(topic, [scores[reported] for scores in state_scores(dynamics, path)])
    polarity = _polarity(dynamics, about, score, draws["tone"])
    label = _label(dynamics, polarity, draws["label"], draws["labelled"])
    return [
        Item(
            session=t,
            available_at=appears[t, slot],
            known=int(known[t, slot]),
            reported=int(reported[t, slot]),
            kind=NEWS,
            about=ABOUT[about[t, slot]],
            statements=((TOPICS[topic[t, slot]], int(polarity[t, slot])),),
            sentiment=LABELS[label[t, slot]],
            number=combined(int(numbers[t, slot, 0]), int(numbers[t, slot, 1])),
        )
        for t, slot in np.argwhere(used).tolist()
    ]


def _counts(
    dynamics: Dynamics, path: SimulatedPaths, sessions: TimeArray, entropy: Sequence[int]
) -> IntArray:
    """News of each session: Poisson, more of it when markets moved and after days off [T]."""
    before = np.maximum(np.arange(len(sessions)) - 1, 0)
    excitement = path.log_volatility[0][before] + 0.4 * np.minimum(
        np.abs(path.surprise[0][before]), 4.0
    )
    typical = 0.4 * np.sqrt(2 / np.pi)
    days_off = _days_off(sessions)
    rate = dynamics.news_a_day * np.exp(excitement - typical) * (1 + 0.15 * days_off)
    uniform = generator(entropy, 5).random(len(sessions))
    term = np.exp(-rate)
    below = term.copy()
    counts = np.zeros(len(sessions), dtype=np.int64)
    for k in range(1, MAX_NEWS + 1):
        counts += uniform >= below
        term = term * rate / k
        below += term
    return counts


def _timing(
    sessions: TimeArray,
    times: TimeArray,
    asset_class: AssetClass,
    hour: FloatArray,
    minute: FloatArray,
) -> tuple[TimeArray, IntArray]:
    """When each text appears, and the last session that it may know of [T, slots] each."""
    t = np.arange(len(sessions))[:, None]
    end = times.astype("datetime64[s]")[:, None]
    days_off = _days_off(sessions)[:, None]
    undated, evening = hour < UNDATED, hour < AFTER_CLOSE
    away = (hour < 0.6) & (days_off > 0)
    # Minutes before the decision: the last of them, and over how many before it texts spread. An
    # hour is spared at the far end of days off, which may have lost one to a change of clocks.
    last = np.where(evening, 0, np.where(away, 24 * 60, 8 * 60))
    span = np.where(evening, 8 * 60, np.where(away, 24 * 60 * days_off - 60, 10 * 60))
    if asset_class.always_open:
        # The bar ends with the day: no text can know its close and still come before midnight.
        evening, last, span = undated, np.zeros_like(last), np.full_like(span, 24 * 60)
    back = (1 + np.floor(last + minute * (span - 1))).astype("timedelta64[m]")
    appears = end - np.where(undated, np.timedelta64(0, "s"), back)
    return appears, np.where(evening | undated, t, np.maximum(t - 1, 0))


def _days_off(sessions: TimeArray) -> IntArray:
    """Days without a session before each; none before the first [T]."""
    days_off = np.zeros(len(sessions), dtype=np.int64)
    days_off[1:] = np.diff(sessions).astype(np.int64) - 1
    return days_off


def _delay(dynamics: Dynamics, uniform: FloatArray) -> IntArray:
    """Geometric delays in sessions, by inversion [...]."""
    if dynamics.delay_days <= 0:
        return np.zeros(uniform.shape, dtype=np.int64)
    keep = dynamics.delay_days / (1 + dynamics.delay_days)
    waits: IntArray = np.minimum(np.log1p(-uniform) / np.log(keep), MAX_DELAY).astype(np.int64)
    return waits


def _about(dynamics: Dynamics, uniform: FloatArray) -> IntArray:
    """Index into ABOUT [...]."""
    rest = (1 - dynamics.relevant_share) * np.array(ABOUT_ELSE)
    bounds = np.cumsum([dynamics.relevant_share, *rest[:-1]])
    return np.searchsorted(bounds, uniform, side="right").astype(np.int64)


def _polarity(
    dynamics: Dynamics, about: IntArray, score: FloatArray, uniform: FloatArray
) -> IntArray:
    """+1 or −1, and 0 for what has nothing to say [...]."""
    good = 1 / (1 + np.exp(-dynamics.informativeness * score))
    good = (1 - dynamics.noise) * good + dynamics.noise / 2
    # What concerns somebody else says nothing about this asset.
    good = np.where(about == ABOUT.index("own"), good, 0.5)
    return np.where(about == ABOUT.index("nothing"), 0, np.where(uniform < good, 1, -1))


def _label(
    dynamics: Dynamics, polarity: IntArray, uniform: FloatArray, labelled: FloatArray
) -> IntArray:
    """Index into LABELS: the polarity, or one of the two others, or none [...]."""
    wrong = 1 + (uniform >= (1 + dynamics.label_accuracy) / 2)
    shift = np.where(uniform < dynamics.label_accuracy, 0, wrong)
    return np.where(labelled < dynamics.label_share, (1 - polarity + shift) % 3, 3)
