"""How ``investorbench corpus`` looks: its progress, what was built, and what a check found."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.scripts.terminal import Console
from investorbench.tasks.trading_r1.baselines import PUBLISHED_MIX
from investorbench.tasks.trading_r1.corpus.checking import CorpusCheck
from investorbench.tasks.trading_r1.decisions import words_of
from investorbench.tasks.wording import count, usd

MARKS = {"error": "[red]✗[/]", "warning": "[yellow]![/]"}


class Watching:
    """How far a corpus is, shown below what is printed where there is a terminal."""

    def __init__(self, show: Any = None) -> None:
        self._show = show
        self.done = self.total = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._show is not None:
            self._show(description=what, completed=done, total=total or None)


@contextlib.contextmanager
def watching() -> Iterator[Watching]:
    """A bar on standard error while the block runs; nothing where that is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Watching()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("getting ready", total=None)
        yield Watching(lambda **shown: progress.update(task, **shown))


def print_built(
    console: Console, folder: Path, manifest: Mapping[str, Any], spent_usd: float | None
) -> None:
    """Say what a corpus holds, what its teacher did, and whose data it is."""
    rows, markets = manifest["rows"], manifest["markets"]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, head in enumerate(("market", "trained on", "days", "tested on", "days ")):
        table.add_column(head, justify="right" if place in (2, 4) else "left", no_wrap=True)
    for said in markets:
        trained, tested = said["thresholds"]["training"], said["test"]
        table.add_row(
            escape(said["name"]),
            " … ".join(trained),
            str(said["days"]["train"]),
            " … ".join(tested),
            str(said["days"]["test"]),
        )
    console.print(table)
    for said in markets:
        for split, reasons in said["without_label"].items():
            for reason in reasons:
                console.print(
                    f"{escape(said['name'])}, {split}: without a label: {escape(reason)}",
                    style="dim",
                    soft_wrap=True,
                )
    if manifest["taught"] is not None:
        _print_taught(console, manifest, spent_usd)
    for name, terms in _terms(manifest):
        console.print(f"terms of {escape(name)}: {escape(terms)}", style="dim", soft_wrap=True)
    variants = count(manifest["settings"]["variants"], "briefing")
    console.print(
        f"[green]✓[/] {count(rows['train'], 'row')} to train on and {rows['test']:,} to test on, "
        f"{variants} a day, in [bold]{escape(str(folder))}[/]",
        soft_wrap=True,
    )
    console.print(f"next: investorbench corpus check {escape(str(folder))}", style="dim")


def _print_taught(console: Console, manifest: Mapping[str, Any], spent_usd: float | None) -> None:
    taught, settings = manifest["taught"], manifest["settings"]["teacher"]
    faults = {fault: number for fault, number in taught["rejected"].items() if number}
    rejected = ", ".join(f"{number:,} by {fault}" for fault, number in faults.items()) or "none"
    cost = "" if spent_usd is None else f"; {usd(spent_usd)}"
    console.print(
        f"{escape(settings['name'])} wrote {taught['asked']:,} theses, of which "
        f"{taught['kept']:,} passed the filter of stage {settings['stage']}: rejected {rejected}; "
        f"{count(taught['without'], 'briefing')} without one; {taught['input']:,} tokens read and "
        f"{taught['output']:,} written{cost}",
        soft_wrap=True,
    )


def _terms(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The terms of each source, once."""
    found = {
        source["name"]: source["terms"]
        for said in manifest["markets"]
        for source in said["sources"]
    }
    teacher = manifest["settings"]["teacher"]
    if teacher is not None and teacher["provider"] != "offline":
        found[teacher["name"]] = teacher["licence"] or "those of its maker hold for what it writes"
    return sorted(found.items())


def print_check(console: Console, folder: Path, found: CorpusCheck) -> None:
    """What a corpus holds and what is wrong with it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for head in ("published", *found.splits):
        table.add_column(head, justify="right", no_wrap=True)
    for label in CLASSES:
        shares = [f"{figures.share(label):.1%}" for figures in found.splits.values()]
        table.add_row(words_of(label), f"{PUBLISHED_MIX[label]:.0%}", *shares)
    table.add_section()
    several = found.splits.values()
    table.add_row("rows", "", *(f"{each.rows:,}" for each in several))
    table.add_row("different briefings", "", *(f"{each.briefings:,}" for each in several))
    table.add_row("with a thesis", "", *(f"{each.completions:,}" for each in several))
    table.add_row("days", "", *(f"{each.days:,}" for each in several))
    table.add_row("independent blocks", "", *(f"{each.blocks:,}" for each in several))
    table.add_row("always buy earns", "", *(f"{each.always('BUY'):+.3f}" for each in several))
    console.print(table)
    for finding in found.findings:
        more = f" ({finding.number:,} times)" if finding.number > 1 else ""
        console.print(f"{MARKS[finding.severity]} {escape(finding.text)}{more}", soft_wrap=True)
    if found.is_sound:
        console.print(f"[green]✓[/] {escape(str(folder))}: {_verdict(found)}", soft_wrap=True)


def _verdict(found: CorpusCheck) -> str:
    """What a check without an error says of a corpus, and no more."""
    said = "no leak over the embargo, no day twice"
    if found.unopened:
        return f"{said}; {count(found.unopened, 'market')} could not be looked at"
    return (
        f"{said}, labels follow from the prices; {count(found.briefings, 'briefing')} written "
        "again, the same to the byte"
    )
