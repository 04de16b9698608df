"""Where accounts of perpetuals are statistically distinguishable, and where only described.

A few days of one path say what an agent returned, paid and did, and not whether it is better than
another: that is asked on simulated markets that all agents met, of which each is one observation.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from investorbench.tasks.days import FloatArray
from investorbench.tasks.metrics import performance
from investorbench.tasks.wording import listed
from investorbench_env.accounting.trading_rules import rules_of
from investorbench_env.facts import Facts

SIGNALS = "signals"
"""What an action is where perpetuals are traded."""
FEWEST_DAYS = 60
"""Of one path, below which it has no ratio and no test."""
FEWEST_MARKETS = 100
"""That all agents met, below which none is compared with another."""
RATIOS = ("SR", "SR_low", "SR_high", "AV", "sortino", "calmar", "MPPM")
"""Metrics by their keys that a few days have not."""
SHOWN_RANKS = "agents were shown their ranks, so no account is independent of the others"


def is_of_perpetuals(facts: Facts) -> bool:
    """Whether an account trades leveraged perpetuals."""
    return facts.action == SIGNALS


def is_of_snapshots(facts: Facts) -> bool:
    """Whether an episode is one decision, held for a horizon; a repeat is a block of them."""
    return facts.horizon is not None


def is_one_observation(facts: Facts) -> bool:
    """Whether a whole market is one observation, and not each of its days."""
    return is_of_perpetuals(facts) and facts.draws_markets


def why_no_ratio(facts: Facts, days: int) -> str | None:
    """Why an account has no ratio of its daily returns; None where it has."""
    if is_of_perpetuals(facts) and days < FEWEST_DAYS:
        are = "day of one path is" if days == 1 else "days of one path are"
        return f"{days} {are} too few for a ratio, a test or a rank"
    return None


def performance_of(returns: FloatArray, facts: Facts) -> dict[str, Any]:
    """Every metric of daily returns [D] by its key; NaN for the ratios that a few days have not."""
    found = performance(returns, facts.convention, facts.periods_a_year, facts.cash_rate)
    few = why_no_ratio(facts, len(returns))
    return found | dict.fromkeys(RATIOS if few else (), math.nan)


def without_ratios(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics of an agent that is compared with none, by their keys."""
    return {**metrics, **dict.fromkeys(RATIOS, math.nan)}


def why_not_compared(
    facts: Facts,
    rules: Mapping[str, Any] | str | None,
    days: int,
    markets: int,
    unfinished: Sequence[str] = (),
) -> str | None:
    """Why no agent can be compared with another by a test; None where that can be done.

    Args:
        facts: of the environment.
        rules: of its task, by name or as settings; None for its own.
        days: of one path.
        markets: of their own that all agents met.
        unfinished: agents that did not finish all of theirs, by name.
    """
    if not is_of_perpetuals(facts):
        return None
    if rules is not None and rules_of(rules).ranks:
        return SHOWN_RANKS
    if not facts.draws_markets:
        return why_no_ratio(facts, days)
    if unfinished:
        return (
            f"{listed(unfinished)} did not finish every market, and how it did in them may have "
            "decided in which: finish it, or leave it out"
        )
    if markets < FEWEST_MARKETS:
        are = "market is" if markets == 1 else "markets are"
        return f"{markets} common {are} too few to compare agents: {FEWEST_MARKETS} are needed"
    return None
