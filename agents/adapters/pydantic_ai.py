"""An agent of Pydantic AI as an agent: a day in, a decision out."""

from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.asked_forecasts import AskedForecast
from investorbench.agents.interpreter import Interpreter
from investorbench_env.facts import Facts


class PydanticAgent:
    """Runs an agent of Pydantic AI once a decision, with the task and today in words.

    Its output is the decision: a word, a weight, or an object that has one as ``decision``, such as
    a model of Pydantic, with or without a ``rationale``. It begins each day without the messages of
    those before, and may have tools and dependencies of its own.

    Args:
        agent: a ``pydantic_ai.Agent``.
        forecast: what is asked for beside a decision, as ``probability_up``: ``"probability"``,
            of a return above 0 over the sessions that the decision is scored over; None for
            nothing.
        **options: of its ``run``, such as ``deps`` or ``usage_limits``.
    """

    name = "pydantic_ai"

    def __init__(self, agent: Any, *, forecast: str | None = None, **options: Any) -> None:
        self._forecast = AskedForecast(forecast)
        self.agent, self._options = agent, options
        self._record: dict[str, Any] = {}

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split."""
        self._interpreter = Interpreter(facts, self.name, self._forecast.kind)

    async def act(self, observation: Observation, info: Info) -> Action:
        """Have the agent read the day."""
        task, today = (
            self._interpreter.task(observation),
            self._interpreter.today(observation, info),
        )
        result = await self.agent.run(today, instructions=task, **self._options)
        decided = self._interpreter.read(result.output, info)
        self._record = decided.record()
        return decided.chosen

    def record(self) -> dict[str, Any]:
        """The last decision; the answers of the run's model are recorded by the run."""
        return self._record

    def describe(self) -> dict[str, Any]:
        """What determines it, as far as is known here."""
        output = self.agent.output_type
        name = getattr(output, "__name__", str(output))
        return {"agent": self.name, "output": name, **self._forecast.described()}
