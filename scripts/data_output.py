"""How ``investorbench data`` looks: plain lines and tables that fit 80 columns, also when piped."""

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from investorbench_env.market.files import store
from investorbench_env.market.files.checking import Problem
from investorbench_env.market.files.describing import extent
from investorbench_env.market.files.index import DataFile

HOLDS = {
    "bars": "daily bars",
    "candles": "intraday bars",
    "funding": "funding rates",
    "actions": "actions",
    "news": "news",
    "filings": "filings",
    "fundamentals": "statements",
    "macro": "macro series",
    "insider": "insider transactions",
    "analyst": "analysts' ratings",
    "released": "InvestorBench release",
    "market": "saved market",
}
COLOURS = {
    "error": "red",
    "failed": "red",
    "warning": "yellow",
    "skipped": "yellow",
    "note": "dim",
    "fetched": "green",
    "already there": "green",
}


def console() -> Console:
    """80 columns where the width is not known, so that piped output keeps its form."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 80)


def print_files(console: Console, place: Path, files: tuple[DataFile, ...]) -> None:
    """Two lines a file, since names and symbols need the width."""
    for file in files:
        if file.kind == "unused":
            continue
        size = extent(file)
        console.print(f"  [cyan]{escape(_relative(file.path, place))}[/]", soft_wrap=True)
        about = [HOLDS[file.kind], first_few(sorted(file.symbols)), f"{size.rows:,} rows"]
        if size.first:
            about.append(f"{size.first}..{size.last}")
        console.print("    " + escape(" · ".join(filter(None, about))), soft_wrap=True)
    unused = [file for file in files if file.kind == "unused" and not file.note.startswith("part")]
    if unused:
        console.print("  not used here yet:", style="dim")
    for file in unused:
        line = f"    {_relative(file.path, place)}: {file.note}"
        console.print(escape(line), style="dim", soft_wrap=True)


def print_terms(console: Console, files: tuple[DataFile, ...]) -> None:
    """Terms of use stand in the provenance of what was fetched; of other files they are unknown."""
    terms = {str(store.read_provenance(file.path).get("terms", "")) for file in files} - {""}
    for each in sorted(terms):
        hanging(console, "  terms of use:", each, 15, "dim")
    if any(not store.read_provenance(file.path) for file in files):
        console.print(
            "  terms of use: not stated beside the other files; see where they came from"
            if terms
            else "  terms of use: not stated beside these files; see where they came from",
            style="dim",
        )
    console.print()


def print_description(console: Console, lines: Sequence[tuple[str, str]]) -> None:
    """A market in words, a subject a line."""
    width = max(len(subject) for subject, _ in lines)
    for subject, text in lines:
        hanging(console, subject, text, width, "yellow" if subject == "finding" else "bold")


def print_problems(console: Console, problems: tuple[Problem, ...]) -> None:
    """What is wrong, file by file."""
    path = None
    for problem in problems:
        if problem.path != path:
            path = problem.path
            console.print(f"[bold]{escape(str(path))}[/]", soft_wrap=True)
        text = f"{problem.symbol}: {problem.text}" if problem.symbol else problem.text
        hanging(console, f"  {problem.severity}", text, 9, COLOURS[problem.severity])


def hanging(console: Console, label: str, text: str, width: int, style: str) -> None:
    """A label, and beside it a text on as many lines as it needs."""
    room = max(20, console.width - width - 2)
    first, *more = textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]
    gap = " " * (width + 2 - len(label))
    console.print(f"[{style}]{label}[/]{gap}{escape(first)}", soft_wrap=True)
    for line in more:
        console.print(" " * (width + 2) + escape(line), soft_wrap=True)


def verdict(problems: tuple[Problem, ...], files: int) -> str:
    """How it stands, in one line."""
    number = dict.fromkeys(("error", "warning", "note"), 0)
    for problem in problems:
        number[problem.severity] += 1
    counts = ", ".join(
        f"{many} {kind}{'' if many == 1 else 's'}" for kind, many in number.items() if many
    )
    looked = f"{files} file{'' if files == 1 else 's'} checked"
    mark = "[red]✗[/]" if number["error"] else "[green]✓[/]"
    return f"{mark} {looked}: {counts or 'nothing wrong'}"


def first_few(names: list[str], most: int = 3) -> str:
    """Some names, and how many more there are."""
    shown = " ".join(names[:most])
    return shown + (f" +{len(names) - most}" if len(names) > most else "")


def _relative(path: Path, place: Path) -> str:
    return (
        str(path.relative_to(place)) if path.is_relative_to(place) and path != place else path.name
    )
