"""A run that is played from outside, move by move, while it is recorded like any other."""

import asyncio
import queue
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from investorbench.agents.llm import ToolCall
from investorbench.agents.tool_user.outside import OutsidePlayer, Turn
from investorbench.agents.tool_user.tool_user import now_in_words
from investorbench.agents.tool_user.verbs import CallOutcome, as_recorded, carry_out
from investorbench.tasks.running.episodes import run
from investorbench.tasks.running.job import Job
from investorbench.tasks.running.outcomes import RunOutcome
from investorbench.tasks.task import Task
from investorbench_env.errors import InvestorBenchError

LONGEST_RESULT, LONGEST_RATIONALE = 20_000, 2_000
"""Characters."""
POLL_S = 0.005
METRICS = ("CR", "SR", "MDD", "trades", "costs")


class Game:
    """Episodes of one task, one after the other; none can be begun again or taken back.

    Args:
        task: what is played.
        folder: of the run; named again, it goes on.
        name: of who plays.
        repeats: how many episodes.
        seed: of the run; None for one that is drawn, or recorded.
    """

    def __init__(
        self, task: Task, folder: Path, *, name: str, repeats: int = 1, seed: int | None = None
    ) -> None:
        self.folder, self._name = folder, name
        job = Job.of(
            partial(OutsidePlayer, name), task, repeats, name=name, seed=seed, warmup=False
        )
        self._job = replace(job, make_agent=self._player)
        self._came: queue.Queue[Turn | RunOutcome | BaseException] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._lock = asyncio.Lock()
        self._turn: Turn | None = None
        self._waiting: Turn | None = None
        self._outcome: RunOutcome | None = None
        self._raised: BaseException | None = None
        self._calls: list[dict[str, Any]] = []
        self._is_coming, self._is_over = False, False

    async def reset(self) -> CallOutcome:
        """Begin the next episode, or go on with one that was broken off."""
        async with self._lock:
            await self._catch_up()
            if self._turn is not None:
                return _error("an episode is under way, and none is taken back: act until it ends")
            if self._outcome is not None:
                return _error(f"all episodes are played; {self._ending(self._outcome)}")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
                await self._next()
            self._turn, self._waiting = self._waiting, None
            return self._shown()

    async def observe(self) -> CallOutcome:
        """What is known now."""
        async with self._lock:
            await self._catch_up()
            return CallOutcome(self._now()) if self._turn else self._none()

    async def act(self, decision: Any, rationale: str = "") -> CallOutcome:
        """Decide, and see what comes of it."""
        async with self._lock:
            if await self._catch_up():
                return _error("a call was broken off after it decided: observe first")
            turn = self._turn
            if turn is None:
                return self._none()
            why = rationale[:LONGEST_RATIONALE]
            made = {"word": decision, "valid": True, "rationale": why}
            turn.decide(decision, {"tool_calls": self._calls, "decision": made})
            self._turn, self._calls = None, []
            await self._next()
            return self._shown()

    async def look_up(self, name: str, arguments: Mapping[str, Any]) -> CallOutcome:
        """Ask the past of the decision that is due."""
        async with self._lock:
            await self._catch_up()
            if self._turn is None:
                return self._none()
            call = ToolCall(id="", name=name, arguments=arguments)
            outcome = carry_out(call, self._turn.info["history"], LONGEST_RESULT)
            self._calls.append(as_recorded(call, outcome))
            return outcome

    def close(self) -> None:
        """Leave; an episode that is under way can be resumed."""
        for turn in (self._turn, self._waiting):
            if turn is not None:
                turn.leave()
        if self._thread is None or self._is_over:
            return
        while isinstance(came := self._came.get(), Turn):
            came.leave()  # of an episode that has begun since
        self._thread.join()

    def _player(self, *_: Any) -> OutsidePlayer:
        return OutsidePlayer(self._name, hand_over=self._came.put)

    def _run(self) -> None:
        try:
            # Without a cache each move is a checkpoint: none is asked for again.
            self._came.put(
                run([self._job], folder=self.folder, concurrency=1, cache="off", shows="nothing")
            )
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            self._came.put(error)

    async def _next(self) -> None:
        """Wait for the next decision, or for the end."""
        self._is_coming = True
        # A thread that waited would swallow what comes after its client has left.
        while self._came.empty():
            await asyncio.sleep(POLL_S)
        came = self._came.get()
        self._is_coming, self._is_over = False, not isinstance(came, Turn)
        if isinstance(came, BaseException):
            self._raised = came
            raise came
        if not isinstance(came, Turn):
            self._outcome = came
        elif came.is_first:
            self._waiting = came
        else:
            self._turn = came

    async def _catch_up(self) -> bool:
        """Wait for what a call did not wait for, as its client broke it off; whether one did."""
        if self._raised is not None:
            raise self._raised
        was_broken_off = self._is_coming
        if was_broken_off:
            await self._next()
        return was_broken_off

    def _shown(self) -> CallOutcome:
        has_failed = self._outcome is not None and bool(self._outcome.failed)
        return CallOutcome(self._now(), "failed" if has_failed else None)

    def _now(self) -> str:
        if self._turn is not None:
            words = self._turn.rules.words()
            return (
                f"{now_in_words(self._turn.info)}\n\n"
                f"Decide: buy (all of the account), sell ({words['sell']}) or hold "
                f"({words['hold']})."
            )
        if self._outcome is not None:
            return f"The episode is over; {self._ending(self._outcome)}"
        return "The episode is over; reset begins the next one."

    def _ending(self, outcome: RunOutcome) -> str:
        if outcome.failed:
            return f"the run failed: {outcome.failed[0].why}"
        (result,) = outcome.results
        figures = ", ".join(f"{name} {result.metrics[name]:.4f}" for name in METRICS)
        return f"recorded in {self.folder.name}: {figures}."

    def _none(self) -> CallOutcome:
        return _error("no episode is under way: call reset")


def _error(text: str) -> CallOutcome:
    return CallOutcome(f"Error: {text}.".replace("..", "."), "failed")


def require_episodes(repeats: int) -> int:
    """The number, if it is one.

    Raises:
        InvestorBenchError: it is not at least 1.
    """
    if repeats < 1:
        raise InvestorBenchError(f"repeats={repeats} must be at least 1")
    return repeats
