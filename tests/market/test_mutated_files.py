"""Whatever is in a file, an environment on it runs with finite numbers or is refused in words."""

import shutil
from pathlib import Path

import pytest

from tests.market import mutated_files
from tests.market.mutated_files import KINDS, fate

FEW = range(24)
MANY = range(24, 1_500)


@pytest.mark.filterwarnings("ignore::investorbench_env.errors.DataWarning")
@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.long)], ids=len)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(seeds: range, tmp_path: Path) -> None:
    fates = []
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            fates.append(fate(seed, folder))
        except BaseException as error:
            error.add_note(f"damaged files of seed {seed}")
            raise
        shutil.rmtree(folder)
    assert 0.1 < fates.count("ran") / len(fates) < 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_nobody_damaged_run(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutated_files, "damaged", lambda content, _: content)
    assert fate(KINDS.index(kind), tmp_path) == "ran"
