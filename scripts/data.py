"""``investorbench data``: what market data there is, getting more, and what is wrong with it."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.markup import escape

from investorbench.scripts import data_fetching, data_output
from investorbench.scripts.data_fetching import Class, Place, known_class
from investorbench_env.errors import (
    DataNotFoundError,
    InvestorBenchError,
    UnknownNameError,
)
from investorbench_env.market import library
from investorbench_env.market.asset_classes import (
    asset_class_of,
)
from investorbench_env.market.files import index
from investorbench_env.market.files.checking import check as problems_of
from investorbench_env.market.files.index import DataFile

app = typer.Typer(
    name="data", help="Market data: list, fetch, check, describe, carry over.", no_args_is_help=True
)

P = ParamSpec("P")


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """An error of ours, or of the disk, is one line on standard error and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (InvestorBenchError, OSError) as error:
            Console(stderr=True, soft_wrap=True).print(f"[red]✗[/] {escape(_line(error))}")
            raise typer.Exit(1) from error

    return run


def _line(error: InvestorBenchError | OSError) -> str:
    """An error in one line; those of the disk name the file."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename2 or error.filename}"
    return str(error)


@app.command("list")
@_plainly
def list_data(data: Place = None) -> None:
    """Show what there is, of which days, and what can be fetched under which terms."""
    console = data_output.console()
    for place in [data] if data else library.searched_places():
        console.print(f"[bold]{escape(str(place))}[/]", soft_wrap=True)
        if not place.exists():
            console.print("  does not exist\n", style="dim")
            continue
        files, broken = index.readable(index.stamps(place))
        if not files and not broken:
            console.print("  holds no data\n", style="dim")
            continue
        data_output.print_files(console, place, tuple(files))
        for _, error in broken:
            console.print(f"  cannot be read: {escape(str(error))}", style="red", soft_wrap=True)
        data_output.print_terms(console, tuple(files))
    console.print("[bold]What can be fetched:[/] [cyan]investorbench data sources[/]")


app.command("fetch")(_plainly(data_fetching.fetch_data))
app.command("sources")(_plainly(data_fetching.list_sources))
app.command("bundle")(_plainly(data_fetching.bundle_data))
app.command("add")(_plainly(data_fetching.add_data))


@app.command("check")
@_plainly
def check_data(
    target: Annotated[str, typer.Argument(help="A folder, a file, or a symbol.")],
    data: Place = None,
    asset_class: Class = None,
) -> None:
    """Find what is wrong with data: gaps, duplicates, impossible bars, undated text, splits."""
    path, known = Path(target).expanduser(), known_class(asset_class)
    looked_like_path = path.exists() or path.suffix.lower() in index.SUFFIXES or "/" in target
    places = [data] if data else list(library.searched_places())
    if looked_like_path:
        if not path.exists():
            raise DataNotFoundError(f"{target} does not exist")
        found, files = problems_of(path, None, known), len(index.stamps(path))
    else:
        _class(target, asset_class)
        there = [place for place in places if place.exists()]
        found = tuple(p for place in there for p in problems_of(place, target, known))
        files = _holding(target, known or asset_class_of(target.upper()), there)
    console = data_output.console()
    if not files:
        known_symbols = _symbols(places)
        if not known_symbols:
            raise DataNotFoundError(
                library.absence("no data", _class(target, asset_class), target.upper())
            )
        searched = ", ".join(str(place) for place in places)
        raise UnknownNameError(f"symbol in {searched}", target, known_symbols)
    if found:
        data_output.print_problems(console, found)
    console.print(data_output.verdict(found, files))
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
    # Whatever is missing is what one wants to see here.
    market = library.find_market(
        symbol.upper(), _class(symbol, asset_class), data, data_tolerance=1.0
    )
    data_output.print_description(data_output.console(), library.describe(market))


def _holding(symbol: str, asset_class: str, places: list[Path]) -> int:
    files = (file for place in places for file in _readable(place))
    return sum(bool(file.spellings(symbol, asset_class)) for file in files)


def _symbols(places: list[Path]) -> set[str]:
    there = (place for place in places if place.exists())
    return {name for place in there for file in _readable(place) for name in file.symbols}


def _readable(place: Path) -> list[DataFile]:
    """The files whose header can be read; `check` reports the others."""
    return index.readable(index.stamps(place))[0]


def _class(symbol: str, asset_class: str | None) -> str:
    return known_class(asset_class) or asset_class_of(symbol.upper())


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; for use without the ``investorbench`` command around it."""
    return app(arguments)


if __name__ == "__main__":
    main()
