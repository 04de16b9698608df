"""A new agent for every repeat, of what a user hands over."""

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from investorbench.agents.agent import Runner, as_agent
from investorbench.agents.baselines import ALL_BASELINES
from investorbench.agents.finding import SHA256, SOURCE, find_agent
from investorbench.agents.parts import DYNAMICS, MARKET
from investorbench.tasks.plain import path_of, plain
from investorbench_env.errors import InvestorBenchError

PARTS = (MARKET, DYNAMICS)
TARGET = "_target_"
"""Names the class or the function, as an agent of the command line does."""
LONGEST = 1000
"""Characters of an attribute that a configuration holds as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshAgents:
    """What makes the agents of a job.

    Attributes:
        name: what tables and records call them.
        make: makes one for a repeat, of what it is handed by name.
        handed: the names of what that is, see :mod:`investorbench.tasks.handed`.
        settings: what determines them, as far as plain JSON values can hold it; like an
            ``agent`` of the command line.
    """

    name: str
    make: Callable[..., Any]
    handed: list[str] = field(default_factory=list)
    settings: Mapping[str, Any]


def fresh_agents(given: Any) -> FreshAgents:
    """What makes a new agent for every repeat.

    - A class, a ``functools.partial`` of one, or a function without arguments is called for each;
      a class that cannot be made without ``market`` or ``dynamics`` is handed those.
    - An object with ``act``, or that can be called, is copied for each, as it was handed over.
    - A function ``(observation, info) -> action`` and an object with ``predict`` have no state that
      is not passed along, and are shared.
    - The name of a baseline stands for its class, any other for what
      :func:`~investorbench.agents.finding.find_agent` finds.

    Raises:
        InvestorBenchError: it is none of these, cannot be made without arguments, or not copied.
    """
    if isinstance(given, str) and given not in ALL_BASELINES:
        found = find_agent(given)
        origin = {SOURCE: found.source, SHA256: found.sha256}
        return FreshAgents(
            name=found.name,
            make=found.make,
            handed=[name for name in found.required if name in PARTS],
            settings=origin | found.defaults,
        )
    if isinstance(given, str):
        given = ALL_BASELINES[given]
    if isinstance(given, Runner):
        given = given.agent
    target = _class_in(given)
    handed = [] if target is None else [name for name in _missing(given) if name in PARTS]
    if target is not None and handed:
        own = getattr(target, "name", None)
        name = own if isinstance(own, str) else target.__name__
        make, settings = _instances(given), _settings(given)
        return FreshAgents(name=name, make=make, handed=handed, settings=settings)
    make = _copies(given) if target is None else _instances(given)
    if inspect.isfunction(given) and not inspect.signature(given).parameters:
        make = given
    # The one that says what they are called is the first one that is asked for.
    spare = [make()]
    name = as_agent(spare[0]).name
    return FreshAgents(
        name=name, make=lambda: spare.pop() if spare else make(), settings=_settings(given)
    )


def _class_in(given: Any) -> type | None:
    """The class that is to be called; None for what is an agent already."""
    called = given.func if isinstance(given, functools.partial) else given
    return called if inspect.isclass(called) else None


def _instances(given: Callable[..., Any]) -> Callable[..., Any]:
    if missing := [name for name in _missing(given) if name not in PARTS]:
        name = getattr(_class_in(given), "__name__", given)
        arguments = ", ".join(f"{each}=…" for each in missing)
        raise InvestorBenchError(
            f"{name} needs {', '.join(missing)}, and a new one is made for every repeat: give "
            f"functools.partial({name}, {arguments})"
        )
    return given


def _missing(given: Callable[[], Any]) -> list[str]:
    """The arguments that a class, or a partial of one, cannot be called without."""
    try:
        parameters = inspect.signature(given).parameters.values()
    except (TypeError, ValueError):
        return []  # Python knows no signature of some classes of its own
    return [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]


def _copies(given: Any) -> Callable[[], Any]:
    if hasattr(given, "predict") and not hasattr(given, "act"):
        return lambda: given

    def copy() -> Any:
        try:
            return deepcopy(given)
        except Exception as error:
            name = type(given).__name__
            raise InvestorBenchError(
                f"{given!r} cannot be copied, and every repeat begins with an agent as it was "
                f"handed over ({error}): give what makes one, {name} or "
                f"functools.partial({name}, …), or define __deepcopy__"
            ) from error

    return copy


def _settings(given: Any) -> dict[str, Any]:
    """What determines an agent, as far as plain values can hold it."""
    if isinstance(given, functools.partial):
        arguments = {"_args_": list(given.args)} if given.args else {}
        determined: dict[str, Any] = plain(arguments | given.keywords)
        return _settings(given.func) | determined
    if inspect.isclass(given):
        return {TARGET: path_of(given)}
    if inspect.isfunction(given):
        return {TARGET: path_of(given), **_brief(inspect.getclosurevars(given).nonlocals)}
    return {TARGET: path_of(type(given)), **_brief(getattr(given, "__dict__", {}))}


def wrapped_by(wrapper: Any) -> Any:
    """What determines a wrapper of environments: its name, or what else it is made of."""
    return path_of(wrapper) if hasattr(wrapper, "__qualname__") else _settings(wrapper)


def _brief(state: Mapping[str, Any]) -> dict[str, Any]:
    """What an agent was handed over with, in plain values; a hash where one is long."""
    values = {name: (value, json.dumps(value)) for name, value in plain(state).items()}
    return {
        name: value if len(text) <= LONGEST else hashlib.sha256(text.encode()).hexdigest()
        for name, (value, text) in values.items()
    }
