"""A market that is saved comes back to the last bit, or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.errors import CorruptDataError, DataNotFoundError
from investorbench_env.market import library
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.library import find_market
from investorbench_env.market.market import Market


def odd_market(documents: int = 3) -> Market:
    """Two assets, a missing bar, awkward floats and texts."""
    generator = np.random.default_rng(7)
    bars = generator.lognormal(3, 1, (5, 2, 5))
    bars[2, 1] = np.nan
    days = np.datetime64("2021-01-04") + np.arange(5)
    return Market(
        symbols=("A", "^B/C"),
        asset_class="stock",
        sessions=days,
        decision_times=(days + 1).astype("datetime64[ns]") + np.timedelta64(5, "h"),
        bars=bars,
        adjusted_close=bars[:, :, 3] / 3,
        dividends=generator.random((5, 2)),
        splits=np.where(np.arange(5)[:, None] == 3, 1.046, np.ones((5, 2))),
        documents=DocumentTable(
            tuple(
                Document(
                    kind="news",
                    symbol="A",
                    available_at=datetime(2021, 1, 5, 12, 0, 0, number + 1, tzinfo=UTC),
                    title="Ein Titel, «quoted»",
                    text='one,\n"two"\t☃',
                    sentiment="negative" if number else None,
                    source="a test",
                    id=f"id-{number}",
                )
                for number in range(documents)
            )
        ),
        source="made, by hand",
        timezone="America/New_York",
        findings=("one", "two"),
        hidden_state={"mood": generator.normal(size=(5, 2))},
    )


@pytest.mark.parametrize("documents", [0, 3])
def test_a_market_comes_back_to_the_last_bit(tmp_path: Path, documents: int) -> None:
    market = odd_market(documents)
    back = library.load(library.save(market, tmp_path))

    assert back.fingerprint == market.fingerprint
    assert back.bars.tobytes() == market.bars.tobytes()
    assert back.documents.rows == market.documents.rows
    for name in ("symbols", "asset_class", "source", "simulated", "timezone", "findings"):
        assert getattr(back, name) == getattr(market, name)
    assert back.hidden_state is not None
    np.testing.assert_array_equal(back.hidden_state["mood"], market.hidden_state["mood"])


def test_find_market_understands_the_folder(tmp_path: Path) -> None:
    market = odd_market()
    library.save(market, tmp_path)

    assert find_market("A", "stock", tmp_path).fingerprint == market.fingerprint


def test_saving_again_replaces_the_market_and_its_texts(tmp_path: Path) -> None:
    library.save(odd_market(3), tmp_path)
    library.save(odd_market(2), tmp_path)

    assert len(library.load(tmp_path).documents) == 2
    assert len(list(tmp_path.glob("*_documents_*"))) == 1


def test_provenance_stands_beside_it(tmp_path: Path) -> None:
    path = library.save(odd_market(), tmp_path)
    said = json.loads(path.with_name(path.name + ".provenance.json").read_text())

    assert said["source"] == "made, by hand"
    assert said["fingerprint"] == odd_market().fingerprint


def test_texts_that_were_changed_are_noticed(tmp_path: Path) -> None:
    library.save(odd_market(3), tmp_path)
    (texts,) = tmp_path.glob("*_documents_*")
    content = bytearray(texts.read_bytes())
    content[100] ^= 1
    texts.write_bytes(content)

    with pytest.raises(CorruptDataError, match="changed since the market was saved"):
        library.load(tmp_path)


def test_texts_that_are_missing_are_noticed(tmp_path: Path) -> None:
    library.save(odd_market(3), tmp_path)
    next(tmp_path.glob("*_documents_*")).unlink()

    with pytest.raises(CorruptDataError, match="texts are missing"):
        library.load(tmp_path)


def test_a_folder_without_a_saved_market_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no market was saved"):
        library.load(tmp_path)


def test_a_kill_while_saving_leaves_the_old_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.save(odd_market(3), tmp_path)
    replace = Path.replace

    def die_at_the_bars(self: Path, target: Path) -> Path:
        if str(target).endswith("_market.parquet"):
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", die_at_the_bars)
    with pytest.raises(KeyboardInterrupt):
        library.save(odd_market(2), tmp_path)

    assert library.load(tmp_path).fingerprint == odd_market(3).fingerprint
    assert not list(tmp_path.glob(".*.part"))
