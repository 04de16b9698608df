"""A result as a picture: equity, drawdown, and what was held."""

import io
from collections.abc import Sequence
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from investorbench.tasks.days import FloatArray
from investorbench.tasks.showing.lines import figures_of, source_of, title_of
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from investorbench.tasks.result import Episode, Result

EQUITY, OTHERS, FALL, LONG, SHORT = "#1f6fb2", "#a9c9e4", "#b5493a", "#3f8f5b", "#c2703d"
SIZE = (9.0, 6.0)
"""Inches."""
MOST_NAMED = 10
"""Assets with a colour of their own."""
WIDEST = 110
"""Characters of a title that fit."""


def figure_of(result: "Result") -> "Figure":
    """Equity of every repeat, and drawdown and weights of the median one.

    It uses no global state of matplotlib, so it is shown once in a notebook, and nowhere else.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("matplotlib", "plot", "result.plot()") from None

    class Picture(Figure):
        """A figure that a notebook shows though no back end has been chosen."""

        def _repr_png_(self) -> bytes:
            written = io.BytesIO()
            self.savefig(written, format="png", dpi=100)
            return written.getvalue()

    figure = Picture(SIZE, layout="constrained")
    growth, fall, held = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1.2, 1.2]}
    )
    shown = result.median
    for episode in result.episodes:
        if episode is not shown:
            growth.plot(_times(episode), episode.equity, color=OTHERS, linewidth=0.9)
    growth.plot(_times(shown), shown.equity, color=EQUITY, linewidth=1.8)
    growth.axhline(shown.equity[0], color="0.75", linewidth=0.8, zorder=0)
    _name(growth, "equity, USD")
    growth.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    drawdown = shown.equity / np.maximum.accumulate(shown.equity) - 1.0
    fall.fill_between(_times(shown), 100.0 * drawdown, color=FALL, alpha=0.6, linewidth=0)
    _name(fall, "drawdown, %")
    _draw_weights(held, shown)
    _name(held, "weight, %")
    words = "   ".join(f"{each.name} {each.text}" for each in figures_of(result)[:5])
    source = shorten(source_of(result), WIDEST, placeholder=" …")
    plain: dict[str, Any] = {"parse_math": False, "x": 0.01, "ha": "left"}
    figure.suptitle(f"{title_of(result)}\n{source}\n{words}", fontsize=10, **plain)
    figure.autofmt_xdate(rotation=0, ha="center")
    return figure


def _draw_weights(axes: "Axes", episode: "Episode") -> None:
    """Each asset's share of equity, stacked; of one alone in colours for long and short."""
    times, weights = _times(episode)[:-1], 100.0 * episode.weights
    if weights.ndim > 1:
        _stack(axes, times, weights, episode.symbols)
        return
    for part, color in ((np.maximum(weights, 0.0), LONG), (np.minimum(weights, 0.0), SHORT)):
        axes.fill_between(times, part, step="post", color=color, alpha=0.7, linewidth=0)


def _stack(axes: "Axes", times: Any, weights: FloatArray, symbols: Sequence[str]) -> None:
    """Weights [T, A] on one another, longs above 0 and shorts below, the largest by their names."""
    order = np.argsort(-np.abs(weights).mean(axis=0), kind="stable")
    named, rest = order[:MOST_NAMED], order[MOST_NAMED:]
    labels = [*(symbols[n] for n in named), *(["others"] if len(rest) else [])]
    colors = [f"C{n}" for n in range(len(named))] + [OTHERS]
    for side in (np.maximum, np.minimum):
        parts = side(weights, 0.0)
        areas = [*parts[:, named].T, *([parts[:, rest].sum(axis=1)] if len(rest) else [])]
        names = labels if side is np.maximum else []
        axes.stackplot(
            times, areas, labels=names, colors=colors, step="post", alpha=0.8, linewidth=0
        )
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _times(episode: "Episode") -> Any:
    """When an account was marked [T + 1]: the session where it has one mark, else the moment.

    Of a record of version 1, which knows neither of its last mark, the number of the step.
    """
    has_own = len(np.unique(episode.sessions)) == len(episode.sessions)
    times = episode.sessions if has_own else episode.times
    return np.arange(len(times)) if np.isnat(times).any() else times


def _name(axes: "Axes", text: str) -> None:
    axes.set_ylabel(text, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
