"""Cells of tables as a reader sees them."""

from typing import Any

from investorbench.tasks.leaderboard.columns import Cell, Column, Format, Highlight
from investorbench.tasks.report.markup import element, join, plain, text_of
from investorbench.tasks.report.shared_lines import Lines
from investorbench.tasks.report.tables import Head, cell_of, table, words
from investorbench.tasks.wording import PERCENT

COLUMN: Column[Any] = Column(
    key="CR",
    head="CR %",
    unit=PERCENT,
    value=lambda line: line,
    formats={"page": Format(1, 1)},
    mark=Highlight(lambda value: value > 1.0, "clear", "more than all"),
)


def test_an_empty_cell_tells_its_reason_to_eyes_and_ears_and_sorts_nowhere() -> None:
    cell = cell_of(COLUMN, Cell(reason="11 returns, at least 20 are needed"), "page")
    assert cell.count("11 returns, at least 20 are needed") == 2
    assert 'title="11 returns' in cell and 'class="unseen"' in cell and 'data-sort=""' in cell


def test_a_cell_sorts_by_its_value_not_by_its_text() -> None:
    cell = cell_of(COLUMN, Cell(0.12345, -0.5, 1.5), "page")
    assert 'data-sort="0.12345"' in cell
    assert ">12.3<" in cell and "[−50.0, 150.0]" in cell and "more than all" not in cell
    assert "more than all" in cell_of(COLUMN, Cell(1.5), "page")


def test_a_figure_without_an_interval_says_why() -> None:
    cell = cell_of(COLUMN, Cell(0.0, reason="the returns do not vary"), "page")
    assert ">0.0<" in cell and cell.count("the returns do not vary") == 2


def test_heads_of_a_sortable_table_are_buttons() -> None:
    rows = [[words("b"), words("a")]]
    markup = table("t", [Head("One"), Head("Two", text=True)], rows)
    assert markup.count("<button") == 2 and markup.count('aria-sort="none"') == 2
    assert "<button" not in table("t", [Head("One")], rows, sortable=False)
    assert 'data-first="ascending"' in table("t", [Head("MDD", is_least_best=True)], [])


def test_text_is_escaped_and_cleaned_and_attributes_are_too() -> None:
    cell = element("td", "<b>&\x00\u202e", title='"><script>')
    assert cell == '<td title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;��</td>'
    assert plain("tab\tand\nline") == "tab\tand\nline"


def test_a_frame_is_called_after_the_caption_of_its_table() -> None:
    caption = join(element("b", "SIM"), " R&D")
    assert text_of(caption) == "SIM R&D" and text_of("a <b>") == "a <b>"
    assert 'aria-label="SIM R&amp;D"' in table(caption, [Head("One")], [])


def test_a_line_of_two_episodes_is_shared_and_one_of_one_is_not() -> None:
    lines = Lines()
    first, second = lines.read("news\nmine", 0), lines.read("news\nyours\nyours", 1)
    assert lines.shared() == ["news"]
    own: dict[int, int] = {}
    assert lines.placed({"user": first}, own) == {"user": [0, -1]}
    assert lines.texts(own) == ["mine"]
    other: dict[int, int] = {}
    assert lines.placed([second], other) == [[0, -1, -1]]
    assert lines.texts(other) == ["yours"]
