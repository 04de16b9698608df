"""Numbers of a log as people and spreadsheets write them, and by how much rounding moved each."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from investorbench_env.market.files.number_columns import BLANKS, COMMA, POINT

LEAST_DECIMALS = 2
_DASHES = {"\u2212": "-", "\u2013": "-", "\u2014": "-"}
_CURRENCY = re.compile(r"^(?:[$€£]|usd|eur|gbp)|(?:[$€£]|usd|eur|gbp)$")
_BRACKETED = re.compile(r"\((.+)\)")
_FORMS = {
    name: re.compile(
        rf"([+-]?)((?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)?)(?:{mark}(\d*))?(e[+-]?\d+)?", re.ASCII
    )
    for name, mark, group in (
        (POINT, r"\.", "[,'’\u00a0\u202f ]"),
        (COMMA, ",", "[.'’\u00a0\u202f ]"),
    )
}


@dataclass(frozen=True, slots=True)
class LoggedNumber:
    """A number of a log.

    Attributes:
        value: the number.
        half_unit: half of its last decimal, and at most half a cent: by how much rounding may have
            moved it.
    """

    value: float
    half_unit: float

    @classmethod
    def of(cls, cell: str, mark: str = POINT) -> "LoggedNumber | None":
        """A number with a currency sign or groups of thousands; None where it is none.

        Args:
            cell: as it is written; one in brackets is negative.
            mark: ``decimal-point`` or ``decimal-comma``.
        """
        text = _plain(cell)
        bracketed = _BRACKETED.fullmatch(text)
        found = _FORMS[mark].fullmatch(_bare(bracketed[1] if bracketed else text))
        if found is None or not (found[2] or found[3]):
            return None
        sign, whole, decimals, power = found.groups(default="")
        digits = re.sub(r"\D", "", whole) or "0"
        value = float(f"{sign}{digits}.{decimals or 0}{power}")
        places = 0 if power else len(decimals)
        half_unit = 0.5 * 10.0 ** -max(places, LEAST_DECIMALS)
        return cls(-value if bracketed else value, half_unit)


def is_blank(cell: str | None) -> bool:
    """Whether nothing stands in a cell, or what stands for it."""
    return cell is None or _plain(cell) in BLANKS


def decimal_mark(cells: Iterable[str]) -> str:
    """Under which of the two marks more cells are numbers; the point where it makes none."""
    numbers = [cell for cell in cells if not is_blank(cell)]
    counts = {
        mark: sum(LoggedNumber.of(cell, mark) is not None for cell in numbers) for mark in _FORMS
    }
    return max(_FORMS, key=lambda mark: counts[mark])


def _plain(cell: str) -> str:
    return "".join(_DASHES.get(letter, letter) for letter in cell.strip().lower())


def _bare(text: str) -> str:
    """A number without its currency, which may stand before or after its sign."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    return sign + _CURRENCY.sub("", _CURRENCY.sub("", text.removeprefix(sign)).strip()).strip()
