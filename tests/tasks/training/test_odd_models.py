"""Models that cannot be trained, and those whose files say less than they should."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from investorbench.tasks.training.libraries import libraries
from investorbench.tasks.training.models import kept_on_disk, load_model_in, require_room
from investorbench.tasks.training.settings import TrainingPlaces, TrainingSettings
from investorbench.tasks.training.training import train
from investorbench_env.errors import InvestorBenchError
from tests.tasks.training.planted import make_model, plant

pytestmark = [
    pytest.mark.heavy,
    # Looked for and not imported, which takes seconds wherever tests are collected.
    pytest.mark.skipif(find_spec("trl") is None, reason="needs the extra train"),
]

SETTINGS = TrainingSettings(
    stage="III", phases=("rewards",), rewards_steps=1, batch=2, group=2, tokens=2, unseen=2
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    plant(folder / "corpus", seed=0, rows=20)
    make_model(folder / "model", folder / "corpus", layers=1)
    return folder


def cut_off(model: Path) -> None:
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(weights[: len(weights) // 2])


def changed(file: str, **values: Any) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        content = json.loads((model / file).read_text())
        (model / file).write_text(json.dumps({**content, **values}))

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (cut_off, "no model to train"),
        (changed("config.json", hidden_size=64), "no model to train"),
        (lambda model: (model / "chat_template.jinja").write_text(""), "leaves out the system"),
        (lambda model: (model / "chat_template.jinja").write_text("hello"), "leaves out"),
        (changed("tokenizer_config.json", eos_token=None), "no token that ends a text"),
    ],
)
def test_a_model_that_cannot_be_trained_is_refused_in_a_line(
    made: Path, tmp_path: Path, change: Callable[[Path], Any], named: str
) -> None:
    shutil.copytree(made / "model", tmp_path / "model")
    change(tmp_path / "model")
    with pytest.raises(InvestorBenchError, match=named):
        load_model_in(tmp_path / "model", libraries())


def test_a_tokenizer_with_tokens_that_the_model_does_not_know_is_refused(
    made: Path, tmp_path: Path
) -> None:
    found = libraries()
    loaded = load_model_in(made / "model", found)
    loaded.model.resize_token_embeddings(len(loaded.tokenizer) - 1)
    loaded.model.save_pretrained(tmp_path / "model")
    loaded.tokenizer.save_pretrained(tmp_path / "model")
    with pytest.raises(InvestorBenchError, match="its model knows"):
        load_model_in(tmp_path / "model", found)


def test_a_model_without_room_for_a_briefing_and_a_thesis_is_refused(made: Path) -> None:
    loaded = load_model_in(made / "model", libraries())
    short, long = ([{"role": "user", "content": "word " * n}] for n in (1, 600))
    require_room(made, loaded, [short, long], 100)
    loaded.model.config.max_position_embeddings = 400
    with pytest.raises(InvestorBenchError, match="400 positions"):
        require_room(made, loaded, [long, short], 100)
    require_room(made, loaded, [short], 100)


def test_weights_of_16_bits_are_trained_in_32_so_that_small_updates_are_not_lost(
    made: Path, tmp_path: Path
) -> None:
    found = libraries()
    loaded = load_model_in(made / "model", found)
    loaded.model.to(found.torch.bfloat16).save_pretrained(tmp_path / "model")
    loaded.tokenizer.save_pretrained(tmp_path / "model")
    places = TrainingPlaces(
        model=tmp_path / "model", corpus=made / "corpus", into=tmp_path / "into"
    )
    train(places, replace(SETTINGS, phases=("supervised",), supervised_steps=1))
    before, after = (
        load_model_in(folder, found).model.state_dict()
        for folder in (places.model, places.into / "supervised" / "model")
    )
    moved = [(before[name] != after[name]).float().mean().item() for name in before]
    assert min(moved) > 0.5


def test_a_training_leaves_the_folders_of_its_model_and_corpus_as_they_are(
    made: Path, tmp_path: Path
) -> None:
    for name in ("model", "corpus"):
        places = TrainingPlaces(
            model=made / "model", corpus=made / "corpus", into=made / "other" / ".." / name
        )
        before = sorted((made / name).iterdir())
        with pytest.raises(InvestorBenchError, match=f"folder of the {name}"):
            train(places, SETTINGS)
        assert sorted((made / name).iterdir()) == before
    (tmp_path / "file").write_text("")
    places = TrainingPlaces(model=made / "model", corpus=made / "corpus", into=tmp_path / "file")
    with pytest.raises(InvestorBenchError, match="cannot be written to"):
        train(places, SETTINGS)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0"),
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_said_in_a_line_whichever_library_found_it(error: Exception) -> None:
    with pytest.raises(InvestorBenchError, match="make room"), kept_on_disk(Path("into")):
        raise error
    with pytest.raises(RuntimeError, match="of its own"), kept_on_disk(Path("into")):
        raise RuntimeError("of its own")
