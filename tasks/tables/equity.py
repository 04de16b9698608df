"""A row a point of an equity curve: the account before the first decision, and after each step."""

from collections.abc import Iterator

from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.record.scanning import Scan
from investorbench.tasks.tables.fields import EPISODE, Field, TidyRow

FIELDS = (
    *EPISODE,
    Field("split", "string", "warmup or test"),
    Field("point", "Int64", "0 before the first decision"),
    Field("time", "string", "of the mark, in UTC"),
    Field("session", "string", "of the mark"),
    Field("equity", "Float64", "in USD; of snapshots that of equal stakes in all of them"),
    Field("return", "Float64", "since the point before"),
    Field("drawdown", "Float64", "below the highest point so far, as a positive share of it"),
)


def rows(scan: Scan) -> Iterator[TidyRow]:
    """The rows of a split, one more than it has decisions.

    Args:
        scan: its lines.
    """
    facts = scan.header.facts
    of_stakes = is_of_snapshots(facts)
    first = facts.initial_cash if of_stakes else scan.header.opening.equity
    highest = before = equity = first
    for line in scan.lines:
        point = line["number"] + 1
        if point == 1:
            at = {"time": line["time"], "session": line["session"]}
            yield _point(0, at, first, None, highest)
        if of_stakes:
            equity = before + first * line["reward"]
        else:
            equity = line["account"]["equity"]
        highest = max(highest, equity)
        at = {"time": line["marked_at"] or None, "session": line["marked"] or None}
        yield _point(point, at, equity, before, highest)
        before = equity


def _point(point: int, at: TidyRow, equity: float, before: float | None, highest: float) -> TidyRow:
    return {
        "point": point,
        **at,
        "equity": equity,
        "return": equity / before - 1.0 if before else None,
        "drawdown": 1.0 - equity / highest if highest else None,
    }
