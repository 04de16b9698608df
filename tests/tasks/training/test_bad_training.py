"""What a training refuses, and what it leaves where it was."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from investorbench.scripts.train import given
from investorbench.tasks.record.files import write_json
from investorbench.tasks.trading_r1.corpus.filters import ThesisFilter
from investorbench.tasks.trading_r1.corpus.rows import MANIFEST
from investorbench.tasks.trading_r1.decisions import mark_of
from investorbench.tasks.training import libraries as loading
from investorbench.tasks.training.checkpoints import newest_checkpoint, seal_checkpoint
from investorbench.tasks.training.figures import UpdateFigures, figures_of
from investorbench.tasks.training.lessons import corpus_sha256, lessons_in
from investorbench.tasks.training.models import identity_of
from investorbench.tasks.training.settings import TrainingPlaces, TrainingSettings
from investorbench.tasks.training.training import BEGUN, require_same_training, train
from investorbench.tasks.training.unseen import figures_on
from investorbench_env.errors import (
    DataNotFoundError,
    InvestorBenchError,
    MissingDependencyError,
)
from tests.tasks.training.planted import plant

SETTINGS = TrainingSettings(stage="III")
LINE = ["stage=I", "model=m", "corpus=c", "into=i"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    plant(tmp_path / "corpus", seed=0, rows=50)
    return tmp_path / "corpus"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"):
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"stage": "IV"}, "IV"),
        ({"phases": ("rewards", "supervised")}, "order"),
        ({"phases": ()}, "phases"),
        ({"paid_by": "gold"}, "gold"),
        ({"loss_type": "mse"}, "mse"),
        ({"batch": 30}, "multiple"),
        ({"group": 1}, "group=1"),
        ({"rewards_steps": 0}, "rewards_steps=0"),
        ({"temperature": 0.0}, "temperature"),
        ({"rewards_rate": float("nan")}, "rewards_rate"),
        ({"beta": -1.0}, "beta"),
    ],
)
def test_settings_that_do_not_work_are_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvestorBenchError, match=named):
        replace(SETTINGS, **changes)


def test_a_command_line_is_read_by_the_types_of_its_settings() -> None:
    places, settings = given([*LINE, "phases=rewards", "scale_rewards=true", "batch=16"])
    assert places == TrainingPlaces(model=Path("m"), corpus=Path("c"), into=Path("i"))
    assert (settings.phases, settings.scale_rewards, settings.batch) == (("rewards",), True, 16)
    assert not given(LINE)[1].scale_rewards


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["batch=many"], "whole number"),
        (["scale_rewards=perhaps"], "true or false"),
        (["rewards_rate=fast"], "number"),
        (["epochs=3"], "option of train"),
        (["stage"], "option of train"),
    ],
)
def test_a_command_line_that_cannot_be_read_says_what_is_wrong(more: list[str], named: str) -> None:
    with pytest.raises(InvestorBenchError, match=named):
        given([*LINE, *more])


def test_a_command_line_names_all_that_it_lacks() -> None:
    with pytest.raises(InvestorBenchError, match="corpus=… and into=…"):
        given(LINE[:2])


def test_a_corpus_that_changed_since_it_was_built_is_refused(corpus: Path) -> None:
    assert len(lessons_in(corpus, SETTINGS).train) == 50
    with (corpus / "train.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(InvestorBenchError, match=r"train\.jsonl changed since"):
        lessons_in(corpus, SETTINGS)


def test_a_corpus_that_is_not_finished_is_refused(corpus: Path) -> None:
    (corpus / MANIFEST).unlink()
    with pytest.raises(DataNotFoundError, match="no finished corpus"):
        lessons_in(corpus, SETTINGS)


def test_a_corpus_without_theses_that_pass_says_which_phases_to_leave_out(corpus: Path) -> None:
    lessons = lessons_in(corpus, SETTINGS)
    without = lessons._replace(train=tuple({**row, "stage": "I"} for row in lessons.train))  # type: ignore[typeddict-item]
    assert len(without.written("I")) == 50
    with pytest.raises(InvestorBenchError, match="phases=rewards"):
        without.written("III")


def test_own_theses_must_earn_what_those_of_the_teacher_had_to(corpus: Path) -> None:
    assert lessons_in(corpus, SETTINGS).keeps == ThesisFilter(structure=0.0, evidence=0.0)
    manifest = json.loads((corpus / MANIFEST).read_text())
    write_json(corpus / MANIFEST, {**manifest, "settings": {"teacher": None}})
    assert lessons_in(corpus, SETTINGS).keeps == ThesisFilter()


def test_a_folder_without_a_model_is_refused_before_anything_is_written(
    tmp_path: Path, corpus: Path
) -> None:
    places = TrainingPlaces(model=tmp_path / "none", corpus=corpus, into=tmp_path / "into")
    with pytest.raises(DataNotFoundError, match="no model"):
        train(places, SETTINGS)
    assert not places.into.exists()


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("tokenizer.json", "another tokenizer"),
        ("chat_template.jinja", "another chat template"),
        ("model.safetensors", "other weights"),
    ],
)
def test_a_training_does_not_go_on_with_another_model(
    tmp_path: Path, model: Path, file: str, named: str
) -> None:
    begun = {"settings": SETTINGS.plain(), "model": identity_of(model), "corpus": {"train": "1"}}
    write_json(tmp_path / BEGUN, begun)
    require_same_training(tmp_path, begun)
    (model / file).write_text("changed")
    with pytest.raises(InvestorBenchError, match=f"cannot go on.*{named}"):
        require_same_training(tmp_path, {**begun, "model": identity_of(model)})


def test_a_training_does_not_go_on_with_other_settings_or_another_corpus(tmp_path: Path) -> None:
    begun = {"settings": SETTINGS.plain(), "model": {}, "corpus": {"train.jsonl": "1"}}
    write_json(tmp_path / BEGUN, begun)
    other = replace(SETTINGS, rewards_steps=7).plain()
    with pytest.raises(InvestorBenchError, match="rewards_steps was 200, is 7"):
        require_same_training(tmp_path, {**begun, "settings": other})
    with pytest.raises(InvestorBenchError, match=r"train\.jsonl of the corpus changed"):
        require_same_training(tmp_path, {**begun, "corpus": {"train.jsonl": "2"}})


@pytest.mark.parametrize(
    "changes",
    [{"markets": {"a": 1}}, {"markets": [{}]}, {"settings": {"teacher": {}}}, {"settings": []}],
)
def test_a_manifest_of_another_shape_is_refused(corpus: Path, changes: dict[str, Any]) -> None:
    manifest = json.loads((corpus / MANIFEST).read_text())
    write_json(corpus / MANIFEST, {**manifest, **changes})
    with pytest.raises(InvestorBenchError, match=r"manifest\.json cannot be read"):
        lessons_in(corpus, SETTINGS)


def test_a_manifest_that_changed_is_another_corpus(corpus: Path) -> None:
    before = corpus_sha256(corpus)
    manifest = json.loads((corpus / MANIFEST).read_text())
    teacher = {"structure": 0.5, "evidence": 0.0}
    write_json(corpus / MANIFEST, {**manifest, "settings": {"teacher": teacher}})
    after = corpus_sha256(corpus)
    assert {name for name in before if before[name] != after[name]} == {MANIFEST}


def test_without_the_libraries_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name="trl.trainer")

    monkeypatch.setattr(loading, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"'trl'.*investorbench\[train\]"):
        loading.libraries()


@pytest.mark.heavy
def test_tasks_are_imported_without_what_trains() -> None:
    code = (
        "import sys, investorbench.tasks, investorbench.scripts.main, "
        "investorbench.tasks.training.training, investorbench.tasks.integrations.trl\n"
        "print({'torch', 'trl', 'transformers', 'datasets'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert printed.stdout.decode().strip() == "set()"


def test_a_checkpoint_that_was_cut_off_is_removed_and_the_one_before_it_taken(
    tmp_path: Path,
) -> None:
    for step in (2, 4, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "weights").write_bytes(b"1234")
    for step in (2, 4, 10):
        seal_checkpoint(tmp_path / f"checkpoint-{step}")
    (tmp_path / "checkpoint-10" / "weights").write_bytes(b"12")
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-2", "checkpoint-4"}
    assert newest_checkpoint(tmp_path / "none") is None


def test_an_update_shows_what_teaches_nothing_and_what_was_cut_off() -> None:
    logs = {
        "frac_reward_zero_std": 0.25, "entropy": 1.5, "completions/clipped_ratio": 0.125,
        "completions/mean_length": 9.25, "reward": -0.5, "epoch": 1.0,
    }  # fmt: skip
    line = UpdateFigures("rewards", 3, 9, figures_of(logs)).line
    assert line == (
        "rewards 3/9 · reward -0.5000 · equal groups 25 % · entropy 1.5000 · truncated 12 % · "
        "mean length 9.2"
    )


def test_a_model_that_ignores_its_briefings_is_seen_and_one_that_reads_them_too(
    corpus: Path,
) -> None:
    rows = lessons_in(corpus, SETTINGS).unseen
    always = figures_on("a", rows, [mark_of("BUY")] * len(rows))
    assert not always.reads and always.decisions == {"BUY": len(rows)}
    assert always.reward.value == pytest.approx(always.constants["always buy"])
    assert always.shuffled == pytest.approx(always.constants["always buy"])
    labels = [row["label"] for row in rows]
    turned = labels[1:] + labels[:1]  # the same mix, dealt to other briefings
    assert not figures_on("b", rows, list(map(mark_of, turned))).reads
    reads = figures_on("c", rows, list(map(mark_of, labels)))
    assert reads.reads and reads.accuracy == 1.0 and reads.reward.value == 1.0
    json.dumps(reads.plain())
    silent = figures_on("d", rows, [""] * len(rows))
    assert not silent.reads and silent.reward.value == -1.5 and silent.decisions == {"none": 200}
