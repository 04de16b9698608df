"""Rows of corpora, for tests of what reads and writes them."""

from typing import Any

from investorbench.tasks.trading_r1.corpus.rows import CorpusRow


def a_row(number: int = 0, **changes: Any) -> CorpusRow:
    """A row by hand."""
    prompt = [
        {"role": "system", "content": "Write a thesis."},
        {"role": "user", "content": f"[t1] Close {100 + number}, up ↑ a little."},
    ]
    row: Any = {
        "id": f"SIM/2020-01-{number + 1:02}/0",
        "task": "stock/sim",
        "symbol": "SIM",
        "market_seed": None,
        "date": f"2020-01-{number + 1:02}",
        "split": "train",
        "variant": 0,
        "seed": 7 + number,
        "label": "BUY",
        "score": 0.1,
        "horizon_return": 0.02,
        "daily_volatility": 0.01,
        "round_trip_rate": 0.001,
        "briefing_sha256": "0" * 64,
        "ids": ["t1"],
        "prompt": prompt,
        "messages": prompt,
        "completion": None,
        "teacher": None,
        "stage": None,
        "rejected": None,
        "structure": None,
        "evidence": None,
        "decision": None,
    }
    return row | changes
