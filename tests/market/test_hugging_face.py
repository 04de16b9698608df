"""A market as Hugging Face data sets: on disk, and on a hub of our own on this machine."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.errors import DataNotFoundError
from investorbench_env.market import DocumentTable, library
from investorbench_env.market.library import find_market
from investorbench_env.market.market import Market
from investorbench_env.market.sources import hugging_face

pytest.importorskip("datasets", reason="needs the extra: pip install 'investorbench[data]'")

REPOSITORY = Path(__file__).resolve().parents[2]


def small(folder: Path, news: str = "2021-01-14,ABC,up ☃\n") -> Market:
    folder.mkdir()
    (folder / "ABC.csv").write_text("date,close\n2021-01-13,10.1\n2021-01-15,0.1\n")
    (folder / "n.csv").write_text(f"date,symbol,headline\n{news}", encoding="utf-8")
    return find_market("ABC", "stock", folder, data_tolerance=0.5)


@pytest.mark.parametrize("news", ["2021-01-14,ABC,up ☃\n", ""])
def test_a_market_comes_back_from_disk_to_the_last_bit(tmp_path: Path, news: str) -> None:
    market = small(tmp_path / "in", news)
    hugging_face.save_to_disk(market, tmp_path / "out")
    back = hugging_face.load_from_disk(tmp_path / "out")

    assert back.fingerprint == market.fingerprint
    assert back.documents.rows == market.documents.rows
    assert back.findings == market.findings
    np.testing.assert_array_equal(back.bars, market.bars)


def test_bars_of_other_lengths_come_back_from_disk(tmp_path: Path) -> None:
    market = small(tmp_path / "in")
    other = replace(market, interval="24h", documents=DocumentTable())
    both = replace(market, intervals={"24h": other})
    hugging_face.save_to_disk(both, tmp_path / "out")
    back = hugging_face.load_from_disk(tmp_path / "out")

    assert back.fingerprint == both.fingerprint
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "about", "bars", "bars-24h", "documents"
    }  # fmt: skip


def test_a_folder_without_a_market_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no market was saved"):
        hugging_face.load_from_disk(tmp_path)


@pytest.mark.heavy
def test_a_market_comes_back_from_a_hub_to_the_last_bit(tmp_path: Path) -> None:
    market = small(tmp_path / "in")
    library.save(market, tmp_path / "saved")
    run = subprocess.run(
        [sys.executable, "tests/market/hub.py", str(tmp_path / "saved")],
        cwd=REPOSITORY,
        env={**_environment(), "HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout.splitlines()[-1])
    assert said["fingerprint"] == market.fingerprint
    assert {name.split("/")[0] for name in said["files"]} == {
        "README.md",
        "about",
        "bars",
        "documents",
    }


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)
