"""The moments of a split as arrays over its D decisions, for many episodes at once."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from investorbench_env.envs.setup import Setup
from investorbench_env.market.history import Moment

Array = npt.NDArray[Any]

FORMS = 8
"""Columns for the latest filings: a number of its own, because that of the forms an asset will ever
file is not known beforehand."""


class Prices(NamedTuple):
    """What the market did on the way to each episode's decision: numbers, or arrays [N]."""

    fill: Any
    final: Any
    ex_date: bool
    dividend: Any
    split: Any
    log_return: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """Every array has the decisions on its first axis [D].

    Attributes:
        fill, final, ex_date, dividend, split, log_return: see ``Moment``.
        labels: the asset's return over the step after each decision; 0 for the last.
        sessions: dates.
        times: decision times, UTC.
        bars_left: bars to the end of the split, gaps included.
        documents: first row and row after the last of the documents that are new [D, 2].
        latest_filings: rows of the latest filing of each form, oldest first, then -1 [D, 8].
        observation: the numeric parts of an observation that the market decides.
        steps: the first six as the numbers of one step each, D of them.
    """

    fill: Array
    final: Array
    ex_date: Array
    dividend: Array
    split: Array
    log_return: Array
    labels: Array
    sessions: Array
    times: Array
    bars_left: Array
    documents: Array
    latest_filings: Array
    observation: dict[str, Array]
    steps: tuple[Prices, ...]

    @property
    def last(self) -> int:
        """The last decision, which is never acted on."""
        return len(self.final) - 1

    def prices(self, at: Array, together: bool) -> Prices:
        """The step that led to decisions ``at`` [N]; one number each if they are all the same."""
        if together:
            # A number and an array of it give the same bits; the number is quicker.
            return self.steps[int(at[0])]
        return Prices(
            self.fill[at],
            self.final[at],
            bool(np.count_nonzero(self.ex_date[at])),
            self.dividend[at],
            self.split[at],
            self.log_return[at],
        )

    @classmethod
    def of(cls, setup: Setup) -> Self:
        """Read a setup's market from its first decision to its last."""
        moments = [setup.history.until(t) for t in setup.decisions.tolist()]
        market, decisions = setup.market, setup.decisions
        numeric = [
            name
            for name in setup.observation_space().spaces
            if name not in ("account", "news", "filings", "time")
        ]
        return cls(
            fill=np.array([moment.fill for moment in moments]),
            final=np.array([moment.final for moment in moments]),
            ex_date=np.array([moment.ex_date for moment in moments]),
            dividend=np.array([moment.dividend for moment in moments]),
            split=np.array([moment.split for moment in moments]),
            log_return=np.array([moment.log_return for moment in moments]),
            labels=np.array([*map(setup.label, range(len(moments) - 1)), 0.0]),
            sessions=market.sessions[decisions],
            times=market.times[decisions],
            bars_left=(setup.span.stop - 1 - decisions).astype(np.float32),
            documents=np.array(
                [(moment.document_rows.start, moment.document_rows.stop) for moment in moments]
            ),
            latest_filings=_latest_filings(setup, moments),
            observation={
                name: np.stack([moment.observation[name] for moment in moments]) for name in numeric
            },
            steps=tuple(
                Prices(**{name: getattr(moment, name) for name in Prices._fields})
                for moment in moments
            ),
        )


def _latest_filings(setup: Setup, moments: list[Moment]) -> Array:
    """Rows of the latest filing of each form at every decision, oldest first, then -1 [D, 8]."""
    filings = [
        (number, row.kind)
        for number, row in enumerate(setup.market.documents)
        if row.is_filing and row.symbol == setup.symbol
    ]
    latest = np.full((len(moments), FORMS), -1, dtype=np.int64)
    held: dict[str, int] = {}
    seen = 0
    for decision, moment in enumerate(moments):
        while seen < len(filings) and filings[seen][0] < moment.document_rows.stop:
            number, form = filings[seen]
            held[form] = number
            seen += 1
        rows = sorted(held.values())[-FORMS:]
        latest[decision, : len(rows)] = rows
    return latest
