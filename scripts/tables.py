"""Results as a table for the terminal."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.result import Result

Column = tuple[str, Callable[[Result], str]]


def _percent(name: str) -> Callable[[Result], str]:
    return lambda result: _number(result.metrics[name] * 100.0, 1)


def _number(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "–"
    # Adding 0.0 takes the sign from a zero.
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def _sharpe(result: Result) -> str:
    return _number(result.metrics["SR"], 2)


def _interval(result: Result) -> str:
    low, high = (result.metrics[name] for name in ("SR_low", "SR_high"))
    return f"{_number(low, 1)}…{_number(high, 1)}" if math.isfinite(low + high) else "–"


def _trades(result: Result) -> str:
    return str(int((result.median.notional > 0.0).sum()))


COLUMNS: tuple[Column, ...] = (
    ("CR %", _percent("CR")),
    ("SR", _sharpe),
    ("SR 95 %", _interval),
    ("AV %", _percent("AV")),
    ("MDD %", _percent("MDD")),
    ("hit %", _percent("hit_ratio")),
    ("held %", _percent("time_in_market")),
    ("trades", _trades),
)


def print_results(results: Iterable[Result], console: Console) -> None:
    """One table for each task, protocol, window and data source; they never share one."""
    ordered = sorted(results, key=setting_of)
    for _, group in groupby(ordered, key=setting_of):
        print_table(list(group), console)


def setting_of(result: Result) -> tuple[str, ...]:
    """What results must have in common to stand in one table."""
    options = str(sorted(result.task.options.items(), key=str))
    return (result.task.id, result.protocol, *result.window, result.data_source, options)


def print_table(results: list[Result], console: Console) -> None:
    """Agents by Sharpe ratio, and below them what the figures rest on."""
    first = results[0]
    start, end = first.window
    stamp = "[bold yellow]SIMULATED[/] " if first.simulated else ""
    name = first.task.id if "-" in first.task.id else f"{first.task.id} {first.task.symbol}"
    console.print(f"{stamp}[bold]{name}[/] · {first.protocol} · {start} to {end}", highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("agent", overflow="fold")
    for name, _ in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for result in sorted(results, key=lambda result: -result.metrics["SR"]):
        ruined = any(episode.ended_early for episode in result.episodes)
        table.add_row(escape(result.agent) + " †" * ruined, *(text(result) for _, text in COLUMNS))
    console.print(table)
    console.print(_notes(first, results), style="dim", highlight=False, markup=False)
    console.print()


def _notes(first: Result, results: list[Result]) -> str:
    lines = [f"data: {first.data_source}"]
    options = {name: value for name, value in first.task.options.items() if name != "symbol"}
    if options:
        lines.append("options: " + ", ".join(f"{name}={value}" for name, value in options.items()))
    if first.fills == "next_close":
        lines.append("orders filled at the next close, since the data has no opens")
    if any(episode.ended_early for result in results for episode in result.episodes):
        lines.append("† ruined before the end: the account was worth nothing any more")
    lines += [line for result in results for line in answers_of(result)]
    repeats = max(len(result.episodes) for result in results)
    if repeats > 1:
        lines.append(f"of {repeats} repeats, the one with the median Sharpe ratio")
    if len(results) > 1:
        lines.append(told_apart(results))
    return "\n".join(lines)


def answers_of(result: Result) -> Iterator[str]:
    """What a language model's answers came to, over all repeats and both splits."""
    splits = [split for episode in result.episodes for split in (episode.answers or {}).values()]
    asked = [split for split in splits if split]
    if not asked:
        return
    if not all(split["is_language_model"] for split in asked):
        yield f"{result.agent}: a word list and momentum, not a language model"
        return
    decisions, invalid = (sum(split[name] for split in asked) for name in ("decisions", "invalid"))
    read, written = (sum(split["tokens"][name] for split in asked) for name in ("input", "output"))
    costs = [split["cost_usd"] for split in asked]
    spent = 0.0 if None in costs else sum(costs)
    cost = f", {spent:.2f} USD" if spent >= 1.0 else f", {spent:.4f} USD" if spent else ""
    yield (
        f"{result.agent}: {decisions:,} decisions, {invalid:,} without a usable answer; "
        f"{read:,} tokens read, {written:,} written{cost}"
    )


def told_apart(results: list[Result]) -> str:
    """Whether any interval of the Sharpe ratio lies wholly above that of the first baseline."""
    held = [result for result in results if result.agent == "buy_and_hold"]
    if not held:
        return "intervals that overlap tell no agents apart"
    high = held[0].metrics["SR_high"]
    better = [result.agent for result in results if result.metrics["SR_low"] > high]
    if better:
        return f"clearly above buy and hold (intervals do not overlap): {', '.join(better)}"
    return "no agent is clearly above buy and hold: the intervals overlap"
