"""Blocks: a repeat that holds many snapshots, each with a new agent on a market of its own."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym

from investorbench.agents.agent import Runner, as_agent
from investorbench.tasks.record.episode_folder import EpisodeFolder
from investorbench.tasks.running.asked import Asked
from investorbench.tasks.running.play import facts_for_agent, play
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.step import Step
from investorbench.tasks.task import SplitName, Task
from investorbench_env.errors import DateRangeError

TEST: SplitName = "test"


class RenewedAgent(Runner):
    """A new agent for each snapshot, so that none knows of another one.

    Args:
        make_agent: makes one, from what its environment begins with.
        seeds: of the snapshots, in their order.
    """

    def __init__(self, make_agent: Callable[[int], Any], seeds: Sequence[Seeds]) -> None:
        super().__init__(decides_nothing)
        self._make_agent = make_agent
        self.seeds = seeds

    async def renew(self, market_seed: int) -> None:
        """Let go of the last agent, and make the next."""
        await self.close()
        made = as_agent(self._make_agent(market_seed))
        super().__init__(made.agent)

    @property
    def can_be_saved(self) -> bool:
        """No: a block that was killed goes on with the next snapshot, and with a new agent."""
        return False


async def play_block(
    agent: RenewedAgent,
    env: gym.Env[Any, Any],
    repeat: int,
    folder: EpisodeFolder | None = None,
    asked: Asked | None = None,
) -> AsyncIterator[Step]:
    """Play the snapshots of a block, each of them one step.

    Args:
        agent: makes a new agent for each.
        env: of one snapshot at a time.
        repeat: the number of the block among those of the job.
        folder: where it is recorded; what is recorded is taken again.
        asked: the model that agents were given; None where they were given none.
    """
    last = len(agent.seeds) - 1
    for number, own in enumerate(agent.seeds):
        snapshot = None if folder is None else folder.snapshot(number)
        is_new = snapshot is None or not snapshot.taken(TEST)
        if is_new:
            await agent.renew(own.market)
        async for step in play(agent, env, TEST, own, repeat, snapshot, asked):
            if number == last and not (is_new or folder is None or folder.is_finished):
                # Killed between its last line and its figures, which say what its agents are.
                await agent.renew(own.market)
                await agent.begin(facts_for_agent(step.facts, step.info), TEST, own.agent)
            yield replace(step, number=number, is_last=number == last)


def require_days(task: Task, snapshots: int) -> None:
    """See that horizons of a job do not overlap, where they are of markets that are there.

    Raises:
        DateRangeError: they would.
    """
    env = task.make(TEST)
    most = env.get_wrapper_attr("without_overlap")
    env.close()
    if most is not None and snapshots > most:
        advice = "ask for fewer repeats, for a smaller block, or for more assets or days"
        if "markets" in task.options:
            advice = "leave markets= out, and each has a market of its own"
        raise DateRangeError(
            f"{snapshots:,} snapshots of {task.id}, but after {most:,} the horizons of an asset "
            f"overlap: {advice}"
        )


def decides_nothing(observation: object, info: object) -> int:
    """Stands for the agent of what is on record, of which nothing is left to decide."""
    raise AssertionError("what is finished has nothing left to decide")
