"""The terminal, to which no record can give orders: names and texts in it come from elsewhere."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import rich.console
from rich.markup import escape
from rich.progress import Progress
from rich.segment import Segment

REPLACED = "\N{REPLACEMENT CHARACTER}"
KEPT = "\n\t"
BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""What turns the direction of writing, so that a name reads as another one."""
ORDERS = {
    code: REPLACED for code in (*range(0x20), *range(0x7F, 0xA0), *BIDI) if chr(code) not in KEPT
}
"""Characters that a terminal obeys instead of showing them."""


class Console(rich.console.Console):
    """Rich's console, which colours what it writes, and obeys nothing of what it shows."""

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        for segment in super().render(*arguments, **options):
            if segment.control:
                yield segment
            else:
                yield Segment(segment.text.translate(ORDERS), segment.style)


@contextmanager
def counting(what: str, number: int | None, console: Console) -> Iterator[Callable[[], None]]:
    """A bar for as long as the block runs, where there is somebody to see it.

    Args:
        what: is done.
        number: of its parts; None where that is not known.
        console: on which it is shown.

    Yields:
        What is to be called after each part.
    """
    if not console.is_terminal:  # where Rich, even of nothing, may write an empty line
        yield lambda: None
        return
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task(escape(what), total=number)
        yield lambda: progress.advance(bar)
