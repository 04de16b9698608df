"""Asking an agent for its orders, and keeping its state from one session to the next."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from investorbench.agents.agent import Runner, as_agent
from investorbench.tasks.answers import with_asked
from investorbench.tasks.live.experiment.observing import facts_of, observed
from investorbench.tasks.live.experiment.view import LedgerView
from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.running.asked import Asked
from investorbench_env.errors import InvalidActionError, InvestorBenchError

STATE = "state"
"""Below this an agent's state has a folder for each session until the next one is kept."""


class MadeAgent(NamedTuple):
    """An agent, and the model that it was given.

    Attributes:
        agent: whatever :func:`~investorbench.agents.agent.as_agent` takes.
        asked: its model, whose answers are kept; None where it has none.
        settings: what determines it, in plain values; kept wherever they differ from before.
    """

    agent: Any
    asked: Asked | None = None
    settings: Mapping[str, Any] = {}


MakeAgent = Callable[[], Any]
"""Makes an agent, or a :class:`MadeAgent`."""


async def decide(folder: Path, view: LedgerView, name: str, make: MakeAgent) -> dict[str, Any]:
    """What an agent decides after the last session, as the content of an entry.

    Its state is read from the session of its last decision, and kept for this one before the
    entry is: a step that is cut off leaves the state of the decision before as it was.

    Raises:
        Exception: whatever the agent raises.
    """
    made = make()
    agent, asked, settings = made if isinstance(made, MadeAgent) else MadeAgent(made)
    runner = as_agent(agent)
    try:
        await runner.begin(facts_of(view), "test", _seed(view, runner))
        observation, info = observed(view, name)
        if (before := _state_before(folder, view, name)) is not None:
            await runner.load(before)
            await runner.learn(_reward(view, name), info)
        action = await runner.act(observation, info)
        record = await runner.record()
        if asked is not None:
            noted = asked.taken()
            record = with_asked(record, noted.answers, noted.roles)
        content: dict[str, Any] = {"orders": plain_orders(action)}
        if record is not None:
            content["record"] = json.loads(json.dumps(without_nan(record), default=str))
        if settings and settings != _last_settings(view, name):
            content["agent"] = dict(settings)
        if runner.can_be_saved:
            await runner.save(_emptied(state_folder(folder, name, view.sessions[-1])))
            content["state"] = view.sessions[-1]
        return content
    finally:
        await runner.close()


def plain_orders(action: Any) -> list[Any]:
    """A list of orders as JSON values; a figure that is none is its word, such as ``"NaN"``.

    Raises:
        InvalidActionError: it is no list of what JSON can hold.
    """
    if not isinstance(action, list | tuple):
        raise InvalidActionError(f"orders are a list, not {type(action).__name__}: {action!r:.80}")
    try:
        text = json.dumps(list(action), default=_number)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidActionError(f"the orders {action!r:.80} are no JSON: {error}") from None
    orders: list[Any] = json.loads(text, parse_constant=str)
    return orders


def _number(value: Any) -> Any:
    """A number of NumPy's as Python's own."""
    try:
        return value.item()
    except (AttributeError, ValueError):
        raise TypeError(f"{type(value).__name__} is no JSON value") from None


def forget_older_states(folder: Path, view: LedgerView) -> None:
    """Remove states from which no step goes on; later ones may be those of another process."""
    for agent in view.settings.agents:
        kept = last_state(view, agent.name)
        for path in (folder / STATE / agent.name).glob("*"):
            if kept is not None and path.name < kept:
                shutil.rmtree(path, ignore_errors=True)


def last_state(view: LedgerView, name: str) -> str | None:
    """The session of the last decision with which a state was kept."""
    states = [each.content.get("state") for each in view.decisions(name)]
    return next((state for state in reversed(states) if state is not None), None)


def state_folder(folder: Path, name: str, session: str) -> Path:
    """Where an agent's state after a session is kept."""
    return folder / STATE / name / session


def _state_before(folder: Path, view: LedgerView, name: str) -> Path | None:
    session = last_state(view, name)
    if session is None:
        return None
    found = state_folder(folder, name, session)
    if not found.is_dir():
        raise InvestorBenchError(f"{found} is gone, from which {name} should go on: put it back")
    return found


def _last_settings(view: LedgerView, name: str) -> Any:
    """What determined the agent at its last decision."""
    known = [each.content["agent"] for each in view.decisions(name) if "agent" in each.content]
    return known[-1] if known else None


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _seed(view: LedgerView, runner: Runner) -> int:
    """One for the whole experiment; an agent that keeps no state has one of each session."""
    return view.settings.seed + (0 if runner.can_be_saved else len(view.sessions) - 1)


def _reward(view: LedgerView, name: str) -> float:
    """What the account earned in the last session, as a share."""
    session = view.sessions[-1]
    before = view.session_before(session)
    now, then = (None if day is None else view.account(day, name) for day in (session, before))
    return (
        0.0 if now is None or then is None else now.content["equity"] / then.content["equity"] - 1.0
    )
