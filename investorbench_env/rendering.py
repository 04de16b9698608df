"""Pictures of an episode so far, as text and as pixels; knows neither markets nor accounts."""

import math
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from investorbench_env.errors import MarketError, MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = npt.NDArray[np.float64]
DateArray = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Trade:
    """A fill.

    Attributes:
        index: the session in which it was filled, as an index into ``Frame.dates``.
        side: +1 for a buy, -1 for a sell.
        price: of the fill, in the units of ``Frame.close``.
    """

    index: int
    side: int
    price: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became known or took effect.

    Attributes:
        index: the session to which it belongs, as an index into ``Frame.dates``.
        kind: ``"news"``, ``"dividend"``, ``"split"``, or the form of a filing such as ``"10-K"``.
        text: one line about it; only the text frame shows it.
    """

    index: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Everything that a picture of an episode so far shows.

    Attributes:
        symbol: the asset.
        source: where its market comes from, in words.
        simulated: True where prices or text are not real.
        protocol: the name of the protocol.
        dates: sessions of some history and of the episode so far, the last one being that of the
            decision, ``datetime64[D]`` [n].
        close: price as traded, split-adjusted to the last date, NaN where a bar is missing [n].
        start: the index of the episode's first decision in ``dates``.
        equity: of the account, in its currency [n - start].
        weight: position as a share of equity after each step, -1 short to +1 long [n - start].
        trades: fills, in order.
        events: what happened, in order.

    Raises:
        MarketError: the lengths do not fit, or a trade or an event lies outside ``dates``.
    """

    symbol: str
    source: str
    simulated: bool
    protocol: str
    dates: DateArray
    close: FloatArray
    start: int
    equity: FloatArray
    weight: FloatArray
    trades: tuple[Trade, ...] = ()
    events: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        length = len(self.dates)
        if not 0 <= self.start < length:
            raise MarketError(f"start {self.start} is not a session of a frame of {length}")
        episode = length - self.start
        for name, needed in (("close", length), ("equity", episode), ("weight", episode)):
            if (found := len(getattr(self, name))) != needed:
                raise MarketError(f"{name} has {found} values where the frame needs {needed}")
        items: tuple[Trade | Event, ...] = (*self.trades, *self.events)
        for item in items:
            if not 0 <= item.index < length:
                raise MarketError(f"{item} lies outside the {length} sessions of the frame")

    def day(self, index: int) -> str:
        """The date of a session, ``YYYY-MM-DD``."""
        return str(self.dates[index].astype("datetime64[D]"))


# ---------------------------------------------------------------------------------- figures


def _carried(values: FloatArray) -> FloatArray:
    """Each value, or where it is missing the last one before it [n]."""
    known = np.where(np.isfinite(values), np.arange(len(values)), -1)
    last = np.maximum.accumulate(known)
    return np.where(last >= 0, values[last], np.nan)


def _indexed(values: FloatArray) -> FloatArray:
    """Values as multiples of 100 at the first that is finite and not zero; else all NaN [n]."""
    usable = values[np.isfinite(values) & (values > 0)]
    return values / usable[0] * 100.0 if usable.size else np.full(len(values), np.nan)


def _held(frame: Frame) -> FloatArray:
    """The asset's price, 100 at the first decision; NaN where a bar is missing [n - start]."""
    carried = _carried(frame.close)[frame.start :]
    return np.where(np.isfinite(frame.close[frame.start :]), _indexed(carried), np.nan)


def _last(values: FloatArray) -> float:
    """The last finite value, else NaN."""
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else math.nan


def _drawdowns(equity: FloatArray) -> FloatArray:
    """How far equity is below its highest so far, as a share of that [n - start]."""
    known = np.where(np.isfinite(equity), equity, np.nan)
    peaks = np.fmax.accumulate(known)
    return np.where(peaks > 0, 1.0 - known / np.where(peaks > 0, peaks, 1.0), np.nan)


def _account(frame: Frame) -> tuple[str, str, str, str]:
    """Equity, return, drawdown and the return of holding the asset, each as words."""
    drawdowns = _drawdowns(frame.equity)
    deepest = float(np.nanmax(drawdowns)) if np.isfinite(drawdowns).any() else math.nan
    return (
        f"equity {_number(_last(frame.equity))}",
        f"return {_percent(_last(_indexed(frame.equity)) / 100.0 - 1.0, '+')}",
        f"drawdown {_percent(_last(drawdowns))} (deepest {_percent(deepest)})",
        f"asset price {_percent(_last(_held(frame)) / 100.0 - 1.0, '+')}",
    )


def _position(frame: Frame) -> str:
    """The position after the last step, such as ``long 98%``."""
    weight = _last(frame.weight)
    if not abs(weight) >= 0.0005:
        return "flat"
    return f"{'long' if weight > 0 else 'short'} {_percent(abs(weight))}"


def _percent(share: float, sign: str = "") -> str:
    if not math.isfinite(share):
        return "n/a"
    digits = 0 if abs(share) >= 10 or share in (-1.0, 1.0) else 1
    return f"{share:{sign},.{digits}%}".replace("-", "−")


def _level(index: float) -> str:
    """A level of an index that began at 100."""
    if not abs(index) < 1e6:
        return f"{index:.3g}".replace("-", "−")
    return f"{index:,.{0 if abs(index) >= 1000 else 1}f}".replace("-", "−")


def _number(value: float) -> str:
    """A price or an amount with about five digits."""
    if not math.isfinite(value):
        return "n/a"
    size = abs(value)
    if size >= 1e10 or 0 < size < 1e-6:
        text = f"{value:.4g}"
    elif size >= 10_000:
        text = f"{value:,.0f}"
    elif size >= 1 or size == 0:
        text = f"{value:,.2f}"
    else:
        text = f"{value:.{4 - math.floor(math.log10(size)) - 1}f}"
    return text.replace("-", "−")


# ---------------------------------------------------------------------------------- as text

_CHART_ROWS = 4
_HEADLINES = 6
_LABEL = 10
_PRICE_LABEL = 13
_ESCAPES = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # strings, such as titles and links
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences, such as colours
)


def ansi(frame: Frame, width: int = 80) -> str:
    """The episode so far as lines of text, without any escape code.

    Args:
        frame: the episode so far.
        width: columns of the terminal; no line is wider.

    Returns:
        Lines joined by newlines: header, price chart with fills, position, account, the last
        fills and the latest news and filings. A simulated market's first word is SIMULATED.
    """
    lines = [*_header(frame, width), "", *_chart(frame, width), ""]
    lines += [_labelled("position", _gauge(frame))]
    lines += [_labelled("" if row else "account", text) for row, text in enumerate(_words(frame))]
    lines += [_labelled("trades", _fills(frame))]
    lines += [_labelled("" if row else "events", text) for row, text in enumerate(_latest(frame))]
    return "\n".join(_fit(line, width) for line in lines)


def _header(frame: Frame, width: int) -> list[str]:
    stamp = "SIMULATED · " if frame.simulated else ""
    title = f"{_clean(frame.symbol)} · {_clean(frame.protocol)} protocol"
    return [f"{stamp}{title} · decision of {frame.day(-1)}", _origin(frame), "─" * width]


def _origin(frame: Frame) -> str:
    said = "Not a real market" if frame.simulated else "Source"
    return f"{said}: {_clean(frame.source)}"


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}"


def _words(frame: Frame) -> list[str]:
    equity, gained, drawdown, asset = _account(frame)
    since = frame.day(frame.start)
    return [f"{equity} · {drawdown}", f"{gained} since {since} · {asset}"]


def _chart(frame: Frame, width: int) -> list[str]:
    """Price as columns of eighths, the fills below it, and the dates below these."""
    columns = min(max(width - _LABEL - _PRICE_LABEL, 1), len(frame.close))
    edges = np.linspace(0, len(frame.close), columns + 1).astype(int)
    prices = np.array([_last(frame.close[a:b]) for a, b in pairwise(edges)])
    finite = frame.close[np.isfinite(frame.close)]
    if not finite.size:
        return [_labelled("price", "no bar so far")]
    low, high = float(finite.min()), float(finite.max())
    rows = _columns_of_eighths(prices, low, high)
    rows[0] += f" {_number(high)} high"
    rows[-1] += f" {_number(low)} low"
    labels = ["price", _number(_last(frame.close)), *[""] * (_CHART_ROWS - 2)]
    chart = [_labelled(label, row) for label, row in zip(labels, rows, strict=True)]
    marks = [_labelled("fills", _marks(frame, edges))] if frame.trades else []
    missing = len(frame.close) - len(finite)
    gaps = [_labelled("", f"{missing:,} of {len(frame.close):,} bars missing")] if missing else []
    return [*chart, *marks, _labelled("", _axis(frame, edges)), *gaps]


def _columns_of_eighths(prices: FloatArray, low: float, high: float) -> list[str]:
    """One string a row, top first; a missing price is a blank column."""
    span = high - low
    share = (prices - low) / span if span > 0 else np.where(np.isfinite(prices), 0.5, np.nan)
    levels = np.where(np.isfinite(share), 1 + np.rint(share * (8 * _CHART_ROWS - 1)), 0).astype(int)
    above = range(_CHART_ROWS - 1, -1, -1)
    return ["".join(" ▁▂▃▄▅▆▇█"[min(max(n - 8 * row, 0), 8)] for n in levels) for row in above]


def _marks(frame: Frame, edges: npt.NDArray[np.intp]) -> str:
    """▲ where the asset was bought, ▼ where it was sold, ◆ where both happened in a column."""
    marks = [" "] * (len(edges) - 1)
    for trade in frame.trades:
        column = int(np.searchsorted(edges, trade.index, side="right")) - 1
        sign = "▲" if trade.side > 0 else "▼"
        marks[column] = sign if marks[column] in (" ", sign) else "◆"
    return "".join(marks)


def _axis(frame: Frame, edges: npt.NDArray[np.intp]) -> str:
    """A line with the first and the last date, and a notch at the first decision."""
    columns = len(edges) - 1
    line = ["─"] * columns
    line[int(np.searchsorted(edges, frame.start, side="right")) - 1] = "┴"
    first, last = frame.day(0), frame.day(-1)
    if columns < len(first) + len(last) + 3:
        return "".join(line) + f" {first} to {last}"
    line[: len(first)] = first
    line[columns - len(last) :] = last
    return "".join(line)


def _gauge(frame: Frame) -> str:
    """The position on a scale from short to long."""
    weight = float(np.clip(np.nan_to_num(_last(frame.weight)), -1.0, 1.0))
    filled = round(abs(weight) * 10)
    short = ("█" * filled if weight < 0 else "").rjust(10, "·")
    long = ("█" * filled if weight > 0 else "").ljust(10, "·")
    return f"-1 {short}│{long} +1   {_position(frame)}"


def _fills(frame: Frame) -> str:
    if not frame.trades:
        return "none yet"
    latest = [
        f"{frame.day(trade.index)[5:]} {_side(trade)} {_number(trade.price)}"
        for trade in frame.trades[:-3:-1]
    ]
    return f"{len(frame.trades)} in all, latest first: {', '.join(latest)}"


def _side(trade: Trade) -> str:
    return "buy" if trade.side > 0 else "sell"


def _latest(frame: Frame) -> list[str]:
    """The newest events, newest first, one line each."""
    lines = [
        f"{frame.day(event.index)[5:]} {_clean(event.kind):<8} {_clean(event.text)}"
        for event in frame.events[: -_HEADLINES - 1 : -1]
    ]
    older = len(frame.events) - len(lines)
    return [*lines, f"and {older:,} earlier"] if older else lines or ["none so far"]


def _clean(text: str) -> str:
    """One line that can be printed anywhere: no escape code, control or direction mark."""
    flat = _ESCAPES.sub("", text[:1000])
    kept = (" " if c.isspace() else c for c in flat)
    return " ".join("".join(c for c in kept if unicodedata.category(c)[0] != "C").split())


def _columns(character: str) -> int:
    """Columns of a terminal that a character takes."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fit(line: str, width: int) -> str:
    """A line cut to a width in columns; ``…`` marks a cut."""
    ends = np.cumsum([_columns(character) for character in line.rstrip()])
    if not ends.size or ends[-1] <= width:
        return line.rstrip()
    return line[: int(np.searchsorted(ends, width - 1, side="right"))] + "…"


# ---------------------------------------------------------------------------------- as pixels

# Colours that the colour-blind tell apart (Okabe and Ito), one meaning each.
_INK, _QUIET, _GRID, _PAST = "#22272e", "#68707a", "#e6e8eb", "#f3f4f6"
_ASSET, _AGENT = "#7a828c", "#007a5a"
_LONG, _SHORT = "#0072b2", "#d55e00"
_FILING, _NEWS, _CASH = "#22272e", "#56a3d4", "#a8568a"

# A user's settings of matplotlib must not change a frame, so nothing is left to them. The font
# comes with matplotlib, and no text is read as a formula.
_FONT = "DejaVu Sans"
_WORDS: dict[str, Any] = {
    "family": _FONT,
    "style": "normal",
    "weight": "normal",
    "va": "center",
    "parse_math": False,
    "usetex": False,
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _ROW = 0.74, 1.14, 0.9, 0.62, 0.34, 0.19  # inches


def rgb_array(frame: Frame, size: tuple[int, int] = (960, 640)) -> npt.NDArray[np.uint8]:
    """The episode so far as a picture: price, events, position, and equity beside the asset.

    Uses no global state of matplotlib, so it may run in any thread; the same frame gives the same
    bytes. Text keeps its share of the picture, whatever the size.

    Args:
        frame: the episode so far.
        size: width and height in pixels.

    Returns:
        Red, green and blue [height, width, 3].

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError("matplotlib", "plot", "render_mode='rgb_array'") from None
    width, height = size
    dpi = 100.0 * min(width / 960, height / 640)
    inches = ((width + 0.01) / dpi, (height + 0.01) / dpi)
    figure = Figure(inches, dpi=dpi, facecolor="white")
    figure.set_layout_engine("none")
    canvas = FigureCanvasAgg(figure)
    _draw(figure, frame)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba(), dtype=np.uint8)  # type: ignore[no-untyped-call]
    return pixels[..., :3].copy()


def _draw(figure: "Figure", frame: Frame) -> None:
    rows = _event_rows(frame)
    panels = _panels(figure, frame, rows=len(rows))
    _draw_titles(figure, frame)
    _draw_price(panels["price"], frame)
    _draw_position(panels["position"], frame)
    _draw_equity(panels["equity"], frame)
    if rows:
        _draw_events(panels["events"], frame, rows)
    _draw_dates(list(panels.values()), frame)


def _panels(figure: "Figure", frame: Frame, rows: int) -> dict[str, "Axes"]:
    """The panels by name, from top to bottom; events only where there are some."""
    width, height = figure.get_size_inches()
    strip = {"events": rows * _ROW} if rows else {}
    free = height - _TOP - _BOTTOM - sum(strip.values()) - _GAP * (2 + len(strip))
    heights = {"price": 0.47 * free, **strip, "position": 0.18 * free, "equity": 0.35 * free}
    panels, top = {}, height - _TOP
    for name, inches in heights.items():
        across = (width - _LEFT - _RIGHT) / width
        box = (_LEFT / width, (top - inches) / height, across, inches / height)
        panels[name] = _blank(figure, box, frame)
        top -= inches + _GAP
    return panels


def _blank(figure: "Figure", box: tuple[float, float, float, float], frame: Frame) -> "Axes":
    """A panel with nothing but its grid, and the sessions before the episode in grey."""
    axes = figure.add_axes(box, facecolor="white")
    sessions = len(frame.dates)
    axes.set_xlim(-0.5 - 0.005 * sessions, sessions - 0.5 + 0.005 * sessions)
    axes.set_axis_off()
    if frame.start:
        past: dict[str, Any] = {"color": _PAST, "linewidth": 0, "zorder": 0}
        axes.axvspan(axes.get_xlim()[0], frame.start - 0.5, **past)
    return axes


def _write(axes: "Axes", x: float, y: float, text: str, **options: Any) -> None:
    """Words beside a panel, placed in shares of it; never read as a formula."""
    plain = {"fontsize": 9, "color": _QUIET, "transform": axes.transAxes, **_WORDS}
    axes.text(x, y, text, **{**plain, **options})


def _draw_titles(figure: "Figure", frame: Frame) -> None:
    """Which asset, protocol and date; how the account stands; where the market comes from."""
    width, height = figure.get_size_inches()
    edge, margin = _LEFT / width, 1 - _RIGHT / width
    symbol, protocol = _printable(frame.symbol, 24), _printable(frame.protocol, 24)
    top, second = 1 - 0.24 / height, 1 - 0.48 / height
    bold = {**_WORDS, "fontsize": 15, "weight": "bold"}
    if frame.simulated:
        box = {"boxstyle": "round,pad=0.25", "facecolor": _SHORT, "edgecolor": "none"}
        stamp = {**bold, "fontsize": 11, "color": "white", "bbox": box}
        figure.text(edge + 0.06 / width, top, "SIMULATED", **stamp)
    figure.text(edge + (1.22 / width if frame.simulated else 0), top, symbol, color=_INK, **bold)
    quiet = {**_WORDS, "fontsize": 10, "color": _QUIET}
    decision = f"{protocol} protocol  ·  decision of {frame.day(-1)}"
    figure.text(margin, top, decision, ha="right", **quiet)
    figure.text(edge, second, "   ·   ".join(_account(frame)), **quiet)
    figure.text(edge, 0.16 / height, _printable(_origin(frame), 130), **{**quiet, "fontsize": 8})


def _printable(text: str, longest: int) -> str:
    """Text that the font can show, cut to a number of characters."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont(_FONT))
    shown = "".join(c if font.get_char_index(ord(c)) else "?" for c in _clean(text))
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def _draw_price(axes: "Axes", frame: Frame) -> None:
    """The asset's price with the fills: buys point up at it, sells down."""
    _scale(axes, np.append(frame.close, [trade.price for trade in frame.trades]))
    _line(axes, 0, frame.close, _ASSET, width=1.3)
    _draw_fills(axes, [trade for trade in frame.trades if trade.side > 0], "^", _LONG, "bought")
    _draw_fills(axes, [trade for trade in frame.trades if trade.side <= 0], "v", _SHORT, "sold")
    if frame.simulated:
        faint: dict[str, Any] = {"alpha": 0.08, "ha": "center", "weight": "bold", "zorder": 0.5}
        _write(axes, 0.5, 0.5, "SIMULATED", color=_SHORT, fontsize=64, **faint)
    missing = int(np.count_nonzero(~np.isfinite(frame.close)))
    gaps = f", {missing:,} of {len(frame.close):,} bars missing" if missing else ""
    _title(axes, "Price" + gaps)
    _end_labels(axes, [(_last(frame.close), _number(_last(frame.close)), _INK)])


def _draw_fills(axes: "Axes", trades: list[Trade], marker: str, color: str, name: str) -> None:
    """Triangles whose tip is at the price of the fill, smaller where there are many."""
    from matplotlib.transforms import ScaledTranslation

    if not trades:
        return
    size = float(np.clip(8 - 0.03 * len(trades), 4, 7))
    points = (-0.6 if marker == "^" else 0.6) * size
    at_tip = axes.transData + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)
    sessions, prices = [trade.index for trade in trades], [trade.price for trade in trades]
    style: dict[str, Any] = {"marker": marker, "color": color, "markersize": size}
    style |= {"linestyle": "none", "markeredgecolor": "white", "markeredgewidth": 0.4}
    label = f"{len(trades):,} {name}"
    axes.plot(sessions, prices, label=label, transform=at_tip, zorder=4, **style)


def _draw_position(axes: "Axes", frame: Frame) -> None:
    """The position in every session, as an area above (long) or below (short) zero."""
    weight = np.nan_to_num(frame.weight)
    reach = max(1.0, float(np.abs(weight).max()))
    edges = np.arange(frame.start, len(frame.dates) + 1, dtype=np.float64) - 0.5
    for side, color in ((weight.clip(min=0), _LONG), (weight.clip(max=0), _SHORT)):
        _blocks(axes, side, edges, 0.0, color=color, alpha=0.75)
    _grid(axes, [-reach, 0, reach], [_percent(-reach), "flat", _percent(reach)])
    axes.set_ylim(-1.08 * reach, 1.08 * reach)
    _rule(axes, 0, _QUIET, 3)
    _title(axes, "Position, share of equity")
    color = {"l": _LONG, "s": _SHORT}.get(_position(frame)[0], _INK)
    _end_labels(axes, [(_last(weight), _position(frame), color)])


def _draw_equity(axes: "Axes", frame: Frame) -> None:
    """The account and the asset's price, both 100 at the first decision."""
    agent, held = _indexed(frame.equity), _held(frame)
    _scale(axes, np.concatenate([agent, held, [100.0]]))
    _rule(axes, 100, _QUIET, 1.5)
    if frame.start > 0.1 * len(frame.dates):
        to_share = axes.transData - axes.transAxes
        center, height = to_share.transform((frame.start / 2 - 0.5, 100)).tolist()
        clear = 0.14 if height > 0.5 else 0.86
        _write(axes, center, clear, "history", ha="center", fontsize=8.5)
    _line(axes, frame.start, held, _ASSET, width=1.3)
    _line(axes, frame.start, agent, _AGENT, width=2.0)
    _title(axes, "Equity and buy-and-hold (price only), first decision = 100")
    name = "agent" if _last(frame.equity) > 0 else "ruined"
    _end_labels(
        axes,
        [
            (_last(agent), f"{_level(_last(agent))} {name}", _AGENT),
            (_last(held), f"{_level(_last(held))} hold", _QUIET),
        ],
    )


def _event_rows(frame: Frame) -> list[str]:
    """The kinds of events that there are, in the order of their rows."""
    found = {_row_of(kind) for kind in {event.kind for event in frame.events}}
    return [row for row in ("filings", "dividends", "splits", "news") if row in found]


def _row_of(kind: str) -> str:
    return {"news": "news", "dividend": "dividends", "split": "splits"}.get(kind, "filings")


def _draw_events(axes: "Axes", frame: Frame, rows: list[str]) -> None:
    """A row each for filings, dividends with splits, and the density of news."""
    axes.set_ylim(-len(rows), 0)
    for depth, name in enumerate(rows):
        _rule(axes, -depth - 1, _GRID, 1)
        _write(axes, -0.008, 1 - (depth + 0.5) / len(rows), name, ha="right", fontsize=8)
    sessions: dict[str, list[int]] = {}
    for event in frame.events:
        sessions.setdefault(event.kind, []).append(event.index)
    for kind in sorted(sessions.keys() - {"news"}):
        row = _row_of(kind)
        color = _FILING if row == "filings" else _CASH
        style: dict[str, Any] = {"marker": _marker(kind)}
        style |= {"color": color, "markeredgecolor": color}
        style["markerfacecolor"] = "white" if row == "filings" and not _is_annual(kind) else color
        style["label"] = _printable(kind, 12) if row == "filings" else None
        heights = [-rows.index(row) - 0.5] * len(sessions[kind])
        shape: dict[str, Any] = {"linestyle": "none", "markersize": 4.5, "markeredgewidth": 1.2}
        axes.plot(sessions[kind], heights, zorder=3, **style, **shape)
    if "news" in rows:
        _draw_news(axes, sessions["news"], len(frame.dates), -rows.index("news") - 1.0)
    _title(axes, "Events")


def _marker(kind: str) -> str:
    """Diamonds for periodic reports, squares for other filings, dots for the rest."""
    if _row_of(kind) != "filings":
        return "o"
    return "D" if kind.startswith("10-Q") or _is_annual(kind) else "s"


def _is_annual(form: str) -> bool:
    return form.startswith(("10-K", "20-F", "40-F"))


def _draw_news(axes: "Axes", index: list[int], sessions: int, floor: float) -> None:
    """News a session as bars on a floor, averaged over bins where sessions are many."""
    wide = math.ceil(sessions / 260)
    edges = np.append(np.arange(0, sessions, wide), sessions) - 0.5
    counts, _ = np.histogram(index, edges)
    density = counts / np.diff(edges)
    heights = floor + 0.9 * density / density.max()
    label = f"{len(index):,} news, up to {density.max():.3g} a session"
    label += f" (mean of {wide})" * (wide > 1)
    _blocks(axes, heights, edges, floor, color=_NEWS, label=label)


def _blocks(
    axes: "Axes", heights: FloatArray, edges: FloatArray, floor: float, **style: Any
) -> None:
    """Columns without gaps between edges [m + 1], from a floor to heights [m]."""
    corners = np.repeat(edges, 2)[1:-1]
    axes.fill_between(corners, np.repeat(heights, 2), floor, linewidth=0, zorder=2, **style)


def _line(axes: "Axes", first: int, values: FloatArray, color: str, width: float) -> None:
    """A line with gaps where values are missing, and a dot where a value stands alone or last."""
    known = np.isfinite(values)
    padded = np.concatenate([[False], known, [False]])
    alone = known & ~padded[:-2] & ~padded[2:]
    if known.any():
        alone[np.flatnonzero(known)[-1]] = True
    sessions = np.arange(first, first + len(values))
    join: dict[str, Any] = {"color": color, "solid_joinstyle": "round"}
    axes.plot(sessions, values, linewidth=width, linestyle="-", marker="", zorder=2, **join)
    dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.4 * width}
    dots["markeredgecolor"] = color
    axes.plot(sessions[alone], values[alone], color=color, markeredgewidth=0, zorder=3, **dots)


def _title(axes: "Axes", text: str) -> None:
    """A heading above a panel, with the legend of what was given a label at its right."""
    text += ", log scale" if axes.get_yscale() == "log" else ""
    inches = axes.bbox.height / axes.figure.dpi
    _write(axes, 0, 1 + 0.12 / inches, text, color=_INK, fontsize=9.5, weight="bold")
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    legend = axes.legend(
        handles,
        labels,
        loc="center right",
        bbox_to_anchor=(1.0, 1 + 0.12 / inches),
        ncols=len(handles),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.0,
        handleheight=0.7,
        markerscale=1,
        numpoints=1,
        handletextpad=0.4,
        columnspacing=1.4,
        labelcolor=_QUIET,
        prop={"family": _FONT, "style": "normal", "weight": "normal", "size": 8.5},
    )
    for words in legend.get_texts():
        words.set_parse_math(False)
        words.set_usetex(False)


def _end_labels(axes: "Axes", labels: list[tuple[float, str, str]]) -> None:
    """Final values beside the panel at their heights, moved apart where they would overlap."""
    known = sorted(label for label in labels if math.isfinite(label[0]))
    inches = axes.bbox.height / axes.figure.dpi
    apart = 0.17 / inches
    to_share = axes.transData - axes.transAxes
    heights = [float(to_share.transform((0, value))[1]) for value, _, _ in known]
    for lower in range(len(heights) - 1):
        push = max(0.0, apart - (heights[lower + 1] - heights[lower])) / 2
        heights[lower], heights[lower + 1] = heights[lower] - push, heights[lower + 1] + push
    for height, (_, text, color) in zip(heights, known, strict=True):
        _write(axes, 1.008, height, text, color=color, fontsize=9.5, weight="bold")


def _scale(axes: "Axes", values: FloatArray) -> None:
    """Limits and grid that fit the values; logarithmic where they differ more than twentyfold."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        axes.set_ylim(0, 1)
        return
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high / low > 20:
        axes.set_yscale("log")
        axes.set_ylim(low / (high / low) ** 0.06, high * (high / low) ** 0.06)
        ticks = _powers(low, high)
    else:
        flat = high - low <= 1e-9 * abs(high)
        room = (0.05 * abs(high) or 1.0) if flat else 0.08 * (high - low)
        axes.set_ylim(low - room, high + room)
        ticks = _steps(low - room, high + room)
    _grid(axes, ticks, [_short(tick, ticks) for tick in ticks])


def _steps(low: float, high: float) -> list[float]:
    """About four round numbers between two values."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= 0.85 * rough)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _powers(low: float, high: float) -> list[float]:
    """1, 2, 5, 10 … between two positive values, thinned to about six."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside[:: math.ceil(len(inside) / 6)]


def _short(value: float, ticks: list[float]) -> str:
    """A tick's number, with no more decimals than its neighbours need."""
    if not 0.01 <= max(map(abs, ticks)) < 1e7:
        return f"{value:.3g}".replace("-", "−")
    step = min((b - a for a, b in pairwise(ticks)), default=abs(value) or 1.0)
    digits = next((d for d in range(10) if math.isclose(round(step, d), step, rel_tol=1e-6)), 10)
    return f"{value:,.{digits}f}".replace("-", "−")


def _rule(axes: "Axes", height: float, color: str, above: float) -> None:
    """A thin line across the panel."""
    across = axes.get_yaxis_transform()
    axes.hlines(height, 0, 1, transform=across, color=color, linewidth=0.8, zorder=above)


def _grid(axes: "Axes", ticks: list[float], labels: list[str]) -> None:
    """Faint lines across, labelled at the left."""
    across = axes.get_yaxis_transform()
    for tick, label in zip(ticks, labels, strict=True):
        _rule(axes, tick, _GRID, 1)
        _write(axes, -0.008, tick, label, ha="right", fontsize=8.5, transform=across)


def _draw_dates(panels: list["Axes"], frame: Frame) -> None:
    """Faint lines at round dates in every panel, labelled below the lowest."""
    ticks = _round_dates(frame.dates.astype("datetime64[D]"))
    for axes in panels:
        upward = axes.get_xaxis_transform()
        axes.vlines(list(ticks), 0, 1, transform=upward, color=_GRID, linewidth=0.8, zorder=1)
    inches = axes.bbox.height / axes.figure.dpi
    for tick, label in ticks.items():
        _write(axes, tick, -0.14 / inches, label, ha="center", fontsize=8.5, transform=upward)


def _round_dates(dates: DateArray) -> dict[int, str]:
    """Up to nine sessions that begin a month or a year, or else some days, with their labels."""
    months = dates.astype("datetime64[M]").astype(int)
    begins = np.flatnonzero(np.diff(months)) + 1
    if len(begins) < 3:
        step = math.ceil(len(dates) / 7)
        days = dates[::step].astype(object)
        return {step * n: f"{day.day} {_MONTHS[day.month - 1]}" for n, day in enumerate(days)}
    every = next(m for m in (1, 2, 3, 6, 12, 24, 60, 120, 600) if len(begins) / m <= 9)
    begins = begins[months[begins] % every == 0]
    labels: dict[int, str] = {}
    for begin in map(int, begins):
        years, month = divmod(int(months[begin]), 12)
        year = f"{1970 + years}"
        named = f"{_MONTHS[month]} {year}" if not labels or month == 0 else _MONTHS[month]
        labels[begin] = year if every >= 12 else named
    return labels
