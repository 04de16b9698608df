"""Tokens are counted by what a model's settings name, and else estimated on the safe side."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench.agents.finmem.question import template
from investorbench.agents.llm import ModelError
from investorbench.agents.llm.tokens import counter_of
from investorbench_env.errors import MissingDependencyError, UnknownNameError
from investorbench_env.market.simulated import simulate
from investorbench_env.token_estimate import estimate


def test_the_estimate_is_counted_by_hand() -> None:
    # 10 small letters, 2 capitals, 3 spaces; 4 digits, 3 signs, and 1 letter of 2 bytes.
    assert estimate("Ab cdefghi Jkl 12.34%!é") == 13  # 2.7 + 1 + .3 + 9


@given(text=st.text(max_size=300), more=st.text(max_size=300))
def test_the_estimate_takes_any_text_and_grows_with_it(text: str, more: str) -> None:
    assert 0 <= estimate(text) <= len(text.encode("utf-8", "replace"))
    assert estimate(text + more) >= max(estimate(text), estimate(more))


def test_an_unknown_tokenizer_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="o200k_base"):
        counter_of("o200k")
    with pytest.raises(ModelError, match=r"there is no tokenizer .*tokenizer\.json"):
        counter_of(str(tmp_path / "tokenizer.json"))


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_the_estimate_is_no_less_than_what_openai_counts(name: str) -> None:
    pytest.importorskip("bpe_openai", reason="needs the extra [tokens]")
    count = counter_of(name)
    market = simulate(seed=7)
    texts = [str(document) for document in list(market.documents)[:300]]
    texts += [template("system"), "BTC $47,000 ↑ 3.2 % 🙏🏼", "\ud800 half"]
    for text in ["\n".join(texts[n : n + 20]) for n in range(0, len(texts), 20)]:
        assert 0 < count(text) <= estimate(text) <= 2.2 * count(text)
    assert count("<|endoftext|>") > 1  # no control of a prompt from within a text


@pytest.mark.heavy
def test_a_tokenizer_of_a_file_counts_its_own_tokens(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra [tokens]")
    words = {"[UNK]": 0, "orders": 1, "rose": 2}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    assert counter_of(str(tmp_path / "tokenizer.json"))("orders rose again") == 3


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    counter_of.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"investorbench\[tokens\]"):
        counter_of("o200k_base")
    counter_of.cache_clear()
