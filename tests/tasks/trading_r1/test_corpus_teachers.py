"""A teacher's theses are kept by what they earn, and none is asked for twice."""

from dataclasses import replace
from pathlib import Path

import pytest

from investorbench.agents.llm import ServerError
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.corpus import building
from investorbench.tasks.trading_r1.corpus.building import build_corpus
from investorbench.tasks.trading_r1.corpus.rows import read_manifest, read_rows
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings
from investorbench.tasks.trading_r1.rewards import rewards
from tests.tasks.trading_r1.corpora import (
    TRAINED,
    StubTeacher,
    bytes_in,
    progress_in,
    settings_of,
    teaching,
    write_data,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), "AAA")


@pytest.fixture(scope="module")
def settings(data: Path) -> CorpusSettings:
    return settings_of(data, "AAA", teacher=teaching(tries=3))


@pytest.fixture(scope="module")
def taught(settings: CorpusSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    build_corpus(folder, settings, teacher=StubTeacher)
    return folder


def test_what_is_kept_passes_all_three_filters(taught: Path) -> None:
    rows = list(read_rows(taught, "train"))
    kept = [row for row in rows if row["completion"] is not None]
    assert 0 < len(kept) < len(rows)
    for row in kept:
        assert row["completion"] is not None and "<think>" not in row["completion"]
        assert row["messages"] == [
            *row["prompt"],
            {"role": "assistant", "content": row["completion"]},
        ]
        citable = Citable.of(row["prompt"][1]["content"], row["ids"])
        earned = rewards(row["completion"], citable, row["label"])
        assert (row["structure"], row["evidence"], row["decision"]) == earned
        assert earned.structure >= 0.7 and earned.evidence >= 0.75 and earned.decision >= 0.75
        assert (row["teacher"], row["stage"], row["rejected"]) == ("stub", "III", None)


def test_what_is_not_kept_says_what_it_failed_by_and_leaves_the_prompt(taught: Path) -> None:
    rows = [row for row in read_rows(taught, "train") if row["completion"] is None]
    assert {row["rejected"] for row in rows} == {
        "no answer", "structure", "evidence", "direction",
    }  # fmt: skip
    assert all(row["messages"] == row["prompt"] and row["stage"] is None for row in rows)


def test_all_that_was_asked_is_counted(taught: Path) -> None:
    said = read_manifest(taught)["taught"]
    assert said["asked"] == said["kept"] + sum(said["rejected"].values())
    assert (said["input"], said["output"]) == (100 * said["asked"], 10 * said["asked"])
    rows = list(read_rows(taught, "train"))
    assert said["without"] == sum(row["completion"] is None for row in rows)
    assert said["kept"] + said["without"] == len(rows)


@pytest.mark.heavy
def test_days_of_the_test_are_not_asked_about(
    taught: Path, settings: CorpusSettings, tmp_path: Path
) -> None:
    teacher = StubTeacher()
    build_corpus(tmp_path, settings, teacher=lambda: teacher)
    assert bytes_in(tmp_path) == bytes_in(taught)
    tested = {row["prompt"][1]["content"] for row in read_rows(taught, "test")}
    assert not tested & {briefing for briefing, _ in teacher.asked}


def test_a_lower_stage_keeps_what_a_higher_one_rejects(
    taught: Path, settings: CorpusSettings, tmp_path: Path
) -> None:
    build_corpus(tmp_path, replace(settings, teacher=teaching(stage="I")), teacher=StubTeacher)
    rows = [row for row in read_rows(tmp_path, "train") if row["completion"] is not None]
    assert {row["stage"] for row in rows} == {"I", "II", "III"}
    assert len(rows) > read_manifest(taught)["taught"]["kept"]


def test_a_teacher_that_dies_leaves_what_is_done(
    taught: Path,
    settings: CorpusSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, "PAGE", 20)
    dead = StubTeacher(dies_after=100, error=ServerError("stub", "the server is gone"))
    with pytest.raises(ServerError, match="the server is gone"):
        build_corpus(tmp_path, settings, teacher=lambda: dead)
    done = progress_in(tmp_path)
    assert 0 < done["rows"] < 2 * TRAINED and 0 < done["taught"]["asked"] <= 100
    alive = StubTeacher()
    build_corpus(tmp_path, settings, teacher=lambda: alive)
    assert bytes_in(tmp_path) == bytes_in(taught)
    assert not set(dead.asked[: done["taught"]["asked"]]) & set(alive.asked)


def test_what_has_but_one_answer_is_asked_once(settings: CorpusSettings, tmp_path: Path) -> None:
    reader = StubTeacher()
    reader.is_language_model = False
    said = build_corpus(tmp_path, settings, teacher=lambda: reader)["taught"]
    assert said["asked"] == 2 * TRAINED
