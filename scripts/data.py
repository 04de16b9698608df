"""``investorbench data``: what market data there is, getting more, and what is wrong with it."""

import sys
import textwrap
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from investorbench_env.errors import (
    DataNotFoundError,
    DateRangeError,
    InvestorBenchError,
    UnknownNameError,
)
from investorbench_env.market import index, library
from investorbench_env.market.checking import Problem
from investorbench_env.market.checking import check as problems_of
from investorbench_env.market.describing import extent
from investorbench_env.market.index import DataFile
from investorbench_env.market.market import AssetClass
from investorbench_env.market.sources import fetching, store
from investorbench_env.market.sources.catalogue import SOURCES, asset_class_of
from investorbench_env.market.sources.fetching import Order, Outcome

app = typer.Typer(
    name="data", help="Market data: list, fetch, check, describe.", no_args_is_help=True
)

P = ParamSpec("P")
CLASSES: tuple[AssetClass, ...] = ("stock", "crypto", "etf")
HOLDS = {
    "bars": "daily bars",
    "actions": "dividends, splits",
    "news": "news",
    "filings": "filings",
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

Place = Annotated[
    Path | None,
    typer.Option("--data", help="A folder or file, in place of $INVESTORBENCH_DATA and the cache."),
]
Class = Annotated[
    str | None, typer.Option("--asset-class", help="stock, crypto or etf; told from the symbol.")
]


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """An error of ours is one clear line on standard error and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except InvestorBenchError as error:
            Console(stderr=True, soft_wrap=True).print(f"[red]✗[/] {escape(str(error))}")
            raise typer.Exit(1) from error

    return run


@app.command("list")
@_plainly
def list_data(data: Place = None) -> None:
    """Show what there is, of which days, and what can be fetched under which terms."""
    console = _console()
    for place in [data] if data else library.places():
        console.print(f"[bold]{escape(str(place))}[/]", soft_wrap=True)
        if not place.exists():
            console.print("  does not exist\n", style="dim")
            continue
        files = index.data_files(place)
        if not files:
            console.print("  holds no data\n", style="dim")
            continue
        _print_files(console, place, files)
        _print_terms(console, files)
    console.print("[bold]What [cyan]investorbench data fetch SYMBOL[/] can get[/]")
    console.print(_source_table())


@app.command("fetch")
@_plainly
def fetch_data(
    symbols: Annotated[list[str], typer.Argument(help="Such as TSLA SPY BTC.")],
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")] = "2012-01-01",
    last: Annotated[
        str | None, typer.Option("--to", help="Last day, YYYY-MM-DD; yesterday.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="Only this one; may be given often. See `data list`."),
    ] = None,
    asset_class: Class = None,
    into: Annotated[Path | None, typer.Option("--into", help="A folder; else the cache.")] = None,
    contact: Annotated[
        str | None, typer.Option(help=f"Your name and e-mail, for the SEC; ${fetching.CONTACT}.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what is there already.")] = False,
) -> None:
    """Download data; what is complete is kept, and a second run goes on from there."""
    begin, end = _day(first), _day(last) if last else date.today() - timedelta(days=1)
    if end < begin:
        raise DateRangeError(f"--to {end} comes before --from {begin}")
    folder = into or library.cache_folder()
    outcomes: list[Outcome] = []
    for symbol in symbols:
        order = Order(
            symbol=symbol.upper(),
            asset_class=_class(symbol, asset_class),
            first=begin,
            last=end,
            into=folder,
            contact=contact or fetching.contact(),
            anew=again,
        )
        outcomes += _with_progress(order, source or [])
    console = _console()
    console.print(_outcome_table(outcomes))
    console.print(f"in {escape(str(folder))}", style="dim", soft_wrap=True)
    if any(outcome.status == "failed" for outcome in _unhelped(outcomes)):
        raise typer.Exit(1)


@app.command("check")
@_plainly
def check_data(
    target: Annotated[str, typer.Argument(help="A folder, a file, or a symbol.")],
    data: Place = None,
    asset_class: Class = None,
) -> None:
    """Find what is wrong with data: gaps, duplicates, impossible bars, undated text, splits."""
    path, known = Path(target).expanduser(), _known_class(asset_class)
    looked_like_path = path.exists() or path.suffix.lower() in index.SUFFIXES or "/" in target
    places = [data] if data else list(library.places())
    if looked_like_path:
        if not path.exists():
            raise DataNotFoundError(f"{target} does not exist")
        found, files = problems_of(path, None, known), len(index.stamps(path))
    else:
        _class(target, asset_class)
        there = [place for place in places if place.exists()]
        found = tuple(p for place in there for p in problems_of(place, target, known))
        files = _holding(target, known or asset_class_of(target.upper()), there)
    console = _console()
    if not files:
        known_symbols = _symbols(places)
        if not known_symbols:
            raise DataNotFoundError(library.absence(target.upper(), "no data"))
        searched = ", ".join(str(place) for place in places)
        raise UnknownNameError(f"symbol in {searched}", target, known_symbols)
    if found:
        _print_problems(console, found)
    console.print(_verdict(found, files))
    if any(problem.severity == "error" for problem in found):
        raise typer.Exit(1)


@app.command("describe")
@_plainly
def describe_data(
    symbol: Annotated[str, typer.Argument(help="Such as TSLA.")],
    data: Annotated[
        str, typer.Option("--data", help="real, auto, simulated, or a folder or file.")
    ] = "real",
    asset_class: Class = None,
) -> None:
    """Say in words what the market of one symbol holds."""
    market = library.find_market(symbol.upper(), _class(symbol, asset_class), data)
    console, lines = _console(), library.describe(market)
    width = max(len(subject) for subject, _ in lines)
    for subject, text in lines:
        _hanging(console, subject, text, width, "yellow" if subject == "finding" else "bold")


def _console() -> Console:
    """80 columns where the width is not known, so that piped output keeps its form."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 80)


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold")
    for name in columns:
        table.add_column(
            name, justify="right" if name in right else "left", overflow="fold", no_wrap=False
        )
    return table


def _print_files(console: Console, place: Path, files: tuple[DataFile, ...]) -> None:
    """Two lines a file, since names and symbols need the width."""
    for file in files:
        if file.kind == "unused":
            continue
        size = extent(file)
        console.print(f"  [cyan]{escape(_relative(file.path, place))}[/]", soft_wrap=True)
        about = [HOLDS[file.kind], _few(sorted(file.symbols)), f"{size.rows:,} rows"]
        if size.first:
            about.append(f"{size.first}..{size.last}")
        console.print("    " + escape(" · ".join(about)), soft_wrap=True)
    unused = [file for file in files if file.kind == "unused" and not file.note.startswith("part")]
    if unused:
        console.print("  not used here yet:", style="dim")
    for file in unused:
        said = f"    {_relative(file.path, place)}: {file.note}"
        console.print(escape(said), style="dim", soft_wrap=True)


def _source_table() -> Table:
    table = _table("source", "gives", "for", "terms of use")
    for source in SOURCES.values():
        table.add_row(
            source.name,
            source.gives,
            " ".join(sorted(source.symbols)) or ", ".join(sorted(source.classes)),
            source.terms,
        )
    return table


def _print_terms(console: Console, files: tuple[DataFile, ...]) -> None:
    """Terms of use stand in the provenance of what was fetched; of other files nobody knows."""
    terms = {str(store.read_provenance(file.path).get("terms", "")) for file in files} - {""}
    for said in sorted(terms):
        console.print(f"  terms of use: {escape(said)}", style="dim")
    if any(not store.read_provenance(file.path) for file in files):
        console.print(
            "  terms of use: not stated beside the other files; see where they came from"
            if terms
            else "  terms of use: not stated beside these files; see where they came from",
            style="dim",
        )
    console.print()


def _outcome_table(outcomes: list[Outcome]) -> Table:
    table = _table("symbol", "source", "", "rows", "file or reason", right=("rows",))
    for outcome in outcomes:
        said = outcome.note or (outcome.path.name if outcome.path else "")
        table.add_row(
            outcome.symbol,
            outcome.source,
            f"[{COLOURS[outcome.status]}]{outcome.status}[/]",
            f"{outcome.rows:,}" if outcome.rows else "",
            escape(said),
        )
    return table


def _unhelped(outcomes: list[Outcome]) -> list[Outcome]:
    """Failures that the fallback did not make good."""
    helped = {o.symbol for o in outcomes if o.source == "stooq" and o.status != "failed"}
    return [o for o in outcomes if not (o.source == "yahoo" and o.symbol in helped)]


def _with_progress(order: Order, sources: list[str]) -> list[Outcome]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(order.symbol, total=None)

        def advance(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        return fetching.fetch(order, sources, advance)


def _print_problems(console: Console, problems: tuple[Problem, ...]) -> None:
    path = None
    for problem in problems:
        if problem.path != path:
            path = problem.path
            console.print(f"[bold]{escape(str(path))}[/]", soft_wrap=True)
        text = f"{problem.symbol}: {problem.text}" if problem.symbol else problem.text
        _hanging(console, f"  {problem.severity}", text, 9, COLOURS[problem.severity])


def _hanging(console: Console, label: str, text: str, width: int, style: str) -> None:
    """A label, and beside it a text on as many lines as it needs."""
    room = max(20, console.width - width - 2)
    first, *more = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    gap = " " * (width + 2 - len(label))
    console.print(f"[{style}]{label}[/]{gap}{escape(first)}", soft_wrap=True)
    for line in more:
        console.print(" " * (width + 2) + escape(line), soft_wrap=True)


def _verdict(problems: tuple[Problem, ...], files: int) -> str:
    number = dict.fromkeys(("error", "warning", "note"), 0)
    for problem in problems:
        number[problem.severity] += 1
    said = ", ".join(
        f"{many} {kind}{'' if many == 1 else 's'}" for kind, many in number.items() if many
    )
    looked = f"{files} file{'' if files == 1 else 's'} checked"
    mark = "[red]✗[/]" if number["error"] else "[green]✓[/]"
    return f"{mark} {looked}: {said or 'nothing wrong'}"


def _holding(symbol: str, asset_class: AssetClass, places: list[Path]) -> int:
    files = (file for place in places for file in _readable(place))
    return sum(bool(file.spellings(symbol, asset_class)) for file in files)


def _symbols(places: list[Path]) -> set[str]:
    there = (place for place in places if place.exists())
    return {name for place in there for file in _readable(place) for name in file.symbols}


def _readable(place: Path) -> list[DataFile]:
    """The files whose header can be read; `check` reports the others."""
    files = []
    for path, stamp in index.stamps(place):
        try:
            files.append(index.data_file(path, stamp))
        except InvestorBenchError:
            continue
    return files


def _class(symbol: str, asset_class: str | None) -> AssetClass:
    return _known_class(asset_class) or asset_class_of(symbol.upper())


def _known_class(asset_class: str | None) -> AssetClass | None:
    if asset_class is None:
        return None
    for known in CLASSES:
        if known == asset_class.lower():
            return known
    raise UnknownNameError("asset class", asset_class, CLASSES)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise DateRangeError(f"{text!r} is not a date; write it as YYYY-MM-DD") from None


def _few(names: list[str], most: int = 3) -> str:
    shown = " ".join(names[:most])
    return shown + (f" +{len(names) - most}" if len(names) > most else "")


def _relative(path: Path, place: Path) -> str:
    return (
        str(path.relative_to(place)) if path.is_relative_to(place) and path != place else path.name
    )


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; for use without the ``investorbench`` command around it."""
    return app(arguments)


if __name__ == "__main__":
    main()
