"""An agent that is played from outside: it hands over each decision, and waits for the move."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.finmem.rules import Rules
from investorbench.agents.tool_user.tool_user import rules_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.spaces import TradeWord


class PlayerLeftError(OSError):
    """Who was to decide is gone; the episode goes on where it stands when it is resumed."""


class Turn:
    """A decision that waits for a move, which may come from another thread.

    Attributes:
        info: what is known.
        rules: what the words of a move mean.
        is_first: whether an episode begins with it.
    """

    def __init__(self, info: Info, rules: Rules, is_first: bool) -> None:
        self.info, self.rules, self.is_first = info, rules, is_first
        self._loop = asyncio.get_running_loop()
        self._move: asyncio.Future[tuple[TradeWord, Mapping[str, Any]]] = self._loop.create_future()

    def decide(self, word: TradeWord, thought: Mapping[str, Any]) -> None:
        """Make the move.

        Args:
            word: what to do.
            thought: what it rests on, in plain JSON values, for the record.
        """
        self._settle(lambda: self._move.set_result((word, thought)))

    def leave(self) -> None:
        """Make none: the episode ends here, and can be resumed."""
        left = PlayerLeftError("who plays has left; the same folder resumes the episode")
        self._settle(lambda: self._move.set_exception(left))

    async def move(self) -> tuple[TradeWord, Mapping[str, Any]]:
        """The move, when it has been made."""
        return await self._move

    def _settle(self, settle: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(lambda: None if self._move.done() else settle())


class OutsidePlayer:
    """Decides what somebody outside says.

    Args:
        name: of who plays, for tables and records.
        hand_over: is given each turn; None where no one plays, as in a record that is read again.
    """

    def __init__(
        self, name: str = "outside", *, hand_over: Callable[[Turn], None] | None = None
    ) -> None:
        self.name = name
        self._hand_over = hand_over
        self._thought: dict[str, Any] | None = None
        self._is_first = True

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split."""
        self._rules = rules_of(facts, self.name)

    async def act(self, observation: Observation, info: Info) -> Action:
        """Hand over a turn, and wait.

        Raises:
            InvestorBenchError: no one plays.
            PlayerLeftError: who plays has left.
        """
        if self._hand_over is None:
            raise InvestorBenchError(f"{self.name} was played from outside, and no client is here")
        turn = Turn(info, self._rules, self._is_first)
        self._is_first = False
        self._hand_over(turn)
        word, thought = await turn.move()
        self._thought = dict(thought)
        return self._rules.action(self._rules.target(word, float(info["weight"])))

    def record(self) -> dict[str, Any] | None:
        """What the last move rests on."""
        return self._thought

    def save(self, folder: object) -> None:
        """Nothing: there is no state."""

    def load(self, folder: object) -> None:
        """Nothing: there is no state."""
