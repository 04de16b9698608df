"""How ``investorbench plan`` looks: a row a model, and what the table will distinguish."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from investorbench.tasks.planning.plans import SuitePlan
from investorbench.tasks.wording import count, number, roughly


def print_plan(plan: SuitePlan, console: Console) -> None:
    """All of it."""
    console.print(f"[bold]{escape(plan.suite.name)}[/] · {escape(plan.suite.about)}")
    console.print(_table(plan))
    if any(each.spread for each in plan.tasks):
        console.print("differences that are seen with 80 % power at 5 %:")
        console.print(_seen_table(plan))
    console.print("\n".join(_rests_on(plan)), style="dim", markup=False)


def _seen_table(plan: SuitePlan) -> Table:
    """What each task will distinguish."""
    table, agents = _empty_table(), plan.in_a_table
    table.add_column("task", overflow="fold")
    for head in ("observations", "two alone", *([f"any two of {agents}"] if agents > 2 else [])):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("in")
    for each in plan.tasks:
        two = each.differences()
        if two is None:
            continue
        of_all = each.differences(agents) if agents > 2 else None
        cells = [_range(two), *([] if of_all is None else [_range(of_all)])]
        table.add_row(escape(each.task), number(each.independent), *cells, each.unit)
        if each.scale:
            skills = [_in_skill(found, each.scale) for found in (two, of_all) if found]
            table.add_row("", "", *skills, "skill")
    return table


def _range(found: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(map(roughly, found)))


def _in_skill(found: Sequence[float], scale: float) -> str:
    ends = (f"{each / scale:.2f}".removeprefix("0") for each in found)
    return " to ".join(dict.fromkeys(ends))


def _table(plan: SuitePlan) -> Table:
    table = _empty_table()
    table.add_column("model", overflow="fold")
    for head in ("decisions", "tokens read", "written", "USD", "time"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in plan.models:
        table.add_row(
            escape(each.name),
            number(each.decisions),
            number(each.read),
            number(each.written),
            number(each.usd, 2),
            _time(each.hours),
        )
    if len(plan.models) > 1:
        table.add_section()
        known = [each.usd for each in plan.models if each.usd is not None]
        table.add_row(
            "all",
            number(sum(each.decisions for each in plan.models)),
            number(sum(each.read for each in plan.models)),
            number(sum(each.written for each in plan.models)),
            number(sum(known), 2) if known else number(None),
            _time(max(each.hours for each in plan.models)),
        )
    return table


def _empty_table() -> Table:
    return Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def _time(hours: float) -> str:
    return f"{roughly(hours)} h" if hours >= 1.0 else f"{max(round(hours * 60), 1)} min"


def _rests_on(plan: SuitePlan) -> Iterator[str]:
    answering, pilot = plan.answering, plan.pilot
    source = "as the suite has it" if pilot is None or not pilot.answering else f"as in {pilot.run}"
    yield (
        f"one question a decision, {count(round(answering.read), 'token')} read and "
        f"{number(answering.written)} written, {source}; {number(answering.seconds)} s an answer, "
        "models side by side"
    )
    sources: dict[str, list[str]] = {}
    for each in plan.tasks:
        if each.spread is not None:
            text = f"{_range(each.spread[:2])} {each.unit}, by {each.spread.source}"
            sources.setdefault(text, []).append(each.task)
        else:
            yield f"{each.task}: {each.why_not}"
    for text, tasks in sources.items():
        yield f"{', '.join(tasks)}: differences of two vary by {text}"
    days = sorted({each.as_of for each in plan.models if each.as_of})
    if days:
        yield f"prices as of {days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}"
    if free := [each.name for each in plan.models if each.usd is None]:
        yield f"without a price: {', '.join(free)}"
