"""What a result says of itself, line by line: whose it is, its figures, and what they rest on."""

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.metrics import metrics
from investorbench.tasks.showing.snapshots import size_of, worth_of
from investorbench.tasks.task import OF_ASSETS
from investorbench.tasks.wording import NONE, count, number
from investorbench_env.errors import InvestorBenchError

if TYPE_CHECKING:
    from investorbench.tasks.result import Result

SHOWN = ("CR", "SR", "AV", "MDD", "trades", "turnover", "time_in_market", "costs")
"""Metrics, by their keys; all of them are in ``Result.metrics``."""
UNITS = (" %", " USD")
"""As heads of columns end."""
MOST_REPEATS = 10
MOST_FINDINGS = 8
LONGEST = 300
"""Characters of a finding."""


class ShownFigure(NamedTuple):
    """A metric as it is written.

    Attributes:
        name: of the metric.
        text: the figure with its unit.
        doc: what it is.
    """

    name: str
    text: str
    doc: str


def title_of(result: "Result") -> str:
    """Who was scored on what, where and when."""
    first, last = result.window
    is_of_many = is_of_snapshots(result.facts)
    steps = size_of(result) if is_of_many else count(len(result.median.rewards), "step")
    name = result.task.id if "-" in result.task.id.rpartition("/")[2] else _with_symbols(result)
    return f"{result.agent} on {name} · {result.protocol} · {first} to {last}, {steps}"


def source_of(result: "Result") -> str:
    """Where prices and texts come from; what is simulated is stamped."""
    drawn = f", {result.facts.markets}" if result.facts.markets else ""
    return f"{'SIMULATED: ' if result.simulated else 'data: '}{result.data_source}{drawn}"


def figures_of(result: "Result") -> list[ShownFigure]:
    """The figures of the result, means over its repeats."""
    if is_of_snapshots(result.facts):
        return [ShownFigure(*each) for each in worth_of(result)]
    rows = {metric.key: metric for metric in metrics()}
    figures, found = result.metrics, []
    for key in SHOWN:
        metric, value = rows[key], figures[key]
        unit = next((each for each in UNITS if metric.head.endswith(each)), "")
        text = metric.unit.text(value, metric.digits) + unit
        found.append(ShownFigure(metric.head.removesuffix(unit), text, metric.doc))
        if key == "SR":
            ends = [number(figures[f"SR_{end}"], 1) for end in ("low", "high")]
            interval = NONE if NONE in ends else f"{ends[0]} to {ends[1]}"
            found.append(ShownFigure("95 %", interval, "normal interval of the Sharpe ratio"))
    return found


def notes_of(result: "Result") -> Iterator[str]:
    """What the figures rest on: options, repeats, ruin, answers, and what the data lacks."""
    if result.knows:
        yield f"{result.agent} {result.knows}"
    given = sorted(result.task.options.items())
    options = ", ".join(f"{name}={value}" for name, value in given if name not in OF_ASSETS)
    if options:
        yield f"options: {options}"
    repeats = len(result.episodes)
    if repeats > 1 and not is_of_snapshots(result.facts):
        key = "SR" if isfinite(result.metrics["SR"]) else "CR"
        metric = next(each for each in metrics() if each.key == key)
        each = [
            metric.unit.text(one.metrics[key], metric.digits)
            for one in result.episodes[:MOST_REPEATS]
        ]
        more = ", …" if repeats > MOST_REPEATS else ""
        known = f"{metric.head} {', '.join(each)}{more}"
        yield f"{repeats} repeats, {known}: figures are means over them"
        kind = "Sharpe ratio" if key == "SR" else "return"
        yield f"equity, actions and pictures are of the repeat with the median {kind}"
    yield from _ruined(result)
    yield from _answers(result)
    yield from _forecasts(result)
    yield from (_short(finding) for finding in result.findings[:MOST_FINDINGS])
    if len(result.findings) > MOST_FINDINGS:
        more = count(len(result.findings) - MOST_FINDINGS, "more finding")
        yield f"… and {more} in result.findings"


def text_of(result: "Result") -> str:
    """All of it as plain text."""
    figures = "   ".join(f"{each.name} {each.text}" for each in figures_of(result))
    return "\n".join([title_of(result), figures, source_of(result), *notes_of(result)])


def _with_symbols(result: "Result") -> str:
    return f"{result.task.id} {result.facts.symbol}"


def _ruined(result: "Result") -> Iterator[str]:
    """When accounts were ruined; of several repeats how many, and when the first of them."""
    ruined = [each.sessions[-1] for each in result.episodes if each.ended_early]
    if not ruined:
        return
    if len(result.episodes) == 1:
        yield f"ruined on {ruined[0]}"
    else:
        yield f"{len(ruined)} of {len(result.episodes)} repeats ruined, the first on {min(ruined)}"


def _answers(result: "Result") -> Iterator[str]:
    asked = [one for each in result.episodes for one in (each.answers or {}).values() if one]
    if not asked:
        return
    if not all(one["is_language_model"] for one in asked):
        yield "answered by a word list and momentum, not by a language model"
        return
    decisions, invalid = (sum(one[name] for one in asked) for name in ("decisions", "invalid"))
    yield f"{count(decisions, 'decision')}, {number(invalid)} without a usable answer"


def _forecasts(result: "Result") -> Iterator[str]:
    """How good forecasts are, where there are any that can be scored."""
    if not any(each.forecasts for each in result.episodes):
        return
    try:
        scores = result.forecast_scores
    except InvestorBenchError as error:
        yield f"forecasts: {error}"
        return
    found = scores.brier.realised
    ends = "" if found.low is None else f" ({number(found.low, 3)} to {number(found.high, 3)})"
    yield (
        f"{number(scores.given)} of {count(scores.decisions, 'decision')} with a forecast: Brier "
        f"{number(found.value, 3)}{ends}, 0.25 for always one half"
    )


def _short(finding: str) -> str:
    return finding if len(finding) <= LONGEST else f"{finding[: LONGEST - 1]}…"
