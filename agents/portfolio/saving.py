"""The state of a portfolio's agent in a folder that a kill at any time leaves whole."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from investorbench.agents.finmem.past_decisions import Lesson
from investorbench.agents.finmem.saving import (
    kept_memories,
    load_memory,
    read_state,
    require_same,
    restored,
    values_read,
)
from investorbench.agents.portfolio.past_sessions import PastSession, PastSessions
from investorbench.agents.portfolio.state import PortfolioCounts, PortfolioState
from investorbench_env.accounting.events import AccountState, Position
from investorbench_env.whole_files import write_atomically

FORMAT = 1
STATE = "finmem_portfolio.json"
AGENT = "FinMemPortfolio"
APART = ("assets", "account")
OF_AN_ACCOUNT = ("cash", "equity", "costs", "positions", "marks")


def save(state: PortfolioState, folder: Path) -> None:
    """Write a state to a folder, which holds either the old or the new one at any instant."""
    memories = {
        f"memory-{place}": asset.memory for place, asset in enumerate(state.assets.values())
    }
    with kept_memories(memories, folder, f"{state.split}-{state.steps}") as files:
        assets = {
            symbol: {**values_read(asset), "archive": file}
            for (symbol, asset), file in zip(state.assets.items(), files.values(), strict=True)
        }
        saved = {**_plain(state), "assets": assets}
        write_atomically(folder / STATE, json.dumps(saved, allow_nan=False))


def load(state: PortfolioState, folder: Path) -> None:
    """Make a state what a folder holds.

    Raises:
        InvestorBenchError: there is none, or it is another agent's.
        ArchiveMismatchError: its memories were made with other constants.
        ArchiveError: the store of a memory does not go back to that step.
    """
    saved = read_state(folder / STATE, AGENT)
    require_same(saved, AGENT, FORMAT, state.task, state.seed)
    for symbol, asset in state.assets.items():
        own = saved["assets"][symbol]
        load_memory(asset.memory, folder, own["archive"], saved["steps"])
        for name, value in restored(own).items():
            setattr(asset, name, value)
        asset.steps = saved["steps"]
    _restore(state, saved)


def _plain(state: PortfolioState) -> dict[str, Any]:
    """All of a state but what belongs to one asset, as plain JSON values."""
    names = [each.name for each in fields(state) if each.name not in APART]
    return {
        **{name: getattr(state, name) for name in names},
        "format": FORMAT,
        "lesson": None if state.lesson is None else asdict(state.lesson),
        "track": [asdict(past) for past in state.track],
        "counts": asdict(state.counts),
        # There is one where a state is kept between a decision and its outcome, as live ones are.
        "account": None
        if state.account is None
        else {name: getattr(state.account, name) for name in OF_AN_ACCOUNT},
    }


def _restore(state: PortfolioState, saved: Mapping[str, Any]) -> None:
    plain = {
        **saved,
        "lesson": None if saved["lesson"] is None else Lesson(**saved["lesson"]),
        "left_out": tuple(saved["left_out"]),
        "track": PastSessions(
            PastSession(
                **{
                    **past,
                    "cited": {symbol: tuple(ids) for symbol, ids in past["cited"].items()},
                }
            )
            for past in saved["track"]
        ),
        "counts": PortfolioCounts(**saved["counts"]),
    }
    for each in fields(state):
        if each.name in plain and each.name not in APART:
            setattr(state, each.name, plain[each.name])
    if (account := saved.get("account")) is not None:
        positions = [Position(*each) for each in account["positions"]]
        state.account = AccountState(**{**account, "positions": positions})
