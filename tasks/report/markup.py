"""HTML as values: whatever is no :class:`Html` is text of others, and is escaped."""

import re
from html import escape, unescape
from typing import Any

TAG = re.compile("<[^>]*>")
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control codes, directions of its own and half characters: none of it can be shown."""


class Html(str):
    """Markup that was made here."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: Any) -> Html:
    """An element; ``class_`` is ``class``, ``data_sort`` is ``data-sort``.

    Args:
        tag: its name.
        children: markup, or text to escape; None is left out.
        attributes: True for one without a value; None and False leave one out.
    """
    given = "".join(
        f" {_name(name)}" + ("" if value is True else f'="{escape(plain(value))}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{tag}{given}>{join(*children)}</{tag}>")


def join(*children: object) -> Html:
    """Markup and text one after the other."""
    return Html(
        "".join(
            child if isinstance(child, Html) else escape(plain(child))
            for child in children
            if child is not None
        )
    )


def text_of(content: object) -> str:
    """What is read of markup, or the text itself."""
    return unescape(TAG.sub("", content)) if isinstance(content, Html) else str(content)


def plain(text: object) -> str:
    """Foreign text as it may be shown."""
    return HIDDEN.sub("�", str(text))


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
