"""What filings leave in memory: passages of their items, and what later filings replace."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.finmem.extracts import extract, passages, sentences
from investorbench.agents.finmem.filings import passages_of, portions
from investorbench.agents.finmem.perception import arrivals
from investorbench.agents.finmem.state import AgentState
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench_env.market.documents import Document
from investorbench_env.market.filings import CutFiling, Section
from investorbench_env.market.simulated import simulate
from tests.agents.finmem.episodes import store

BUSINESS = "We make anvils for road runners in all of Arizona, and rockets besides. "
RISKS = "We may be unable to deliver anvils if the price of iron rises by a lot. "
RESULTS = "Revenue increased 12% to $4.5 billion in 2023, driven by demand for rockets{n}. "
MARKET = "A change of interest rates by 10% would cost us $3 million in a year{n}. "


def annual(form: str = "10-K", *, period: str = "March 31, 2023", results: str = RESULTS) -> str:
    """A report of a few kilobytes, with a cover, exhibits and a Part III."""
    parts = [
        "UNITED STATES", "SECURITIES AND EXCHANGE COMMISSION", "Washington, D.C. 20549",
        f"FORM {form}", f"For the fiscal year ended {period}", "ACME CORPORATION",
        "(Exact name of registrant as specified in its charter)",
        "Item 1. Business", BUSINESS * 9, "Item 1A. Risk Factors", RISKS * 9,
        "Item 2. Properties", "We own a canyon of which nothing more needs to be known. " * 9,
        "Item 7. Management’s Discussion and Analysis",
        *(results.format(n=f" {word}") for word in "north south east west up down in out".split()),
        "Item 7A. Quantitative and Qualitative Disclosures About Market Risk", MARKET.format(n=""),
        "Item 15. Exhibits", "3.1 Certificate of Incorporation of Acme. " * 9, "SIGNATURES",
        "Pursuant to the requirements of the Act, signed by its officer, duly authorized.",
    ]  # fmt: skip
    return "\n\n".join(parts)


PART_III = "\n\n".join(
    ["FORM 10-K/A", "For the fiscal year ended March 31, 2023", "Item 10. Directors",
     "Ms Coyote is a director of ours, and was one before as well.",
     "Item 11. Executive Compensation", "She was paid $5 million in the year."]
)  # fmt: skip
SUMMARY = "Acme's annual report says that revenue rose by 12%, and that iron is dear."


def document(kind: str, text: str, day: str, title: str = "") -> Document:
    moment = datetime.fromisoformat(f"{day}T21:00").replace(tzinfo=UTC)
    return Document(kind=kind, symbol="ACME", available_at=moment, title=title, text=text, id=text)


def remembering() -> AgentState:
    memory = LayeredMemory("layered", Arrays(), HashedNgrams(64))
    return AgentState(task="task", seed=0, split="test", memory=memory)


def read(state: AgentState, *documents: Document, longest: int = 3000) -> None:
    arrived = arrivals(documents, "2024-12-31", state.seen, longest)
    store(state, [part for each in arrived for part in each.read(longest)])


def remembered(state: AgentState) -> list[tuple[str, str, str]]:
    """Kind, item and text of all memories."""
    found = state.memory.recall("revenue", 1000)
    return [
        (memory.metadata["kind"], memory.metadata["item"], memory.text)
        for layer in found.values()
        for memory in sorted(layer, key=lambda memory: memory.id)
    ]


def test_a_report_leaves_a_few_passages_of_the_items_that_a_trader_reads() -> None:
    left = passages_of(annual(), "10-K", 1000)
    assert [passage.item for passage in left] == ["1", "1A", "7", "7A"]
    for passage, words in zip(left, (BUSINESS, RISKS, RESULTS, MARKET), strict=True):
        assert words[:30] in passage.text
    assert left[2].text.startswith(
        "10-K to 2023-03-31, Item 7, Management’s Discussion and Analysis: Revenue increased 12% to"
    )
    bodies = [passage.text.partition(": ")[2] for passage in left]
    assert sum(map(len, bodies)) <= 1000
    for words in ("canyon", "Certificate", "Washington", "signed", "specified in its charter"):
        assert words not in " ".join(bodies)


def test_memories_carry_form_item_period_and_the_day_of_filing() -> None:
    (filing,) = arrivals([document("10-K", annual(), "2023-05-02")], "2023-05-02", (), 600)
    (first, *_) = filing.read(600)
    assert (first.layer, first.time) == ("long", "2023-05-02")
    about = {
        name: first.metadata[name] for name in ("kind", "form", "item", "period", "filed", "by")
    }
    assert about == {
        "kind": "10-K", "form": "10-K", "item": "1", "period": "2023-03-31", "filed": "2023-05-02",
        "by": "items",
    }  # fmt: skip


def section(item: str, share: float, length: int) -> Section:
    return Section(item=item, title=item, share=share, source="x" * length)


def filing(*sections: Section) -> CutFiling:
    return CutFiling(kind="10-K", period="", by="items", is_as_filed=True, sections=sections)


def test_what_a_short_item_leaves_of_its_share_is_the_others() -> None:
    found = portions(
        filing(section("1", 0.25, 10_000), section("2", 0, 99), section("7", 0.25, 50),
               section("7A", 0.5, 9_999)), 1000
    )  # fmt: skip
    # 250, of which item 7 needs 50; 950 are left for 0.25 and 0.5.
    assert {portion.section.item: portion.longest for portion in found} == {
        "1": 317, "7": 50, "7A": 633,
    }  # fmt: skip


def test_a_model_is_to_be_asked_once_an_item() -> None:
    asked: list[tuple[str, int]] = []

    def digest(section: Section, longest: int) -> list[str]:
        asked.append((section.item, longest))
        return [f"summary of {section.item}"]

    left = passages_of(annual(period="March 31, 2024"), "10-K", 900, digest)
    assert [item for item, _ in asked] == ["1", "1A", "7", "7A"]
    assert sum(longest for _, longest in asked) <= 900
    assert [passage.text.rpartition(": ")[2] for passage in left] == [
        f"summary of {item}" for item, _ in asked
    ]


def test_a_text_that_somebody_wrote_of_a_report_is_kept_as_it_is() -> None:
    text = "Revenue rose.\n\n1. **Iron** is dear.\n2. Rockets   sell."
    (filing,) = arrivals([document("10-Q", text, "2023-05-02", "10-Q")], "2023-05-03", (), 3000)
    (only,) = filing.read(3000)
    assert only.text == f"10-Q\n{text}"
    assert (only.metadata["by"], only.metadata["item"]) == ("whole", "")


def test_the_reports_of_a_simulated_market_are_kept_as_they_are() -> None:
    market = simulate(seed=3, start="2020-01-02", end="2020-12-31")
    reports = [row for row in market.documents if row.is_filing]
    arrived = arrivals(reports, "2020-12-31", (), 3000)
    left = [part for each in arrived for part in each.read(3000)]
    assert [each.text for each in left] == [str(row).strip() for row in reports]


def test_an_amendment_takes_the_place_of_the_items_that_it_files_again() -> None:
    state = remembering()
    again = annual("10-K/A", results=RESULTS.replace("increased 12%", "decreased 40%"))
    shorter = again[: again.index("Item 1. Bus")] + again[again.index("Item 7. Man") :]
    read(state, document("10-K", annual(), "2023-05-02"))
    read(state, document("10-K/A", shorter, "2023-08-02"))
    kinds = {(kind, item) for kind, item, _ in remembered(state)}
    assert kinds == {("10-K", "1"), ("10-K", "1A"), ("10-K/A", "7"), ("10-K/A", "7A")}
    assert not any("increased 12%" in text for _, _, text in remembered(state))


def test_an_amendment_of_another_year_or_of_another_part_replaces_nothing() -> None:
    state = remembering()
    read(state, document("10-K", annual(), "2023-05-02"))
    before = remembered(state)
    read(state, document("10-K/A", annual("10-K/A", period="March 31, 2022"), "2023-05-10"))
    read(state, document("10-K/A", PART_III, "2023-07-02"))
    after = remembered(state)
    assert set(before) < set(after)
    assert after[-1][2] == (
        "10-K/A to 2023-03-31 holds nothing but: Directors and Governance, Executive Compensation."
    )


@pytest.mark.parametrize("first", ["report", "summary"])
def test_a_summary_takes_the_place_of_its_report_whichever_comes_first(first: str) -> None:
    report = document("10-K", annual(), "2023-05-02")
    summary = document("10-K", SUMMARY, "2023-05-03")
    state = remembering()
    read(state, *([report, summary] if first == "report" else [summary, report]))
    assert remembered(state) == [("10-K", "", SUMMARY)]
    # Both count as read, so neither comes again.
    assert arrivals([report, summary], "2024-12-31", state.seen, 3000) == ()


@pytest.mark.parametrize("first", ["report", "summary"])
@pytest.mark.parametrize("pending", [True, False])
def test_a_report_that_comes_with_its_summary_is_not_read_beside_it(
    first: str, pending: bool
) -> None:
    both = [document("10-K", annual(), "2023-05-02"), document("10-K", SUMMARY, "2023-05-03")]
    came = arrivals(both if first == "report" else both[::-1], "2023-05-03", set(), 3000)
    state = remembering()
    if pending:
        state.pending = came[:1]
    read = [each.filing for each in state.arrived(came[pending:], 3000)]
    assert read == [SUMMARY]


def test_a_summary_of_another_quarter_or_form_takes_no_place() -> None:
    state = remembering()
    read(
        state,
        document("10-K", annual(), "2023-05-02"),
        document("10-Q", SUMMARY, "2023-05-02"),
        document("10-K", SUMMARY, "2023-05-22"),
    )
    assert len([kind for kind, _, _ in remembered(state) if kind == "10-K"]) == 5


def test_current_reports_take_the_place_of_none() -> None:
    long = "\n\n".join(["FORM 8-K", "Item 8.01 Other Events", "We sold the canyon for $9 million."])
    state = remembering()
    read(state, document("8-K", "A short note.", "2023-05-02"), document("8-K", long, "2023-05-02"))
    assert len(remembered(state)) == 2


PROSE = (
    "Acme makes anvils. Revenue increased 12% to $4.5 billion, driven by demand for rockets. "
    "The following table shows revenue of $4.5 billion by segment. "
    "See Note 4 for revenue of $4.5 billion. We expect margins of 30% in 2024. "
    "This is incorporated by reference to Exhibit 4.1 of our Form 10-K. "
    "Mr. Coyote Sr. of the U.S. Corps of Cliffs founded us in the desert some time ago."
)


def test_figures_and_outlooks_come_first_and_what_says_nothing_never() -> None:
    assert extract([PROSE], 104) == [
        "Revenue increased 12% to $4.5 billion, driven by demand for rockets.",
        "We expect margins of 30% in 2024.",
    ]
    everything = " ".join(extract([PROSE], 10_000))
    for words in ("following table", "Note 4", "Exhibit"):
        assert words not in everything


def test_an_abbreviation_ends_no_sentence() -> None:
    words = "Mr. Coyote of Acme Inc. in the U.S. Army fell. He got up! Why? Who?"
    assert list(sentences(words)) == [
        "Mr. Coyote of Acme Inc. in the U.S. Army fell.", "He got up!", "Why?", "Who?",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    ["当社の売上高は前年同期比で増加し、営業利益も大きく増加しました、これは{n}番目の事業所の成果によるものであります。",
     "Der Umsatz der Sparte {n} stieg deutlich, und das Ergebnis blieb über dem des Vorjahres."],
)  # fmt: skip
def test_a_text_in_another_language_leaves_sentences_of_its_own(words: str) -> None:
    text = " ".join(words.format(n=number) for number in range(400))
    left = passages_of(text, "6-K", 3000)
    assert {passage.by for passage in left} == {"size"}
    assert all("no items found" in passage.text for passage in left)
    assert 1000 < sum(len(passage.text) for passage in left) < 4000


@settings(max_examples=60)
@given(
    st.lists(st.text("abc XYZ.$%19,é\n", max_size=300), max_size=12),
    st.integers(0, 900),
    st.integers(50, 400),
)
def test_an_extract_is_of_whole_sentences_in_their_order_and_never_too_long(
    paragraphs: list[str], longest: int, passage: int
) -> None:
    found = extract(paragraphs, longest)
    assert sum(len(each) + 1 for each in found) <= max(longest + 1, 0)
    text = " ".join(paragraphs)
    places = [text.find(each) for each in found]
    assert all(place >= 0 for place in places)
    parts = passages(found, passage)
    assert " ".join(parts) == " ".join(found)


def test_a_text_without_a_single_sentence_leaves_its_beginning() -> None:
    (only,) = passages_of("<p>" + "no end to this " * 90 + "</p>", "6-K", 300)
    assert only.text.startswith("6-K: no end to this no end")
    assert only.text.endswith(" […]")
