"""Runs as data sets of Minari: transitions from an account to the next, one data set a job.

Records hold no observations but their hash, so a transition is of what they hold: the account and
the prices at which it is marked. docs/exports.md has the layout.
"""

import json
import math
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from investorbench.tasks.exporting.episodes import (
    Names,
    RecordedEpisode,
    episodes_by_job,
    of_sound,
)
from investorbench.tasks.judging import is_of_snapshots
from investorbench.tasks.record.files import cut_to
from investorbench.tasks.record.schema import Content
from investorbench.tasks.tables.reading import Say, Watch
from investorbench_env.errors import MissingDependencyError
from investorbench_env.facts import Facts
from investorbench_env.spaces import TRADE_WORDS

OF_THE_ACCOUNT = ("cash", "equity", "weight", "exposure")
OF_AN_ASSET = ("price", "quantity")
LONGEST_ACTION = 100_000
"""Characters of orders or signals, as JSON."""
CHARACTERS = frozenset(map(chr, range(0x20, 0x7F)))
LONGEST_PART = 200
"""Bytes of each part of the id of a data set, which is a folder; numbers come to it."""
VERSION = "-v0"
"""What ends the name of a data set."""
FOLDER = "MINARI_DATASETS_PATH"


def write_minari(runs: Sequence[Path], folder: Path, say: Say, watch: Watch) -> int:
    """Write a data set of each job into a folder, which ``$MINARI_DATASETS_PATH`` may name.

    Args:
        runs: folders of runs.
        folder: of the data sets.
        say: takes what is left out, a line each.

    Returns:
        How many episodes they hold.

    Raises:
        MissingDependencyError: Minari is not installed.
    """
    try:
        import minari
        from minari.data_collector import EpisodeBuffer
    except ImportError:
        raise MissingDependencyError("minari", "minari", "a data set of Minari") from None
    episodes, names = 0, Names()
    with _kept_in(folder):
        for job, known, found in episodes_by_job(runs, say, watch):
            made = list(of_sound(job, found, lambda each: list(_buffers(each)), say))
            if not made:
                continue
            own = [each for each, _ in made]
            facts = own[0].facts
            parts = [part for _, parts in made for part in parts]
            buffers = [EpisodeBuffer(id=n, **part) for n, part in enumerate(parts)]
            minari.create_dataset_from_buffers(
                dataset_id=names.new(_id(str(known["run"]), job.task.short_name, job.name))
                + VERSION,
                buffer=buffers,
                observation_space=observation_space(facts),
                action_space=action_space(own[0]),
                algorithm_name=job.name,
                description=f"{job.task.id}, recorded by InvestorBench",
                data_format="arrow",
            )
            episodes += len(own)
    return episodes


def observation_space(facts: Facts) -> gym.spaces.Box:
    """Of the account, and of the price and the units of each asset."""
    length = len(OF_THE_ACCOUNT) + len(OF_AN_ASSET) * len(facts.symbols)
    return gym.spaces.Box(-np.inf, np.inf, (length,), np.float64)


def action_space(episode: RecordedEpisode) -> "gym.Space[Any]":
    """A number of a trade, weights, or JSON of orders and signals."""
    first = episode.lines[0]["action"]
    if episode.facts.action == "trade":
        return gym.spaces.Discrete(len(TRADE_WORDS))
    if _is_numeric(first):
        return gym.spaces.Box(-np.inf, np.inf, np.shape(first), np.float64)
    return gym.spaces.Text(LONGEST_ACTION, min_length=0, charset=CHARACTERS)


def _buffers(episode: RecordedEpisode) -> Iterator[dict[str, Any]]:
    """The transitions of an episode; of a block, those of each snapshot apart."""
    opening = _opening(episode)
    if not is_of_snapshots(episode.facts):
        yield _buffer(episode.facts, opening, episode.lines)
        return
    for line in episode.lines:
        yield _buffer(episode.facts, opening, [{**line, "is_last": True}])
        opening = {**opening, "marks": {}}  # each is on a market of its own; of one it is recorded


def _buffer(facts: Facts, before: Content, lines: Sequence[Content]) -> dict[str, Any]:
    is_ruined = (lines[-1]["account"]["equity"] or 0.0) <= 0.0
    ends = [bool(line["is_last"]) for line in lines]
    opening = _observation(before, facts)
    return {
        "observations": np.stack([opening, *(_observation(line, facts) for line in lines)]),
        "actions": _actions(lines, facts),
        "rewards": np.array([line["reward"] for line in lines], dtype=np.float64),
        "terminations": [end and is_ruined for end in ends],
        "truncations": [end and not is_ruined for end in ends],
        "infos": {},
    }


def _opening(episode: RecordedEpisode) -> Content:
    """The account before the first decision, as a line has it after one."""
    account = episode.opening
    return {
        "account": {"cash": account.cash, "equity": account.equity},
        "positions": [each._asdict() for each in account.positions],
        "marks": account.marks,
    }


def _observation(line: Mapping[str, Any], facts: Facts) -> npt.NDArray[np.float64]:
    weights = [math.nan if each["weight"] is None else each["weight"] for each in line["positions"]]
    held = {each["symbol"]: each["quantity"] for each in line["positions"]}
    account = line["account"]
    values = [account["cash"], account["equity"], sum(weights), sum(map(abs, weights))]
    for symbol in facts.symbols:
        values += [line["marks"].get(symbol), held.get(symbol, 0.0)]
    return np.array([np.nan if each is None else each for each in values], dtype=np.float64)


def _actions(lines: Sequence[Content], facts: Facts) -> Any:
    given = [line["action"] for line in lines]
    if facts.action == "trade":
        return np.array(given, dtype=np.int64)
    if _is_numeric(given[0]):
        return np.array(given, dtype=np.float64)
    return [json.dumps(each)[:LONGEST_ACTION] for each in given]


def _is_numeric(action: Any) -> bool:
    values = action if isinstance(action, list) else [action]
    return bool(values) and all(type(each) in (int, float) for each in values)


def _id(run: str, task: str, agent: str) -> str:
    """The id of a data set, which Minari wants of letters, digits, ``-``, ``_`` and ``.``."""
    parts = [re.sub(r"[^A-Za-z0-9_.-]+", "-", each).strip("-.") for each in (run, task, agent)]
    return "/".join(cut_to(LONGEST_PART, part) or "unnamed" for part in parts)


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Let Minari write into a folder."""
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(folder.resolve())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of authors and links that runs have not
            yield
    finally:
        if before is None:
            del os.environ[FOLDER]
        else:
            os.environ[FOLDER] = before
