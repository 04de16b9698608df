"""Metrics of accounts that hold several assets, a row each, beside those of every account."""

from functools import cached_property

import numpy as np

from investorbench.tasks.days import FloatArray
from investorbench.tasks.metrics import Figure, Metric
from investorbench.tasks.wording import MEAN_COUNT, RATIO, Table

TABLES: frozenset[Table] = frozenset({"file", "trading"})


class Spread:
    """How an account was spread over its assets, step by step.

    Args:
        weights: shares of equity in each asset during each step [T, A].
        cash: the share in cash [T].
        rejected: orders of each step that were not carried out [T].
        scaled: whether the weights of each step were scaled down [T].
    """

    def __init__(
        self, weights: FloatArray, cash: FloatArray, rejected: FloatArray, scaled: FloatArray
    ) -> None:
        self.weights = weights
        self.cash = cash
        self.rejected = rejected
        self.scaled = scaled

    @cached_property
    def concentration(self) -> Figure:
        """Sum of squared weights, cash among them, at each step."""
        return (self.weights**2).sum(axis=-1) + self.cash**2


SPREAD: tuple[Metric[Spread], ...] = (
    Metric(
        key="assets",
        head="Assets",
        doc="mean number of assets held",
        unit=MEAN_COUNT,
        digits=1,
        direction=0,
        definition=lambda of: (of.weights != 0.0).sum(axis=-1).mean(),
        tables=TABLES,
    ),
    Metric(
        key="concentration",
        head="Concentration",
        doc="mean sum of squared weights, cash among them: 1 for one holding",
        unit=RATIO,
        direction=0,
        definition=lambda of: of.concentration.mean(),
        tables=frozenset({"file"}),  # the report has a table of its own for it
    ),
    Metric(
        key="rejected",
        head="Rejected",
        doc="orders that were not carried out",
        unit=MEAN_COUNT,
        digits=0,
        direction=-1,
        definition=lambda of: of.rejected.sum(),
        tables=TABLES,
    ),
    Metric(
        key="scaled",
        head="Scaled",
        doc="actions whose weights were scaled down",
        unit=MEAN_COUNT,
        digits=0,
        direction=-1,
        definition=lambda of: of.scaled.sum(),
        tables=TABLES,
    ),
)


def spread(
    weights: FloatArray, cash: FloatArray, rejected: FloatArray, scaled: FloatArray
) -> dict[str, float]:
    """Every metric of how an account was spread, by its key; arguments as of :class:`Spread`."""
    of = Spread(weights, cash, rejected, scaled)
    return {metric.key: float(np.asarray(metric.definition(of))) for metric in SPREAD}
