"""``investorbench data fetch``, ``sources``, ``bundle`` and ``add``: data that arrives.

Parse, call, print; what is asked for by name is in ``wanted``.
"""

import os
import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.markup import escape

from investorbench.scripts import data_output, fetch_output
from investorbench.scripts.wanted import wanted
from investorbench_env.errors import (
    CorruptDataError,
    DataNotFoundError,
    DateRangeError,
    InvestorBenchError,
    UnknownNameError,
)
from investorbench_env.market import library
from investorbench_env.market.asset_classes import ASSET_CLASSES, PERPETUAL, find_asset_class
from investorbench_env.market.sources import bundles, fetching
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.checks import check_all
from investorbench_env.market.sources.plan import FetchPlan, place_of, plan
from investorbench_env.market.sources.source import (
    CONTACT,
    INTERVALS,
    KINDS,
    OF_THE_ARENA,
    USES,
    FetchOutcome,
    FetchRequest,
    Kind,
    Use,
    last_over,
)

Place = Annotated[
    Path | None,
    typer.Option("--data", help="A folder or file, in place of $INVESTORBENCH_DATA and the cache."),
]
Class = Annotated[
    str | None,
    typer.Option(
        "--asset-class", help=f"One of {', '.join(ASSET_CLASSES)}; guessed from the symbol."
    ),
]
Contact = Annotated[
    str | None, typer.Option(help=f"Your name and e-mail, for the SEC; ${CONTACT}.")
]
MILLION = 10**6
FUNDAMENTALS: Kind = "fundamentals"


def fetch_data(
    names: Annotated[
        list[str],
        typer.Argument(
            help="A task such as stock/tsla, several as stock or paper, a universe, or a symbol."
        ),
    ],
    first: Annotated[
        str | None, typer.Option("--from", help="First day, YYYY-MM-DD; else what a task needs.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last day, YYYY-MM-DD; else what a task needs.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="Only this one; may be given often. See `data sources`."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help=f"Only this; may be given often: {', '.join(get_args(Kind))}."),
    ] = None,
    use: Annotated[
        list[str] | None,
        typer.Option("--use", help=f"Leave out sources whose terms forbid it: {', '.join(USES)}."),
    ] = None,
    interval: Annotated[
        list[str] | None,
        typer.Option("--interval", help="Of perpetuals, bars so long; may be given often."),
    ] = None,
    asset_class: Class = None,
    into: Annotated[Path | None, typer.Option("--into", help="A folder; else the cache.")] = None,
    contact: Contact = None,
    again: Annotated[bool, typer.Option("--again", help="Also what is there already.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before fetching.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the plan.")] = False,
) -> None:
    """Print what is there and where the rest comes from, then download it; resumes if killed."""
    known = known_class(asset_class)
    begin, end = _day(first) if first else None, _day(last) if last else None
    folder = _folder(into)
    assets = [each for name in names for each in wanted(name, known, begin, end)]
    requests = [
        FetchRequest(
            symbol=each.symbol,
            asset_class=each.asset_class,
            first=each.first,
            last=each.last,
            into=folder,
            contact=contact or fetching.contact(),
            kinds=_chosen(kind),
            intervals=_lengths(interval),
            uses=_uses(use),
            again=again,
        )
        for each in assets
    ]
    for request in requests:
        over = last_over(request.asset_class)
        if end and end > over:
            raise DateRangeError(f"--to {end} is not over yet: give a day up to {over}")
        if request.last < request.first:
            raise DateRangeError(f"--to {request.last} comes before --from {request.first}")
    chosen = source or []
    plans = [_planned(request, chosen, into is None) for request in requests]
    console = data_output.console()
    fetch_output.print_wanted(console, assets)
    fetch_output.print_plans(console, plans)
    to_do = [each for each in plans if any(each.asked.values())]
    if dry_run:
        console.print("nothing was fetched: this is a dry run", style="dim")
        return
    if not to_do:
        lacking = [each.lacking for each in plans if each.asked]
        if lacking:  # no source is asked, and each says why
            found = [outcome for each in lacking for outcome in fetching.fetch(each, chosen)]
            fetch_output.print_outcomes(console, found)
        if not all(map(_comes_with_a_package, lacking)):
            console.print("[red]✗[/] no source has the rest")
            raise typer.Exit(1)
        console.print("[green]✓[/] " + ("nothing to fetch" if lacking else "all there"))
        raise typer.Exit(0)
    is_asked = sys.stdin.isatty() and sys.stdout.isatty() and not yes
    if is_asked and not typer.confirm("Fetch it, under these terms?", default=True):
        console.print("nothing was fetched", style="dim")
        raise typer.Exit(1)
    outcomes: list[FetchOutcome] = []
    is_lacking = False
    try:
        for each in to_do:
            found = _with_progress(each.lacking, chosen)
            is_lacking |= bool(fetching.unmended(each.lacking, found))
            outcomes += found
    except KeyboardInterrupt:
        text = "stopped: what is complete stays, and the same command fetches the rest"
        console.print(text, style="yellow")
        raise typer.Exit(130) from None
    fetch_output.print_outcomes(console, outcomes)
    after = [
        _planned(replace(each.request, again=False), chosen, is_elsewhere=False) for each in plans
    ]
    console.print()
    fetch_output.print_held(console, after)
    if len(after) == 1:
        _describe_fetched(console, after[0])
    if is_lacking or any("prices" in each.held and not each.held["prices"].dates for each in after):
        raise typer.Exit(1)


def _comes_with_a_package(lacking: FetchRequest) -> bool:
    """Whether prices that no source has are in a package, where there is one, and not fetched."""
    return "prices" in lacking.kinds and bool(find_asset_class(lacking.asset_class).installed)


def _planned(request: FetchRequest, sources: list[str], is_elsewhere: bool) -> FetchPlan:
    """The plan of a request; of the folder that is read before, where nothing is lacking there.

    Args:
        request: what is wanted.
        sources: names of those that may be asked.
        is_elsewhere: whether it may be in another folder than the one of the request.
    """
    searched = library.searched_places()
    found = plan(request, sources, searched)
    if is_elsewhere and found.read_before is not None:
        there = plan(replace(request, into=found.read_before), sources, searched)
        if not there.asked:
            return there
    return found


def _chosen(kinds: list[str] | None) -> frozenset[Kind]:
    """The kinds that are named; without, all but fundamentals, of which filings say the same."""
    for kind in kinds or ():
        if kind not in KINDS:
            raise UnknownNameError("kind of data", kind, KINDS)
    return frozenset(each for each in KINDS if (each in kinds if kinds else each != FUNDAMENTALS))


def _lengths(named: list[str] | None) -> tuple[str, ...]:
    """The lengths of candles that are named; without, those of the arena."""
    for interval in named or ():
        if interval not in INTERVALS:
            raise UnknownNameError("interval", interval, INTERVALS)
    return tuple(dict.fromkeys(named)) if named else OF_THE_ARENA


def _uses(named: list[str] | None) -> frozenset[Use]:
    for use in named or ():
        if use not in USES:
            raise UnknownNameError("use", use, USES)
    return frozenset(each for each in USES if each in (named or ()))


def _with_progress(request: FetchRequest, sources: list[str]) -> list[FetchOutcome]:
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
        task = bar.add_task(request.symbol, total=None)

        def advance(done: int, total: int, what: str) -> None:
            unit = MILLION if total > MILLION else 1  # bytes are shown as megabytes
            bar.update(task, completed=done // unit, total=total // unit, description=what)

        return fetching.fetch(request, sources, advance)


def _describe_fetched(console: Console, after: FetchPlan) -> None:
    """Say what the market of one symbol now holds, where it has one."""
    request = after.request
    try:
        market = library.find_market(
            request.symbol, request.asset_class, request.into, data_tolerance=1.0
        )
    except (DataNotFoundError, UnknownNameError):
        return
    except CorruptDataError as error:
        if request.asset_class != PERPETUAL.name:
            raise
        # What came is whole, but its rates are of another venue than the one that is meant unnamed.
        console.print(escape(str(error)), style="yellow", soft_wrap=True)
        return
    data_output.print_description(console, library.describe(market))


def list_sources(
    check: Annotated[
        bool, typer.Option("--check", help="Make one small request to each: does it answer?")
    ] = False,
    contact: Contact = None,
) -> None:
    """Show what can be fetched from where, with which key and under which terms."""
    console, who = data_output.console(), contact or fetching.contact()
    if not check:
        fetch_output.print_sources(console, tuple(SOURCES.values()), who)
        return
    checks = check_all(SOURCES.values(), who)
    fetch_output.print_checks(console, checks)
    if any(each.is_fault for each in checks):
        raise typer.Exit(1)


def bundle_data(
    names: Annotated[list[str], typer.Argument(help="Tasks, suites, universes or symbols.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file, such as data.zip.")],
    data: Place = None,
    asset_class: Class = None,
) -> None:
    """Write what tasks have into one file, with its provenance and terms, to carry over."""
    known = known_class(asset_class)
    assets = [each for name in names for each in wanted(name, known)]
    requests = [
        FetchRequest(
            symbol=each.symbol,
            asset_class=each.asset_class,
            first=each.first,
            last=each.last,
            into=data or place_of(each.symbol, each.asset_class, library.searched_places()),
        )
        for each in assets
    ]
    files = bundles.bundle(requests, output)
    console = data_output.console()
    fetch_output.print_bundled(console, files)
    size = fetch_output.size_text(output.stat().st_size)
    console.print(
        f"[green]✓[/] {escape(str(output))}, {size}; there: investorbench data add {output.name}",
        soft_wrap=True,
    )


def _folder(into: Path | None) -> Path:
    """The folder that is filled, the cache for None.

    Raises:
        InvestorBenchError: it can be none.
    """
    try:
        folder = (into or library.cache_folder()).expanduser()
    except RuntimeError as error:
        raise InvestorBenchError(f"--into {into} leads nowhere ({error}): name a folder") from error
    there = next((each for each in (folder, *folder.parents) if os.path.lexists(each)), None)
    if there is not None and not there.exists():
        raise InvestorBenchError(
            f"--into {into} leads nowhere ({there} is a link to what is not there): name a folder"
        )
    if there is not None and not there.is_dir():
        raise InvestorBenchError(f"{there} is a file: name a folder with --into")
    return folder


def add_data(
    file: Annotated[Path, typer.Argument(help="What `data bundle` wrote.")],
    into: Annotated[Path | None, typer.Option("--into", help="A folder; else the cache.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Replace files that differ.")] = False,
) -> None:
    """Take in a bundle, once all of it has been verified."""
    folder = _folder(into)
    files = bundles.add(file, folder, again=again)
    console = data_output.console()
    fetch_output.print_bundled(console, files)
    console.print(f"[green]✓[/] in {escape(str(folder))}", soft_wrap=True)


def known_class(asset_class: str | None) -> str | None:
    """The name of a class, in any case; None where none is named."""
    return None if asset_class is None else find_asset_class(asset_class.lower()).name


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise DateRangeError(f"{text!r} is not a date; write it as YYYY-MM-DD") from None
