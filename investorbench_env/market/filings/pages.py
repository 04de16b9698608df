"""A page of HTML as text: a paragraph a block, a line a table row; and where its links lead."""

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_MARKUP = re.compile(r"<(?:p|div|br|tr|td|font|span)\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[A-Za-z][\w:-]*(?:\s[^<>]*)?>")
_SPACES = re.compile(r"[ \t\r\n\f\v\xa0\u2002-\u200a\u202f\u3000]+")
_INVISIBLE = re.compile("[\xad\u200b-\u200f\u2060\ufeff]")
BLANKS = str.maketrans(dict.fromkeys("\xa0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u3000", " "))
LOOKED_AT = 20_000
"""Characters in which a page of HTML has shown that it is one."""
LONG_CELL = 80
"""Characters from which on a cell of a table is prose, whose paragraphs stay apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledPage:
    """A text, and what its markup knew.

    Attributes:
        text: paragraphs with an empty line between them; within one, a line break means nothing,
            or the next row of a table, whose cells are two spaces apart.
        links: where in the text a link to another place of the page stands, and to what.
        places: where in the text a link leads, by its target.
        is_markup: whether it was HTML.
    """

    text: str
    links: tuple[tuple[int, str], ...] = ()
    places: dict[str, int] = field(default_factory=dict)
    is_markup: bool = False


def read_page(source: str) -> FiledPage:
    """A document as it was filed, HTML or plain."""
    source = _INVISIBLE.sub("", source)
    if not _MARKUP.search(source, 0, LOOKED_AT):
        # Filings of the nineties are plain text in a few tags, and their lines are all they have.
        if "<" in source:
            source = html.unescape(_ANY_TAG.sub("", source))
        return FiledPage(text=source.replace("\r\n", "\n").translate(BLANKS))
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return reader.page()


def plain_text(source: str) -> str:
    """The words of a document."""
    return read_page(source).text.strip()


class _Reader(HTMLParser):
    BLOCKS = frozenset(
        "p div tr li ul ol table h1 h2 h3 h4 h5 h6 hr title center pre section article body".split()
    )
    SILENT = frozenset({"script", "style", "head", "ix:header"})
    CELLS = frozenset({"td", "th"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._length = 0
        self._line: list[str] = []
        self._cells = 0
        self._silent = 0
        self._preformatted = 0
        self._links: list[tuple[int, str]] = []
        self._places: dict[str, int] = {}
        self._break = ""

    def page(self) -> FiledPage:
        self._end("\n\n")
        return FiledPage(
            text="".join(self._parts), links=tuple(self._links), places=self._places, is_markup=True
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        if tag == "body":  # some pages never end their head
            self._silent = 0
        if tag in self.CELLS:
            self._end_cell()
            self._cells += 1
        elif tag == "br":
            self._end("\n" if self._is_apart() else "")
        elif tag in self.BLOCKS:
            self._end_block(tag)
            self._preformatted += tag == "pre"
        for name, value in attrs:
            if not value or self._preformatted:
                continue
            if name in ("id", "name"):
                self._places.setdefault(value, self._here())
            elif name == "href" and value.startswith("#"):
                self._links.append((self._here(), value[1:]))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in self.CELLS:
            self._cells = max(0, self._cells - 1)
        elif tag in self.BLOCKS:
            self._end_block(tag)
            if tag == "pre":
                self._preformatted = max(0, self._preformatted - 1)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line.append(data)

    def _here(self) -> int:
        """The place in the text at which the line that is being read begins, or will."""
        return self._length + len(self._break) * bool(self._parts)

    def _is_apart(self) -> bool:
        """Whether a block begins a line of its own; a short cell of a table stays one line."""
        return not self._cells or sum(map(len, self._line)) >= LONG_CELL

    def _end_cell(self) -> None:
        if self._line:
            self._line.append("\0")

    def _end_block(self, tag: str) -> None:
        if tag == "tr":
            self._cells = 0
            self._end("\n")
        elif tag == "table":
            self._cells = 0
            self._end("\n\n")
        elif self._is_apart():
            self._end("\n\n")
        else:
            self._line.append(" ")

    def _end(self, mark: str) -> None:
        """Close the line that is being read; the longest mark since the last one parts the two."""
        if not mark:
            self._line.append(" ")
            return
        words = "".join(self._line)
        self._line.clear()
        if self._preformatted:
            line = words.strip("\n")
        else:
            cells = (_SPACES.sub(" ", cell).strip() for cell in words.split("\0"))
            line = "  ".join(filter(None, cells))
        if line:
            before = self._break if self._parts else ""
            self._parts += [before, line]
            self._length += len(before) + len(line)
            self._break = mark
        elif len(mark) > len(self._break):
            self._break = mark
