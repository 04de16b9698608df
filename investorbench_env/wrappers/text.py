"""Observations as one text that a person or a language model reads, with numbers and units."""

from collections.abc import Collection, Iterator
from typing import Any, SupportsFloat

import gymnasium as gym

from investorbench_env.envs.options import ACTIONS, MODALITIES
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.registration import facts_in
from investorbench_env.spaces import FreeText
from investorbench_env.wrappers.passages import account_lines, task_lines
from investorbench_env.wrappers.prices import bar_lines
from investorbench_env.wrappers.quotations import QuotationLimits, document_lines, sentiment_lines

PARTS = frozenset((*MODALITIES, "mask"))
"""Of an observation, what there are words for."""


class TextObservation(gym.Wrapper[str, Any, dict[str, Any], Any], gym.utils.RecordConstructorArgs):
    """One text a decision, ready to be put into a prompt.

    What never changes in an episode comes first, so that a server's prefix cache works; then the
    session, the bars oldest first, the account, news and filings, each only where the environment
    shows its modality. Without ``time`` it names no date. Foreign text is indented, so that no
    document can pass for a heading of ours.

    Args:
        env: an environment of one asset, wrapped or not: its facts name one symbol and the action
            ``"trade"`` or ``"weight"``, and it shows parts of a single asset's observation.
        sessions: how many of the window's sessions the table of prices has.
        news: how many news it quotes, the newest; of the others it says how many there are.
        news_characters: characters a news is cut to; it says how many were left out.
        filing_characters: characters a filing is cut to.

    Raises:
        InvestorBenchError: it is another environment, or a limit is not a whole number of at
            least 1.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        *,
        sessions: int = 10,
        news: int = 30,
        news_characters: int = 1_000,
        filing_characters: int = 6_000,
    ) -> None:
        limits = QuotationLimits(
            news=_at_least_one("news", news),
            news_characters=_at_least_one("news_characters", news_characters),
            filing_characters=_at_least_one("filing_characters", filing_characters),
        )
        gym.utils.RecordConstructorArgs.__init__(
            self, sessions=_at_least_one("sessions", sessions), **limits._asdict()
        )
        super().__init__(env)
        self._sessions, self._limits = sessions, limits
        self._facts, self._shown = _readable(env)
        self.observation_space = FreeText()
        self._word(self._facts)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        observation: Any  # what the inner environment shows
        observation, info = self.env.reset(seed=seed, options=options)
        if self._facts.horizon is not None:  # another episode may be of another asset
            self._word(self._facts.of(info["symbol"]))
        return self._text(observation, info), info

    def step(self, action: Any) -> tuple[str, SupportsFloat, bool, bool, dict[str, Any]]:
        observation: Any
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._text(observation, info), reward, terminated, truncated, info

    def _word(self, facts: Facts) -> None:
        self._words = ObservationWords(facts, sessions=self._sessions, limits=self._limits)
        self._task = self._words.task(self._shown)

    def _text(self, observation: dict[str, Any], info: dict[str, Any]) -> str:
        return "\n".join([self._task, self._words.today(observation, info)])


class ObservationWords:
    """How an environment of one asset words its task and what is observed.

    Args:
        facts: of the environment.
        sessions: see :class:`TextObservation`.
        limits: of the texts that are quoted.
    """

    def __init__(
        self, facts: Facts, *, sessions: int = 10, limits: QuotationLimits | None = None
    ) -> None:
        self._facts, self._sessions = facts, sessions
        self._limits = limits or QuotationLimits()

    def task(self, shown: Collection[str]) -> str:
        """What never changes in an episode, given the parts of its observations."""
        return "\n".join(task_lines(self._facts, shown))

    def today(self, observation: dict[str, Any], info: dict[str, Any]) -> str:
        """What does, section by section."""
        return "\n".join(self._sections(observation, info))

    def _sections(self, observation: dict[str, Any], info: dict[str, Any]) -> Iterator[str]:
        shown = frozenset(observation)
        if shown & {"bars", "time"}:
            yield from bar_lines(self._facts, observation, info, self._sessions)
        if "account" in shown:
            yield from account_lines(self._facts, observation, info)
        if "sentiment" in shown and "news" not in shown:
            yield from sentiment_lines(self._facts, observation)
        yield from document_lines(self._facts, shown, info, self._limits)


def _readable(env: gym.Env[Any, Any]) -> tuple[Facts, tuple[str, ...]]:
    """The facts of an environment and the parts of its observation, if there are words for them."""
    facts = facts_in(env)
    shown = tuple(getattr(env.observation_space, "spaces", ()))
    if not shown or not PARTS.issuperset(shown):
        what = f"shows {', '.join(map(str, shown)) or env.observation_space}"
    elif facts.action not in ACTIONS:
        what = f"takes the action {facts.action!r}"
    elif len(facts.symbols) > 1:
        what = f"has the assets {facts.symbol}"
    else:
        return facts, shown
    raise InvestorBenchError(
        f"TextObservation words observations of one asset ({', '.join(sorted(PARTS))}) and the "
        f"actions {' and '.join(ACTIONS)}; {env} {what}"
    )


def _at_least_one(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvestorBenchError(f"{name}={value!r} must be a whole number of at least 1")
    return value
