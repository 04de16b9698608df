"""Frames as text and as pictures: what they say, and what they must never do."""

import dataclasses
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from investorbench_env.errors import MarketError, MissingDependencyError
from investorbench_env.rendering import Event, Frame, Trade, ansi, rgb_array


def frame_of(sessions: int = 40, start: int = 10, **changes: Any) -> Frame:
    """A rising price, an account that was long once, a filing and two headlines."""
    episode = sessions - start
    held = np.where(np.arange(episode) >= 2, 1.0, 0.0)
    values: dict[str, Any] = {
        "symbol": "TSLA",
        "source": "made for a test",
        "simulated": False,
        "protocol": "standard",
        "dates": np.arange("2020-01-01", sessions, dtype="datetime64[D]"),
        "close": np.linspace(100.0, 200.0, sessions),
        "start": start,
        "equity": np.linspace(1000.0, 1500.0, episode),
        "weight": held,
        "trades": (Trade(min(start + 2, sessions - 1), 1, 125.0),),
        "events": (
            Event(0, "10-K", "Annual report"),
            Event(sessions - 1, "news", "First headline"),
            Event(sessions - 1, "news", "Second headline"),
        ),
    }
    return Frame(**{**values, **changes})


def columns(line: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return len(line) + wide - sum(unicodedata.category(c) == "Mn" for c in line)


def ink(picture: npt.NDArray[np.uint8], color: str) -> int:
    """How many pixels have this colour, but for rounding."""
    rgb = [int(color[n : n + 2], 16) for n in (1, 3, 5)]
    return int((np.abs(picture.astype(int) - rgb) <= 2).all(axis=-1).sum())


EDGE_CASES = {
    "one session": frame_of(1, 0, trades=()),
    "only the first decision": frame_of(31, 30, trades=()),
    "no price at all": frame_of(close=np.full(40, np.nan)),
    "no price before the start": frame_of(close=np.r_[np.full(15, np.nan), np.ones(25)]),
    "a flat price": frame_of(close=np.full(40, 7.0)),
    "a price below a cent": frame_of(close=np.linspace(1e-5, 2e-5, 40), trades=()),
    "a price that grows a thousandfold": frame_of(close=np.geomspace(1, 1000, 40)),
    "a ruined account": frame_of(equity=np.r_[np.full(20, 1e5), np.full(10, -3e3)]),
    "no equity at all": frame_of(equity=np.full(30, np.nan)),
    "leverage": frame_of(weight=np.full(30, -2.5)),
    "three thousand sessions": frame_of(
        3000, 30, trades=tuple(Trade(n, n % 2 * 2 - 1, 150.0) for n in range(40, 2990, 5))
    ),
    "hundreds of events": frame_of(
        events=tuple(
            Event(n % 40, ("news", "news", "10-Q", "dividend", "split", "8-K")[n % 6], "x" * 300)
            for n in range(900)
        )
    ),
    "foreign words": frame_of(symbol="特斯拉", source="$a_b$ \U0001f680", protocol="^{"),
}


@pytest.mark.parametrize("frame", EDGE_CASES.values(), ids=EDGE_CASES.keys())
def test_every_frame_can_be_drawn_in_full_size(frame: Frame) -> None:
    picture = rgb_array(frame)
    assert picture.shape == (640, 960, 3)
    assert picture.dtype == np.dtype("uint8")
    assert picture.min() < 100


@pytest.mark.parametrize("width", [24, 80, 132])
@pytest.mark.parametrize("frame", EDGE_CASES.values(), ids=EDGE_CASES.keys())
def test_no_line_of_text_is_wider_than_the_terminal(frame: Frame, width: int) -> None:
    assert max(columns(line) for line in ansi(frame, width).splitlines()) <= width


@pytest.mark.parametrize("size", [(333, 217), (1280, 720), (300, 900)])
def test_a_picture_has_the_size_that_was_asked_for(size: tuple[int, int]) -> None:
    assert rgb_array(frame_of(), size).shape == (size[1], size[0], 3)


def test_the_same_frame_gives_the_same_bytes() -> None:
    assert rgb_array(frame_of()).tobytes() == rgb_array(frame_of()).tobytes()


def test_a_later_session_changes_the_picture() -> None:
    assert not np.array_equal(rgb_array(frame_of(40)), rgb_array(frame_of(41)))


def test_settings_of_matplotlib_do_not_change_a_picture() -> None:
    import matplotlib

    plain = rgb_array(frame_of())
    settings: Any = {"axes.facecolor": "black", "font.size": 20, "axes.grid": True}
    settings |= {"lines.linewidth": 9, "lines.marker": "x", "text.color": "red"}
    settings |= {"font.style": "italic", "legend.markerscale": 3, "figure.autolayout": True}
    with matplotlib.rc_context(settings):
        assert np.array_equal(rgb_array(frame_of()), plain)


def test_drawing_neither_imports_pyplot_nor_changes_settings() -> None:
    import matplotlib

    before = matplotlib.rcParams.copy()
    pyplot = sys.modules.pop("matplotlib.pyplot", None)
    try:
        rgb_array(frame_of())
        assert "matplotlib.pyplot" not in sys.modules
    finally:
        if pyplot is not None:
            sys.modules["matplotlib.pyplot"] = pyplot
    assert dict(matplotlib.rcParams) == dict(before)


@pytest.mark.heavy
def test_threads_draw_what_one_thread_draws() -> None:
    frames = [frame_of(40 + n) for n in range(4)]
    alone = [rgb_array(frame) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(rgb_array, frames))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_picture_does_not_change_its_frame() -> None:
    frame = frame_of()
    before = [frame.close.copy(), frame.equity.copy(), frame.weight.copy()]
    rgb_array(frame)
    for array, old in zip((frame.close, frame.equity, frame.weight), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_without_matplotlib_the_error_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'investorbench\[plot\]'"):
        rgb_array(frame_of())


def test_a_simulated_picture_carries_a_stamp_and_a_watermark() -> None:
    real = rgb_array(frame_of())
    simulated = rgb_array(frame_of(simulated=True))
    assert ink(simulated[:40], "#d55e00") > 800 > ink(real[:40], "#d55e00") == 0
    # The watermark: the stamp's colour at 8 % over white.
    assert ink(simulated[90:250], "#fcf2eb") > 3000 > ink(real[90:250], "#fcf2eb") == 0


def test_a_long_position_is_blue_and_a_short_one_orange() -> None:
    longs = rgb_array(frame_of(weight=np.ones(30), trades=(), simulated=False))
    shorts = rgb_array(frame_of(weight=-np.ones(30), trades=(), simulated=False))
    blue, orange = "#4095c5", "#df8640"
    assert ink(longs, blue) > 5000 > ink(longs, orange) == 0
    assert ink(shorts, orange) > 5000 > ink(shorts, blue) == 0


def test_a_fill_is_marked_in_its_color() -> None:
    bought = rgb_array(frame_of(weight=np.zeros(30), trades=(Trade(20, 1, 150.0),)))
    nothing = rgb_array(frame_of(weight=np.zeros(30), trades=()))
    assert ink(bought, "#0072b2") > ink(nothing, "#0072b2") == 0


def test_without_events_their_panel_gives_its_room_to_the_others() -> None:
    events = rgb_array(frame_of(events=(Event(20, "news", ""),)))
    none = rgb_array(frame_of(events=()))
    assert ink(events, "#56a3d4") > 20 > ink(none, "#56a3d4") == 0


def test_text_says_how_the_episode_stands() -> None:
    text = ansi(frame_of())
    assert text.splitlines()[0] == "TSLA · standard protocol · decision of 2020-02-09"
    assert "Source: made for a test" in text
    assert "equity 1,500.00 · drawdown 0.0% (deepest 0.0%)" in text
    # The asset rose from 125.64 on the first decision to 200.
    assert "return +50.0% since 2020-01-11 · asset price +59.2%" in text
    assert "long 100%" in text
    assert "1 in all, latest first: 01-13 buy 125.00" in text


def test_text_lists_the_newest_events_first_and_counts_the_rest() -> None:
    events = tuple(Event(n, "news", f"headline {n}") for n in range(9))
    text = ansi(frame_of(events=events))
    shown = [line.split()[-1] for line in text.splitlines() if "headline" in line]
    assert shown == ["8", "7", "6", "5", "4", "3"]
    assert text.endswith("and 3 earlier")


def test_drawdown_is_measured_from_the_highest_equity_so_far() -> None:
    equity = np.array([100.0, 200.0, 100.0, 150.0])
    text = ansi(frame_of(4, 0, equity=equity))
    assert "drawdown 25.0% (deepest 50.0%)" in text


def test_the_first_word_of_a_simulated_frame_says_so_even_under_a_real_name() -> None:
    simulated = ansi(frame_of(simulated=True), width=40)
    assert simulated.startswith("SIMULATED ")
    assert "Not a real market: made for a test" in simulated
    assert "SIMULATED" not in ansi(frame_of())


def test_a_real_market_never_looks_simulated_or_the_reverse_whatever_its_symbol() -> None:
    long_name = frame_of(simulated=True, symbol="X" * 500)
    assert ansi(long_name).splitlines()[0].startswith("SIMULATED · X")


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m alert", "red alert"),
        ("\x1b]0;new title\x07headline", "headline"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jcleared", "2Jcleared"),
        ("two\r\nlines\tand\x00 a null", "two lines and a null"),
        ("\u202egnorts\u2066 \u200bhidden", "gnorts hidden"),
        ("\x1b]0;never ended", "]0;never ended"),
        ("a mis-decoded quote \u00e2\x80\x9d stays", "a mis-decoded quote \u00e2 stays"),
    ],
)
def test_a_headline_cannot_steer_the_terminal(hostile: str, shown: str) -> None:
    text = ansi(frame_of(events=(Event(3, "news", hostile),)))
    assert text.splitlines()[-1] == f"events    01-04 news     {shown}"


@pytest.mark.parametrize("field", ["symbol", "source", "protocol"])
def test_no_field_lets_a_control_character_through(field: str) -> None:
    text = ansi(dataclasses.replace(frame_of(), **{field: "a\x1b[2Jb\nc\x07\u202ed"}))  # type: ignore[arg-type]
    assert not [c for c in text if c != "\n" and unicodedata.category(c)[0] == "C"]
    assert len(text.splitlines()) == len(ansi(frame_of()).splitlines())


def test_a_long_headline_in_wide_characters_is_cut_at_the_width() -> None:
    line = ansi(frame_of(events=(Event(3, "news", "电动车" * 50),))).splitlines()[-1]
    assert line.endswith("…")
    assert 79 <= columns(line) <= 80


def test_missing_bars_are_counted_and_leave_a_hole_in_the_chart() -> None:
    close = np.linspace(100.0, 200.0, 40)
    close[[5, 6, 7]] = np.nan
    text = ansi(frame_of(close=close))
    assert "3 of 40 bars missing" in text
    lowest = next(line for line in text.splitlines() if line.endswith("low"))
    assert lowest[10:50].index("   ") == 5
    assert lowest[10:50].count(" ") == 3


def test_fills_stand_below_their_sessions() -> None:
    trades = (Trade(12, 1, 130.0), Trade(20, -1, 150.0), Trade(30, 1, 170.0), Trade(30, -1, 170.0))
    fills = next(line for line in ansi(frame_of(trades=trades)).splitlines() if "fills" in line)
    assert {n: c for n, c in enumerate(fills[10:]) if c != " "} == {12: "▲", 20: "▼", 30: "◆"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": 40}, "start 40 is not a bar of a frame of 40"),
        ({"close": np.ones(39)}, "close has 39 values where the frame needs 40"),
        ({"equity": np.ones(31)}, "equity has 31 values where the frame needs 30"),
        ({"weight": np.ones(3)}, "weight has 3 values where the frame needs 30"),
        ({"trades": (Trade(-1, 1, 1.0),)}, "outside the 40 bars"),
        ({"events": (Event(40, "news", "from the future"),)}, "outside the 40 bars"),
    ],
)
def test_a_frame_refuses_what_does_not_fit_it(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MarketError, match=message):
        dataclasses.replace(frame_of(), **changes)
