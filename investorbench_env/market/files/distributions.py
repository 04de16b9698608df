"""What an asset paid, as listed and as the adjusted close shows it, and closes adjusted for it."""

from dataclasses import dataclass, replace

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.corporate_actions import (
    Actions,
    AsTraded,
    CashDividend,
    on_whole_cents,
)
from investorbench_env.market.files.implied_dividends import Adjustment, read_adjustment
from investorbench_env.market.files.session_bars import SessionBars, count, some_days
from investorbench_env.market.market import CLOSE, FloatArray

BELIEVED = 2e-3
"""A dividend that only the adjusted close shows counts from this share of the price on."""
AGREES = 0.02
"""By what share of it a listed dividend may differ from what the adjusted close implies."""
SENSELESS = 0.5
"""Of more falls to a rise an adjusted close is not one of these closes."""
UNUSUAL = 0.25
"""A dividend of more than this share of the price may be in another unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributions:
    """Cash and adjusted closes of one asset.

    Attributes:
        cash: per share as traded, by ex-date [T].
        adjusted: closes adjusted for splits and distributions, NaN where unknown [T].
        findings: in words.
    """

    cash: FloatArray
    adjusted: FloatArray
    findings: tuple[str, ...]


def distributions(grid: SessionBars, traded: AsTraded, actions: Actions) -> Distributions:
    """Cash per share by session, and the adjusted close.

    Args:
        grid: the bars as the file has them.
        traded: what leads them to prices as traded.
        actions: what is listed.

    Raises:
        CorruptDataError: a dividend that is as large as the price, or larger.
    """
    close = grid.bars[:, CLOSE] * traded.factor
    later = _later_splits(traded.ratios)
    cash, findings = _listed(grid, traded, close, actions)
    if grid.adjusted is None or not np.isfinite(grid.adjusted).any():
        if actions.dividends is None:
            return Distributions(
                cash=cash,
                adjusted=close / later,
                findings=(
                    "dividends are unknown and count as none",
                    "there is no adjusted close and no list of dividends: returns are without "
                    "dividends",
                ),
            )
        if since := _adjusted_already(grid, close, cash, actions):
            findings.append(
                f"closes before {since} are adjusted for dividends already, so that none is paid "
                "in cash; yfinance writes prices as traded with auto_adjust=False"
            )
            return Distributions(
                cash=np.zeros(len(close)), adjusted=close / later, findings=tuple(findings)
            )
        findings.append("the adjusted close is computed from closes, splits and dividends")
        adjusted = _computed(close, cash, traded.ratios)
        return Distributions(cash=cash, adjusted=adjusted, findings=tuple(findings))
    about = read_adjustment(
        grid.bars[:, CLOSE], grid.adjusted, traded.factor / later, traded.ratios
    )
    if len(about.falls) > 1 and len(about.falls) > SENSELESS * len(about.distributions):
        findings.append(
            f"adj_close falls against the close on {count(len(about.falls), 'day')}, which no "
            "distribution does, so that none is inferred from it"
        )
        about = replace(about, distributions=())
    paid, more = _with_implied(grid, close, later, cash, actions, about)
    adjusted, bridged = _bridged(grid, close / later, about, cash, actions)
    contradictions = np.union1d(about.odd, about.falls)
    if len(contradictions):
        more.append(
            "close and adj_close contradict each other in a way that no distribution explains: "
            + some_days(grid.sessions[contradictions])
        )
    return Distributions(cash=paid, adjusted=adjusted, findings=(*findings, *more, *bridged))


def _adjusted_already(
    grid: SessionBars, close: FloatArray, cash: FloatArray, actions: Actions
) -> str:
    """From when on closes beside a column of dividends are as traded; empty for always."""
    paid = np.flatnonzero(cash)
    if not actions.in_units_of_closes or not len(paid):
        return ""
    # What a dividend was divided out of is no whole number of cents any more.
    before, after = close[: paid[0]], close[paid[-1] :]
    adjusted = on_whole_cents(before) < 0.9 and on_whole_cents(after) > 0.99
    return str(grid.sessions[paid[-1]]) if adjusted else ""


def _listed(
    grid: SessionBars, traded: AsTraded, close: FloatArray, actions: Actions
) -> tuple[FloatArray, list[str]]:
    """What is listed, summed onto sessions: a date that is none counts at the next [T]."""
    cash, unusual = np.zeros(len(close)), []
    known = np.flatnonzero(np.isfinite(close))
    for paid in actions.dividends or ():
        t = int(np.searchsorted(grid.sessions, paid.ex_date))
        if paid.ex_date < grid.sessions[0] or t == len(cash):
            continue
        amount = paid.amount * (traded.factor[t] if actions.in_units_of_closes else 1.0)
        cash[t] += amount
        before = known[known < t]
        if not len(before):
            continue
        # A split on the same day comes first: the dividend is one of the new shares.
        price = close[before[-1]] / np.prod(traded.ratios[before[-1] + 1 : t + 1])
        if cash[t] >= price:
            raise CorruptDataError(
                f"{_place(paid)}a dividend of {paid.amount:g} on {paid.ex_date} is not below the "
                f"price, which closed at {price:g} before; correct it or leave it out"
            )
        if cash[t] > UNUSUAL * price:
            unusual.append(
                f"a dividend of {amount:g} on {paid.ex_date} is {cash[t] / price:.0%} of the close "
                f"before, {price:g}: it may be in another unit"
            )
    return cash, unusual


def _place(paid: CashDividend) -> str:
    return f"{paid.place}: " if paid.place else ""


def _with_implied(
    grid: SessionBars,
    close: FloatArray,
    later: FloatArray,
    cash: FloatArray,
    actions: Actions,
    about: Adjustment,
) -> tuple[FloatArray, list[str]]:
    """Cash as listed, and what only the adjusted close shows [T]."""
    paid, sessions = cash.copy(), grid.sessions
    known = np.flatnonzero(np.isfinite(close))
    dates = [paid.ex_date for paid in actions.dividends or ()]
    explained = np.zeros(len(cash))
    unlisted = []
    for each in about.distributions:
        before = known[known < each.earliest][-1]
        # In shares of the day before its ex-date, then in those that are held on it.
        amount = each.share * close[before] / later[before] * later[each.session]
        listed = each.earliest + np.flatnonzero(cash[each.earliest : each.latest + 1])
        if len(listed):
            explained[listed] = amount * cash[listed] / cash[listed].sum()
            continue
        inside = bool(dates) and dates[0] <= sessions[each.session] <= dates[-1]
        if not inside or each.share > BELIEVED:
            paid[each.session] += amount
            unlisted.append(each.session)
    if actions.dividends is None:
        return paid, [
            f"{count(len(unlisted), 'dividend')} inferred from close and adj_close"
            if unlisted
            else "no list of dividends, and adj_close shows none"
        ]
    findings = []
    if unlisted:
        findings.append(
            f"{count(len(unlisted), 'distribution')} that only adj_close shows counted as "
            f"dividends: {some_days(sessions[unlisted])}"
        )
    differ = (cash > 0) & (abs(explained - cash) > AGREES * cash)
    differ[: known[0] + 1] = False
    if differ.any():
        findings.append(
            f"{count(int(differ.sum()), 'listed dividend')} not what adj_close implies: "
            + some_days(sessions[differ])
        )
    return paid, findings


def _bridged(
    grid: SessionBars, close: FloatArray, about: Adjustment, cash: FloatArray, actions: Actions
) -> tuple[FloatArray, list[str]]:
    """The vendor's adjusted close, with gaps filled where no distribution can lie in them [T].

    Args:
        grid: with the adjusted close.
        close: adjusted for splits alone, in the shares of the last session [T].
        about: what the two say of each other.
        cash: as listed [T].
        actions: what is listed.
    """
    adjusted = np.array(grid.adjusted)
    missing = np.flatnonzero(np.isfinite(close) & ~np.isfinite(adjusted))
    if not len(missing):
        return adjusted, []
    known = np.flatnonzero(about.piece >= 0)
    left = []
    for t in missing:
        before, after = known[known < t], known[known > t]
        if len(before) and len(after):
            constant = about.piece[before[-1]] == about.piece[after[0]]
            nearest = before[-1]
        else:
            # At an end only a list can say that nothing was paid.
            nearest = before[-1] if len(before) else after[0]
            between = slice(min(t, nearest) + 1, max(t, nearest) + 1)
            constant = actions.dividends is not None and not cash[between].any()
        if constant:
            adjusted[t] = close[t] * _factor(adjusted, close, about, nearest)
        else:
            left.append(t)
    filled = np.setdiff1d(missing, left)
    findings = []
    if len(filled):
        findings.append(
            f"{count(len(filled), 'adj_close')} missing and computed, as nothing was paid around "
            f"it: {some_days(grid.sessions[filled])}"
        )
    if left:
        findings.append(
            f"{count(len(left), 'adj_close')} missing where something may have been paid, which "
            f"are missing bars under the protocol paper: {some_days(grid.sessions[left])}"
        )
    return adjusted, findings


def _factor(adjusted: FloatArray, close: FloatArray, about: Adjustment, nearest: int) -> float:
    """The factor of a stretch: exactly that of the nearest day where that is as good as any."""
    own, typical = adjusted[nearest] / close[nearest], about.factor[nearest]
    return float(own if abs(own / typical - 1) < 1e-6 else typical)


def _computed(close: FloatArray, cash: FloatArray, ratios: FloatArray) -> FloatArray:
    """Closes as traded, adjusted for splits and dividends [T]."""
    adjusted, shrink, after = close.copy(), 1.0, None
    paid, ratio = 0.0, 1.0
    for t in range(len(close) - 1, -1, -1):
        if np.isfinite(close[t]):
            if after is not None:
                shrink *= (1 - paid / close[t]) / ratio
                paid, ratio = 0.0, 1.0
            adjusted[t], after = close[t] * shrink, t
        # What happens at t lies between the close before it and this one; missing bars add up.
        paid, ratio = paid + cash[t] * ratios[t], ratio * ratios[t]
    return adjusted


def _later_splits(ratios: FloatArray) -> FloatArray:
    """The product of the splits after each session [T]."""
    product: FloatArray = np.append(np.cumprod(ratios[::-1])[::-1][1:], 1.0)
    return product
