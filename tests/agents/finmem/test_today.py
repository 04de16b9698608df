"""What is new stands in the prompt by itself: each story once, a line each, within its tokens."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.today import CITABLE, TOP, Arrived, headline, items_of, sheet_of
from investorbench_env.token_estimate import estimate
from tests.agents.finmem.episodes import Scripted, arrays, market, play, task_of, varied

LINE = re.compile(r"(?:N\d+|–)(?: \([a-z0-9 ,-]+\))?: ")


def news(text: str, number: int = 0, rating: str = "", kind: str = "news") -> Arrival:
    about = {"kind": kind, "id": str(number), "source": ""} | ({"rating": rating} if rating else {})
    return Arrival(key=f"{number}", layer="short", text=text, time="2021-01-04", metadata=about)


def arrived(*parts: Arrival) -> Arrived:
    return Arrived(items=items_of(parts, ("ACME",)), known_since={}, usual=0.0)


def test_a_story_stands_there_once_with_a_count_and_the_rating_of_most() -> None:
    text = "ACME cuts its guidance for the year, and the shares fall."
    found = arrived(
        news(text, 1, "negative"),
        news(text, 2, "negative"),
        news(text, 3),
        news("Rain in Ohio.", 4),
    )
    assert sheet_of(found, 1000).lines == (
        f"N1 (negative, 3 texts): {text}",
        "N2: Rain in Ohio.",
    )
    assert found.summary() == (
        "4 texts of news in 2 stories, the most important first; "
        "as rated by their sources: 2 negative, 2 unrated."
    )


def test_filings_come_first_then_what_names_the_asset_with_figures_and_posts_last() -> None:
    parts = [
        news("$ACME to the moon!", 1),
        news("Weather is fair in most of the country.", 2),
        news("ACME raises its dividend by 12%.", 3),
        news("10-Q to 2020-09-30, Part I, Item 2, Discussion: Sales rose.", 4, kind="10-Q"),
        news("ACME opens a museum.", 5),
    ]
    found = [item.part.metadata["id"] for item in items_of(parts, ("ACME",))]
    assert found == ["4", "3", "5", "1", "2"] or found == ["4", "3", "5", "2", "1"]
    assert found[-1] != "5"


@given(
    texts=st.lists(st.text(min_size=1, max_size=400).filter(str.strip), max_size=40),
    room=st.integers(0, 600),
)
@settings(max_examples=60, deadline=None)
def test_each_text_is_one_line_whatever_it_holds_and_headlines_go_first(
    texts: list[str], room: int
) -> None:
    found = arrived(*(news(text, number) for number, text in enumerate(texts)))
    sheet = sheet_of(found, room)
    assert len(sheet.lines) == len(sheet.places) >= min(TOP, len(found.items))
    for place, line in zip(sheet.places, sheet.lines, strict=True):
        assert line.splitlines() == [line] and not {"<", ">"} & {*line}
        begin = LINE.match(line)
        assert begin and line.startswith(f"N{place + 1}" if place < CITABLE else "–")
    # Where there is more than what is always shown, all of it takes no more than it may.
    assert len(sheet.lines) <= TOP or estimate("\n".join(sheet.lines)) <= room
    if len(sheet.whole) > 0 and room > 0:
        assert {*sheet.whole} <= {*sheet.places}


@given(text=st.text(alphabet=" \n\t\x00\u00ad\u200b\u202e\u2066\ufe0f\ufeff"))
def test_a_text_of_which_nothing_can_be_seen_is_no_news(text: str) -> None:
    assert news(text, 1).read(3000) == []


def test_a_day_of_two_thousand_news_shows_the_most_important_within_its_tokens() -> None:
    words = "plant sales orders prices union court market report product country".split()
    texts = [
        f"{words[n % 10].title()} of {words[n // 10 % 10]} number {n} in the {words[n // 100 % 10]}"
        for n in range(2000)
    ]
    texts[1234] = "ACME halts deliveries after a recall of 40% of its cars."
    found = arrived(*(news(text, number) for number, text in enumerate(texts)))
    sheet = sheet_of(found, 3000)
    assert len(found.items) == 2000 and 100 < len(sheet.lines) < 400
    assert sum(map(estimate, sheet.lines)) <= 3000
    assert sheet.lines[0] == f"N1: {texts[1234]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A title\nThe body.", "A title […]"),
        ("One sentence.", "One sentence."),
        (
            "ACME said on Monday that its sales rose. More.",
            "ACME said on Monday that its sales rose. […]",
        ),
        ("Mr. Smith leaves. More.", "Mr. Smith leaves. More."),
        ("word " * 60, "word " * 39 + "word […]"),
        (
            "10-Q\nThe report of ACME shows that its sales rose. More.",
            "10-Q The report of ACME shows that its sales rose. […]",
        ),
        (
            "A maker of cars and trucks was ranked No. 7 on the list of Acme Inc. of the U.S. for "
            "the third year. More.",
            "A maker of cars and trucks was ranked No. 7 on the list of Acme Inc. of the U.S. for "
            "the third year. […]",
        ),
    ],
)
def test_a_headline_is_the_first_line_or_sentence(text: str, expected: str) -> None:
    assert headline(text) == expected


def test_nothing_stands_twice_in_a_prompt_and_what_is_repeated_says_since_when() -> None:
    """The news of one day come again five days later, and again."""
    places = ["north", "south", "east", "west", "centre"]
    texts = [f"The {places[t % 5]} plant of ACME reports on its orders." for t in range(300)]
    model = Scripted(varied)
    episode = play(FinMem(model, arrays), task_of(market(texts)))
    since = [day.thought.question.user.count("known since") for day in episode]
    assert since[:5] == [0] * 5 and min(since[6:10]) == 1
    for messages, _ in model.asked:
        for text in {*texts}:
            assert messages[-1]["content"].count(text) <= 1


def test_news_of_today_can_be_cited_and_is_kept_by_what_it_earns() -> None:
    def cites_news(messages: Any, schema: Any) -> dict[str, Any]:
        return varied(messages, schema) | {"memory_ids": ["N1"]}

    episode = play(FinMem(Scripted(cites_news), arrays), task_of(market()))
    for day in episode:
        assert day.thought.decision.cited == tuple(day.thought.stored)[:1]
    fed = [day.thought.feedback for day in episode[3:]]
    assert [each.ids for each in fed] == [day.thought.decision.cited for day in episode[:-3]]
