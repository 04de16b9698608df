"""What each step of an episode was expected to return, given the hidden state at its decision."""

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from investorbench.tasks.days import Dates, FloatArray
from investorbench.tasks.judging import is_of_perpetuals
from investorbench.tasks.task import Task
from investorbench_env.accounting.account import Account, Amounts, Expected, SpotAccount
from investorbench_env.accounting.paper import PaperAccount
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.market import CLOSE, OPEN
from investorbench_env.market.simulated.conditional import next_session

if TYPE_CHECKING:
    from investorbench.tasks.result import Episode


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedEpisode:
    """What the steps of an episode returned, and what was to be expected of them [T] each.

    Attributes:
        market: a digest of its bars, the same for episodes that share it.
        sessions: dates of the decisions.
        realised: what came, as shares of equity.
        night: what the position carried through each night was expected to return.
        day: the same of the day's.
        rest: costs as they were paid, and what idle cash earned.
    """

    market: str
    sessions: Dates
    realised: FloatArray
    night: FloatArray
    day: FloatArray
    rest: FloatArray

    @property
    def expected(self) -> FloatArray:
        """All parts together; ``realised`` less it is 0 on average, at every step [T]."""
        return np.asarray(self.night + self.day + self.rest)


class Sessions(NamedTuple):
    """What the market did on the way to each decision, as in ``StepPrices`` [T]."""

    fill: FloatArray
    final: FloatArray
    dividend: FloatArray
    split: FloatArray
    ex_date: bool = True
    log_return: float = 0.0
    period: float = 1.0


class KnownMarket(NamedTuple):
    """What of a market says what was expected in it; all sessions [S].

    Attributes:
        digest: of its bars.
        dates: of the sessions.
        done: what each session did.
        ahead: what the one after each was expected to do.
    """

    digest: str
    dates: Dates
    done: Sessions
    ahead: Expected


def expected_episode(
    task: Task, facts: Facts, episode: "Episode", known: dict[int, KnownMarket] | None = None
) -> ExpectedEpisode:
    """Work out what was expected of an episode on a simulated market, which is drawn once more.

    Args:
        task: what it was an episode of.
        facts: of its test split.
        episode: its record.
        known: markets of the task that are drawn already, by their seeds; new ones are added.

    Raises:
        InvestorBenchError: the market is a real one, or holds another kind of account; or the law
            has changed since, so that the episode's market cannot be drawn again.
    """
    if (why := why_unknown(task, facts)) is not None:
        raise InvestorBenchError(why)
    seed, known = episode.market_seed, {} if known is None else known
    if seed not in known:
        known[seed] = _known_market(task, seed)
    market = known[seed]
    at = np.searchsorted(market.dates, episode.sessions)
    if not np.array_equal(market.done.final[at], episode.marks):
        raise InvestorBenchError(
            f"the market of seed {seed} is not the one in which this episode of {task.id} took "
            "place: work it out with the version that ran it"
        )
    held, equity = np.append(0.0, episode.position), episode.equity
    before = _amounts(equity[:-1], held[:-1], episode.marks[:-1])
    after = _amounts(equity[1:], held[1:], episode.marks[1:])
    earlier, later = at[:-1], at[1:]
    done = Sessions(
        fill=market.done.fill[later],
        final=market.done.final[later],
        dividend=market.done.dividend[later],
        split=market.done.split[later],
    )
    ahead = Expected(*(part[earlier] for part in market.ahead))
    said = _account(facts).expected(before, 0.0, after, done, ahead)
    return ExpectedEpisode(
        market=market.digest,
        sessions=episode.sessions[:-1],
        realised=equity[1:] / equity[:-1] - 1.0,
        **said._asdict(),
    )


def why_unknown(task: Task, facts: Facts) -> str | None:
    """Why it cannot be said what was to be expected in an episode; None where it can."""
    if not (task.is_ours and facts.simulated and facts.markets):
        return (
            f"{task.id} runs on {facts.source}: what was to be expected is known of markets that "
            "are drawn from a law alone, such as those of InvestorBench/Stock-SIM"
        )
    if len(facts.symbols) > 1 or is_of_perpetuals(facts) or facts.horizon is not None:
        return (
            f"{task.id} is not one asset held from session to session: expected returns of "
            "episodes are worked out for Stock-SIM, ETF-SIM and Crypto-SIM"
        )
    return None


def _account(facts: Facts) -> Account:
    if facts.convention == "log":
        return PaperAccount()
    return SpotAccount(facts.cost_rate, resizes=True, at_close=facts.fills == "close")


def _amounts(equity: FloatArray, units: FloatArray, close: FloatArray) -> Amounts:
    """An account as far as what was expected hangs on it."""
    return None, equity, None, units, None, close, None, None, equity


def _known_market(task: Task, seed: int) -> KnownMarket:
    market = task.market(seed)
    assert market.hidden_state is not None
    split = market.share_splits[:, 0]
    done = Sessions(
        fill=market.bars[:, 0, OPEN],
        final=market.bars[:, 0, CLOSE],
        dividend=market.dividends[:, 0] * split,  # paid on the new shares
        split=split,
    )
    whole, volatility = (
        market.hidden_state[name][:, 0] for name in ("expected_return", "volatility")
    )
    ahead = Expected(*next_session(task.dynamics(), whole, volatility))
    return KnownMarket(sha256(market.bars.tobytes()).hexdigest(), market.sessions, done, ahead)
