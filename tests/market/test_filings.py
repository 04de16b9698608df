"""Filings in many settings are cut into their items, and nothing of one is in another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench_env.market.filings import CutFiling, cut, plain_text
from tests.market.made_filings import (
    HEADINGS,
    SIGNATURES,
    TITLES,
    Setting,
    words_of,
    written,
)


@st.composite
def filings(draw: st.DrawFn) -> tuple[Setting, list[str], int]:
    form = draw(st.sampled_from(sorted(TITLES)))
    container = draw(st.sampled_from(["html", "rows", "text", "wrapped", "flat"]))
    heading = draw(st.sampled_from(HEADINGS[:1] if container == "rows" else HEADINGS))
    # An 8-K has no table of contents; "Item 2.02." would end the number of another item.
    contents = "" if form == "8-K" else draw(st.sampled_from(["pages", "bare", "links", ""]))
    keys = [key for key in TITLES[form] if draw(st.integers(0, 5))]
    setting = Setting(
        form=form,
        container=container,
        heading=heading,
        upper=draw(st.booleans()),
        contents=contents if container != "flat" else contents and "pages",
        heads=draw(st.booleans()),
        short=frozenset(draw(st.sets(st.sampled_from(keys)))) if keys else frozenset(),
        combined=form == "10-K" and keys[:2] == ["1", "1A"] and draw(st.booleans()),
    )
    return setting, keys, draw(st.integers(0, 1 << 32))


@settings(max_examples=120)
@given(filings())
def test_every_item_is_found_and_nothing_of_one_is_in_another(
    made: tuple[Setting, list[str], int],
) -> None:
    setting, keys, seed = made
    if len(keys) < 2:
        return
    found = cut(written(setting, keys, np.random.default_rng(seed)), setting.form)
    wanted = ["1-1A", *keys[2:]] if setting.combined else keys
    assert [section.item for section in found.sections] == wanted
    for section in found.sections:
        own = ["1", "1A"] if section.item == "1-1A" else [section.item]
        counts = {key: section.source.count(words_of(key)) for key in keys}
        paragraphs = {key: 1 if key in setting.short else 4 for key in keys}
        assert counts == {key: paragraphs[key] * (key in own) for key in keys}
        assert SIGNATURES not in section.source
    if setting.form != "8-K":
        assert found.period == "2023-03-31"


def annual(*headings: str, before: str = "") -> str:
    """A text with these headings, a paragraph after each."""
    parts = [f"{heading}\n\nWhat is said under heading {n}." for n, heading in enumerate(headings)]
    return before + "\n\n".join(parts)


def items(found: CutFiling) -> dict[str, str]:
    return {section.item: section.source for section in found.sections}


def test_items_filed_as_one_are_one_section() -> None:
    text = annual(
        "ITEMS 1 AND 2. BUSINESS AND PROPERTIES", "Item 3. Legal Proceedings",
        "Items 7. and 7A. Management’s Discussion and Analysis, and Market Risk",
        "Items 10, 11, 12, 13 and 14. Directors and all that concerns them",
    )  # fmt: skip
    found = items(cut(text, "10-K"))
    assert list(found) == ["1-2", "3", "7-7A", "10-14"]
    assert [text[-2] for text in found.values()] == list("0123")


def test_a_heading_in_the_company_s_own_words_counts_by_its_number() -> None:
    text = annual(
        "Item 1. Who We Are", "Item 1A. What May Go Wrong", "Item 7. Our Year", "Item 8. The Books"
    )
    assert list(items(cut(text, "10-K"))) == ["1", "1A", "7", "8"]


def test_the_number_of_an_item_on_every_page_begins_nothing() -> None:
    text = annual(
        "Item 7. Management’s Discussion and Analysis", "Item 7", "PART II\n\nItem 7",
        "Item 7A. Quantitative and Qualitative Disclosures", "Item 7A", "Item 8. Our Statements",
    )  # fmt: skip
    found = items(cut(text, "10-K"))
    assert {key: source.count("What is said") for key, source in found.items()} == {
        "7": 3, "7A": 2, "8": 1,
    }  # fmt: skip


CONTENTS = "".join(
    f'<tr><td>Item {number}.</td><td><a href="#{number}x">{title}</a></td><td>{page}</td></tr>'
    for page, (number, title) in enumerate(
        {"1": "Business", "1A": "Risk Factors", "3": "Legal Proceedings", "7": "MD&amp;A"}.items()
    )
)


def test_where_the_body_has_no_numbers_the_links_of_the_contents_lead_to_the_items() -> None:
    body = "".join(
        f'<a name="{number}x"></a><h2>{title}</h2><p>This is {number} alone.</p>'
        for number, title in {"1": "At a Glance", "1A": "Perils", "3": "Suits", "7": "2022"}.items()
    )
    found = items(cut(f"<html><table>{CONTENTS}</table>{body}</html>", "10-K"))
    assert {key: source.count("alone.") for key, source in found.items()} == dict.fromkeys(
        ["1", "1A", "3", "7"], 1
    )
    assert all(f"This is {key} alone." in source for key, source in found.items())


def test_a_title_alone_is_the_heading_of_an_item_that_the_contents_name() -> None:
    contents = "\n".join(
        f"Item {line}" for line in ("1. Business 3", "1A. Risk Factors 9", "2. Properties 20",
                                    "3. Legal Proceedings 21", "9A. Controls and Procedures 60")
    )  # fmt: skip
    text = annual(
        "BUSINESS", "Risk Factors", "Properties", "Legal Proceedings", "CONTROLS AND PROCEDURES",
        before=contents.replace("\n", "\n\n") + "\n\n",
    )  # fmt: skip
    found = items(cut(text, "10-K"))
    assert [source[-2] for source in found.values()] == list("01234")
    assert list(found) == ["1", "1A", "2", "3", "9A"]


def test_parts_of_an_item_of_a_20_f_are_items_of_their_own() -> None:
    text = annual(
        "Item 3. Key Information", "A. Selected Financial Data", "D.\nRisk Factors",
        "Item 4. Information on the Company", "D. Property, Plants and Equipment",
        "Item 5. Operating and Financial Review and Prospects",
    )  # fmt: skip
    found = items(cut(text, "20-F/A"))
    assert list(found) == ["3", "3A", "3D", "4", "5"]
    assert "heading 4" in found["4"]


def test_an_item_whose_part_has_no_heading_counts_for_it_too() -> None:
    headings = ["Item 3. Key Information", "D. Risk Factors", "Item 4. Information on the Company",
                "Item 5. Operating and Financial Review"]  # fmt: skip
    whole = cut(annual(*headings), "20-F").sections
    assert [section.share > 0 for section in whole] == [False, True, False, True]
    without = cut(annual(*headings[:1], "Risk Factors", *headings[2:]), "20-F").sections
    assert [section.share for section in without] == [whole[1].share, 0, whole[3].share]


@pytest.mark.parametrize(
    "heading",
    ["Part I, Item {}. {}", "PART I. ITEM {} – {}", "ITEM {}(T). {}", "item {}. {}", "Item {}.{}",
     "ITEM {}\n\n{}", "  Item  {}.    {}  ", "Item #{}. {}"],
)  # fmt: skip
def test_headings_are_spelled_in_many_ways(heading: str) -> None:
    titles = {"1": "Business", "1A": "Risk factors", "7": "Management’s Discussion & Analysis",
              "9A": "Controls and Procedures"}  # fmt: skip
    text = annual(*(heading.format(number, title) for number, title in titles.items()))
    assert list(items(cut(text, "10-K"))) == list(titles)


def test_a_page_in_lines_of_typewriting_has_items_too() -> None:
    text = annual("ITEM 1.   BUSINESS", "ITEM 3.   LEGAL PROCEEDINGS", "ITEM 5.   MARKET FOR STOCK")
    page = f"<html><head><title>10-K</title><body><pre>\n{text}\n</pre></body></html>"
    found = items(cut(page, "10-K"))
    assert found == {str(key): f"What is said under heading {n}." for n, key in enumerate("135")}


@pytest.mark.parametrize("kind", ["10-K405", "10-KT/A", "10K", "10-k"])
def test_a_form_is_known_by_its_family(kind: str) -> None:
    text = annual("Item 1. Business", "Item 7. Management’s Discussion")
    assert list(items(cut(text, kind))) == ["1", "7"]


def test_signatures_and_exhibits_after_the_last_item_are_in_none() -> None:
    text = annual("Item 2.02 Results of Operations", "Item 8.01 Other Events")
    text += "\n\nSIGNATURE\n\nPursuant to the Act, signed.\n\nEXHIBIT INDEX\n\n99.1 Press Release"
    found = items(cut(text, "8-K"))
    assert list(found) == ["2.02", "8.01"]
    assert found["8.01"] == "What is said under heading 1."


JAPANESE = "当社の売上高は前年同期比で{n}パーセント増加しました。営業利益も増加しています。"
GERMAN = "Der Umsatz stieg im Quartal {n} deutlich, und das Ergebnis blieb über dem Vorjahr."


@pytest.mark.parametrize("kind", ["10-K", "6-K", "annual report"])
@pytest.mark.parametrize("words", [JAPANESE, GERMAN])
def test_a_text_without_items_is_cut_by_size_and_says_so(words: str, kind: str) -> None:
    prose = [words.format(n=number) for number in range(900)]
    found = cut("\n\n".join(prose), kind)
    assert found.by == "size"
    parts = [section.source for section in found.sections]
    assert "\n\n".join(parts).split("\n\n") == prose
    assert max(map(len, parts)) < 1.1 * min(map(len, parts))
    assert [section.title for section in found.sections] == [
        f"part {number} of {len(parts)}, no items found" for number in range(1, len(parts) + 1)
    ]


@pytest.mark.heavy
def test_five_megabytes_in_one_line_are_cut_too() -> None:
    text = "".join(GERMAN.format(n=number) + " " for number in range(60_000))
    assert len(text) > 5_000_000
    found = cut(text, "10-K")
    assert (found.by, len(found.sections)) == ("size", 6)
    words = "".join(section.source for section in found.sections)
    assert "".join(words.split()) == "".join(text.split())


def test_the_cover_of_a_filing_without_items_is_left_out() -> None:
    text = (
        "FORM 6-K\n\nREPORT OF FOREIGN ISSUER\n\nPursuant to Rule 13a-16\n\nMarch 3, 2021\n\n"
        "ACME N.V.\n\n(Exact name of registrant as specified in its charter)\n\nIndicate by check "
        "mark whether it files under cover Form 20-F.\n\nAcme sells more than a year ago.\n\n"
        "It goes on."
    )
    found = cut(text, "6-K")
    assert [section.source for section in found.sections] == [
        "Acme sells more than a year ago.\n\nIt goes on."
    ]
    assert found.period == "2021-03-03"


def test_what_is_no_prose_is_no_paragraph() -> None:
    page = (
        "<html><style>p {color: red}</style><p>Item&nbsp;1. Business</p>"
        "<p>We sell <b>a</b>nvils &amp; rockets in the U.&#160;S.</p><div>4</div><hr>"
        "<p>Acme | Form 10-K | 5</p><table><tr><td>Revenue</td><td>$</td><td>1,234</td><td>1,100"
        "</td></tr><tr><td>Costs</td><td>$</td><td>900</td><td>800</td></tr></table>"
        "<p>Acme | Form 10-K | 6</p><p>Acme | Form 10-K | 7</p><p>Acme | Form 10-K | 8</p>"
        "<table><tr><td>•</td><td>Orders from abroad rose again in all of our segments.</td></tr>"
        "</table><p>Item 2. Properties</p><p>None.</p></html>"
    )
    business, _ = cut(page, "10-K").sections
    assert list(business.paragraphs()) == [
        "We sell anvils & rockets in the U.S.",
        "Orders from abroad rose again in all of our segments.",
    ]


def test_a_text_without_lines_has_no_rows_of_tables_and_no_marks_of_pages() -> None:
    text = (
        "Item 7. Management’s Discussion and Analysis Revenue grew by 12% to $4.5 billion in 2024. "
        "Sales $ 4,500 $ 4,018 Costs 3,000 2,900 Acme Inc. | 2024 Form 10-K | 20 Margins rose, "
        "too. 21 Table of Contents We expect more. "
    ) + "We will see what the next year brings to all of us. " * 200
    (section, *_) = cut(f"{text} Item 8. Financial Statements None.", "10-K").sections
    paragraphs = list(section.paragraphs())
    assert paragraphs[0].startswith("Revenue grew by 12% to $4.5 billion in 2024. Sales")
    words = " ".join(paragraphs)
    for mark in ("4,018", "2,900", "| 20", "Table of Contents"):
        assert mark not in words
    assert "Margins rose, too. We expect more." in words


@pytest.mark.parametrize(
    ("cover", "period"),
    [
        ("For the fiscal year endedSeptember 28, 2019", "2019-09-28"),
        ("For the quarterly period ended June\xa030 , 2025", "2025-06-30"),
        ("For the year ended: 31 December 2015", "2015-12-31"),
        ("For the Fiscal Year Ended JUNE 30, 2020", "2020-06-30"),
        ("For the fiscal year ended December 31,", ""),
        ("For the fiscal year ended February 31, 2020", ""),
    ],
)
def test_the_period_is_that_of_the_cover(cover: str, period: str) -> None:
    assert cut(f"FORM 10-K\n\n{cover}\n\nItem 1. Business", "10-K").period == period


def test_a_page_keeps_the_lines_of_preformatted_text() -> None:
    plain = (
        "<PAGE>\nITEM 1.  BUSINESS\n\nWe sell\nthings &amp; more.\n<TABLE>\n<S> 1  2\n</TABLE>\n"
    )
    assert plain_text(plain) == "ITEM 1.  BUSINESS\n\nWe sell\nthings & more.\n\n 1  2"


SOUP = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<td>", "</tr>", "<table>", "<pre>", "</pre>", "<body>", "<head>", "<br>",
         '<a href="#x">', '<a name="x">', "&nbsp;", "&#x;", "<", "\n\n", " ", "Item 1. Business",
         "Items 7 and 7A.", "Item 1A", "Risk Factors", "PART II", "SIGNATURES\n", "Words say it.",
         "12", "é", "（", "Item 99. None", "D. Risk Factors", "Item 3. Key Information"]
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=150)
@given(
    st.one_of(SOUP.map("".join), st.text(max_size=400)), st.sampled_from(["10-K", "20-F", "6-K"])
)
def test_whatever_a_filing_holds_it_is_cut_into_sections_in_order(text: str, kind: str) -> None:
    found = cut(text, kind)
    assert found.by == ("items" if any(section.item for section in found.sections) else "size")
    for section in found.sections:
        assert all(words.strip() for words in section.paragraphs())
