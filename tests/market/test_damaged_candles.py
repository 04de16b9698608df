"""Whatever is in files of candles and rates, it makes a market of finite numbers or a sentence."""

import io
import random
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.files.checking import check
from investorbench_env.market.library import find_perpetuals
from tests.market import damage
from tests.market.test_candles import bare, candles, rates

FEW = range(8)
MANY = range(8, 1_000)


def make(folder: Path, seed: int) -> None:
    """A folder of candles and rates, of which one file is damaged."""
    chance = random.Random(seed)
    tables = {"BTC": bare(candles(45)), "funding": rates(1, 30)}
    target = chance.choice(list(tables))
    for name, table in tables.items():
        if name != target:
            table.to_csv(folder / f"{name}.csv", index=False)
    if chance.random() < 0.5:
        text = damage.damaged_text(tables[target].to_csv(index=False), chance)
        (folder / f"{target}.csv").write_bytes(damage.damaged_bytes(text, chance))
        return
    stream = io.BytesIO()
    damage.damaged_frame(tables[target], chance).to_parquet(stream, index=False)
    content, spared = stream.getvalue(), chance.random() < 0.7
    (folder / f"{target}.parquet").write_bytes(
        content if spared else damage.flipped(content, chance)
    )


def outcome(seed: int) -> str:
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(place)
        make(folder, seed)
        check(folder)
        try:
            market = find_perpetuals(["BTC"], folder, interval="3m")
        except InvestorBenchError as error:
            return "refused" if "\n" not in str(error) else f"an error of several lines: {error}"
    known = market.bars[~market.outages]
    assert (known[:, :4] > 0).all() and np.isfinite(known[:, :4]).all()
    assert market.funding is None or (np.abs(market.funding[~np.isnan(market.funding)]) < 1).all()
    return "read"


@pytest.mark.parametrize("seeds", [FEW, pytest.param(MANY, marks=pytest.mark.long)], ids=len)
def test_damaged_candles_or_rates_are_read_or_refused_in_one_sentence(seeds: range) -> None:
    counts = Counter(map(outcome, seeds))
    assert set(counts) == {"refused", "read"}
    assert 0.1 < counts["read"] / len(seeds) < 0.9
