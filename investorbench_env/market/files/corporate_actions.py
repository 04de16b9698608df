"""Splits and dividends: from vendor prices back to prices as they were traded on the day.

Vendors divide old prices by later splits. Whether a file was divided by a split, and whether by one
that came after its last row, is read from the prices themselves: the adjusted close keeps its
ratio to the close over the ex-date, and prices as traded are whole cents.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from investorbench_env.market.files.implied_dividends import read_adjustment
from investorbench_env.market.files.share_splits import KNOWN_FROM, KNOWN_SPLITS, KNOWN_TO
from investorbench_env.market.market import Delisting, FloatArray
from investorbench_env.market.sessions import TimeArray

FLOAT32_NOISE = 1.2e-7
"""Vendors store prices in single precision."""
PLAIN_RATIOS = (1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 50)
"""Ratios of splits that are believed without a list."""
LIKE_A_RATIO = 0.01
"""By what share of it a step may miss one of these ratios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareSplit:
    """New shares for one old share, with effect from the open of ``ex_date``."""

    ex_date: np.datetime64
    ratio: float


class CashDividend(NamedTuple):
    """Cash per share, with its ex-date and the place that says so, for errors."""

    ex_date: np.datetime64
    amount: float
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What is known of one asset's corporate actions.

    Attributes:
        splits: in order of their ex-dates.
        dividends: in order of their ex-dates, or None where no source lists them.
        complete: whether a source lists the splits, so that none means that there were none.
        source: who says so, in words.
        in_units_of_closes: whether dividends are of the shares that the closes beside them are
            of, and not of those of their day.
        delisting: the end of the listing, where a list has one.
        findings: what was odd in a list, in words.
    """

    splits: tuple[ShareSplit, ...] = ()
    dividends: tuple[CashDividend, ...] | None = None
    complete: bool = False
    source: str = ""
    in_units_of_closes: bool = False
    delisting: Delisting | None = None
    findings: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything at all is known of the splits."""
        return self.complete or bool(self.splits)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsTraded:
    """Factors that lead from a vendor's prices to prices as traded.

    Attributes:
        factor: multiply a price by it, divide a volume by it [T].
        ratios: new shares for one old one at each session, else 1 [T].
        findings: in words.
    """

    factor: FloatArray
    ratios: FloatArray
    findings: tuple[str, ...]


def known_actions(symbol: str) -> Actions:
    """The splits that this package knows by itself, without any dividends."""
    if symbol not in KNOWN_SPLITS:
        return Actions()
    splits = tuple(
        ShareSplit(ex_date=np.datetime64(date), ratio=ratio) for date, ratio in KNOWN_SPLITS[symbol]
    )
    return Actions(
        splits=splits,
        complete=True,
        source=f"splits known for {KNOWN_FROM[:4]}..{KNOWN_TO[:4]}",
    )


def with_known(listed: Actions, known: Actions) -> Actions:
    """What a file lists, with the known splits that it lacks."""
    dates = {split.ex_date for split in listed.splits}
    extra = tuple(split for split in known.splits if split.ex_date not in dates)
    splits = tuple(sorted((*listed.splits, *extra), key=lambda split: split.ex_date))
    source = " and ".join(text for text in (listed.source, known.source if extra else "") if text)
    return replace(
        listed,
        splits=splits,
        complete=listed.complete or known.complete,
        source=source or known.source,
    )


def as_traded(
    sessions: TimeArray,
    close: FloatArray,
    adjusted: FloatArray | None,
    actions: Actions,
    basis: np.datetime64 | None = None,
) -> AsTraded:
    """Undo the splits that a vendor's prices were adjusted for.

    Args:
        sessions: dates [T].
        close: the vendor's closes, NaN where missing [T].
        adjusted: the vendor's closes adjusted for dividends too, or None [T].
        actions: the splits that are known.
        basis: the day up to whose splits the file says it was adjusted, where it says so.
    """
    factor, ratios = np.ones(len(sessions)), np.ones(len(sessions))
    findings: list[str] = []
    traded = np.flatnonzero(np.isfinite(close))
    last = sessions[traded[-1]]
    seen = () if actions.complete else _unlisted(sessions, close, adjusted, actions)
    for split in seen:
        t = int(np.searchsorted(sessions, split.ex_date))
        ratios[t] *= split.ratio
        findings.append(
            f"a split {split.ratio:g}:1 on {split.ex_date} that no list has: the close changes by "
            "it, the adjusted close does not"
        )
    for split in actions.splits:
        t = int(np.searchsorted(sessions, split.ex_date))
        before, after = traded[traded < t], traded[traded >= t]
        if not len(before) or not len(after):
            continue
        ratios[t] *= split.ratio
        if _is_adjusted(close, adjusted, int(before[-1]), int(after[0]), split.ratio):
            factor[:t] *= split.ratio
        else:
            findings.append(
                f"prices before the split {split.ratio:g}:1 on {split.ex_date} were as traded "
                "in the file already"
            )
    later = [split for split in actions.splits if split.ex_date > last]
    since = max((split.ex_date for split in actions.splits if split.ex_date <= last), default=None)
    tail = close if since is None else close[sessions >= since]
    undone, note = _later_ratio(tail, later, basis)
    findings += note
    findings += _unknown(close, actions, bool(seen))
    return AsTraded(factor=factor * undone, ratios=ratios, findings=tuple(findings))


def on_whole_cents(prices: FloatArray) -> float:
    """The share of prices that are whole cents, as prices on an exchange are."""
    cents = prices[np.isfinite(prices)] * 100
    slack = np.maximum(2e-3, cents * 2 * FLOAT32_NOISE)
    return float((np.abs(cents - np.round(cents)) < slack).mean()) if len(cents) else 1.0


def _is_adjusted(
    close: FloatArray, adjusted: FloatArray | None, before: int, after: int, ratio: float
) -> bool:
    """Whether prices before a split were divided by it, and not left as traded."""
    if adjusted is not None and np.isfinite(adjusted[[before, after]]).all():
        step = (adjusted[after] / close[after]) / (adjusted[before] / close[before])
    else:
        step = close[before] / close[after]
    # The step is 1 for adjusted prices and the ratio for others; the nearer one in logarithms.
    return bool(abs(np.log(step)) < abs(np.log(step) - np.log(ratio)))


def _later_ratio(
    tail: FloatArray, later: list[ShareSplit], basis: np.datetime64 | None
) -> tuple[float, list[str]]:
    """By how much splits after the last row were already divided out of the file's prices."""
    if not later:
        return 1.0, []
    ratios = np.cumprod([1.0] + [split.ratio for split in later])
    named = ", ".join(f"{split.ratio:g}:1 on {split.ex_date}" for split in later)
    if basis is not None:
        ratio = float(ratios[sum(split.ex_date <= basis for split in later)])
        return ratio, [f"splits after the last bar ({named}): undone up to {basis}"] * (ratio != 1)
    shares = np.array([on_whole_cents(tail * ratio) for ratio in ratios])
    best = int(shares.argmax())
    if best and shares[best] > 0.9 > shares[0]:
        return float(ratios[best]), [
            f"prices were adjusted for splits after the last bar ({named}): only multiplied by "
            f"{ratios[best]:g} are they whole cents, so they are taken so"
        ]
    return 1.0, [
        f"there were splits after the last bar ({named}); the prices are taken as not adjusted "
        "for them"
    ]


def _unlisted(
    sessions: TimeArray, close: FloatArray, adjusted: FloatArray | None, actions: Actions
) -> tuple[ShareSplit, ...]:
    """Splits for which prices were not divided, as the adjusted close shows them."""
    if adjusted is None or not (np.isfinite(close) & np.isfinite(adjusted)).any():
        return ()
    ones = np.ones(len(close))
    about = read_adjustment(close, adjusted, ones, ones)
    plain = np.array([*PLAIN_RATIOS, *(1 / ratio for ratio in PLAIN_RATIOS)])
    known = {split.ex_date for split in actions.splits}
    days = np.flatnonzero(about.piece >= 0)
    found = []
    for t in np.union1d(about.falls, [each.session for each in about.distributions]).astype(int):
        step = about.factor[t] / about.factor[days[days < t][-1]]
        nearest = plain[np.abs(np.log(step / plain)).argmin()]
        if abs(step / nearest - 1) < LIKE_A_RATIO and sessions[t] not in known:
            found.append(ShareSplit(ex_date=sessions[t], ratio=float(nearest)))
    return tuple(found)


def _unknown(close: FloatArray, actions: Actions, seen: bool) -> list[str]:
    if actions.known or seen:
        return []
    if on_whole_cents(close) > 0.99:
        return ["splits are unknown; every price is in whole cents, as prices as traded are"]
    return ["splits are unknown: prices may be split-adjusted rather than as traded"]
