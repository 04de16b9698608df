"""Damaged files by the thousand: each read in a process of its own, that is ended when it hangs.

``python -m tests.market.damage 0 1500`` prints what came of the first 1,500.
"""

import io
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pyarrow.csv
import pyarrow.parquet  # noqa: F401 - here, so that no process of a folder's own imports them again

from investorbench_env.envs import single_asset  # noqa: F401 - as above
from investorbench_env.errors import InvestorBenchError, SimulatedDataWarning
from investorbench_env.market.files import folders  # noqa: F401 - as above
from investorbench_env.market.files.checking import check

MOST_SECONDS = 10
"""Of a processor; those of a wall clock would count what else a machine does."""
OPTIONS = {"symbol": "ACME", "start": "2021-02-01", "end": "2021-03-15", "window": 8}
TOKENS = (
    *("NaN", "nan", "inf", "-inf", "Infinity", "1e999", "-1", "0", "1e-320", "null", "true", ""),
    *("\x00", "\\ud83d", "\ufeff", '"', "'", ",", ";", "\t", "\n", "\r", "|", "{", "}", "[", "]"),
    *("9" * 400, "2021-13-45", "0001-01-01", "9999-12-31", "12/31/99", "1609718400000", "1,5"),
    *("=1+1", "#", "💥", "公司", "$5", "-", "()", ":", "T", "Z", "+99:99", "UTC", "24:00"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**400, float("nan"), float("inf"), 1e308, "", "x", "\ud83d", "\x00"),
    *([], {}, [[]], [None], {"a": 1}, ["a", 1], "2021-02-30", [["news"] * 3]),
)


def table() -> pd.DataFrame:
    """Bars of three months."""
    days = pd.bdate_range("2021-01-04", "2021-03-31")
    days = days[~days.isin(pd.to_datetime(["2021-01-18", "2021-02-15"]))]
    close = 50 + 0.1 * np.arange(len(days))
    frame = {"date": days, "open": close - 0.05, "high": close + 0.3, "low": close - 0.3}
    return pd.DataFrame({**frame, "close": close, "adj_close": close, "volume": 1000.0})


def news() -> pd.DataFrame:
    days = table()["date"][::2]
    moments = days.dt.strftime("%Y-%m-%dT15:%M:00Z")
    words = [f"Acme reports {n}" for n in range(len(days))]
    return pd.DataFrame(
        {"timestamp": moments, "symbol": "ACME", "headline": words, "sentiment": "positive"}
    )


def frames() -> dict[str, pd.DataFrame]:
    """Bars, news and corporate actions by the name of their files."""
    listed = [("2021-02-18", "dividend", 0.5), ("2021-02-22", "split", 2.0)]
    actions = pd.DataFrame(listed, columns=["date", "action", "amount"])
    return {"acme": table(), "acme_news": news(), "acme_actions": actions}


def whole(folder: Path, seed: int) -> None:
    """A folder that is not damaged: CSV, Parquet or a released file."""
    if seed % 3 == 0:
        (folder / "acme.json").write_text(json.dumps(released()))
        return
    for name, frame in frames().items():
        if seed % 3 == 1:
            frame.to_csv(folder / f"{name}.csv", index=False)
        else:
            frame.to_parquet(folder / f"{name}.parquet", index=False)


def damage(folder: Path, seed: int) -> None:
    """A folder of which one file is damaged."""
    chance = random.Random(seed)
    kind = chance.choice(("csv", "csv", "json", "parquet", "parquet"))
    if kind == "json":
        _json(folder / "acme.json", chance)
        return
    files = frames()
    target = chance.choice(list(files))
    for name, frame in files.items():
        if name != target:
            frame.to_csv(folder / f"{name}.csv", index=False)
    if kind == "csv":
        form = chance.choice(("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%s", "%Y-%m-%dT00:00:00Z"))
        text = files[target].to_csv(
            index=False, sep=chance.choice(",,,;\t"), date_format=None if form == "%s" else form
        )
        (folder / f"{target}.csv").write_bytes(damaged_bytes(damaged_text(text, chance), chance))
        return
    stream = io.BytesIO()
    damaged_frame(files[target], chance).to_parquet(stream, index=chance.random() < 0.3)
    content = stream.getvalue()
    spared = chance.random() < 0.6
    (folder / f"{target}.parquet").write_bytes(content if spared else flipped(content, chance))


def damaged_text(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        place, other = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        how = chance.randrange(6)
        if how == 0:
            text = text[:place] + chance.choice(TOKENS) + text[place:]
        elif how == 1:
            text = text[:place] + text[min(other, place + chance.randint(1, 40)) :]
        elif how == 2:
            lines = text.split("\n")
            row = chance.randrange(len(lines))
            separator = next((s for s in ",;\t" if s in lines[row]), ",")
            cells = lines[row].split(separator)
            cells[chance.randrange(len(cells))] = chance.choice(TOKENS)
            lines[row] = separator.join(cells)
            text = "\n".join(lines)
        elif how == 3:
            lines = text.split("\n")
            lines.insert(chance.randrange(len(lines)), chance.choice(lines))
            text = "\n".join(lines)
        elif how == 4:
            text = text.replace(chance.choice("-:,.T"), chance.choice(("", ".", ",", "/", " ")))
        else:
            text = text[:other] if chance.random() < 0.5 else text[place:]
        if not text:
            break
    return text


def damaged_bytes(text: str, chance: random.Random) -> bytes:
    encoding = chance.choice(("utf-8", "utf-8", "utf-8", "utf-16", "utf-16-le", "latin-1"))
    content = text.encode(encoding, errors="replace")
    return flipped(content, chance) if chance.random() < 0.3 else content


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    end = chance.randrange(len(changed) + 1) if chance.random() < 0.2 else len(changed)
    return bytes(changed[:end])


def damaged_frame(frame: pd.DataFrame, chance: random.Random) -> pd.DataFrame:
    frame = frame.copy()
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(list(frame.columns))
        how = chance.randrange(7)
        if how == 0:
            frame[name] = frame[name].astype(str)
        elif how == 1:
            frame = frame.drop(columns=name)
        elif how == 2:
            frame[name] = chance.choice((None, 1, -1.0, float("inf"), float("nan"), True, "x"))
        elif how == 3:
            frame[name] = [[value, "x"] for value in frame[name].astype(str)]
        elif how == 4:
            cells = frame[name].astype(object)
            cells.iloc[chance.randrange(len(cells))] = None
            frame[name] = cells
        elif how == 5:
            frame = frame.rename(columns={name: chance.choice(("x", "close", "date", "time", "1"))})
        else:
            frame = frame.iloc[: chance.randrange(len(frame) + 1)]
        frame = frame.loc[:, ~frame.columns.duplicated()]
        if not len(frame.columns) or not len(frame):
            break
    return frame


def released() -> dict[str, Any]:
    """A file of the form in which InvestorBench was released."""
    return {
        f"{day:%Y-%m-%d}": {"prices": 50 + n / 10, "news": [f"up {n}"], "10k": [], "10q": []}
        for n, day in enumerate(table()["date"])
    }


def _json(path: Path, chance: random.Random) -> None:
    days = released()
    for _ in range(chance.randint(1, 3)):
        day = chance.choice(list(days))
        how = chance.randrange(4)
        if how == 0:
            days[day] = chance.choice(VALUES)
        elif how == 1 and isinstance(days[day], dict):
            name = chance.choice(("prices", "news", "10k"))
            days[day] = {**days[day], name: chance.choice(VALUES)}
        elif how == 2:
            days[chance.choice(("0001-01-01", "9999-12-31", "2021-02-30", "x", ""))] = days[day]
        else:
            days[day] = {**dict.fromkeys("abc"), "news": chance.choice(VALUES)}
    text = json.dumps(days)
    if chance.random() < 0.5:
        text = damaged_text(text, chance)
    if chance.random() < 0.05:
        text = '{"2021-01-04": {"prices": ' + "[" * 100_000
    path.write_bytes(damaged_bytes(text, chance))


def outcome(seed: int, make: Callable[[Path, int], None] = damage) -> str:
    """What comes of a folder, a damaged one: ``"refused"``, ``"read"``, or what went wrong."""
    protocol = ("standard", "paper")[seed % 2]
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", SimulatedDataWarning)
        folder = Path(place)
        make(folder, seed)
        try:
            check(folder)
        except InvestorBenchError:
            return "check raised"
        try:
            env = gym.make("InvestorBench/Stock", data=folder, protocol=protocol, **OPTIONS)
        except InvestorBenchError as error:
            return "refused" if "\n" not in str(error) else f"an error of several lines: {error}"
        observation, _ = env.reset(seed=0)
        for _ in range(5):
            if strange := _not_finite(observation):
                return f"{strange} is not finite"
            observation, reward, ended, truncated, _ = env.step(2)
            if not np.isfinite(reward):
                return "the reward is not finite"
            if ended or truncated:
                break
    return "read"


def _not_finite(observation: dict[str, Any]) -> str:
    for name, value in observation.items():
        if isinstance(value, np.ndarray) and not np.isfinite(value).all():
            return name
    return ""


def _send(pipe: Any, seed: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    pipe.send(outcome(seed))


def outcomes(seeds: range, show: Callable[[int, str], None] | None = None) -> Counter[str]:
    """What came of damaged folders, counted; each has a process of its own."""
    context = multiprocessing.get_context("fork")
    counts: Counter[str] = Counter()
    for seed in seeds:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_send, args=(there, seed))
        process.start()
        there.close()
        found = "waits for something"
        if here.poll(12 * MOST_SECONDS):
            try:
                found = here.recv()
            except EOFError:
                found = "ends in an error of Python, or never"
        process.kill()
        process.join()
        here.close()
        short = found if found in ("refused", "read") else f"{found.strip().splitlines()[-1]:.200}"
        counts[short] += 1
        if show is not None and found not in ("refused", "read"):
            show(seed, found)
    return counts


if __name__ == "__main__":
    first, last = (int(number) for number in (*sys.argv[1:], 1500)[:2])
    total = outcomes(range(first, last), lambda seed, found: print(seed, found, flush=True))
    print(*(f"{count:,} {what}" for what, count in total.most_common()), sep="\n")
