"""What a cell should hold by what stands beside it, judged as exactly as the log itself is kept.

A log that keeps its products to the cent is held to the cent; one that multiplies rounded prices is
held to what rounding can move.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from investorbench.tasks.live.findings import Kind, LogFinding
from investorbench.tasks.live.log_numbers import LoggedNumber
from investorbench.tasks.live.logs import LogRow

CENT = 0.0101
EDGE = 1.0 + 1e-6
"""A price that lay half-way between two was moved as far as rounding goes."""
ENOUGH = 8
"""So many claims that rounding could break, and that hold to the cent, are no accident."""
SLIPS = 0.03
"""The share of them, and at least one, that may not hold where the log is kept to the cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellClaim:
    """One cell, and what it should hold.

    Attributes:
        file: of the row.
        row: where the cell stands.
        column: likewise.
        kind: of the fault, if it is one.
        expected: what follows; of several ways to keep a log, each.
        bound: by how much rounding may have moved it.
        why: what it follows from, in words.
        terms: of a sum; each was rounded by itself.
        is_derived: whether what is expected rests on a cell that is wrong, and so on rounded ones.
    """

    file: str
    row: LogRow
    column: str
    kind: Kind
    expected: tuple[float, ...]
    bound: float
    why: str
    terms: int = 1
    is_derived: bool = False

    @property
    def least(self) -> float:
        """By how much rounding moves it where the log is kept to the cent."""
        return CENT * (1 + self.terms) / 2

    @property
    def logged(self) -> float:
        """What the cell holds."""
        return self.row.numbers[self.column].value

    @property
    def residual(self) -> float:
        """How far that is from the nearest that is expected."""
        return min(abs(self.logged - value) for value in self.expected)

    @property
    def finding(self) -> LogFinding:
        """The fault in words."""
        problem = f"{self.logged:,.2f}, where {self.why} {self.expected[0]:,.2f}"
        return LogFinding(self.file, self.row.row, self.kind, problem, self.column)


def false_claims(claims: Iterable[CellClaim]) -> Iterator[CellClaim]:
    """Those that do not hold."""
    sorts: dict[tuple[str, bool, bool, str], list[CellClaim]] = defaultdict(list)
    for claim in claims:
        row = claim.row
        sorts[claim.file, row.is_total, row.is_sale, claim.column].append(claim)
    for sort in sorts.values():
        yield from _false(sort)


def _false(claims: Sequence[CellClaim]) -> Iterator[CellClaim]:
    is_exact = _is_exact(claims)
    for claim in claims:
        to_the_cent = is_exact and not claim.is_derived
        if claim.residual > (claim.least if to_the_cent else max(claim.least, claim.bound)):
            yield claim


def _is_exact(claims: Sequence[CellClaim]) -> bool:
    telling = [claim.residual > claim.least for claim in claims if claim.bound > 3 * claim.least]
    return len(telling) >= ENOUGH and sum(telling) <= max(1.0, SLIPS * len(telling))


def product_bound(result: LoggedNumber, shares: float, price_half_unit: float) -> float:
    """By how much rounding may move shares times a price that was rounded itself."""
    return (abs(shares) * price_half_unit + result.half_unit) * EDGE
