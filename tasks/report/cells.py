"""Tables: cells that know what they are sorted by, heads that sort, frames that scroll."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from investorbench.tasks.report.markup import Html, element, join, text_of
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import NONE, number


class Head(NamedTuple):
    """The head of a column.

    Attributes:
        name: in as few letters as it takes.
        told: what it means, in a sentence.
        text: whether its cells are words rather than figures.
        names: whether its cells name the rows, and stay in view.
    """

    name: str
    told: str = ""
    text: bool = False
    names: bool = False

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
    told = number(value, digits) if shown is None else shown
    return element("td", told, data_sort=_key(value))


def empty(reason: str, **attributes: str) -> Html:
    """A cell without a figure, and why."""
    return element("td", nothing(reason), data_sort="", **attributes)


def estimate_cell(estimate: Estimate, factor: float, digits: int) -> Html:
    """A figure over its interval, or the reason why there is none."""
    if estimate.value is None:
        return empty(estimate.reason or "not computed")
    shown = element("span", number(estimate.value * factor, digits), class_="value")
    around = _interval(estimate, factor, digits)
    told = element("span", around, class_="interval") if around else None
    return figure(estimate.value, join(shown, " " if around else None, told))


def nothing(reason: str) -> Html:
    """An empty cell's dash, with the reason for eyes and ears."""
    return join(
        element("span", NONE, class_="none", title=reason, aria_hidden="true"),
        element("span", f"no figure: {reason}", class_="unseen"),
    )


def _interval(estimate: Estimate, factor: float, digits: int) -> str | None:
    """``[−1.8, 3.4]``; None without an interval."""
    if estimate.low is None or estimate.high is None:
        return None
    low, high = (number(end * factor, digits) for end in (estimate.low, estimate.high))
    return f"[{low}, {high}]"


def _head(head: Head, sortable: bool) -> Html:
    told = head.told or None
    if not sortable:
        return element("th", head.name, scope="col", class_=head.kind, title=told)
    button = element("button", head.name, type="button", title=told)
    return element("th", button, scope="col", class_=head.kind, aria_sort="none")


def _key(value: float | None) -> str:
    return "" if value is None or value != value else repr(float(value))
