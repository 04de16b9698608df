"""Files of an asset of which one was damaged at random, and what an environment makes of them."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd

from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.files.checking import check
from investorbench_env.market.sessions import sessions_between
from tests.env.option_sets import outcome

DAYS = sessions_between("stock", "2021-01-04", "2021-03-12")
CLOSE = np.round(50 + 0.1 * np.arange(len(DAYS)), 2)
KINDS = ("csv", "parquet", "json")
PIECES = [
    *(b"", b",", b";", b'"', b"\n", b"\r", b"\t", b"\x00", b"{", b"}", b"[]", b"null", b"true"),
    *(b"-1", b"0", b"inf", b"nan", b"1e400", b"99999999999", b"1,5", b"1.234,5", b"ACME", b"NAN"),
    *(b"2021-02-30", b"9999-12-31", b"0001-01-01", b"\xff\xfe", b"\xef\xbb\xbf", b"\\ud800"),
]
"""What may stand in a file and means something else there."""


def whole_files(kind: str) -> dict[str, bytes]:
    """Bars, news and actions of ACME by the name of their files."""
    if kind == "json":
        days = {
            str(day): {"prices": float(price), "news": ["words (sentiment: positive)"], "10k": []}
            for day, price in zip(DAYS, CLOSE, strict=True)
        }
        return {"acme.json": json.dumps(days).encode()}
    bars = pd.DataFrame(
        {"open": CLOSE, "high": CLOSE + 0.2, "low": CLOSE - 0.2, "close": CLOSE, "volume": 1000}
    ).assign(adj_close=0.99 * CLOSE)
    texts = [f"{day}T14:30:00Z,ACME,words of {day},positive" for day in DAYS[::5]]
    news = "\n".join(["timestamp,symbol,headline,sentiment", *texts])
    actions = "date,action,amount\n2021-02-18,dividend,0.5\n2021-02-22,split,2\n"
    files = {"acme_news.csv": news.encode(), "acme_actions.csv": actions.encode()}
    if kind == "parquet":
        buffer = io.BytesIO()
        bars.assign(date=DAYS.astype("M8[us]")).to_parquet(buffer)
        return {"acme.parquet": buffer.getvalue(), **files}
    return {"acme.csv": bars.assign(date=DAYS.astype(str)).to_csv(index=False).encode(), **files}


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The same with some bytes replaced, inserted, repeated or missing, or cut off."""
    file = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        place, length = int(rng.integers(len(file) + 1)), int(rng.integers(1, 60))
        piece = PIECES[rng.integers(len(PIECES))]
        match rng.integers(6):
            case 0:
                file[place : place + length % 12] = piece
            case 1:
                file[place:place] = piece
            case 2:
                file[place : place + 1] = rng.bytes(1)
            case 3:
                file[place:place] = file[place // 2 : place // 2 + length]
            case 4:
                file[place : place + 3 * length] = b""
            case _ if rng.random() < 0.3:
                del file[place:]
    return bytes(file)


def fate(seed: int, folder: Path) -> str:
    """``"ran"`` with finite numbers, or ``"refused"`` in words: by an environment, and by a check.

    Raises:
        Exception: anything but an error of this package.
    """
    rng = np.random.default_rng(seed)
    files = whole_files(KINDS[seed % len(KINDS)])
    name = list(files)[rng.integers(len(files))]
    files[name] = damaged(files[name], rng)
    for each, content in files.items():
        (folder / each).write_bytes(content)
    protocol = str(rng.choice(["standard", "paper"]))
    options = {"symbol": "ACME", "data": str(folder), "protocol": protocol, "split": "test"}
    how = outcome({**options, "start": "2021-02-16", "end": "2021-02-26"})
    try:
        check(folder)
    except InvestorBenchError:
        return "refused"
    return how
