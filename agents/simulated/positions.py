"""What an account lets a position be, as far as the best policy of a simulated market needs it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from investorbench.agents.simulated.quadrature import linear_interpolation, normal_nodes
from investorbench.agents.single_asset import takes_weight
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

FloatArray = npt.NDArray[np.float64]

DRIFTED = (-2.0, -1.5, -1.25, -1.1, -0.9, -0.8, -0.65, -0.5)
"""What a short position of weight -1 may drift to before it is turned around."""
WEIGHTS = 41
"""Points from a weight of -1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRules:
    """What an account allows and charges.

    Attributes:
        by_weight: whether an action is a target weight; else sell, hold or buy.
        long_only: whether SELL means cash, and weights are at least 0.
        cost_rate: of traded notional.
        fills: when orders fill, as in ``Facts``.
        flat: whether HOLD closes the position.
        log: whether a return is the weight times the log return, as under the protocol ``paper``.
    """

    by_weight: bool = False
    long_only: bool = False
    cost_rate: float = 0.001
    fills: str = "next_open"
    flat: bool = False
    log: bool = False

    @classmethod
    def of(cls, facts: Facts) -> "AccountRules":
        """Those of an environment of one asset.

        Raises:
            InvestorBenchError: it has several, or other actions; or its idle cash earns something,
                which no plan of ours weighs.
        """
        if facts.cash_rate:
            raise InvestorBenchError(
                f"oracle knows what is best where idle cash earns nothing, not "
                f"{facts.cash_rate:.2%} a year: leave cash_rate out"
            )
        return cls(
            by_weight=takes_weight(facts, "oracle"),
            long_only=facts.long_only,
            cost_rate=facts.cost_rate,
            fills=facts.fills,
            flat=facts.hold == "flat",
            log=facts.convention == "log",
        )

    @property
    def lowest(self) -> float:
        """The lowest weight that can be ordered."""
        return 0.0 if self.long_only else -1.0

    def kept(self, weights: FloatArray) -> FloatArray:
        """What to order so that positions stay as they are: their weights, or NaN for no order."""
        if self.by_weight:
            return np.clip(weights, self.lowest, 1.0)
        return np.full_like(weights, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """The weights that a position is known at, and where trades may lead.

    Attributes:
        weights: ascending [W].
        targets: those that a trade may lead to, as indices [K].
        costs: of a trade from each weight to each target, as a share of equity; infinite where an
            order is none, since its side is held already [W, K].
        keeps: whether a position may also be left as it is.
        drift: what becomes of each over a session, as shares of all [W, W].
    """

    weights: FloatArray
    targets: npt.NDArray[np.int64]
    keeps: bool
    drift: FloatArray
    costs: FloatArray = field(repr=False)

    @classmethod
    def of(cls, rules: AccountRules, volatility: float) -> "Positions":
        """Those of an account whose asset has a daily volatility."""
        low = rules.lowest
        if rules.by_weight:
            weights = ordered = np.linspace(low, 1.0, WEIGHTS)
        else:
            ordered = np.array(sorted({low, 1.0, *([0.0] if rules.flat else [])}))
            drifted = () if rules.long_only or rules.log else DRIFTED
            weights = np.array(sorted({*ordered.tolist(), 0.0, *drifted}))
        keeps = not (rules.by_weight or rules.flat)
        costs = rules.cost_rate * np.abs(weights[:, None] - ordered)
        if keeps:
            costs[weights[:, None] * ordered > 0.0] = np.inf
        drift = np.eye(len(weights))
        if not rules.log:
            nodes, shares = normal_nodes(7)
            grown = np.exp(volatility * nodes)[:, None]
            after = weights * grown / (1.0 + weights * (grown - 1.0))
            drift = np.einsum("k,kwv->wv", shares, linear_interpolation(weights, after))
        return cls(
            weights=weights,
            targets=np.searchsorted(weights, ordered),
            keeps=keeps,
            drift=drift,
            costs=costs,
        )

    def best(self, onward: FloatArray) -> FloatArray:
        """The value of the best trade from each weight.

        Args:
            onward: the value of having each weight from the fill on [..., W].
        """
        if len(self.targets) == len(self.weights):
            # Every weight can be ordered: the best one above or below is a running maximum.
            paid = self.costs[0]
            sold = np.maximum.accumulate((onward - paid)[..., ::-1], axis=-1)[..., ::-1] + paid
            bought = np.maximum.accumulate(onward + paid, axis=-1) - paid
            return np.asarray(np.maximum(sold, bought))
        best = onward.copy() if self.keeps else np.full_like(onward, -np.inf)
        for k, target in enumerate(self.targets):
            np.maximum(best, onward[..., target, None] - self.costs[:, k], out=best)
        return best
