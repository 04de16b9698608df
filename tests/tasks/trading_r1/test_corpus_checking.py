"""What is wrong with a corpus is found, though all that it says of itself was made to fit."""

import contextlib
import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.tasks.trading_r1.corpus import checking
from investorbench.tasks.trading_r1.corpus.building import build_corpus, hash_of
from investorbench.tasks.trading_r1.corpus.checking import CorpusCheck, check_corpus
from investorbench.tasks.trading_r1.corpus.rows import (
    FIELDS,
    MANIFEST,
    SPLITS,
    CorpusRow,
    file_of,
    read_manifest,
    read_rows,
    write_parquet,
    write_rows,
)
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.sessions import sessions_between
from tests.tasks.trading_r1.corpora import (
    TESTED,
    TRAINED,
    StubTeacher,
    settings_of,
    teaching,
    write_data,
)

Rows = dict[str, list[CorpusRow]]
Plant = Callable[[Rows, dict[str, Any]], None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), "AAA")


@pytest.fixture(scope="module")
def sound(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "sound"
    settings = settings_of(data, "AAA", variants=1, teacher=teaching(stage="I"))
    build_corpus(folder, settings, teacher=StubTeacher)
    return folder


def planted(sound: Path, folder: Path, *plants: Plant) -> Path:
    """A copy with faults, whose manifest has the hashes and counts of what is there now."""
    shutil.copytree(sound, folder)
    rows: Rows = {split: list(read_rows(folder, split)) for split in SPLITS}
    manifest = json.loads((folder / MANIFEST).read_text())
    for plant in plants:
        plant(rows, manifest)
    for split in SPLITS:
        path = file_of(folder, split)
        write_rows(path, rows[split])
        write_parquet(path, file_of(folder, split, "parquet"))
    manifest["files"] = {name: hash_of(folder / name) for name in manifest["files"]}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def moved(row: CorpusRow, date: str) -> None:
    row["date"], row["id"] = date, f"{row['market']}/{date}/{row['variant']}"


def retold(row: CorpusRow, text: str) -> None:
    """A row whose briefing is another one, with the hash of that."""
    row["prompt"][1]["content"] = text
    row["messages"] = [*row["prompt"], *row["messages"][2:]]
    row["briefing_sha256"] = sha256(text.encode()).hexdigest()


def train_beyond(rows: Rows, _: Any) -> None:
    moved(rows["train"][-1], "2020-06-10")


def early_test_day(rows: Rows, _: Any) -> None:
    moved(rows["test"][0], "2020-07-21")


def trained_test_day(rows: Rows, _: Any) -> None:
    rows["train"].append({**rows["test"].pop(3), "split": "train"})


def window_said_to_end_later(rows: Rows, manifest: Any) -> None:
    moved(rows["train"][-1], "2020-06-10")
    manifest["markets"][0]["thresholds"]["window"][1] = "2020-07-01"


def row_twice(rows: Rows, _: Any) -> None:
    rows["train"].append(rows["train"][10])


def day_lost(rows: Rows, _: Any) -> None:
    del rows["train"][12]


def label_changed(rows: Rows, _: Any) -> None:
    row = rows["test"][5]
    row["label"] = "SELL" if row["label"] != "SELL" else "HOLD"


def score_changed(rows: Rows, _: Any) -> None:
    rows["test"][6]["score"] += 1e-6


def return_changed(rows: Rows, _: Any) -> None:
    rows["test"][7]["horizon_return"] *= -1.0


def costs_changed(rows: Rows, _: Any) -> None:
    rows["test"][8]["round_trip_rate"] = 0.0


def label_in_a_briefing(rows: Rows, _: Any) -> None:
    row = rows["test"][9]
    retold(row, f"{row['prompt'][1]['content']}\nIt will be a {row['label'].lower()}.")


def mark_in_a_briefing(rows: Rows, _: Any) -> None:
    retold(rows["test"][10], f"{rows['test'][10]['prompt'][1]['content']} [[[BUY]]]")


def briefing_changed_alone(rows: Rows, _: Any) -> None:
    rows["test"][11]["prompt"][1]["content"] += " It rose."


def briefing_in_both(rows: Rows, _: Any) -> None:
    retold(rows["test"][12], rows["train"][0]["prompt"][1]["content"])


def instructions_changed(rows: Rows, _: Any) -> None:
    rows["test"][13]["prompt"][0]["content"] = "Buy."


def seed_changed(rows: Rows, _: Any) -> None:
    rows["test"][14]["seed"] += 1


def reward_raised(rows: Rows, _: Any) -> None:
    row = next(row for row in rows["train"] if row["completion"] is not None)
    row["evidence"] = 1.0 if row["evidence"] != 1.0 else 0.5


def stage_raised(rows: Rows, _: Any) -> None:
    [row for row in rows["train"] if row["stage"] in ("I", "II")][-1]["stage"] = "III"


def completion_changed(rows: Rows, _: Any) -> None:
    row = [row for row in rows["train"] if row["completion"] is not None][-1]
    row["completion"] = f"{row['completion']} "


def mix_changed(rows: Rows, _: Any) -> None:
    for row in rows["train"]:
        row["label"] = "BUY"


def id_added(rows: Rows, _: Any) -> None:
    rows["train"][2]["ids"] = [*rows["train"][2]["ids"], "n99"]


def task_changed(rows: Rows, _: Any) -> None:
    rows["train"][3]["symbol"] = "BBB"


def seed_of_its_market_changed(rows: Rows, _: Any) -> None:
    rows["train"][3]["market_seed"] = 7


def teacher_changed(rows: Rows, _: Any) -> None:
    next(row for row in rows["train"] if row["completion"] is not None)["teacher"] = "another"


def reason_changed(rows: Rows, _: Any) -> None:
    next(row for row in rows["train"] if row["completion"] is None)["rejected"] = None


def teacher_said_to_be_stricter(_: Rows, manifest: Any) -> None:
    manifest["settings"]["teacher"]["stage"] = "III"


PLANTS: dict[Plant, str] = {
    id_added: "the ids of a row are not those in its briefing",
    task_changed: "a row names another task, symbol or seed than its market has",
    seed_of_its_market_changed: "a row names another task, symbol or seed than its market has",
    teacher_changed: "a completion is of another teacher than that of the corpus",
    reason_changed: "what a thesis was rejected by cannot be",
    teacher_said_to_be_stricter: "a completion does not come as far as its teacher was to",
    train_beyond: "a training label looks beyond the training window",
    early_test_day: "a test day lies within the 15 sessions after the training window",
    trained_test_day: "a training label looks beyond the training window",
    window_said_to_end_later: "training and test are less than 30 sessions apart",
    row_twice: "a briefing stands in the corpus twice",
    day_lost: "a market has other days than it was built with",
    label_changed: "a label does not follow from the prices",
    score_changed: "the score or the return of a day does not follow",
    return_changed: "the score or the return of a day does not follow",
    costs_changed: "the costs of a day are not those of its task",
    label_in_a_briefing: "a briefing is not what would be written today",
    mark_in_a_briefing: "a briefing holds the mark of a decision",
    briefing_changed_alone: "a briefing is not the one that was hashed",
    briefing_in_both: "the same briefing is trained on and tested",
    instructions_changed: "the instructions of a prompt are not those of the corpus",
    seed_changed: "the seed of a briefing does not follow from its variant",
    reward_raised: "the rewards of a completion are not those that it earns",
    stage_raised: "a completion does not pass the filter of the stage that it names",
    completion_changed: "the messages of a row are not its prompt and its completion",
    mix_changed: "the mix of training labels is not that of their thresholds",
}
"""Faults, and what is to be said of each."""


def errors(found: CorpusCheck) -> list[str]:
    assert found.is_sound is (not any(each.severity == "error" for each in found.findings))
    return [each.text for each in found.findings if each.severity == "error"]


def test_a_corpus_as_it_was_built_is_sound(sound: Path) -> None:
    found = check_corpus(sound, briefings=1_000)
    assert found.findings == []
    train, tested = found.splits["train"], found.splits["test"]
    assert (train.rows, train.days, tested.rows, tested.days) == (TRAINED, TRAINED, TESTED, TESTED)
    assert (train.blocks, tested.blocks) == (TRAINED // 15, TESTED // 15)
    assert found.briefings == TRAINED + TESTED
    assert sum(train.mix.values()) == TRAINED and 0 < train.completions < TRAINED
    assert train.share("BUY") == pytest.approx(0.32, abs=0.02)


def test_planted_faults_are_all_found_at_once(sound: Path, tmp_path: Path) -> None:
    together = [each for each in PLANTS if each not in (mix_changed, window_said_to_end_later)]
    found = errors(check_corpus(planted(sound, tmp_path / "c", *together), briefings=1_000))
    assert [PLANTS[plant] for plant in together if not any(PLANTS[plant] in e for e in found)] == []


@pytest.mark.heavy
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_each_fault_is_found_alone(plant: Plant, sound: Path, tmp_path: Path) -> None:
    found = errors(check_corpus(planted(sound, tmp_path / "c", plant), briefings=1_000))
    assert any(PLANTS[plant] in each for each in found)


def test_a_label_in_any_variant_of_a_briefing_is_found(data: Path, tmp_path: Path) -> None:
    build_corpus(tmp_path / "built", settings_of(data, "AAA", variants=3))

    def label_in_the_last(rows: Rows, _: Any) -> None:
        for row in rows["train"]:
            if row["variant"] == 2:
                line = row["prompt"][1]["content"].rindex("\n[")
                text = row["prompt"][1]["content"]
                retold(row, f"{text[:line]} It will be a {row['label'].lower()}.{text[line:]}")

    folder = planted(tmp_path / "built", tmp_path / "c", label_in_the_last)
    found = {each.text.split(":")[0]: each.number for each in check_corpus(folder).findings}
    assert 10 < found["a briefing is not what would be written today"] < TRAINED
    every = check_corpus(folder, briefings=10_000)
    assert every.briefings == 3 * (TRAINED + TESTED)
    assert {each.number for each in every.findings} == {TRAINED}


ODD: list[Any] = [None, "", "x", -1, 10**30, True, [], [None], {}]


@pytest.mark.parametrize("name", FIELDS)
def test_a_row_with_an_odd_value_is_named_or_found(name: str, sound: Path, tmp_path: Path) -> None:
    manifest = {**read_manifest(sound), "markets": [], "files": {}}
    row = next(row for row in read_rows(sound, "train") if row["completion"] is not None)
    for number, odd in enumerate(ODD):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / MANIFEST).write_text(json.dumps(manifest))
        write_rows(file_of(folder, "train"), [{**row, name: odd}])  # type: ignore[typeddict-item]
        said = f"line 1 of {file_of(folder, 'train')} is no row of a corpus: {name}"
        assert said in refusal(folder) or not check_corpus(folder, briefings=0).is_sound


def refusal(folder: Path) -> str:
    try:
        check_corpus(folder, briefings=0)
    except InvestorBenchError as error:
        return str(error)
    return ""


@pytest.mark.heavy
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_manifest_with_an_odd_value_is_named_or_read(sound: Path, data: st.DataObject) -> None:
    manifest = json.loads((sound / MANIFEST).read_text())
    manifest["files"] = {}
    place: Any = manifest
    while True:
        key = data.draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.just(0))
        if not place[key] or not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            break
        place = place[key]
    if isinstance(place, dict) and data.draw(st.booleans()):
        del place[key]
    else:
        place[key] = data.draw(st.sampled_from(ODD))
    with TemporaryDirectory() as folder:
        (Path(folder) / MANIFEST).write_text(json.dumps(manifest))
        with contextlib.suppress(InvestorBenchError):
            check_corpus(Path(folder), briefings=1)


def test_a_finding_names_the_row_and_the_dates(sound: Path, tmp_path: Path) -> None:
    found = errors(check_corpus(planted(sound, tmp_path / "c", train_beyond), briefings=0))
    assert found[0] == (
        "a training label looks beyond the training window, 15 sessions ahead: AAA/2020-06-10; "
        "the window ends on 2020-06-30"
    )


def test_files_that_changed_since_are_named(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path / "c")
    rows = list(read_rows(tmp_path / "c", "test"))
    rows[0]["label"] = "HOLD" if rows[0]["label"] != "HOLD" else "BUY"
    write_rows(file_of(tmp_path / "c", "test"), rows)
    (tmp_path / "c" / "train.parquet").unlink()
    found = errors(check_corpus(tmp_path / "c", briefings=0))
    assert "a file is not the one that was written: test.jsonl" in found
    assert "a file of the corpus is missing: train.parquet" in found
    assert any("JSON lines and Parquet hold different rows: AAA/2020-07-22/0" in e for e in found)


@pytest.mark.heavy
def test_data_that_changed_since_is_named(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", "AAA")
    build_corpus(tmp_path / "c", settings_of(data, "AAA", variants=1))
    prices = data / "AAA_prices.csv"
    lines = prices.read_text().splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if line.startswith("2020-05-04"))
    lines[place] = lines[place + 1].replace("2020-05-05", "2020-05-04")
    prices.write_text("".join(lines))
    found = errors(check_corpus(tmp_path / "c", briefings=1_000))
    changed = next(
        each for each in found if "is not the one that the corpus was built from" in each
    )
    assert "AAA: fingerprint was " in changed and "closes_sha256 was " in changed
    assert any("a briefing is not what would be written today" in each for each in found)


def test_without_its_data_a_corpus_is_still_looked_through(sound: Path, tmp_path: Path) -> None:
    def elsewhere(_: Rows, manifest: Any) -> None:
        manifest["markets"][0]["data"] = str(tmp_path / "gone")

    folder = planted(sound, tmp_path / "c", elsewhere, early_test_day, reward_raised)
    found = check_corpus(folder)
    assert next(each.text for each in found.findings if each.severity == "warning").startswith(
        "a market cannot be opened, so its labels and briefings are not checked: AAA: "
    )
    assert sum(PLANTS[plant] in each for plant in (early_test_day, reward_raised)
               for each in errors(found)) == 2  # fmt: skip


def test_a_corpus_of_another_version_is_refused(sound: Path, tmp_path: Path) -> None:
    folder = planted(sound, tmp_path / "c", lambda _, manifest: manifest.update(format=99))
    with pytest.raises(InvestorBenchError, match="holds a corpus of version 99"):
        check_corpus(folder)


SESSIONS = [str(day) for day in sessions_between("stock", "2019-01-02", "2020-12-31")]


@settings(deadline=None, max_examples=40)
@given(
    ends=st.integers(60, 300),
    trained=st.sets(st.integers(0, 320), min_size=1, max_size=4),
    tested=st.sets(st.integers(40, 400), min_size=1, max_size=4),
)
def test_a_day_is_found_exactly_where_it_breaks_the_embargo(
    ends: int, trained: set[int], tested: set[int]
) -> None:
    seen, findings = checking._Seen(), checking._Findings()
    for split, places in (("train", trained), ("test", tested)):
        seen.days[split] = {("A", SESSIONS[place]): {0} for place in places}  # type: ignore[index]
    said = {
        "name": "A",
        "task": {
            "id": "InvestorBench/Stock",
            "data": None,
            "start": None,
            "end": None,
            "options": {},
        },
        "protocol": {"name": "standard"},
        "data": None,
        "simulated": False,
        "thresholds": {"window": [SESSIONS[0], SESSIONS[ends]]},
    }
    checking._check_embargo({"markets": [said]}, seen, findings)
    found = {each.text.split(":")[0]: each.number for each in findings.all()}
    assert found.get("a training label looks beyond the training window, 15 sessions ahead", 0) == (
        sum(place + 15 > ends for place in trained)
    )
    assert found.get("a test day lies within the 15 sessions after the training window", 0) == (
        sum(place < ends + 15 for place in tested)
    )
    too_near = min(tested) - max(trained) < 30
    assert ("training and test are less than 30 sessions apart" in found) is too_near


def test_a_market_tested_while_another_is_trained_on_is_found(sound: Path, tmp_path: Path) -> None:
    def second(rows: Rows, manifest: Any) -> None:
        manifest["markets"].append({**manifest["markets"][0], "name": "BBB", "symbol": "BBB"})
        for split, later in (("train", "2020-07-27"), ("test", "2020-12-01")):
            row = {**rows[split][0], "market": "BBB", "symbol": "BBB"}
            moved(row, later)  # type: ignore[arg-type]
            rows[split].append(row)  # type: ignore[arg-type]

    found = errors(check_corpus(planted(sound, tmp_path / "c", second), briefings=0))
    assert (
        "a market is tested while another is trained on: BBB on 2020-07-27, AAA on 2020-07-22"
        in found
    )


def test_blocks_of_real_markets_are_counted_once_and_of_simulated_ones_each() -> None:
    days = {(market, day): {0} for market in "ABC" for day in SESSIONS[:31]}
    for simulated, blocks in ((False, 2), (True, 6)):
        markets = [{"name": name, "simulated": simulated} for name in "ABC"]
        assert checking._blocks(days, markets) == blocks
