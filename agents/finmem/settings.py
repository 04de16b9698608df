"""The settings that an agent of one asset and one of several have in common."""

from typing import Any, Protocol

from investorbench.agents.finmem.character import Character
from investorbench.agents.finmem.summaries import Kept
from investorbench.agents.llm import LanguageModel
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.intervals import DAILY


class HasSettings(Protocol):
    """An agent with FinMem's settings."""

    name: str
    model: LanguageModel
    character: Character
    look_back: int
    k: int | None
    document_chars: int
    news_tokens: int
    filings: Kept


def settings_of(agent: HasSettings) -> dict[str, Any]:
    """All that determines an agent before an episode begins, as plain JSON values."""
    return {
        "agent": agent.name,
        "model": agent.model.name,
        "is_language_model": agent.model.is_language_model,
        "role": agent.character.role,
        "appetite": agent.character.appetite,
        "background": agent.character.background,
        "look_back": agent.look_back,
        "k": agent.k,
        "document_chars": agent.document_chars,
        "news_tokens": agent.news_tokens,
        "filings": agent.filings,
    }


def require_at_least_one(**values: int | None) -> None:
    """Refuse settings below 1; None is fine.

    Raises:
        InvestorBenchError: which one is below.
    """
    for name, value in values.items():
        if value is not None and value < 1:
            raise InvestorBenchError(f"{name}={value!r} must be at least 1")


def require_daily(facts: Facts, agent: str) -> None:
    """Refuse bars of another length than a session.

    Raises:
        InvestorBenchError: the bars are longer or shorter.
    """
    if facts.interval != DAILY:
        raise InvestorBenchError(
            f"{agent} decides once a session, on bars of {DAILY}; {facts.family} has bars of "
            f"{facts.interval}"
        )
