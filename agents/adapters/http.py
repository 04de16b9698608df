"""An agent behind a server of one's own, in any language: each decision is one POST.

``POST {url}/decide`` carries a JSON object with ``protocol`` 1, ``episode``, ``split``, ``step``,
``seed``, ``facts``, ``observation``, ``info`` and the ``reward`` of the step before. The reply is
one with an ``action``, ``"buy"``, ``"hold"``, ``"sell"`` or a target weight, of several assets a
list of orders or weights, and perhaps a ``rationale`` and a ``forecast``. ``docs/agents.md`` has
all of it.
"""

from collections.abc import Mapping
from typing import Any

from investorbench.agents.adapters.posting import JsonServer
from investorbench.agents.adapters.sending import as_json
from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.forecasts import Decision, Forecast, forecast_of
from investorbench.agents.interpreter import DECISION, RATIONALE, Interpreter
from investorbench.agents.several_assets import OF_SEVERAL, action_in
from investorbench_env.errors import ForecastError
from investorbench_env.facts import Facts

PROTOCOL = 1
WANTED = {"orders": "a list of orders", "weights": "a weight of each asset"}


class Http:
    """Asks a server what to do; for the arguments see :class:`JsonServer`.

    It has no memory of its own: a run that is resumed puts the questions of an episode again, from
    the first, and ``step`` says which one is put.
    """

    name = "http"
    asks_a_server = True
    """One that a record may name, so no check of a record runs it."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 60.0,
        attempts: int = 3,
        wait_s: float = 1.0,
        token_env: str | None = None,
    ) -> None:
        self._server = JsonServer(
            url, timeout_s=timeout_s, attempts=attempts, wait_s=wait_s, token_env=token_env
        )
        self._record: dict[str, Any] = {}
        self._reward: float | None = None

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split."""
        self._facts = facts
        several = facts.action in OF_SEVERAL
        self._interpreter = None if several else Interpreter(facts, self.name)
        self._constants = {
            "protocol": PROTOCOL,
            "episode": f"{facts.family}-{facts.symbol} {facts.protocol} {seed}",
            "split": split,
            "seed": seed,
            "facts": as_json(facts.values()),
        }
        self._step, self._reward = 0, None

    async def act(self, observation: Observation, info: Info) -> Action:
        """Ask what to do.

        Raises:
            InvestorBenchError: there is no reply, or none that says what to do.
        """
        shown = {"observation": as_json(observation), "info": as_json(info)}
        question = {**self._constants, "step": self._step, "reward": self._reward, **shown}
        reply = await self._server.post("/decide", question)
        action = self._read(reply.get("action"), reply.get("rationale"), info)
        forecast = self._forecast(reply.get("forecast"))
        self._step += 1
        return action if forecast is None else Decision(action, forecast=forecast)

    def _forecast(self, given: Any) -> Forecast | None:
        if given is None:
            return None
        try:
            if not isinstance(given, Mapping):
                raise ForecastError(f"forecast={given!r:.80} is no object")
            return forecast_of(given)
        except ForecastError as error:
            raise self._server.error(str(error)) from None

    def _read(self, given: Any, why: Any, info: Info) -> Action:
        if self._interpreter is None:
            action, wanted = action_in(given, self._facts), WANTED[self._facts.action]
            is_valid = action is not None
            self._record = {DECISION: {"valid": is_valid, RATIONALE: str(why or "")}}
        else:
            decided = self._interpreter.read({DECISION: given, RATIONALE: why}, info)
            wanted = "a weight" if self._interpreter.by_weight else "buy, hold or sell"
            action, is_valid, self._record = decided.action, decided.valid, decided.record()
        if not is_valid:
            raise self._server.error(f"its action {str(given)[:80]!r} is not {wanted}")
        return action

    def learn(self, reward: float, info: Info) -> None:
        """Keep the reward for the next question."""
        self._reward = float(reward)

    def record(self) -> dict[str, Any]:
        """The last decision."""
        return self._record

    def describe(self) -> dict[str, Any]:
        """What determines it, as far as is known here."""
        return {"agent": self.name, "url": self._server.url, "protocol": PROTOCOL}

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()
