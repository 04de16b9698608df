"""Rounds: agents of a race play some repeats each, are looked at, and some of them go on.

All agents play the same numbers in the same order, so what one plays before it leaves is what it
would have played first in any case. Looks are at whole rounds, so a race that was killed is resumed
as any run is: what is recorded is looked at again, and the same agents go on.
"""

import asyncio
from collections.abc import Callable, Sequence

from investorbench.tasks.running.observed import RepeatScores, observations
from investorbench.tasks.running.tournament import AloneError
from investorbench.tasks.statistics.estimate import FloatArray
from investorbench.tasks.statistics.sequential import Look, Race


class Rounds:
    """One race, in one event loop.

    Args:
        race: of the agents.
        repeats: of an agent that goes on to the end.
        size: repeats of a round.
        affords: whether another round can be paid for.
        observed: which observations the scores of repeats are that follow one another.
    """

    def __init__(
        self,
        race: Race,
        repeats: int,
        size: int = 1,
        affords: Callable[[], bool] = lambda: True,
        observed: Callable[[Sequence[RepeatScores]], FloatArray] = observations,
    ) -> None:
        self.race, self.repeats, self.size = race, repeats, size
        self._affords, self._observed = affords, observed
        self._granted = min(size, repeats)
        self._allowed = dict.fromkeys(race.names, self._granted)
        self._scores: dict[str, dict[int, RepeatScores]] = {name: {} for name in race.names}
        self._waiting: list[asyncio.Future[None]] = []
        self._broken: AloneError | None = None

    async def begins(self, name: str, repeat: int) -> bool:
        """Wait for the round of a repeat; whether the agent goes on to it.

        Raises:
            AloneError: another agent failed, and so there is nothing to look at.
        """
        while name in self.race.last.going and repeat >= self._allowed[name]:
            if self._broken is not None:
                raise self._broken
            self._waiting.append(asyncio.get_running_loop().create_future())
            await self._waiting[-1]
        return repeat < self._allowed[name]

    def finish(self, name: str, repeat: int, scores: RepeatScores) -> None:
        """Note what a repeat was scored; after the last of a round all agents are looked at."""
        self._scores[name][repeat] = scores
        while not self.race.last.end and all(
            len(self._scores[name]) >= self._granted for name in self.race.last.going
        ):
            self._look()

    def leave(self, name: str) -> None:
        """Have an agent fail; without it none of the others is looked at again."""
        if name in self.race.last.going and self._broken is None:
            self._broken = AloneError(
                f"{name} did not finish its round, and who goes on follows from the scores of all: "
                "the same command resumes the race"
            )
            self._wake()

    def allowed(self, name: str) -> int:
        """How many repeats an agent may play, by what is known so far."""
        return self._allowed[name]

    def _look(self) -> Look:
        """Look at whole rounds; a look is there for every one, also where many are on record.

        A round that completes no observation, of a day with more assets than it has, shows nothing.
        """
        look, most = self.race.last, self.race.stopping.most
        found = {
            name: self._observed([self._scores[name][n] for n in range(self._granted)])[:most]
            for name in look.going
        }
        if min(map(len, found.values())) > max(look.observations.values()):
            look = self.race.look(found)
        if not look.end and self._granted >= self.repeats:
            look = self.race.stop("exhausted")
        if not look.end and not self._affords():
            look = self.race.stop("unaffordable")
        if not look.end:
            self._granted = min(self._granted + self.size, self.repeats)
            self._allowed |= dict.fromkeys(look.going, self._granted)
        self._wake()
        return look

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
