"""Pages of documentation as blocks: what they say to run, and what they say comes of it.

A comment on the line above a fence says what a block needs:

``<!-- real data -->``       the folder of real markets
``<!-- heavy -->``           torch, or more than a few seconds
``<!-- figures differ -->``  also heavy; numbers depend on the machine: only words are compared
``<!-- long -->``            minutes, with the extra that trains; only words are compared, too
``<!-- file: PATH -->``      it is no program but the content of a file in the working folder
``<!-- in the tree -->``     a change that was made already
"""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", *sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")
))  # fmt: skip

PROGRAMS = {"python", "bash", "console"}
LANGUAGES = PROGRAMS | {"text", "yaml", "bibtex", "diff"}

_FENCE = re.compile(
    r"(?:<!-- (?P<needs>[^\n]*?) -->\n)?^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block.

    Attributes:
        page: the path of its page in the repository.
        line: of its first line of text, from 1.
        start: where its text begins in the page.
        language: as the fence names it.
        text: between the fences.
        needs: what the comment above it says, or empty.
        adjacent: whether nothing but blank lines stands between it and the block before.
    """

    page: str
    line: int
    start: int
    language: str
    text: str
    needs: str
    adjacent: bool

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def kind(self) -> str:
        """Which of the runs of its page it belongs to."""
        kinds = {"real data": "real data", "long": "long", "": "plain"}
        return kinds.get(self.needs.split(":")[0], "heavy")

    @property
    def figures_count(self) -> bool:
        """Whether its numbers are the same on every machine."""
        return self.needs not in ("figures differ", "long")

    @property
    def file(self) -> str:
        """The path of the file whose content it is, or empty."""
        return self.needs.removeprefix("file: ") if self.needs.startswith("file: ") else ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page and its blocks, in order."""

    path: str
    text: str

    @classmethod
    def read(cls, path: str) -> "Page":
        return cls(path=path, text=(ROOT / path).read_text(encoding="utf-8"))

    @cached_property
    def blocks(self) -> list[Block]:
        found = list(_FENCE.finditer(self.text))
        ends = [0, *(match.end() for match in found)]
        return [
            Block(
                page=self.path,
                line=self.text.count("\n", 0, match.start("text")) + 1,
                start=match.start("text"),
                language=match["language"],
                text=match["text"],
                needs=match["needs"] or "",
                adjacent=not self.text[end : match.start()].strip(),
            )
            for end, match in zip(ends, found, strict=False)
        ]

    @cached_property
    def prose(self) -> str:
        """The page without its blocks."""
        return _FENCE.sub("", self.text)

    def output_of(self, block: Block) -> Block | None:
        """The text block right after a Python block, which shows what it prints."""
        for first, second in pairwise(self.blocks):
            if first is block and second.language == "text" and second.adjacent:
                return second
        return None


def sessions(block: Block) -> list[tuple[str, str]]:
    """The commands of a shell block, each with what it prints; a ``bash`` block shows no output."""
    if block.language == "bash":
        return [(line, "") for line in _joined(block.text) if not line.startswith("#")]
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    found = []
    for part in parts:
        command, output = re.fullmatch(r"((?:[^\n]*\\\n)*[^\n]*\n)(.*)", part, re.DOTALL).groups()  # type: ignore[union-attr]
        found.append((command.replace("\\\n", " ").strip(), output))
    return found


def _joined(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def same(shown: str, printed: str, *, figures: bool = True) -> bool:
    """Whether a page shows what was printed; a line ``…`` stands for any lines.

    Args:
        shown: on the page.
        printed: by the program.
        figures: whether numbers are compared too.
    """
    expected, actual = _lines(shown, figures), _lines(printed, figures)
    pattern = "".join("(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(line + "\n" for line in actual)) is not None


def _lines(text: str, figures: bool) -> list[str]:
    lines = tidy(text).splitlines()
    if figures:
        return lines
    # Widths of columns follow from their figures.
    masked = (re.sub(r"[−-]?\d[\d,.]*", "0", line) for line in lines)
    return [" ".join(re.sub("─+", "─", line).split()) for line in masked]


def tidy(text: str) -> str:
    """Text without blanks at the ends of lines, or blank lines at its ends."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n") + "\n"


def slugs(text: str) -> set[str]:
    """The anchors of a page's headings, as the sites that render Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }
