"""`investorbench bench market`: what it measures and prints. How fast anything is, is no test."""

import numpy as np
import pytest

from investorbench.scripts.bench import market
from investorbench.scripts.main import main


@pytest.mark.heavy
def test_it_prints_what_markets_of_several_lengths_cost(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(market, "LENGTHS", (960, 1_000))
    monkeypatch.setattr(market, "ROUNDS", 1)
    monkeypatch.setattr(market, "READ", 5)
    with pytest.raises(SystemExit) as ended:
        main(["bench", "market"])
    printed = capfd.readouterr()
    assert (ended.value.code, printed.err) == (0, "")
    assert "6 coins in bars of 3 minutes, windows of 30" in printed.out
    rows = [line.split() for line in printed.out.splitlines() if line[:12].strip()[:1].isdigit()]
    assert [row[0] for row in rows if len(row) == 5] == ["960", "1,000"]


def test_its_market_is_one_of_three_minute_bars_whose_sessions_repeat() -> None:
    coins = market.coins(961)
    assert (coins.interval, len(coins.symbols)) == ("3m", 6)
    assert np.unique(coins.sessions).astype(str).tolist() == [
        "2025-07-14", "2025-07-15", "2025-07-16"
    ]  # fmt: skip
    assert len(market.every_moment(coins)) == 6
