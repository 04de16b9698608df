"""What it costs to cut filings and to choose what is remembered of them, a megabyte; what is asked.

Beside Python's own HTML parser reading the same pages and doing nothing with what it reads, in the
same process and measured in processor time, so that a busy machine changes little.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from investorbench.agents.finmem.filings import cut_once, extractive, passages_of
from investorbench.agents.finmem.summaries import LONGEST_QUESTION, questions_about
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.filings import cut
from investorbench_env.token_estimate import estimate

REMEMBERED = 3000
ROUNDS = 3
MEGABYTE = 1e6
KINDS = ("10-K", "10-Q", "20-F", "8-K", "6-K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one filing costs; the fastest of some rounds, in milliseconds of processor time.

    Attributes:
        name: of its file, or of its row.
        megabytes: of it.
        items: how many were found.
        questions: that a language model is asked, one an item that is worth a summary.
        tokens: of these, by the estimate.
        parser_ms: of Python's HTML parser alone.
        cut_ms: to its items, their prose included.
        remembered_ms: to the passages that are remembered, the cutting included.
    """

    name: str
    megabytes: float
    items: int
    questions: int
    tokens: int
    parser_ms: float
    cut_ms: float
    remembered_ms: float


def costs(paths: Sequence[Path]) -> list[Cost]:
    """What each filing of some files costs."""
    found = [filing for path in paths for filing in filings_in(path)]
    return [cost(*filing) for filing in track(found, "measuring", console=Console(stderr=True))]


def filings_in(path: Path) -> Iterator[tuple[str, str, str]]:
    """Name, form and text of the filings in a file or folder.

    Raises:
        InvestorBenchError: a page whose name has no form in it.
    """
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            yield from filings_in(inner)
    elif path.suffix == ".parquet":
        import pandas as pd

        for row in pd.read_parquet(path).to_dict("records"):
            if row["item"] == "FULL":
                name = f"{row['symbol']} {row['form']} {row['filing_date']:%Y-%m-%d}"
                yield name, row["form"], row["text"]
    else:
        kind = next((kind for kind in KINDS if kind in path.name), None)
        if kind is None:
            raise InvestorBenchError(
                f"{path}: its name says no form; put one of {', '.join(KINDS)} into it"
            )
        yield path.stem, kind, path.read_text(encoding="utf-8", errors="replace")


def cost(name: str, kind: str, text: str) -> Cost:
    """What one filing costs."""

    def read_all() -> None:
        for section in cut(text, kind).sections:
            if section.share:
                list(section.paragraphs())

    def remember() -> None:
        for kept in (cut_once, extractive):
            kept.cache_clear()
        passages_of(text, kind, REMEMBERED)

    asked = questions_about(text, kind, REMEMBERED, LONGEST_QUESTION)
    contents = [message["content"] for _, question in asked for message in question]
    return Cost(
        name=name,
        megabytes=len(text.encode("utf-8", "replace")) / MEGABYTE,
        items=sum(bool(section.item) for section in cut(text, kind).sections),
        questions=len(asked),
        tokens=sum(map(estimate, contents)),
        parser_ms=fastest_ms(lambda: HTMLParser().feed(text)),
        cut_ms=fastest_ms(read_all),
        remembered_ms=fastest_ms(remember),
    )


def fastest_ms(work: Callable[[], object]) -> float:
    """Processor time of the fastest of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return 1000 * min(spent)


def report(paths: Sequence[Path]) -> None:
    """Measure the filings of some files, and print a table."""
    table = Table(box=SIMPLE_HEAD)
    for column in ("filing", "MB", "items", "tokens", "parser", "cut", "remembered"):
        table.add_column(column, justify="left" if column == "filing" else "right")
    found = costs(paths)
    for each in found:
        spent = (each.parser_ms, each.cut_ms, each.remembered_ms)
        speeds = (f"{one / each.megabytes:.0f}" for one in spent)
        counts = (f"{each.items}", f"{each.tokens:,}")
        table.add_row(each.name, f"{each.megabytes:.2f}", *counts, *speeds)
    console = Console()
    console.print(table)
    console.print(
        f"{len(found)} filings, {sum(each.megabytes for each in found):.1f} MB; milliseconds of "
        "processor time a megabyte: of Python's HTML parser alone, to the prose of the items, and "
        f"to what FinMem remembers. A language model is asked {sum(e.questions for e in found)} "
        f"questions of {sum(e.tokens for e in found):,} tokens, by an estimate that errs upwards"
    )
