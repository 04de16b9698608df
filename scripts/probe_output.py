"""How ``investorbench probe brittleness`` looks: a line a probe, and what it comes to."""

import math
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from investorbench.scripts.terminal import Console
from investorbench.tasks.probes import Brittleness, ProbeOutcome
from investorbench.tasks.statistics.proportions import Share
from investorbench.tasks.wording import NONE, count, listed, number, p_value, percent, usd

COLUMNS = ("probe", "states", "flips, %", "95 % interval", "noise, %", "p", "breaches")
KINDS = {
    "reading": "how a question is read",
    "format": "in which form it is answered",
    "consistency": "whether plans and figures are kept",
}


def print_brittleness(console: Console, found: Brittleness, path: Path) -> None:
    """All that a probe has found."""
    stamp = "[bold yellow]SIMULATED[/] " if found.simulated else ""
    on = f"[bold]{escape(found.model)}[/] on {escape(found.task)}"
    console.print(f"{stamp}{on}: {_states(found)}, from {escape(found.source)}", soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if place == 0 else "right", no_wrap=True)
    kind = ""
    for outcome in found.outcomes:
        if outcome.probe.kind != kind:
            kind = outcome.probe.kind
            table.add_row(f"[bold cyan]{kind}[/]")
        style = "bold red" if outcome.is_brittle else None
        table.add_row(*_row(outcome), style=style)
    console.print(table)
    for outcome in found.outcomes:
        console.print(f"[dim]{outcome.probe.name}: {escape(outcome.probe.says)}[/]", soft_wrap=True)
    console.print(f"\n{escape(sentence(found))}", soft_wrap=True)
    cost = "" if not found.cost_usd else f" · {usd(found.cost_usd)}"
    console.print(f"[dim]{escape(str(path))}{cost}[/]", soft_wrap=True)


def _row(outcome: ProbeOutcome) -> list[str]:
    low, high = outcome.flips.interval()
    breaches = NONE if outcome.breaches is None else "{} → {}".format(*outcome.breaches)
    return [
        f" {outcome.probe.name}",
        str(outcome.flips.of),
        _share(outcome.flips),
        f"{percent(low, 0)} to {percent(high, 0)}" if outcome.flips.of else NONE,
        _share(outcome.noise),
        p_value(outcome.adjusted),
        breaches,
    ]


def _share(share: Share) -> str:
    return percent(share.value, 0)


def _states(found: Brittleness) -> str:
    markets = f" of {count(found.markets, 'market')}" if found.markets > 1 else ""
    apart = found.hours_apart
    far = f", {number(apart, 1)} hours apart or more" if math.isfinite(apart) else ""
    return f"{count(found.states, 'state')}{markets}{far}"


def sentence(found: Brittleness) -> str:
    """What it comes to, in a few sentences."""
    brittle = [each for each in found.outcomes if each.is_brittle]
    own = f"{_noise(found)} p is adjusted over all probes (Holm)."
    mark = "" if found.is_language_model else " It is no language model, but reads by rules."
    if brittle:
        names = listed([each.probe.name for each in brittle])
        kinds = listed([KINDS[kind] for kind in KINDS if kind in found.kinds])
        said = f"Brittle in {kinds}: {names} changed decisions beyond its noise."
    else:
        few = "" if found.states >= ENOUGH else f" {FEW}"
        said = f"No wording changed its decisions beyond its own noise.{few}"
    return f"{said}{_whatever(found)} {own}{mark}"


def _noise(found: Brittleness) -> str:
    """How often the same question was answered otherwise, and what that says."""
    noise = max((each.noise.value or 0.0 for each in found.outcomes), default=0.0)
    again = "The same question with another seed was"
    if not noise:
        return (
            f"{again} never answered otherwise: the model samples nothing, or its server takes no "
            "seed. Its noise is then unknown, and any other words might have done the same."
        )
    often = f"answered otherwise in up to {percent(noise, 0)} % of states"
    return f"{again} {often}: that is the model's own noise."


def _whatever(found: Brittleness) -> str:
    """Breaches that no wording led to: no flips, and worth a sentence."""
    given = ((each, (each.breaches or (0, 0))[0]) for each in found.outcomes)
    each = [f"{own.probe.name} in {first} of {own.flips.of}" for own, first in given if first]
    return f" Breaches without such a wording: {listed(each)}." if each else ""


ENOUGH = 100
"""States from which on a wording that changes two decisions of five is mostly found."""
FEW = "That is no sign of robustness: so few states show what changes most decisions, not less."
