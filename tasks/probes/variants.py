"""The other wordings of a question: what each probe changes, and what it leaves alone."""

import re
from collections.abc import Callable
from dataclasses import replace

from investorbench.agents.finmem.question import Question
from investorbench.agents.llm.perpetual_text import COIN
from investorbench.tasks.probes.states import ProbeState
from investorbench_env.errors import InvestorBenchError

Variant = Callable[[ProbeState, Question], Question]

OLDEST_FIRST: tuple[tuple[str, str], ...] = (
    ("oldest first: the last value is the newest", "newest first: the first value is the newest"),
    ("runs from the oldest value to the latest", "runs from the latest value to the oldest"),
)
FREE_CASH = (("available cash", "free collateral"),)
UNITS: tuple[tuple[str, str], ...] = (("available cash ", "available cash in USD: "),)
_SERIES = re.compile(r"\[([^\[\]{}\"]+)\]")
_LONG_NUMBER = re.compile(r"(?<![\d.])-?\d+\.\d{3,}(?!\d)")
_FUNDING = re.compile(r"(?m)^.*\bfunding rate\b.*$")
_TIME = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)[T ](\d\d:\d\d)(?::\d\d)?(?:Z|\+00:00)?")


def unchanged(state: ProbeState, question: Question) -> Question:
    """The question as it is."""
    return question


def newest_first(state: ProbeState, question: Question) -> Question:
    """Every series the other way round, and said so."""
    reversed_series = _SERIES.sub(_reversed, question.user)
    return _replaced(replace(question, user=reversed_series), OLDEST_FIRST)


def _reversed(series: re.Match[str]) -> str:
    return f"[{', '.join(reversed(series[1].split(', ')))}]"


def ambiguous_cash(state: ProbeState, question: Question) -> Question:
    """Free cash by a name that may be taken for something else."""
    return _replaced(question, FREE_CASH)


def two_decimals(state: ProbeState, question: Question) -> Question:
    """No price with more than two decimals; funding rates stay."""
    funding = [each[0] for each in _FUNDING.finditer(question.user)]
    rounded = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", question.user)
    kept = iter(funding)
    return replace(question, user=_FUNDING.sub(lambda _: next(kept), rounded))


def otherwise_put(state: ProbeState, question: Question) -> Question:
    """Coins the other way round, cash with its unit, and times in another notation."""
    coins = [each[0].rstrip("\n") for each in COIN.finditer(question.user)]
    backwards = iter(reversed(coins))
    user = COIN.sub(lambda each: next(backwards) + "\n" * _ends(each[0]), question.user)
    user = _TIME.sub(r"\3.\2.\1, \4 UTC", user)
    return _replaced(replace(question, user=user), UNITS)


def _ends(block: str) -> int:
    return len(block) - len(block.rstrip("\n"))


def adding(words: str) -> Variant:
    """Words at the end of a question, ``{coin}`` in them being the held coin, or the first one."""

    def added(state: ProbeState, question: Question) -> Question:
        coin = state.held or state.symbols[0]
        return replace(question, user=f"{question.user}\n\n{words.format(coin=coin)}")

    return added


def _replaced(question: Question, words: tuple[tuple[str, str], ...]) -> Question:
    """A question with some words for others.

    Raises:
        InvestorBenchError: some of them are not there.
    """
    system, user = question.system, question.user
    for old, new in words:
        if old not in system and old not in user:
            raise InvestorBenchError(f"no question has the words {old!r} to put otherwise")
        system, user = system.replace(old, new), user.replace(old, new)
    return replace(question, system=system, user=user)
