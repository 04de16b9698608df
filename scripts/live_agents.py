"""The agents of a live experiment, from what names them on a command line."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from investorbench.agents.finding import PATH
from investorbench.agents.llm import model_of
from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.connect import connect
from investorbench.agents.parts import MEMORY, MODEL
from investorbench.memory import Arrays, LayeredMemory
from investorbench.scripts.choices import choosing
from investorbench.scripts.composing import composed
from investorbench.scripts.jobs import AgentMaker, embedder_of, maker_of
from investorbench.scripts.settings import require_known_settings
from investorbench.tasks.live.experiment import LiveAgent, MadeAgent
from investorbench.tasks.live.experiment.settings import FILE, NAME
from investorbench.tasks.running.asked import Asked
from investorbench.tasks.running.unusable import UnusableAnswers
from investorbench_env.errors import InvestorBenchError

GIVEN = frozenset({MODEL, MEMORY})
"""What an agent of an experiment can be given of what a run gives."""


def agent_named(text: str) -> LiveAgent:
    """What ``[NAME=]KIND [SETTING=VALUE …]`` names.

    Raises:
        InvestorBenchError: it names nothing.
    """
    try:
        first, *settings = shlex.split(text) or [""]
    except ValueError as error:
        raise InvestorBenchError(f"--agent {text!r} cannot be read: {error}") from None
    name, equals, kind = first.partition("=")
    if not (equals and NAME.fullmatch(name)):
        kind = first
        name = Path(kind.rpartition(":")[2]).stem or FILE
    if kind.startswith("."):  # a file: a timer steps from another folder
        kind = str(Path(kind).resolve())
    if not kind:
        raise InvestorBenchError(f"--agent {text!r} names none: write [NAME=]AGENT [SETTING=…]")
    if kind == FILE and settings:
        raise InvestorBenchError(f"an agent that answers by a file takes no {settings[0]}")
    return LiveAgent(name=name, kind=kind, settings=tuple(settings))


def agents_made(folder: Path, agents: Sequence[LiveAgent]) -> "dict[str, LiveAgentMaker]":
    """By name what makes each, when it is asked; none for those that answer by files."""
    cache = folder / "cache.sqlite"
    return {agent.name: LiveAgentMaker(agent, cache) for agent in agents if not agent.is_file}


def require_agents(agents: Sequence[LiveAgent]) -> None:
    """Check that agents can be made here.

    Raises:
        InvestorBenchError: there is no such agent, or it asks for what only a run can give.
    """
    for maker in agents_made(Path(), agents).values():
        _ = maker.found


class LiveAgentMaker:
    """Makes an agent of an experiment, of the configuration that it has when it is first asked.

    Args:
        agent: which.
        cache: the file in which answers of models are kept.
    """

    def __init__(self, agent: LiveAgent, cache: Path) -> None:
        self._agent, self._cache = agent, cache

    def __call__(self) -> MadeAgent:
        """A new agent.

        Raises:
            InvestorBenchError: there is no such agent, or it asks for what only a run can give.
        """
        maker, config = self.found
        settings = {name: value for name, value in maker.settings.items() if name != PATH}
        asked = None
        if maker.asks_model:
            settings["model"] = _plain(config.model)
            model = connect(model_of(settings["model"]), cache=Cache(self._cache, "read_write"))
            asked = Asked(model, UnusableAnswers())
        given = {MODEL: asked, MEMORY: partial(_memory, config.memory)}
        made = maker.make(**{name: given[name] for name in sorted(maker.asks_for)})
        return MadeAgent(made, asked, settings)

    @cached_property
    def found(self) -> tuple[AgentMaker, DictConfig]:
        """What makes it, and its configuration; for errors see :meth:`__call__`."""
        with _composed(self._agent) as config:
            maker = maker_of(config.agent)
        if others := maker.asks_for - GIVEN:
            raise InvestorBenchError(
                f"{self._agent.name} asks for {min(others)}, which a live experiment cannot give"
            )
        return maker, config


def _memory(config: DictConfig, seed: int, asset: str = "") -> LayeredMemory:
    """An empty memory, in arrays: it is kept with the agent's state, whatever the asset."""
    return LayeredMemory(_plain(config)["profile"], Arrays(), embedder_of(config), seed=seed)


def _plain(config: DictConfig) -> Any:
    return OmegaConf.to_container(config, resolve=True)


@contextmanager
def _composed(agent: LiveAgent) -> Iterator[DictConfig]:
    """The configuration of an agent, as that of a run with it."""
    sys.path.append(str(Path.cwd()))  # where an agent of somebody's own is found
    try:
        with choosing([f"agent={agent.kind}", *agent.settings], None) as (chosen, choices):
            found = composed(require_known_settings(chosen, choices))
            if not found or len(found) != 1:
                raise InvestorBenchError(f"{agent.name} takes one value of each setting")
            yield found[0].config
    finally:
        sys.path.pop()
