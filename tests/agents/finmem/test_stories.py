"""Texts that say the same are one story; another figure or sense makes another one."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.finmem import stories as module
from investorbench.agents.finmem.stories import BANDS, MOST_COMPARED, Words, is_same, stories

SAME = [
    (
        "Tesla cuts prices of Model S variant in China",
        "Tesla cuts prices of Model S in China",
    ),
    (
        "TESLA'S second-quarter deliveries send shares surging",
        "Tesla’s second quarter deliveries send its shares surging",
    ),
    ("Shares of the maker closed at a record.", "Shares of the maker closed at a record."),
    ("🙏🙏", "🙏🙏"),
    (
        " ".join(f"word{'abcdefghij'[n % 10]}{'klmno'[n // 10]}" for n in range(40)),
        "ICYMI: " + " ".join(f"word{'abcdefghij'[n % 10]}{'klmno'[n // 10]}" for n in range(40)),
    ),
]
OTHERS = [
    (
        "Acme beats estimates of analysts in the third quarter",
        "Acme misses estimates of analysts in the third quarter",
    ),
    (
        "Acme will build the plant in Ohio as planned, it said",
        "Acme will not build the plant in Ohio as planned, it said",
    ),
    (
        "Acme shares fell in early trade on Monday in New York",
        "Acme shares fell 5% in early trade on Monday in New York",
    ),
    (
        "Acme expects sales of 40 million this year, it said",
        "Acme expects sales of 30 million this year, it said",
    ),
    (
        "Acme denies that it holds talks about a merger with Bolt",
        "Acme says that it holds talks about a merger with Bolt",
    ),
    ("Acme opens a shop", "Bolt closes a mine"),
    ("Acme buys Bolt", "Bolt buys Acme"),
    ("Acme rises 2.5% today", "Acme rises 5.2% today"),
    ("ACME: +3.1% before the open", "ACME: -3.1% before the open"),
    ("Target of Acme raised to 300 from 250", "Target of Acme raised to 250 from 300"),
    ("ACME 📈 at noon", "ACME 📉 at noon"),
    ("🙏🙏", "🚀🚀"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_copy_with_a_few_words_more_or_less_is_the_same_story(one: str, other: str) -> None:
    assert stories([one, "Something else altogether.", other]) == ((0, 2), (1,))


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_word_a_figure_or_a_denial_makes_another_story(one: str, other: str) -> None:
    assert stories([one, other]) == ((0,), (1,))


SWAPS = [("up", "down"), ("above", "below"), ("more", "less"), ("will", "may"), ("to", "from")]
SWAPS += [("before", "after"), ("on", "off"), ("over", "under"), ("all", "few"), ("can", "cannot")]
NEUTRAL = "acme plant shares orders market analysts york monday trading of the in its".split()


@given(
    around=st.lists(st.sampled_from(NEUTRAL), min_size=8, max_size=45),
    swap=st.sampled_from(SWAPS),
    at=st.integers(0, 38),
)
def test_texts_that_say_the_opposite_are_two_stories_however_alike(
    around: list[str], swap: tuple[str, str], at: int
) -> None:
    at = min(at, len(around))
    one, other = (" ".join([*around[:at], word, *around[at:]]) for word in swap)
    assert stories([one, other]) == ((0,), (1,))


@given(order=st.randoms(use_true_random=False), count=st.integers(1, 300))
@settings(max_examples=20, deadline=None)
def test_a_copy_is_found_among_any_number_of_texts_that_are_nearly_the_same(
    order: Random, count: int
) -> None:
    texts = [f"Acme sold {n} units of its product in the north" for n in range(count)]
    copies = [*texts, *(text.upper() for text in texts)]
    order.shuffle(copies)
    assert len(stories(copies)) == count


WORDS = st.sampled_from("acme bolt rose fell not sales 5 7 the of in plant".split())
TEXTS = st.lists(st.lists(WORDS, max_size=12).map(" ".join), max_size=30)


@given(texts=TEXTS)
@settings(max_examples=60, deadline=None)
def test_every_text_is_in_one_story_and_says_what_its_first_text_says(texts: list[str]) -> None:
    found = stories(texts)
    assert sorted(place for group in found for place in group) == list(range(len(texts)))
    assert [group[0] for group in found] == sorted(group[0] for group in found)
    words = [tuple(text.split()) or (text,) for text in texts]
    for first, *others in found:
        assert all(is_same(words[first], words[other]) for other in others)
    firsts = [texts[group[0]] for group in found]
    assert len({*firsts}) == len(firsts)  # equal texts are together


def test_two_thousand_texts_are_compared_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counting(one: Words, other: Words) -> bool:
        nonlocal compared
        compared += 1
        return is_same(one, other)

    monkeypatch.setattr(module, "is_same", counting)
    # All alike, and no two the same: the worst there is for pairs.
    texts = [f"Acme sold {n} units of its product in the north of the country" for n in range(2000)]
    assert len(stories(texts)) == 2000
    assert 0 < compared <= BANDS * MOST_COMPARED * len(texts)
