"""How fetching looks: the sources, a plan, what came of it, and what a bundle holds."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from investorbench.scripts.data_output import COLOURS, first_few, hanging
from investorbench.scripts.wanted import Wanted
from investorbench_env.market.asset_classes import find_asset_class
from investorbench_env.market.sources.bundles import BundledFile, terms_of
from investorbench_env.market.sources.catalogue import SOURCES
from investorbench_env.market.sources.checks import Check
from investorbench_env.market.sources.coverage import Held
from investorbench_env.market.sources.plan import FetchPlan
from investorbench_env.market.sources.source import WANTS_A_KEY, FetchOutcome, Kind, Source


def print_sources(console: Console, sources: Sequence[Source], contact: str) -> None:
    """What can be fetched, for which assets, under which terms and with which key."""
    width = max(len(source.name) for source in sources)
    for source in sources:
        few = sorted(source.symbols)
        assets = first_few(few, 7) if few else ", ".join(sorted(source.classes))
        hanging(console, source.name, f"{source.gives} · {assets}", width, "bold cyan")
        hanging(console, "", source.terms, width, "dim")
        if wants := source.wants:
            hindrance = source.hindrance(contact)
            text = hindrance or f"{', '.join(wants)}: set"
            hanging(console, "", text, width, "yellow" if hindrance else "green")


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """How each source stands, and what to do where it does not answer."""
    sources = max(len(each.source.name) for each in checks)
    states = max(len(each.state) for each in checks)
    for each in checks:
        mark = "✗" if each.is_fault else "·" if each.says else "✓"
        label = f"{mark} {each.source.name:{sources}}  {each.state:{states}}"
        colour = "red" if each.is_fault else "yellow" if each.says else "green"
        hanging(console, label, each.says.removeprefix(f"{WANTS_A_KEY}: "), len(label), colour)


def print_wanted(console: Console, wanted: Sequence[Wanted]) -> None:
    """The days that are wanted, and of which symbols."""
    spans: dict[str, list[str]] = {}
    for each in wanted:
        span = f"{each.first}..{each.last}, {each.why}"
        spans.setdefault(span, []).append(each.symbol)
    for span, symbols in spans.items():
        hanging(console, first_few(symbols, 7), span, len(first_few(symbols, 7)), "bold")


def print_plans(console: Console, plans: Sequence[FetchPlan]) -> None:
    """What is there, and from where the rest would come, how large and under which terms."""
    kinds = _kinds(plans)
    table = _table("symbol", *kinds)
    for each in plans:
        table.add_row(each.request.symbol, *(_where_from(each, kind) for kind in kinds))
    console.print(table)
    chosen = {source for each in plans for source in each.choices()}
    if choices := [source for source in SOURCES.values() if source in chosen]:
        _print_choices(console, choices, plans)
    others = {source for each in plans for source in each.others()} - set(choices)
    contact = plans[0].request.contact
    keyed = [
        source for source in SOURCES.values() if source in others and source.hindrance(contact)
    ]
    then = [source for source in SOURCES.values() if source in others and source not in keyed]
    if then:
        console.print("next, where one fails or lacks days:", style="dim")
        width = max(len(source.name) for source in then)
        for source in then:
            hanging(console, source.name, source.terms, width, "cyan")
        console.print()
    if keyed:
        text = ", ".join(f"{source.name} ({' '.join(source.wants)})" for source in keyed)
        hanging(console, "also, once set up:", text, 18, "yellow")
    for folder in dict.fromkeys(each.request.into for each in plans):
        console.print(f"in {escape(str(folder))}", style="dim", soft_wrap=True)
    needed, free = _needed_bytes(plans), _free_bytes(plans[0].request.into)
    if needed > free:
        text = f"some {size_text(needed)} to come, and {size_text(free)} free there: give --into"
        hanging(console, "note", text, 4, "red")
    for each in plans:
        row = find_asset_class(each.request.asset_class)
        if row.installed and "prices" in each.asked:
            text = f"a package may have it: investorbench data describe {each.request.symbol}"
            hanging(console, "note", text, 4, "yellow")
        if each.read_before is not None:
            text = (
                f"{each.read_before} has bars of {each.request.symbol} and is read first: add "
                f"--into {each.read_before} to complete what it has"
            )
            hanging(console, "note", text, 4, "yellow")


def _kinds(plans: Sequence[FetchPlan]) -> list[Kind]:
    found = {kind for each in plans for kind in each.held}
    return [kind for kind in get_args(Kind) if kind in found]


def _where_from(plan: FetchPlan, kind: Kind) -> str:
    """Whether a kind is there, or the source that is asked for it first."""
    if kind not in plan.held:
        return "[dim]–[/]"
    if kind not in plan.asked:
        return "[green]there[/]"
    first = plan.first(kind)
    if first is None:
        return "[yellow]once set up[/]" if plan.asked[kind] else "[red]no source[/]"
    if plan.held[kind].names and plan.held[kind].missing:
        missing = plan.held[kind].missing
        return f"{first.name} for {missing:,} day{'' if missing == 1 else 's'}"
    return first.name


def _print_choices(console: Console, choices: Sequence[Source], plans: Sequence[FetchPlan]) -> None:
    """The sources that are asked first, how much each would send, and under which terms."""
    width = max(len(source.name) for source in choices)
    for source in choices:
        label = f"{source.name:{width}}  {_size(source, plans):>7}"
        hanging(console, label, source.terms, len(label), "bold cyan")
        console.print(" " * (len(label) + 2) + source.terms_url, style="dim", soft_wrap=True)
    console.print()


def _sizes(source: Source, plans: Sequence[FetchPlan]) -> list[int | None]:
    """About how many bytes a source would send for each plan in which it is asked first."""
    return [
        source.size(replace(each.lacking, kinds=source.serves(each.lacking)))
        for each in plans
        if source in each.choices()
    ]


def _size(source: Source, plans: Sequence[FetchPlan]) -> str:
    sizes = _sizes(source, plans)
    known = [size for size in sizes if size is not None]
    return size_text(sum(known)) if len(known) == len(sizes) else "unknown"


def _needed_bytes(plans: Sequence[FetchPlan]) -> int:
    """What all sources that are asked first would send, as far as it is known."""
    sources = dict.fromkeys(source for each in plans for source in each.choices())
    return sum(size or 0 for source in sources for size in _sizes(source, plans))


def _free_bytes(folder: Path) -> int:
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free


def print_outcomes(console: Console, outcomes: list[FetchOutcome]) -> None:
    """One line a source, or as many as its reason needs; those without their key in one."""
    symbols = max(len(outcome.symbol) for outcome in outcomes)
    sources = max(len(outcome.source) for outcome in outcomes)
    keyless = [outcome for outcome in outcomes if outcome.note.startswith(WANTS_A_KEY)]
    for outcome in outcomes:
        if outcome in keyless and len(keyless) > 1:
            continue
        mark = {"failed": "✗", "skipped": "·"}.get(outcome.status, "✓")
        label = f"{mark} {outcome.symbol:{symbols}} {outcome.source:{sources}}"
        size = f"{outcome.rows:,} rows" if outcome.rows else ""
        name = ", ".join(f"{path.parent.name}/{path.name}" for path in outcome.paths)
        text = ", ".join(part for part in (outcome.status, size, name, outcome.note) if part)
        hanging(console, label, text, len(label), COLOURS[outcome.status])
    if len(keyless) > 1:
        names = ", ".join(dict.fromkeys(outcome.source for outcome in keyless))
        text = f"{names}: each wants a key; see investorbench data sources"
        hanging(console, "· skipped", text, symbols + sources + 3, COLOURS["skipped"])


def print_held(console: Console, plans: Sequence[FetchPlan]) -> None:
    """What there is of each symbol after fetching, and what is lacking."""
    kinds = _kinds(plans)
    table = _table("symbol", *kinds)
    for each in plans:
        cells = [_how_much(kind, each.held.get(kind)) for kind in kinds]
        table.add_row(each.request.symbol, *cells)
    console.print(table)


def _how_much(kind: Kind, held: Held | None) -> str:
    if held is None:
        return "[dim]–[/]"
    if not held.names:
        return "[red]none[/]"
    count = f"{len(held.dates) if kind == 'prices' else held.rows:,}"
    if held.is_whole:
        return f"[green]{count}[/]"
    what = "lacking" if kind == "prices" else "not asked for"
    days = "day" if held.missing == 1 else "days"
    return f"[yellow]{count}, {held.missing:,} {days} {what}[/]"


def print_bundled(console: Console, files: Sequence[BundledFile]) -> None:
    """The files of a bundle, and their terms."""
    width = max(len(each.name) for each in files)
    for each in files:
        size = size_text(each.size) + ("" if each.is_new else ", there already")
        hanging(console, each.name, size, width, "cyan")
    for terms in terms_of(files):
        hanging(console, "terms of use:", terms, 13, "dim")
    terms_there = {each.terms for each in files}
    kept_back = [
        source.name
        for source in SOURCES.values()
        if "publishing" in source.forbids and source.terms in terms_there
    ]
    if kept_back:
        text = f"for machines of your own: what is from {', '.join(kept_back)} may not be passed on"
        hanging(console, "note", text, 4, "yellow")


def size_text(number: int) -> str:
    """A number of bytes as people say it."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= least:
            return f"{number / least:.3g} {unit}"
    return f"{number} bytes"


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold")
    for name in columns:
        table.add_column(
            name, justify="right" if name in right else "left", overflow="fold", no_wrap=False
        )
    return table
