"""A corpus follows from its settings and data to the byte, however often it is interrupted."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.trading_r1.corpus import building
from investorbench.tasks.trading_r1.corpus.building import build_corpus
from investorbench.tasks.trading_r1.corpus.rows import CorpusRow, read_manifest, read_rows
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings
from investorbench_env.errors import InvestorBenchError
from tests.tasks.trading_r1.corpora import (
    TESTED,
    TRAINED,
    bytes_in,
    progress_in,
    settings_of,
    teaching,
    write_data,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), "AAA", "BBB")


@pytest.fixture(scope="module")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "two"
    build_corpus(folder, settings_of(data, "AAA", "BBB"))
    return folder


def all_rows(folder: Path) -> list[CorpusRow]:
    return [*read_rows(folder, "train"), *read_rows(folder, "test")]


def test_each_day_of_each_market_is_there_in_each_variant(built: Path) -> None:
    found = Counter((row["market"], row["split"], row["date"]) for row in all_rows(built))
    assert set(found.values()) == {2}
    days = Counter((market, split) for market, split, _ in found)
    assert days == {
        (market, split): number
        for market in ("AAA", "BBB")
        for split, number in (("train", TRAINED), ("test", TESTED))
    }
    manifest = read_manifest(built)
    assert manifest["rows"] == {"train": 4 * TRAINED, "test": 4 * TESTED}
    assert len({row["id"] for row in all_rows(built)}) == 4 * (TRAINED + TESTED)


def test_variants_of_a_day_differ_in_what_they_show_and_not_in_what_is_true(built: Path) -> None:
    rows = list(read_rows(built, "train"))
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    for one, other in pairs:
        assert (one["date"], one["label"]) == (other["date"], other["label"])
    alike = sum(one["briefing_sha256"] == other["briefing_sha256"] for one, other in pairs)
    assert alike < len(pairs) / 4  # where there is no news, little can be drawn


def test_no_row_says_to_the_model_what_is_true(built: Path) -> None:
    for row in all_rows(built):
        shown = json.dumps(row["prompt"])
        assert row["label"] not in shown and str(row["score"]) not in shown
        assert row["ids"] and f"[{row['ids'][0]}] " in row["prompt"][1]["content"]
        assert [each["role"] for each in row["prompt"]] == ["system", "user"]


def test_a_briefing_is_that_of_the_environment_on_its_day(built: Path, data: Path) -> None:
    from investorbench_env.wrappers.briefing import brief

    settings = settings_of(data, "AAA")
    task = replace(settings.tasks[0], start="2020-03-02", end="2020-03-20")
    env = task.make("test")
    _, info = env.reset(seed=0)
    facts = task.facts("test")
    own = (row for row in read_rows(built, "train") if row["market"] == "AAA")
    rows = {(row["date"], row["variant"]): row for row in own}
    ended, steps = False, 0
    while not ended:
        row = rows[info["session"], 1]
        found = brief(info["history"], facts, seed=row["seed"], form=settings.form)
        if not found.ids:
            form = replace(settings.form, drop=0.0)
            found = brief(info["history"], facts, seed=row["seed"], form=form)
        assert (found.text, list(found.ids)) == (row["prompt"][1]["content"], row["ids"])
        _, _, terminated, truncated, info = env.step(1)
        ended, steps = terminated or truncated, steps + 1
    assert steps == 14


@pytest.mark.heavy
def test_the_same_is_built_again_to_the_byte_and_another_seed_is_another_corpus(
    built: Path, data: Path, tmp_path: Path
) -> None:
    again = build_corpus(tmp_path / "again", settings_of(data, "AAA", "BBB"))
    assert bytes_in(tmp_path / "again") == bytes_in(built)
    other = build_corpus(tmp_path / "other", settings_of(data, "AAA", "BBB", seed=1))
    assert other["files"] != again["files"]


class Stop(Exception):  # noqa: N818
    """Stands for whatever ends a process."""


@pytest.mark.parametrize(
    "row", [21, *(pytest.param(row, marks=pytest.mark.heavy) for row in (0, 1, 5, 90, 170))]
)
def test_what_was_interrupted_goes_on_to_the_same_bytes(
    row: int, built: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "PAGE", 20)
    made = Counter[str]()
    whole = building.row_line

    def line(content: CorpusRow) -> bytes:
        made["rows"] += 1
        if made["rows"] == row + 1:
            raise Stop
        return whole(content)

    settings = settings_of(data, "AAA", "BBB")
    monkeypatch.setattr(building, "row_line", line)
    with pytest.raises(Stop):
        build_corpus(tmp_path, settings)
    before = progress_in(tmp_path)["rows"]
    assert before == row // 20 * 20
    made.clear()
    monkeypatch.setattr(building, "row_line", lambda content: made.update(rows=1) or whole(content))
    build_corpus(tmp_path, settings)
    assert made["rows"] == 4 * (TRAINED + TESTED) - before
    assert bytes_in(tmp_path) == bytes_in(built)


def test_a_finished_corpus_is_not_built_again(
    built: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "row_for", lambda *_: pytest.fail("a row was written"))
    before = bytes_in(built)
    assert build_corpus(built, settings_of(data, "AAA", "BBB")) == read_manifest(built)
    assert bytes_in(built) == before


def test_a_finished_corpus_whose_data_or_files_changed_since_is_refused(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", "AAA")
    folder, settings = tmp_path / "corpus", settings_of(data, "AAA", variants=1)
    build_corpus(folder, settings)
    whole = (folder / "test.jsonl").read_bytes()
    (folder / "test.jsonl").write_bytes(whole[:-1])
    with pytest.raises(InvestorBenchError, match=r"test\.jsonl is not the file that was written"):
        build_corpus(folder, settings)
    (folder / "test.jsonl").write_bytes(whole)
    build_corpus(folder, settings)
    prices = data / "AAA_prices.csv"
    lines = prices.read_text().splitlines(keepends=True)
    lines[60] = lines[60].replace(",1000", ",1001")
    prices.write_text("".join(lines))
    with pytest.raises(InvestorBenchError, match=r"data \(markets\[0\]\.fingerprint was .*, is "):
        build_corpus(folder, settings)


@pytest.mark.parametrize("name", ["train.jsonl", "test.parquet", "train.jsonl.part"])
def test_files_of_somebody_else_are_not_written_over(name: str, data: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(InvestorBenchError, match=f"{name} is there, and no corpus was begun"):
        build_corpus(tmp_path, settings_of(data, "AAA"))
    assert (tmp_path / name).read_text() == "mine"


def test_other_files_in_the_folder_stay_as_they_are(data: Path, tmp_path: Path) -> None:
    for name in ("README.md", ".download.part", ".notes.txt.part"):
        (tmp_path / name).write_text("mine")
    build_corpus(tmp_path, settings_of(data, "AAA", variants=1))
    for name in ("README.md", ".download.part", ".notes.txt.part"):
        assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"variants": 3}, "settings.variants was 2, is 3"),
        ({"seed": 9}, "settings.seed was 0, is 9"),
        ({"instructions": "Buy."}, "settings.instructions was Write a thesis., is Buy."),
        ({"teacher": teaching()}, "settings.teacher was None"),
    ],
)
def test_a_folder_of_another_corpus_is_refused_with_what_differs(
    changes: dict[str, Any], says: str, built: Path, data: Path
) -> None:
    with pytest.raises(InvestorBenchError, match=says):
        build_corpus(built, replace(settings_of(data, "AAA", "BBB"), **changes))


def test_data_that_changed_meanwhile_is_refused_with_the_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_data(tmp_path / "data", "AAA")
    settings = settings_of(data, "AAA")
    stop_before_the_end(monkeypatch, tmp_path / "corpus", settings)
    prices = data / "AAA_prices.csv"
    lines = prices.read_text().splitlines(keepends=True)
    lines[60] = lines[60].replace(",1000", ",1001")
    prices.write_text("".join(lines))
    with pytest.raises(InvestorBenchError, match=r"data \(markets\[0\]\.fingerprint was .*, is "):
        build_corpus(tmp_path / "corpus", settings)


def test_a_file_that_was_cut_short_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_before_the_end(monkeypatch, tmp_path, settings_of(data, "AAA"))
    (tmp_path / "train.jsonl").write_bytes(b"")
    with pytest.raises(InvestorBenchError, match=r"train\.jsonl.* has 0 bytes"):
        build_corpus(tmp_path, settings_of(data, "AAA"))


def stop_before_the_end(
    monkeypatch: pytest.MonkeyPatch, folder: Path, settings: CorpusSettings
) -> None:
    """Build a corpus whose rows are all written, and which is not finished."""

    def stop(*_: Any) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(building, "write_parquet", stop)
        with pytest.raises(Stop):
            build_corpus(folder, settings)
