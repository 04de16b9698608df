"""Hashed n-grams: rare words weigh more, stop words nothing, and words are hashed once."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.finmem.backgrounds import BACKGROUNDS
from investorbench.memory import ArchiveMismatchError, Arrays, HashedNgrams, LayeredMemory, hashed
from investorbench.memory.rarity import RAREST, STEPS, STOP_WORDS, table, weight
from investorbench.scripts.word_rarity import texts, weights_of

EMBEDDER = HashedNgrams()
NAMES = {
    "MSFT": ["Azure", "Xbox", "LinkedIn", "Dynamics", "Windows", "Office", "Surface"],
    "TSLA": ["Model", "Fremont", "Shanghai", "electric vehicles", "factories"],
    "AAPL": ["iPhone", "iCloud", "Mac", "wearables", "App Store"],
    "HON": ["Aerospace", "Safety and Productivity", "Building Technologies"],
    "BTC": ["proof-of-work", "blockchain", "halves", "crypto-currency"],
    "ETH": ["Ethereum", "smart contracts", "proof of stake", "transaction fees"],
}
"""What the background of an asset names; by hand."""
HAPPENINGS = [
    "{} growth slows sharply", "{} sales beat expectations", "Regulators question {}",
    "Analysts raise estimates on {} demand", "Outage hits {} users",
]  # fmt: skip
stop_texts = st.lists(st.sampled_from(sorted(STOP_WORDS)), min_size=1, max_size=60).map(" ".join)
topical = st.sampled_from([(asset, name) for asset, names in NAMES.items() for name in names])


@given(stop_texts, topical, st.sampled_from(HAPPENINGS))
def test_stop_words_are_never_nearer_to_a_background_than_news_on_what_it_names(
    stop_words: str, about: tuple[str, str], happening: str
) -> None:
    asset, name = about
    background, nothing, news = EMBEDDER.embed(
        [BACKGROUNDS[asset].text, stop_words, happening.format(name)]
    )
    assert nothing @ background == 0.0 < news @ background


def test_azure_is_nearer_to_microsoft_than_words_that_say_nothing() -> None:
    microsoft, azure, nothing = EMBEDDER.embed(
        [
            BACKGROUNDS["MSFT"].text,
            "Azure growth slows sharply",
            "the of and to in a is that it for",
        ]
    )
    assert azure @ microsoft > 0.1 > nothing @ microsoft == 0.0


@given(st.text(min_size=1, max_size=200))
def test_a_text_is_a_sum_of_its_words_by_rarity_and_the_root_of_their_count(text: str) -> None:
    """Word by word, in plain Python, from the rows alone."""
    lower = text.lower()
    words = hashed._WORDS.findall(lower) or hashed._SIGNS.findall(lower) or [text]
    counts = Counter(word for word in words if word not in STOP_WORDS)
    summed = [0] * 64
    for word, count in counts.items():
        (row,) = hashed.rows_of([word], 63, (3, 4, 5)).tolist()
        for column, value in enumerate(row):
            summed[column] += value * weight(word) * math.floor(4 * math.sqrt(count))
    if not any(summed):
        summed[-1] = 1
    expected = np.array(summed) / math.sqrt(sum(value * value for value in summed))
    (vector,) = HashedNgrams(64).embed([text])
    assert vector.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=20), st.data())
def test_the_bits_of_a_text_depend_on_no_other(several: list[str], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(several))
    together = HashedNgrams(48).embed(several)[several.index(one)]
    assert together.tobytes() == HashedNgrams(48).embed([one])[0].tobytes()


def test_what_is_cached_is_bounded_and_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashed, "MOST_WORDS", 50)
    monkeypatch.setattr(hashed, "MOST_TEXTS", 7)
    small, texts = HashedNgrams(32), [f"{n} word{n} and word{n * 7 % 100}" for n in range(100)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: small.embed(texts[n : n + 3]), range(98)))
    assert len(small._vectors) <= 7 and len(small._rows._places) <= 50 + 3 * 4
    monkeypatch.undo()
    plain = HashedNgrams(32).embed(texts)
    assert all(rows.tobytes() == plain[n : n + 3].tobytes() for n, rows in enumerate(found))


def test_forms_of_a_word_are_near_each_other_and_numbers_say_little() -> None:
    risen, rising, figure, other = EMBEDDER.embed(
        ["shipments", "shipment", "shipments 4711", "tariffs"]
    )
    assert risen @ rising > 0.4 > abs(risen @ other) + 0.2
    assert risen @ figure > 0.8


def test_weights_are_those_of_a_count_by_hand() -> None:
    counted = weights_of(["orders rose", "orders fell 3", "Orders 7", "", "tariff 12 12"])
    by_hand = {"orders": 4 / 3, "rose": 4 / 1, "tariff": 4 / 1, "99": 4 / 3, "unseen": 4 / 1}
    for word, ratio in by_hand.items():
        found = int(counted[hashed.rarity.bucket(word)])
        assert found == round(STEPS * math.sqrt(math.log(ratio)))
    most = weights_of(["word"] + ["other"] * 9_999)
    assert most.max() == round(STEPS * math.sqrt(RAREST))


def test_the_table_knows_which_words_of_finance_are_rare() -> None:
    assert table().nbytes < 1_000_000 and table().dtype == np.uint8
    assert weight("the") == 0 < weight("company") < weight("revenue") <= weight("backlog")
    assert weight("2021") == weight("5") < weight("azure") == weight("quillon")


@pytest.mark.heavy
def test_the_table_is_what_the_texts_give(data_folder) -> None:
    assert weights_of(texts(data_folder / "text")).tobytes() == table().tobytes()


def test_memories_of_another_embedder_are_refused_and_left_as_they_are(tmp_path) -> None:
    class Former(HashedNgrams):
        name = "hashed-ngrams-v1:3,4,5"

    LayeredMemory("layered", Arrays(), Former(32)).save(tmp_path / "memory")
    before = (tmp_path / "memory").read_bytes()
    with pytest.raises(ArchiveMismatchError, match="hashed-ngrams-v1"):
        LayeredMemory("layered", Arrays(), HashedNgrams(32)).load(tmp_path / "memory")
    assert (tmp_path / "memory").read_bytes() == before


def test_the_name_changes_with_what_vectors_depend_on() -> None:
    kinds = [HashedNgrams(), HashedNgrams(sizes=(3,)), HashedNgrams(by_rarity=False)]
    assert len({kind.name for kind in kinds}) == 3
