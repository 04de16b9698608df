"""Simulated news: how much, when, about what, and whether it is good; no words yet.

News that appears while a session is open knows the state after the session before; news after the
close, or with only a date, knows the state after that close. None knows more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from investorbench_env.market.asset_classes import AssetClass
from investorbench_env.market.documents import Sentiment
from investorbench_env.market.market import FloatArray
from investorbench_env.market.sessions import TimeArray
from investorbench_env.market.simulated.bands import Origin, Purpose
from investorbench_env.market.simulated.dynamics import TOPICS, Dynamics
from investorbench_env.market.simulated.elementary import exp
from investorbench_env.market.simulated.process import SimulatedPaths

IntArray = npt.NDArray[np.int64]
About = Literal["own", "other", "nothing", "repeat"]

MAX_NEWS = 8
MAX_DELAY = 10
REMEMBERED = 12
"""How many of the latest texts about the asset a repeat chooses from."""
UNDATED, AFTER_CLOSE = 0.12, 0.35
"""Shares of the news that has only a date, and that comes after the close (undated included)."""
LABELS: tuple[Sentiment | None, ...] = ("positive", "neutral", "negative", None)
DRAWS = ("about", "topic", "delay", "tone", "labelled", "label", "hour", "minute", "repeated")
ABOUT: tuple[About, ...] = ("own", "other", "nothing", "repeat")
OWN, OTHER, NOTHING, REPEAT, FACTOR = range(5)
"""From ``FACTOR`` on, the factors in the order in which they are given."""
ABOUT_ELSE = (0.45, 0.30, 0.25)
"""Shares of the last three among the news that is not about the asset itself."""


class Factor(NamedTuple):
    """What several assets have in common, and their news reports on."""

    name: str
    """In texts."""
    vocabulary: str
    dynamics: Dynamics
    paths: SimulatedPaths
    """Of as many paths as those of the assets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """All news of N paths, by path and in the order in which it appears; all arrays [M].

    Attributes:
        path: which path it belongs to.
        session: after whose decision before, and before whose decision, it appears.
        available_at: when it appears, ``datetime64[s]`` UTC.
        known: the last session whose state it may reflect.
        reported: the session whose state it reflects.
        about: the asset itself, another, nothing of weight, or an older text, as an index into
            ABOUT; or a factor, from ``FACTOR`` on.
        topic: what it says something about, index into TOPICS.
        polarity: +1 good, −1 bad, 0 for what has nothing to say.
        label: index into LABELS; of a repeat, that of what it repeats.
        original: the row that a repeat repeats, else −1.
    """

    path: IntArray
    session: IntArray
    available_at: TimeArray
    known: IntArray
    reported: IntArray
    about: IntArray
    topic: IntArray
    polarity: IntArray
    label: IntArray
    original: IntArray


def plan_news(
    dynamics: Dynamics,
    paths: SimulatedPaths,
    sessions: TimeArray,
    times: TimeArray,
    asset_class: AssetClass,
    origins: Sequence[Origin],
    factors: Sequence[Factor] = (),
) -> News:
    """The news of each path.

    Where there are factors, news that is not about the asset itself is as likely about any of them
    as about another firm.

    Args:
        dynamics: the parameters.
        paths: the states of N paths.
        sessions: the dates of all paths [T], or of each [N, T].
        times: when each ends, in the same shape.
        asset_class: of the asset.
        origins: of each path.
        factors: what else the news reports on.
    """
    counts = _counts(dynamics, paths, sessions)
    path, session, slot = _places(counts)
    uniforms = np.concatenate(list(map(_uniforms, origins, counts)))
    draws = dict(zip(DRAWS, np.ascontiguousarray(uniforms.T), strict=True))
    if any(origin.mirrored for origin in origins):
        _mirror(dynamics, draws, np.array([bool(origin.mirrored) for origin in origins])[path])
    days_off = _on(_days_off(sessions), path, session)
    back, known = _timing(asset_class, session, days_off, draws["hour"], draws["minute"])
    reported = np.maximum(known - _delay(dynamics, draws["delay"]), 0)
    topic = (draws["topic"] * len(TOPICS)).astype(np.int64)
    about = _about(dynamics, draws["about"])
    if factors:
        # The draw that chooses what a repeat repeats is free in all other news.
        chosen = np.floor(draws["repeated"] * (1 + len(factors))).astype(np.int64)
        about = np.where((about == OTHER) & (chosen > 0), FACTOR - 1 + chosen, about)
    score = state_scores(dynamics, paths, path, reported)[topic, np.arange(len(topic))]
    for number, factor in enumerate(factors, FACTOR):
        rows = np.flatnonzero(about == number)
        scores = state_scores(factor.dynamics, factor.paths, path[rows], reported[rows])
        score[rows] = scores[topic[rows], np.arange(len(rows))]
    polarity = _polarity(dynamics, about, score, draws["tone"])
    label = _label(dynamics, polarity, draws["label"], draws["labelled"])

    order = _appearance(path * sessions.shape[-1] + session, back, slot)
    about, original = _originals(path, about[order], draws["repeated"][order])
    label = label[order]
    ends = _on(times.astype("datetime64[s]"), path, session)
    return News(
        path=path,
        session=session,
        available_at=ends - back[order].astype("timedelta64[m]"),
        known=known[order],
        reported=reported[order],
        about=about,
        topic=topic[order],
        polarity=polarity[order],
        label=np.where(original >= 0, label[original], label),
        original=original,
    )


def count_labels(news: News, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """How many news with each label but none came in each session of each path [N, T, 3]."""
    paths, length = shape
    cell = (news.path * length + news.session) * len(LABELS) + news.label
    counted = np.bincount(cell, minlength=paths * length * len(LABELS))
    return counted.reshape(paths, length, len(LABELS))[..., :-1].astype(np.uint8)


def state_scores(
    dynamics: Dynamics, paths: SimulatedPaths, path: Any, session: IntArray
) -> FloatArray:
    """The components that texts report on, each in standard deviations, in order of TOPICS [3, M].

    Args:
        dynamics: the parameters.
        paths: the states.
        path: which path, for each text or for all.
        session: after which session, for each text [M].
    """
    return np.stack(
        [
            dynamics.regime_score[paths.regime[path, session]],
            paths.gap[path, session] / dynamics.gap_spread,
            paths.mood[path, session],
        ]
    )


def _counts(dynamics: Dynamics, paths: SimulatedPaths, sessions: TimeArray) -> IntArray:
    """News of each session: Poisson, more of it when markets moved and after days off [N, T]."""
    before = np.maximum(np.arange(sessions.shape[-1]) - 1, 0)
    excitement = paths.log_volatility[:, before] + 0.4 * np.minimum(
        np.abs(paths.surprise[:, before]), 4.0
    )
    typical = 0.4 * np.sqrt(2 / np.pi)
    rate = dynamics.news_a_day * exp(excitement - typical) * (1 + 0.15 * _days_off(sessions))
    term = exp(-rate)
    below = term.copy()
    counts = np.zeros(rate.shape, dtype=np.int64)
    for k in range(1, MAX_NEWS + 1):
        counts += paths.news_uniform >= below
        term *= rate / k
        below += term
    return counts


def _places(counts: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Path, session, and number within its session of each text, from how many there are [M]."""
    paths, length = counts.shape
    flat = counts.ravel()
    cell = np.repeat(np.arange(paths * length), flat)
    slot = np.arange(len(cell)) - np.repeat(np.cumsum(flat) - flat, flat)
    path, session = np.divmod(cell, length)
    return path, session, slot


def _uniforms(origin: Origin, counts: IntArray) -> FloatArray:
    """Draws for the texts of a path, from how many there are in each session [M, DRAWS]."""
    rng = origin.generator(Purpose.NEWS)
    if origin.mirrored is None:
        # Texts are drawn for one after the other, so that none moves what came before it.
        return rng.random((int(counts.sum()), len(DRAWS)))
    # In a pair one path has now and then a text more: it must not move those of later sessions.
    by_slot = rng.random((len(counts), MAX_NEWS, len(DRAWS)))
    return by_slot[np.arange(MAX_NEWS) < counts[:, None]]


def _mirror(dynamics: Dynamics, draws: dict[str, FloatArray], which: npt.NDArray[np.bool_]) -> None:
    """Turn some draws so that the opposite state has the opposite tone, and label [M]."""
    accuracy, tone, label = dynamics.label_accuracy, draws["tone"], draws["label"]
    draws["tone"] = np.where(which, 1.0 - tone, tone)
    # Of the two wrong labels, it is the other one.
    draws["label"] = np.where(which & (label >= accuracy), 1.0 + accuracy - label, label)


def _timing(
    asset_class: AssetClass,
    session: IntArray,
    days_off: IntArray,
    hour: FloatArray,
    minute: FloatArray,
) -> tuple[IntArray, IntArray]:
    """Minutes before the decision of each text, and the last session that it may know of [M]."""
    undated, evening = hour < UNDATED, hour < AFTER_CLOSE
    away = (hour < 0.6) & (days_off > 0)
    # Minutes before the decision: the last of them, and over how many before it texts spread. An
    # hour is spared at the far end of days off, which may have lost one to a change of clocks.
    last = np.where(evening, 0, np.where(away, 24 * 60, 8 * 60))
    span = np.where(evening, 8 * 60, np.where(away, 24 * 60 * days_off - 60, 10 * 60))
    if asset_class.always_open:
        # The bar ends with the day: no text can know its close and still come before midnight.
        evening, last, span = undated, np.zeros_like(last), np.full_like(span, 24 * 60)
    back = (1 + np.floor(last + minute * (span - 1))).astype(np.int64)
    known = np.where(evening | undated, session, np.maximum(session - 1, 0))
    return np.where(undated, 0, back), known


def _days_off(sessions: TimeArray) -> IntArray:
    """Days without a session before each; none before the first [..., T]."""
    days_off = np.zeros(sessions.shape, dtype=np.int64)
    days_off[..., 1:] = np.diff(sessions).astype(np.int64) - 1
    return days_off


def _on(values: npt.NDArray[Any], path: IntArray, session: IntArray) -> npt.NDArray[Any]:
    """The values of each text's session [M], of those of all paths [T] or of each [N, T]."""
    return values[session] if values.ndim == 1 else values[path, session]


def _appearance(cell: IntArray, back: IntArray, slot: IntArray) -> IntArray:
    """The rows in order of path, session, time and slot [M]; they come without that of time."""
    first = np.arange(len(cell)) - slot
    # One number that orders them all is sorted much faster than three.
    most = int(back.max(initial=0)) + 1
    keys: IntArray = np.sort((cell * most + (most - 1 - back)) * MAX_NEWS + slot)
    # The rows of a cell stand where they stood; only which of them comes first has changed.
    return first + keys % MAX_NEWS


def _originals(path: IntArray, about: IntArray, uniform: FloatArray) -> tuple[IntArray, IntArray]:
    """What each repeat repeats: one of the latest texts of its path about the asset [M] each.

    Where there is none yet, a repeat has nothing to say; hence the first of the two arrays, what
    each text is about in the end. The second is the row of the original, −1 for all others.
    """
    own = np.append(np.flatnonzero(about == OWN), -1)
    seen = np.cumsum(about == OWN)
    first = np.searchsorted(path, np.arange(path.max(initial=-1) + 1))[path]
    in_path = seen - (seen - (about == OWN))[first]
    latest = np.minimum(in_path, REMEMBERED)
    chosen = seen - 1 - np.floor(uniform * latest).astype(np.int64)
    repeats = (about == REPEAT) & (latest > 0)
    original = np.where(repeats, own[np.where(repeats, chosen, -1)], -1)
    return np.where((about == REPEAT) & ~repeats, NOTHING, about), original


def _delay(dynamics: Dynamics, uniform: FloatArray) -> IntArray:
    """Geometric delays in sessions, by inversion [M]."""
    keep = dynamics.delay_days / (1 + dynamics.delay_days)
    within = 1 - keep ** np.arange(1, MAX_DELAY + 1)
    return np.searchsorted(within, uniform, side="right").astype(np.int64)


def _about(dynamics: Dynamics, uniform: FloatArray) -> IntArray:
    """Index into ABOUT [M]."""
    rest = (1 - dynamics.relevant_share) * np.array(ABOUT_ELSE)
    bounds = np.cumsum([dynamics.relevant_share, *rest[:-1]])
    return np.searchsorted(bounds, uniform, side="right").astype(np.int64)


def _polarity(
    dynamics: Dynamics, about: IntArray, score: FloatArray, uniform: FloatArray
) -> IntArray:
    """+1 or −1, and 0 for what has nothing to say [M]."""
    good = 1 / (1 + exp(-dynamics.informativeness * score))
    good = (1 - dynamics.noise) * good + dynamics.noise / 2
    # What concerns somebody else says nothing about this asset.
    good = np.where((about == OWN) | (about >= FACTOR), good, 0.5)
    return np.where(about == NOTHING, 0, np.where(uniform < good, 1, -1))


def _label(
    dynamics: Dynamics, polarity: IntArray, uniform: FloatArray, labelled: FloatArray
) -> IntArray:
    """Index into LABELS: the polarity, or one of the two others, or none [M]."""
    wrong = 1 + (uniform >= (1 + dynamics.label_accuracy) / 2)
    shift = np.where(uniform < dynamics.label_accuracy, 0, wrong)
    return np.where(labelled < dynamics.label_share, (1 - polarity + shift) % 3, 3)
