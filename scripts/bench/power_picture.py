"""Draw how many decisions it takes against how large a difference is, for ``docs/power.md``.

``python -m investorbench.scripts.bench.power_picture docs/power.json docs/images/power.png``
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HORIZON, ACTION = 5, "trade"
"""Those of ``sim-core``."""
SPAN = 2.0, 150.0
"""Differences that are drawn."""
BLUE, ORANGE = "#0b5cad", "#c05a00"


class NeededSeries(NamedTuple):
    """Pairs of policies by one kind of score.

    Attributes:
        label: what is counted, and by what.
        names: of the pairs.
        differences: in basis points a decision, or a day.
        needed: decisions, or days.
        colour: of the points.
        is_filled: or rings.
    """

    label: str
    names: Sequence[str]
    differences: Sequence[float]
    needed: Sequence[float]
    colour: str
    is_filled: bool


def series_of(study: Mapping[str, Any]) -> Iterator[NeededSeries]:
    """What is drawn of a study, as ``investorbench.scripts.bench.power`` keeps it."""
    (order,) = [
        each
        for each in study["snapshots"]
        if (each["horizon"], each["action"]) == (HORIZON, ACTION)
    ]
    for kind, is_filled in (("expected", True), ("realised", False)):
        pairs = order["pairs"]
        yield NeededSeries(
            f"snapshots, {kind} returns",
            [_name(pair) for pair in pairs],
            [pair["difference"] for pair in pairs],
            [pair[kind]["decisions"] for pair in pairs],
            BLUE,
            is_filled,
        )
    for kind, is_filled in (("expected", True), ("realised", False)):
        pairs = study["episodes"]
        yield NeededSeries(
            f"days of episodes, {kind} returns",
            [_name(pair) for pair in pairs],
            [pair["difference"] for pair in pairs],
            [pair[f"{kind}_days"] for pair in pairs],
            ORANGE,
            is_filled,
        )


def picture(study: Mapping[str, Any]) -> "Figure":
    """The figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.0), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    every = list(series_of(study))
    for own in every:
        _draw(axes, own)
    for own, other in zip(every[::2], every[1::2], strict=True):
        for x, low, high, name in zip(
            own.differences, own.needed, other.needed, own.names, strict=True
        ):
            axes.plot([x, x], [low, high], color=own.colour, alpha=0.3, linewidth=1.0, zorder=1)
            place, side = ((0, -14), "center") if own.colour == BLUE else ((-8, -3), "right")
            axes.annotate(
                name, (x, low), xytext=place, textcoords="offset points", fontsize=8, ha=side
            )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="difference of two policies, basis points a decision (a day, of episodes)",
        ylabel="decisions (days) needed: 80 % power at 5 %",
    )
    axes.set_xlim(*SPAN)
    axes.set_ylim(15.0, 30_000.0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.25, which="both", linewidth=0.5)
    axes.legend(fontsize=8, loc="lower left", frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure


def _draw(axes: "Axes", own: NeededSeries) -> None:
    marker = "o" if own.label.startswith("snapshots") else "s"
    face = own.colour if own.is_filled else "white"
    axes.plot(
        own.differences, own.needed, marker, markersize=7, markeredgecolor=own.colour,
        markerfacecolor=face, label=own.label, zorder=3,
    )  # fmt: skip
    if marker == "o":
        # With one spread for all pairs, half the difference takes four times as many.
        level = float(np.median(np.array(own.needed) * np.array(own.differences) ** 2))
        across = np.array(SPAN)
        style = "-" if own.is_filled else "--"
        axes.plot(across, level / across**2, style, color=own.colour, linewidth=0.8, alpha=0.4)


def _name(pair: Mapping[str, Any]) -> str:
    return f"{pair['better']} − {pair['worse']}"


def main() -> None:
    """Draw it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    figure = picture(json.loads(given.study.read_text(encoding="utf-8")))
    figure.savefig(given.picture, metadata={"Software": None})


if __name__ == "__main__":
    main()
