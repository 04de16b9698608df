"""The Markdown of a thesis on the page: rendered, and nothing of it run."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.report.thesis_markdown import blocks, spans

TAGS = re.compile(r'</?(?:p|ul|ol|li|strong|em|code|br)(?: dir="auto")?(?: start="\d+")?>')


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("plain & <b>", "plain &amp; &lt;b&gt;"),
        ("**up** and *down*", "<strong>up</strong> and <em>down</em>"),
        ("`n1` and `a*b*`", "<code>n1</code> and <code>a*b*</code>"),
        ("**bold *and italic* `x`**", "<strong>bold <em>and italic</em> <code>x</code></strong>"),
        ("2 * 3 * 4 and 5 ** 6 ** 7", "2 * 3 * 4 and 5 ** 6 ** 7"),
        ("**open *open `open", "**open *open `open"),
        ("` ` **** ** **", "` ` **** ** **"),
        ("*<script>*", "<em>&lt;script&gt;</em>"),
        ('`"><img onerror=x>`', "<code>&quot;&gt;&lt;img onerror=x&gt;</code>"),
        ("snake_case_names stay", "snake_case_names stay"),
    ],
)
def test_spans_are_elements_and_all_else_is_text(text: str, markup: str) -> None:
    assert str(spans(text)) == markup


def test_lines_are_paragraphs_lists_and_bold_headings() -> None:
    text = "## Sum *up*\nOne.\nTwo.\n\n- a\n* b\n• c\n3. d\n4) e\n\nשלום\n#5 and -1 and 3.5"
    assert "\n".join(map(str, blocks(text))) == "\n".join(
        [
            '<p dir="auto"><strong>Sum <em>up</em></strong></p>',
            '<p dir="auto">One.<br>Two.</p>',
            '<ul><li dir="auto">a</li><li dir="auto">b</li><li dir="auto">c</li></ul>',
            '<ol start="3"><li dir="auto">d</li><li dir="auto">e</li></ol>',
            '<p dir="auto">שלום<br>#5 and -1 and 3.5</p>',
        ]
    )


@settings(max_examples=200, deadline=None)
@given(st.text("ab*`#-+•1.)<>&\"' \n\t", max_size=60))
def test_whatever_a_model_writes_no_tag_but_ours_is_on_the_page(text: str) -> None:
    markup = "".join(map(str, blocks(text)))
    rest = TAGS.sub("", markup)
    assert "<" not in rest and ">" not in rest
    letters = [each for each in html.unescape(rest) if each in "ab<>&\"'"]
    assert letters == [each for each in text if each in "ab<>&\"'"]
