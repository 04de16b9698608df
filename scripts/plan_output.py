"""How ``investorbench plan`` looks: a row a model, and what the table will distinguish."""

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from investorbench.tasks.suites.estimates import TaskEstimate
from investorbench.tasks.suites.plans import SuitePlan
from investorbench.tasks.wording import count, number, roughly


def print_plan(plan: SuitePlan, console: Console) -> None:
    """All of it."""
    console.print(f"[bold]{escape(plan.suite.name)}[/] · {escape(plan.suite.about)}")
    console.print(_table(plan))
    for each in plan.tasks:
        for line in shows(each, len(plan.models)):
            console.print(line, markup=False)
    console.print("\n".join(_rests_on(plan)), style="dim", markup=False)


def shows(task: TaskEstimate, models: int) -> Iterator[str]:
    """What a task will distinguish, in sentences."""
    two = task.differences()
    if two is None:
        yield f"{task.task}: {task.why_not or 'no pilot says what it distinguishes'}"
        return
    yield (
        f"{task.task}: two models are distinguished with 80 % power where their edges differ by "
        f"{_range(two)} bps a decision{_in_skill(two, task)}"
    )
    if models > 2 and (of_all := task.differences(models)) is not None:
        skill = _in_skill(of_all, task)
        yield f"  any two of {models}, all pairs at once: {_range(of_all)} bps{skill}"


def _range(found: tuple[float, float]) -> str:
    least, most = map(roughly, found)
    return least if least == most else f"{least} to {most}"


def _in_skill(found: tuple[float, float], task: TaskEstimate) -> str:
    if not task.scale:
        return ""
    least, most = (f"{each / task.scale:.2f}".removeprefix("0") for each in found)
    return f" ({least if least == most else f'{least} to {most}'} of skill)"


def _table(plan: SuitePlan) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
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
    for each in plan.tasks:
        if each.spread is not None:
            yield (
                f"{each.task}: differences of two agents vary by {_range(each.spread[:2])} bps "
                f"from decision to decision, by {each.spread.source}"
            )
    days = sorted({each.as_of for each in plan.models if each.as_of})
    if days:
        yield f"prices as of {days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}"
    if free := [each.name for each in plan.models if each.usd is None]:
        yield f"without a price: {', '.join(free)}"
