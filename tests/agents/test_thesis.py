"""Reading a thesis: sections, bullets, decisions, and whatever else a model may write."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.thesis.thesis import CLASSES, Thesis, count_words, parse, with_decision


def bullets(*lines: str) -> list[tuple[str, str | None, str | None]]:
    """What is read of the lines of one section."""
    (section,) = parse("\n".join(["<news>", *lines, "</news>"])).sections
    return [(bullet.opinion.strip(), bullet.quote, bullet.source) for bullet in section.bullets]


def decision(text: str) -> str | None:
    return parse(text).decision


def test_sections_keep_their_order_and_the_conclusion_stands_apart() -> None:
    thesis = parse("<b>one</b><conclusion>so</conclusion> between <a>two words</a>")
    assert [(section.name, section.words) for section in thesis.sections] == [("b", 1), ("a", 2)]
    assert thesis.conclusion is not None and thesis.conclusion.words == 1


def test_of_a_repeated_name_in_any_case_the_first_counts() -> None:
    thesis = parse(
        "<News>a b</News><news>c</news><conclusion>x</conclusion><CONCLUSION></CONCLUSION>"
    )
    assert [(section.name, section.words) for section in thesis.sections] == [("news", 2)]
    assert thesis.conclusion is not None and thesis.conclusion.words == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("<a>unclosed <b>x</b>", ["b"]),
        ("<a><b>inner</b></a>", ["a"]),
        ("<a><a>twice</a></a>", ["a"]),
        ("</a><a>", []),
        ("<a>x</b></a>", ["a"]),
        ("<2>x</2><-a>x</-a>< a>x</a>", []),
        (
            "<news_flow>x</news_flow><q-1>x</q-1><новости>x</новости>",
            ["news_flow", "q-1", "новости"],
        ),
    ],
)
def test_an_outer_section_holds_the_inner_one_and_an_open_tag_is_plain_text(
    text: str, names: list[str]
) -> None:
    assert [section.name for section in parse(text).sections] == names


@pytest.mark.parametrize(
    "text",
    [
        "<think><b>x</b> [[[SELL]]]</think><a>x</a>\n[[[BUY]]]",
        "<THINK><b>x</b></Think><a>x</a>\n[[[BUY]]]",
        "<b>thought of a template</b></think><a>x</a>\n[[[BUY]]]",
        "<think><think><b>x</b></think> <c>x</c></think><a>x</a>\n[[[BUY]]]",
        "<a>x</a>\n[[[BUY]]]\n<think>[[[SELL]]] cut off",
    ],
)
def test_thinking_is_no_part_of_a_thesis(text: str) -> None:
    thesis = parse(text)
    assert ([section.name for section in thesis.sections], thesis.decision) == (["a"], "BUY")


def test_a_word_is_a_token_with_a_letter_or_a_digit() -> None:
    assert count_words(" 14% of — **sales** | --- | 🎉 _ שלום 新聞 4.2\u2003x\t") == 7
    assert count_words("") == count_words("- * … 🙂") == 0


@pytest.mark.parametrize("mark", ["- ", "* ", "+ ", "• ", "•", "1. ", "23) ", "  - ", "\t*\t"])
def test_a_bullet_begins_with_a_mark_or_a_number(mark: str) -> None:
    assert bullets(f"{mark}Sales *rose by a third* `n1`") == [("Sales", "rose by a third", "n1")]


@pytest.mark.parametrize(
    "line", ["**Bold** text", "*italic* text", "---", "-", "-5 % on the day", "190 is"]
)
def test_a_line_that_only_looks_like_a_bullet_is_none(line: str) -> None:
    assert bullets(line) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("- Some **bold** view *a quote* `f1` more", ("Some **bold** view", "a quote", "f1")),
        ("- View `f1` *a quote*", ("View", "a quote", "f1")),
        ("- Only an opinion", ("Only an opinion", None, None)),
        ("- 2 * 3 * 4 is 24", ("2 * 3 * 4 is 24", None, None)),
        ("- ***both*** and **bold**", ("***both*** and **bold**", None, None)),
        ("- first *one* then *two* `a` `b`", ("first", "one", "a")),
        ("- open *italic and `tick", ("open *italic and `tick", None, None)),
        ("* *quoted at once*", ("", "quoted at once", None)),
    ],
)
def test_the_first_italic_is_the_quote_and_the_first_backticked_span_the_source(
    line: str, found: tuple[str, str | None, str | None]
) -> None:
    assert bullets(line) == [found]


def test_a_quote_split_over_lines_is_none() -> None:
    assert bullets("- View *a quote", "that goes on* `n1`") == [("View *a quote", None, None)]


def test_markdown_is_seen_in_the_lines_of_a_section() -> None:
    text = (
        "<a>\r\n  ## Head\r\n\r\nsome **bold** word\r\n| a | b |\r\n|---|:-:|\r\n| 1 | 2 |\r\n</a>"
    )
    (section,) = parse(text).sections
    assert (section.has_header, section.has_bold, section.has_table) == (True, True, True)
    (section,) = parse("<a>#hashtag ** not ** bold\n| no | table |\n|\n**\n</a>").sections
    assert (section.has_header, section.has_bold, section.has_table) == (False, False, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[[BUY]]]", "BUY"),
        ("so [[[strong sell]]].", "STRONG_SELL"),
        ("[[[ Strong_Buy ]]]\n\n \n", "STRONG_BUY"),
        ("[[[HOLD]]]\none\ntwo\n", "HOLD"),
        ("[[[HOLD]]]\none\ntwo\nthree", None),
        ("[[[BUY]]] and again\n[[[buy]]]", "BUY"),
        ("[[[BUY]]] or [[[SELL]]]", None),
        ("[[[STRONG_BUY]]]\n[[[BUY]]]", None),
        ("[[[BUY|SELL]]]", None),
        ("[[[BUY|SELL]]]\n[[[SELL]]]", "SELL"),
        ("[[BUY]] [[[STRONGBUY]]] [[[STRONG HOLD]]] [[[STRONG-BUY]]] [[[]]]", None),
        ("<conclusion>\nwe buy\n[[[BUY]]]\n</conclusion>", "BUY"),
        ("", None),
    ],
)
def test_a_decision_stands_alone_in_the_last_three_lines(text: str, expected: str | None) -> None:
    assert decision(text) == expected


def test_any_text_is_a_thesis_however_long() -> None:
    pieces = (
        "<a>", "</a>", "<b>", "</b>", "<think>", "</think>", "<conclusion>", "</conclusion>", "- ",
        "*", "**", "`", "|", "|-|\n", "# ", "1. ", "[[[", "BUY", "]]]", "\n", "\r\n", " ", "word ",
        "🙂", "\u202eשלום", "\ud800", "\0", "\u2028",
    )  # fmt: skip
    for seed in range(20):
        rng = random.Random(seed)
        few = rng.sample(pieces, rng.randint(1, len(pieces)))
        assert isinstance(parse("".join(rng.choices(few, k=400))), Thesis)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "piece",
    [
        "<a>",
        "<a></a>",
        "</a><a>",
        "<a><b>",
        "*a ",
        "* ",
        "**",
        "`",
        "\n- a",
        "[[[",
        "[[[ ",
        "<think>",
    ],
)
def test_a_megabyte_takes_no_more_than_linear_time(piece: str) -> None:
    """Squared, it would take hours."""
    text = piece * (1_000_000 // len(piece))
    for each in (text, f"<a>\n- {text}</a>\n[[[BUY]]]"):
        assert isinstance(parse(each), Thesis)


@given(
    st.text("ab <>[]*\n\r", max_size=60),
    st.sampled_from(CLASSES),
    st.lists(st.sampled_from(CLASSES), max_size=4),
)
def test_a_decision_below_a_thesis_counts_whatever_it_ends_in(
    text: str, decision: str, before: list[str]
) -> None:
    written = "\n".join([text, *(f"[[[{each}]]]" for each in before)])
    found = parse(with_decision(written, decision))
    assert found.decision == decision
    assert [each.name for each in found.sections] == [each.name for each in parse(written).sections]
