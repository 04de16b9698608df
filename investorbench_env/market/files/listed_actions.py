"""Dividends, splits and delistings as files list them: a list, or columns beside the bars."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files import tidy
from investorbench_env.market.files.corporate_actions import Actions, CashDividend, ShareSplit
from investorbench_env.market.files.index import DataFile
from investorbench_env.market.files.session_bars import count
from investorbench_env.market.market import Delisting

if TYPE_CHECKING:
    import pandas as pd

CASH = frozenset(
    "dividend dividends div divs distribution distributions divcash cashdividend".split()
)
"""Words of an action that pays cash."""
SHARES = frozenset("split splits stocksplit sharesplit".split())
"""Words of an action that changes the number of shares."""
ENDS = frozenset("delist delisted delisting".split())
"""Words of an action that ends the listing."""
NEITHER = frozenset("stock share shares scrip bonus spin spinoff rights reinvestment".split())
"""Words beside which a dividend is not cash."""


@dataclass(slots=True)
class _List:
    """What one file lists of one asset."""

    file: str
    splits: dict[np.datetime64, float] = field(default_factory=dict)
    dividends: dict[np.datetime64, list[CashDividend]] = field(
        default_factory=lambda: defaultdict(list)
    )
    delisting: Delisting | None = None
    repeated: int = 0
    unknown: dict[str, int] = field(default_factory=dict)


def listed_actions(files: Sequence[tuple[DataFile, Sequence[str]]]) -> Actions | None:
    """What these files list together; None without a file.

    Of several files that list a day, the first counts. In one file, distributions of a day add
    up, and a row that is given twice counts once.

    Raises:
        CorruptDataError: an amount that cannot be, with file and row.
    """
    if not files:
        return None
    lists = [_read(file, spellings) for file, spellings in files]
    return _together(lists, ", ".join(file.path.name for file, _ in files))


def actions_of_frame(rows: "pd.DataFrame", origin: str) -> Actions:
    """What rows with date, action and amount list.

    Raises:
        CorruptDataError: an amount that cannot be, with its row.
    """
    return _together([_collect(rows, origin, origin)], origin)


def actions_in_bars(rows: "pd.DataFrame", origin: str, name: str) -> Actions | None:
    """What columns beside bars list; None where there are none.

    Their dividends are of the shares that the closes in the same rows are of.

    Raises:
        CorruptDataError: an amount that cannot be, with its row.
    """
    columns = [column for column in tidy.ACTIONS if column in rows]
    if not columns:
        return None
    found = _List(file=name)
    for column in columns:
        ordinary = (0.0, 1.0) if column == "split" else (0.0,)
        for row in rows[rows[column].notna() & ~rows[column].isin(ordinary)].to_dict("records"):
            amount = _amount(row, column, column.replace("_", " "), origin)
            day = np.datetime64(row["date"], "D")
            if column == "split":
                found.splits[day] = amount
            else:
                found.dividends[day].append(CashDividend(day, amount, _place(row, origin)))
    pays = any(column != "split" for column in columns)
    actions = _together([found], f"the columns {' and '.join(columns)} of {name}")
    return Actions(
        splits=actions.splits,
        dividends=actions.dividends if pays else None,
        complete="split" in columns,
        source=actions.source,
        in_units_of_closes=True,
        findings=actions.findings,
    )


def _read(file: DataFile, spellings: Sequence[str]) -> _List:
    return _collect(tidy.actions(file, spellings), str(file.path), file.path.name)


def _collect(rows: "pd.DataFrame", origin: str, name: str) -> _List:
    found = _List(file=name)
    said = [column for column in rows if column != "row"]
    repeated = rows.duplicated(said)
    found.repeated = int(repeated.sum())
    for row in rows[~repeated].to_dict("records"):
        kind = kind_of(str(row["action"]))
        day = np.datetime64(row["date"], "D")
        if kind == "cash":
            if amount := _amount(row, "amount", f"a {row['action']}", origin):
                found.dividends[day].append(CashDividend(day, amount, _place(row, origin)))
        elif kind == "split":
            found.splits[day] = _amount(row, "amount", f"a {row['action']}", origin, above=True)
        elif kind == "delisting":
            found.delisting = Delisting(day, _gain(row, origin))
        else:
            found.unknown[str(row["action"])] = found.unknown.get(str(row["action"]), 0) + 1
    return found


def kind_of(action: str) -> str:
    """``"cash"``, ``"split"``, ``"delisting"``, or empty for an action that is none of them."""
    words = set(re.sub(r"[^a-z]+", " ", action.lower()).split())
    if words & ENDS:
        return "delisting"
    if words & SHARES:
        return "split"
    return "cash" if words & CASH and not words & NEITHER else ""


def _amount(
    row: dict[Any, Any], column: str, noun: str, origin: str, *, above: bool = False
) -> float:
    amount = float(row[column])
    if np.isfinite(amount) and (amount > 0 or (amount == 0 and not above)):
        return amount
    what = "has no amount" if np.isnan(amount) else f"of {amount:g} cannot be"
    raise CorruptDataError(
        f"{_place(row, origin)}: {noun} on {np.datetime64(row['date'], 'D')} {what}; "
        "give what was paid a share, or new shares for one old one, or leave the row out"
    )


def _gain(row: dict[Any, Any], origin: str) -> float:
    """What a delisting changed the last price by; NaN where the row does not say."""
    gain = float(row["amount"])
    if gain < -1.0 or np.isinf(gain):
        raise CorruptDataError(
            f"{_place(row, origin)}: a delisting on {np.datetime64(row['date'], 'D')} of {gain:g} "
            "cannot be; give the return of the last price, -0.3 for a loss of 30 %, or nothing"
        )
    return gain


def _place(row: dict[Any, Any], origin: str) -> str:
    return f"{origin}, row {row['row']}" if "row" in row else origin


def _together(lists: Sequence[_List], source: str) -> Actions:
    """The lists as one."""
    splits: dict[np.datetime64, float] = {}
    dividends: dict[np.datetime64, list[CashDividend]] = {}
    for each in lists:
        for day, ratio in each.splits.items():
            splits.setdefault(day, ratio)
        for day, paid in each.dividends.items():
            dividends.setdefault(day, paid)
    return Actions(
        splits=tuple(ShareSplit(ex_date=day, ratio=ratio) for day, ratio in sorted(splits.items())),
        dividends=tuple(paid for _, day in sorted(dividends.items()) for paid in day),
        complete=True,
        source=source,
        delisting=next((each.delisting for each in lists if each.delisting), None),
        findings=tuple(_findings(lists)),
    )


def _findings(lists: Sequence[_List]) -> Iterator[str]:
    first: dict[np.datetime64, float] = {}
    differ = set()
    for each in lists:
        if each.repeated:
            yield f"{each.file}: {count(each.repeated, 'row')} given twice, counted once"
        if each.unknown:
            named = ", ".join(f"{name!r} ({number})" for name, number in each.unknown.items())
            yield (
                f"{each.file}: actions of names that are not understood, left out: {named}; "
                "call them dividend, split or delisting"
            )
        for day, paid in each.dividends.items():
            total = sum(row.amount for row in paid)
            if not np.isclose(first.setdefault(day, total), total, rtol=1e-3):
                differ.add(str(day))
    if differ:
        days = ", ".join(sorted(differ))
        yield f"files list different dividends, of which those of the first count: {days}"
