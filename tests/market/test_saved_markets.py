"""A market that is saved comes back to the last bit, or not at all."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.errors import CorruptDataError, DataNotFoundError
from investorbench_env.market import library
from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.files import saved, store
from investorbench_env.market.library import find_market
from investorbench_env.market.market import Market


def odd_market(documents: int = 3) -> Market:
    """Two assets, a missing bar, awkward floats and texts."""
    generator = np.random.default_rng(7)
    bars = generator.lognormal(3, 1, (5, 2, 5))
    bars[2, 1] = np.nan
    days = np.arange("2021-01-04", "2021-01-09", dtype="M8[D]")
    return Market(
        symbols=("A", "^B/C"),
        asset_class="stock",
        sessions=days,
        times=(days + np.timedelta64(1, "D")).astype("datetime64[ns]") + np.timedelta64(5, "h"),
        bars=bars,
        adjusted_close=bars[:, :, 3] / 3,
        dividends=generator.random((5, 2)),
        share_splits=np.where(np.arange(5)[:, None] == 3, 1.046, np.ones((5, 2))),
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


def test_bars_of_other_lengths_come_back_with_their_market(tmp_path: Path) -> None:
    market = replace(odd_market(), intervals={"1w": week(odd_market(2)), "3d": three_days()})
    library.save(market, tmp_path)
    back = library.load(tmp_path)

    assert back.fingerprint == market.fingerprint
    assert list(back.intervals) == ["1w", "3d"]
    assert back.intervals["1w"].documents.rows == market.intervals["1w"].documents.rows
    assert (back.intervals["3d"].interval, back.intervals["3d"].findings) == ("3d", ("one", "two"))
    view = back.until(4).interval("1w")
    assert view is not None
    np.testing.assert_array_equal(view.bars, market.intervals["1w"].bars)


def test_saving_without_other_lengths_removes_theirs_and_nothing_of_anybody_elses(
    tmp_path: Path,
) -> None:
    market = odd_market()
    (tmp_path / "A--B-C_bars-mine.parquet").write_bytes(b"not even Parquet")
    library.save(replace(market, intervals={"1w": week(market)}), tmp_path)
    path = library.save(market, tmp_path)

    assert library.load(path).intervals == {}
    names = sorted(file.name for file in tmp_path.glob("*.parquet"))
    assert [name.split("_")[1] for name in names] == [
        "bars-mine.parquet",
        "documents",
        "market.parquet",
    ]


def test_bars_of_another_length_that_were_changed_are_noticed(tmp_path: Path) -> None:
    path = library.save(replace(odd_market(), intervals={"1w": week(odd_market())}), tmp_path)
    (part,) = tmp_path.glob("*_bars-1w_*")
    part.write_bytes(part.read_bytes()[:-1] + b"?")

    with pytest.raises(CorruptDataError, match="changed since the market was saved"):
        library.load(path)


@pytest.mark.parametrize("documents", [0, 3])
def test_a_market_that_was_saved_in_format_1_is_still_read(tmp_path: Path, documents: int) -> None:
    market = odd_market(documents)
    tables = saved.to_tables(market)
    bars = tables.bars.rename_columns(
        ["decision_time" if name == "time" else name for name in tables.bars.column_names]
    )
    about = {**tables.about, "format": 1}
    del about["interval"]
    if documents:
        about["documents"] = "A--B-C_documents_0123456789ab.parquet"
        part = tmp_path / about["documents"]
        about["documents_sha256"] = store.write_parquet(
            part, tables.documents, {"part_of": "A--B-C_market.parquet"}
        )
    store.write_parquet(tmp_path / "A--B-C_market.parquet", bars, about)

    back = library.load(tmp_path)
    assert back.fingerprint == market.fingerprint
    assert back.documents.rows == market.documents.rows


def test_a_format_of_a_later_version_is_refused(tmp_path: Path) -> None:
    tables = saved.to_tables(odd_market())
    store.write_parquet(tmp_path / "A.parquet", tables.bars, {**tables.about, "format": 3})
    with pytest.raises(CorruptDataError, match="format 3, this version reads 1 and 2"):
        library.load(tmp_path)


def week(market: Market) -> Market:
    """The days of a market as one week."""
    return Market(
        symbols=market.symbols,
        asset_class=market.asset_class,
        sessions=market.sessions[-1:],
        times=market.times[-1:],
        bars=market.bars[-1:],
        adjusted_close=market.adjusted_close[-1:],
        dividends=market.dividends[-1:],
        share_splits=market.share_splits[-1:],
        documents=market.documents,
        source="five days",
        timezone=market.timezone,
        interval="1w",
    )


def three_days() -> Market:
    """A market in bars of three days."""
    return replace(week(odd_market()), interval="3d", findings=("one", "two"))


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

    with pytest.raises(CorruptDataError, match="a part of it is missing, A-"):
        library.load(tmp_path)


def test_a_folder_without_a_saved_market_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no market was saved"):
        library.load(tmp_path)


def test_a_kill_while_saving_leaves_the_old_market(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.save(odd_market(3), tmp_path)
    put = Path.replace

    def die_at_the_bars(self: Path, target: Path) -> Path:
        if str(target).endswith("_market.parquet"):
            raise KeyboardInterrupt
        return put(self, target)

    monkeypatch.setattr(Path, "replace", die_at_the_bars)
    with pytest.raises(KeyboardInterrupt):
        library.save(odd_market(2), tmp_path)

    assert library.load(tmp_path).fingerprint == odd_market(3).fingerprint
    assert not list(tmp_path.glob(".*.part"))
