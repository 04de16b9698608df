"""What a step does to an account of several assets that is traded to target weights.

Assets stand on the first axis: their amounts are arrays [A] for one account and [A, N] for N of
them, and what an account has as a whole is a float or an array [N]. Sums over assets are added up
in the order of the assets, so that both give bitwise the same results.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
AnyAmount = Any
"""A float, or an array of floats [N]."""

PASSES = 64
ROUNDING = 4e-12
"""The most that may be left of a sum, as a share of equity."""


class Traded(NamedTuple):
    """What an account is after its trades, and what it traded.

    Attributes:
        cash: money that is left.
        units: shares held, negative when short [A] or [A, N].
        bought: shares, negative when sold [A] or [A, N].
        notional: the value traded of each asset, positive [A] or [A, N].
        cost: of all trades, positive.
    """

    cash: AnyAmount
    units: Array
    bought: Array
    notional: Array
    cost: AnyAmount


def over_assets(amounts: Array) -> AnyAmount:
    """The sum over the assets, added up in their order."""
    if amounts.ndim > 1 and amounts.shape[1] > 1:
        return np.add.reduce(amounts, axis=0)
    # Of so few NumPy would add up pairs.
    return np.add.accumulate(amounts, axis=0)[-1]


def paying(dividend: Array, split: Array) -> npt.NDArray[np.intp]:
    """The assets that pay a dividend or split, or were delisted, in any account."""
    pays = (dividend != 0.0) | (split != 1.0)
    return np.flatnonzero(pays if pays.ndim == 1 else pays.any(axis=1))


def accrue_some(
    cash: AnyAmount, units: Array, entries: Array, dividend: Array, split: Array
) -> tuple[AnyAmount, Array, Array]:
    """Take holdings over ex-dates: (cash, units, entries) after dividends and splits.

    Args:
        cash: money in the account.
        units: shares held before, negative when short; a short pays the dividend [A] or [A, N].
        entries: average prices at which they were bought or sold short.
        dividend: cash for each share held before [A], [A, 1] or [A, N].
        split: shares for each share held before; 0 of what was delisted.
    """
    some = paying(dividend, split)
    if not len(some):
        return cash, units, entries
    dividend, split = dividend[some], split[some]
    paid = over_assets(units[some] * dividend)
    units, entries = units.copy(), entries.copy()
    units[some] *= split
    entries[some] /= split + (split == 0.0)
    return cash + paid, units, entries


def scale(weights: Array, max_gross: float, *, long_only: bool = False) -> tuple[Array, AnyAmount]:
    """Weights whose absolute sum is at most ``max_gross``, and what theirs was before.

    Larger ones are divided by what they exceed it by.

    Args:
        weights: as given [A] or [A, N].
        max_gross: the most that their absolute values may add up to.
        long_only: whether none of them is negative.
    """
    gross = over_assets(weights if long_only else np.abs(weights))
    if not np.count_nonzero(gross > max_gross):
        return weights, gross
    return weights / np.maximum(gross / max_gross, 1.0), gross


def trade_to_weights(
    cash: AnyAmount,
    units: Array,
    prices: Array,
    weights: Array,
    trades: npt.NDArray[np.bool_] | None,
    cost_rate: float,
    max_gross: float = 1.0,
) -> Traded:
    """Trade to target weights of the equity that is left after paying for the trades.

    With equity E, position values V_i = units_i * price_i and cost rate c the equity that is left,
    E', solves E' = E - c * sum |w_i * E' - V_i|, and each asset that trades is held at w_i * E'.
    What does not trade stays as it is; where it leaves too little room for the others, theirs are
    scaled down to the room that there is.

    Args:
        cash: money in the account.
        units: shares held, negative when short [A] or [A, N].
        prices: of the fills; of an asset that does not trade, its last one.
        weights: target values as shares of equity; their absolute sum is at most ``max_gross``.
        trades: which assets trade; None for all.
        cost_rate: cost as a share of traded notional; times ``max_gross`` it is below 1.
        max_gross: the most that absolute values may add up to, as a share of equity.
    """
    values = units * prices
    equity = cash + over_assets(values)
    if trades is None:
        found = _settle(equity, values, weights, cost_rate, max_gross)
    else:
        values, found = _settle_some(equity, values, weights, trades, cost_rate, max_gross)
    spent = np.subtract(found.targets, values, out=values)
    notional = np.abs(spent)
    cost = cost_rate * over_assets(notional)
    after = np.divide(found.targets, prices, out=found.targets)
    if trades is not None:
        after = np.where(trades, after, units)
    return Traded(cash - over_assets(spent) - cost, after, after - units, notional, cost)


class _Settled(NamedTuple):
    """The equity that is left after costs, and the value of each asset that it leads to."""

    equity: AnyAmount
    targets: Array


def _settle(
    equity: AnyAmount, values: Array, weights: Array, cost_rate: float, max_gross: float
) -> _Settled:
    """Find what is left of equity after paying for the trades that it leads to.

    It is the root of E' + c * sum |w_i * E' - V_i| - E, which is convex, and linear but where an
    asset turns from bought to sold. Two guesses in single precision, at half the price, give a
    slope that leads near; where it does not, Newton's method does. Slopes differ by no more than
    twice the cost of all, and so much less is left of the sum after the last step than before it.
    """
    most = cost_rate * max_gross
    first, slope = _guess(equity, values, weights, cost_rate)
    slope = np.minimum(np.maximum(slope, 1.0 - most), 1.0 + most)
    left = equity - first / slope
    near = ROUNDING / (2.0 * most + ROUNDING) * np.abs(equity)
    spent = np.empty_like(values)
    for _ in range(PASSES):
        np.multiply(weights, left, out=spent)
        np.subtract(spent, values, out=spent)
        excess = left - equity + cost_rate * over_assets(np.abs(spent))
        is_off = np.abs(excess) > near
        if not np.count_nonzero(is_off):
            break
        newton = 1.0 + cost_rate * over_assets(np.sign(spent) * weights)
        slope = np.where(is_off, newton, slope)
        left = left - is_off * (excess / slope)
    left = left - excess / slope
    return _Settled(left, np.multiply(weights, left, out=spent))


def _guess(
    equity: AnyAmount, values: Array, weights: Array, cost_rate: float
) -> tuple[AnyAmount, AnyAmount]:
    """What the trades cost that all of the equity leads to, and the slope of the sum there."""
    single, have, want = np.float32, values.astype(np.float32), weights.astype(np.float32)
    spent = np.empty_like(have)

    def cost_of(left: AnyAmount) -> AnyAmount:
        np.multiply(want, np.asarray(left, single), out=spent)
        np.subtract(spent, have, out=spent)
        np.abs(spent, out=spent)
        return cost_rate * over_assets(spent)

    first = cost_of(equity)
    then = cost_of(equity - first)
    # Where nothing is traded the slope may be any.
    return first, 1.0 + (first - then) / (first + (first == 0.0))


def _settle_some(
    equity: AnyAmount,
    values: Array,
    weights: Array,
    trades: npt.NDArray[np.bool_],
    cost_rate: float,
    max_gross: float,
) -> tuple[Array, _Settled]:
    """The values of the assets that trade, and where they are to be; not all of them trade."""
    locked = over_assets(np.abs(np.where(trades, 0.0, values)))
    values, weights = np.where(trades, values, 0.0), np.where(trades, weights, 0.0)
    found = _settle(equity, values, weights, cost_rate, max_gross)
    gross = over_assets(np.abs(weights))
    binds = (locked > 0.0) & (gross * found.equity + locked > max_gross * found.equity)
    if np.count_nonzero(binds):
        # With room R = g * E - locked: R' = R - g * c * sum |u_i * R' - V_i|, and sum |u_i| = 1.
        shares = weights / (gross + (gross == 0.0))
        rate = cost_rate * max_gross
        room = _settle(equity * max_gross - locked, values, shares, rate, 1.0).equity
        found = found._replace(
            targets=np.where(binds, shares * np.maximum(room, 0.0), found.targets)
        )
    return values, found


def average_entries(entries: Array, traded: Traded, prices: Array) -> Array:
    """Average entry prices after trades [A] or [A, N]; 0 of what is not held.

    They move by as much towards the price as a trade opened of a position: none of it where it
    shrank, all of it where it turned around or was new.

    Args:
        entries: those before.
        traded: what was traded.
        prices: of the trades.
    """
    units = traded.units
    held = units != 0.0
    is_all = bool(held.all())
    opened = traded.bought / (units if is_all else np.where(held, units, 1.0))
    np.clip(opened, 0.0, 1.0, out=opened)
    moved = prices - entries
    moved *= opened
    moved += entries
    return moved if is_all else moved * held


def short_value(values: Array) -> AnyAmount:
    """What all positions that are sold short are worth, positive.

    Args:
        values: of positions, negative when short [A] or [A, N].
    """
    return over_assets(np.maximum(-values, 0.0))
