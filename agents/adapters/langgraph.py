"""A compiled graph of LangGraph as an agent: state in, decision out."""

from collections.abc import Callable, Mapping
from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.asked_forecasts import AskedForecast
from investorbench.agents.interpreter import DECISION, Interpreter
from investorbench.agents.llm.answer import Part
from investorbench_env.facts import Facts

STRUCTURED = "structured_response"
"""Where LangChain's own agents leave an answer that has a schema."""
State = Mapping[str, Any]


class LangGraphAgent:
    """Runs a graph once a decision.

    The state that goes in has ``messages``, the task and today in words, and ``observation``,
    ``info`` and ``schema``, that of a decision, where the graph has channels of these names. The
    decision is ``decision`` in the state that comes out, a word, a weight or an object that has
    one; else the ``structured_response``, else the last message. Each repeat and split is a thread
    of its own, so what a checkpointer keeps is not shared between them.

    Args:
        graph: compiled; its nodes may be coroutines.
        state: makes the state that goes in from an observation and an info, in place of that.
        decision: finds the decision in the state that comes out, likewise.
        forecast: what is asked for beside a decision, as ``probability_up``: ``"probability"``,
            of a return above 0 over the sessions that the decision is scored over; None for
            nothing.
    """

    name = "langgraph"

    def __init__(
        self,
        graph: Any,
        *,
        state: Callable[[Observation, Info], State] | None = None,
        decision: Callable[[State], Any] | None = None,
        forecast: str | None = None,
    ) -> None:
        self._forecast = AskedForecast(forecast)
        self.graph = graph
        self._state, self._decision = state or self._told, decision or _decided
        self._record: dict[str, Any] = {}

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split."""
        self._interpreter = Interpreter(facts, self.name, self._forecast.kind)
        thread = f"{facts.family}-{facts.symbol} {split} {seed}"
        self._config = {"configurable": {"thread_id": thread}}

    async def act(self, observation: Observation, info: Info) -> Action:
        """Run the graph over the day."""
        result = await self.graph.ainvoke(self._state(observation, info), self._config)
        decided = self._interpreter.read(self._decision(result), info)
        self._record = decided.record()
        return decided.chosen

    def record(self) -> dict[str, Any]:
        """The last decision; the answers of the run's model are recorded by the run."""
        return self._record

    def describe(self) -> dict[str, Any]:
        """The nodes and edges of the graph."""
        drawn = self.graph.get_graph()
        edges = [[edge.source, edge.target] for edge in drawn.edges]
        own = self._forecast.described()
        return {"agent": self.name, "nodes": [*drawn.nodes], "edges": edges, **own}

    def _told(self, observation: Observation, info: Info) -> State:
        task, today = (
            self._interpreter.task(observation),
            self._interpreter.content(observation, info),
        )
        shown = today if isinstance(today, str) else [_block(part) for part in today]
        messages = [{"role": "system", "content": task}, {"role": "user", "content": shown}]
        more = {"observation": observation, "info": info, "schema": self._interpreter.schema}
        known = {name: part for name, part in more.items() if name in self.graph.channels}
        return {"messages": messages, **known}


def _block(part: Part) -> Mapping[str, str]:
    """A part of a content as LangChain has it."""
    if part["type"] != "image":
        return part
    return {"type": "image", "base64": part["data"], "mime_type": part["media_type"]}


def _decided(state: State) -> Any:
    if (found := state.get(DECISION, state.get(STRUCTURED))) is not None:
        return found
    messages = state.get("messages") or [""]
    return getattr(messages[-1], "text", messages[-1])
