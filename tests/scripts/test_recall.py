"""`investorbench bench recall`: that its figures are what they say."""

import json
import math
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.scripts.bench import recall, recall_sets
from investorbench.scripts.bench.bm25 import BM25, words_of
from investorbench.scripts.main import main
from investorbench_env.market.simulated.lexicon import NOUNS


@given(st.permutations(range(14)), st.sets(st.integers(0, 13), min_size=1))
def test_recall_and_ndcg_are_those_of_the_definition(
    ranking: list[int], relevant: set[int]
) -> None:
    scores = np.empty(14)
    scores[ranking] = np.arange(14, 0, -1)
    found = recall.quality(scores, np.array(sorted(relevant)))
    assert found.recall == pytest.approx(len(relevant & {*ranking[:5]}) / min(5, len(relevant)))
    gained = sum(1 / math.log2(n + 2) for n, text in enumerate(ranking[:10]) if text in relevant)
    ideal = sum(1 / math.log2(n + 2) for n in range(min(10, len(relevant))))
    assert found.ndcg == pytest.approx(gained / ideal)


word = st.sampled_from("orders rose fell tariff margin Vexia rose orders the".split())


@given(st.lists(st.lists(word, min_size=1, max_size=9).map(" ".join), min_size=2, max_size=9))
def test_bm25_is_that_of_its_formula(texts: list[str]) -> None:
    earlier = [words_of(text) for text in texts[:-1]]
    mean = max(sum(map(len, earlier)) / len(earlier), 1)
    expected = [0.0] * len(earlier)
    for asked in words_of(texts[-1]):
        bearing = sum(asked in words for words in earlier)
        idf = math.log(1 + (len(earlier) - bearing + 0.5) / (bearing + 0.5))
        for n, words in enumerate(earlier):
            count = words.count(asked)
            norm = 1.2 * (0.25 + 0.75 * len(words) / mean)
            expected[n] += idf * count * 2.2 / (count + norm)
    assert BM25(texts).scores(len(texts) - 1, len(earlier)).tolist() == pytest.approx(expected)


def test_simulated_news_is_labelled_with_what_it_reports_on() -> None:
    sets = recall_sets.simulated(3)
    nouns = {noun.head for noun in NOUNS["company"]}
    for kind, asked in sets.items():
        assert len(asked.query) > 50
        for query, earlier, relevant in zip(
            asked.query, asked.earlier, asked.relevant, strict=True
        ):
            assert relevant.size and relevant.max() < earlier <= query
            if kind == "subject":
                named = [
                    {noun for noun in nouns if noun in asked.texts[n].lower()}
                    for n in (query, *relevant)
                ]
                assert set.intersection(*named)
                assert all("SIM" in asked.texts[n] for n in (query, *relevant))


def test_released_news_is_asked_for_by_its_own_tags_which_no_text_shows(tmp_path) -> None:
    sign_on, other = "An app adds single sign-on (SSO). {} (Sentiment: positive)", "Rain. {}"
    days = {
        "2020-09-30": {"news": [sign_on.format("SSO is safe."), other.format("(AR)")]},
        "2020-10-01": {"news": [other.format("(Sentiment: negative)"), sign_on.format("")]},
        "2020-10-02": {"news": [sign_on.format(""), other.format("(Sentiment: negative)")]},
    }
    (tmp_path / "msft.json").write_text(json.dumps(days))
    sets = recall_sets.released(tmp_path / "msft.json")
    tagged, felt = sets["abbreviation"], sets["sentiment"]
    assert not any(re.search("SSO|entiment", text) for text in tagged.texts)
    assert (tagged.query, tagged.earlier) == ((3, 4), (2, 4))
    assert [relevant.tolist() for relevant in tagged.relevant] == [[0], [0, 3]]
    assert tagged.unit == ("SSO", "SSO")
    assert (felt.query, felt.earlier) == ((5,), (4,)) and felt.relevant[0].tolist() == [2]


def test_a_set_is_measured_by_units_and_fused_ranks_add_up() -> None:
    asked = recall_sets.RecallSet(
        texts=["a", "b", "c", "d"], query=[2, 3, 3], earlier=[2, 3, 3],
        relevant=[np.array([1]), np.array([0]), np.array([2])], unit=["one", "one", "other"],
    )  # fmt: skip

    def by_place(texts):
        return lambda query, earlier: np.arange(earlier, dtype=float)

    found = recall.measured(by_place, asked)
    assert found["one"].ndcg == pytest.approx((1 + 0.5) / 2) and found["other"].ndcg == 1
    scores = recall.fused(by_place, by_place)(asked.texts)(3, 3)
    assert scores.tolist() == pytest.approx([2 / 63, 2 / 62, 2 / 61])


def test_the_command_prints_a_table_a_set_and_says_what_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("INVESTORBENCH_DATA", raising=False)
    monkeypatch.setattr(recall_sets, "END", "2020-11-13")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "recall", "--seeds", "2", "--first", "500"])
    output = capfd.readouterr().out
    assert ended.value.code == 0
    assert "2 markets, seeds 500 to 501" in output and "set INVESTORBENCH_DATA" in output
    assert re.search(r"MiniLM +not installed", output) and "investorbench[embed]" in output
    by_name = dict(re.findall(r"(?m)^ ?(random|hashed by rarity) +([\d.]+) ", output))
    assert float(by_name["hashed by rarity"]) > 0 < float(by_name["random"])


@pytest.mark.long
def test_rarity_recalls_more_than_hashing_alone_and_both_more_than_chance() -> None:
    rankers = recall.contestants()
    sets = [recall_sets.simulated(seed)["subject"] for seed in (900, 901)]
    found = [
        np.mean([q.recall for each in sets for q in recall.measured(rankers[name], each).values()])
        for name in ("random", "hashed", "hashed by rarity")
    ]
    assert 2 * found[0] < found[1] < found[2]
