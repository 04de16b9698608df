"""Tables: cells that know what they are sorted by, heads that sort, frames that scroll."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from investorbench.tasks.leaderboard.columns import Cell, Column
from investorbench.tasks.report.markup import Html, element, join, text_of
from investorbench.tasks.wording import NONE, TEXT, Table, number


class Head(NamedTuple):
    """The head of a column.

    Attributes:
        name: in as few letters as it takes.
        doc: what it means, in a sentence.
        text: whether its cells are words rather than figures.
        names: whether its cells name the rows, and stay in view.
        is_least_best: whether the smallest figure is the best, and comes first.
    """

    name: str
    doc: str = ""
    text: bool = False
    names: bool = False
    is_least_best: bool = False

    @property
    def kind(self) -> str | None:
        return "words names" if self.names else "words" if self.text else None


def table(
    caption: object, heads: Sequence[Head], rows: Iterable[Sequence[Html]], *, sortable: bool = True
) -> Html:
    """A table in a frame that scrolls by itself; the first cell of a row is made its head."""
    head = element("tr", *(_head(each, sortable) for each in heads))
    body = [element("tr", *row) for row in rows]
    whole = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", head),
        element("tbody", *body),
        class_="sortable" if sortable else None,
    )
    label = text_of(caption)
    return element("div", whole, class_="frame", tabindex="0", role="group", aria_label=label)


def words(text: object, sort: object = None, **attributes: str) -> Html:
    """A cell of text."""
    key = str(text) if sort is None else sort
    return element("td", text, class_="words", data_sort=key, **attributes)


def row_head(text: object, sort: str) -> Html:
    """The cell that names a row."""
    return element("th", text, scope="row", data_sort=sort)


def figure(value: float | None, shown: object = None, digits: int = 0) -> Html:
    """A cell of one number; what is shown may be given, for another unit."""
    text = number(value, digits) if shown is None else shown
    return element("td", text, data_sort=_key(value))


def empty(reason: str, **attributes: str) -> Html:
    """A cell without a figure, and why."""
    return element("td", nothing(reason), data_sort="", **attributes)


def head_of(column: Column[Any], table: Table) -> Head:
    """The head of a column, with what it means."""
    is_text = column.unit is TEXT
    return Head(column.head_in(table), column.doc, text=is_text, is_least_best=column.direction < 0)


def cell_of(column: Column[Any], cell: Cell, table: Table) -> Html:
    """A figure over its interval; or the reason why there is none."""
    if cell.value is None:
        kind = {"class_": "words"} if column.unit is TEXT else {}
        return empty(cell.reason or "not computed", **kind)
    if isinstance(cell.value, str):
        return words(cell.value)
    shown: object = column.text(cell, table)
    if column.mark is not None and column.mark.applies(cell.value):
        heard = element("span", column.mark.words, class_="unseen")
        shown = join(element("span", shown, class_=column.mark.style), " ", heard)
    if column.formats[table].ends is None:
        return figure(cell.value, shown)
    ends = column.interval(cell, table)
    around = f"[{ends}]" if ends else nothing(cell.reason or "not computed")
    value = element("span", shown, class_="value")
    return figure(cell.value, join(value, " ", element("span", around, class_="interval")))


def nothing(reason: str) -> Html:
    """An empty cell's dash, with the reason for eyes and ears."""
    return join(
        element("span", NONE, class_="none", title=reason, aria_hidden="true"),
        element("span", f"no figure: {reason}", class_="unseen"),
    )


def _head(head: Head, sortable: bool) -> Html:
    doc = head.doc or None
    if not sortable:
        return element("th", head.name, scope="col", class_=head.kind, title=doc)
    button = element("button", head.name, type="button", title=doc)
    first = "ascending" if head.is_least_best else None
    return element("th", button, scope="col", class_=head.kind, aria_sort="none", data_first=first)


def _key(value: float | None) -> str:
    return "" if value is None or value != value else repr(float(value))
