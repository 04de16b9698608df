"""Observations as one text that a person or a language model reads, with numbers and units."""

from collections.abc import Iterator
from typing import Any, SupportsFloat

import gymnasium as gym

from investorbench_env.envs.single_asset import SingleAssetEnv
from investorbench_env.errors import InvestorBenchError
from investorbench_env.spaces import FreeText
from investorbench_env.wrappers.passages import account_lines, task_lines
from investorbench_env.wrappers.prices import session_lines
from investorbench_env.wrappers.quotations import QuotationLimits, document_lines, sentiment_lines


class TextObservation(gym.Wrapper[str, Any, dict[str, Any], Any], gym.utils.RecordConstructorArgs):
    """One text a decision, ready to be put into a prompt.

    What never changes in an episode comes first, so that a server's prefix cache works; then the
    session, the bars oldest first, the account, news and filings, each only where the environment
    shows its modality. Without ``time`` it names no date. Foreign text is indented, so that no
    document can pass for a heading of ours.

    Args:
        env: a single-asset environment, wrapped or not.
        sessions: how many of the window's sessions the table of prices has.
        news: how many news it quotes, the newest; of the others it says how many there are.
        news_characters: characters a news is cut to; it says how many were left out.
        filing_characters: characters a filing is cut to.

    Raises:
        InvestorBenchError: it is not a single-asset environment, or a limit is not a whole number
            of at least 1.
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
        inner = env.unwrapped
        if not isinstance(inner, SingleAssetEnv):
            raise InvestorBenchError(f"TextObservation reads single-asset environments, not {env}")
        self.observation_space = FreeText()
        self._limits, self._sessions = limits, sessions
        self._setup = inner.setup
        self._task = "\n".join(task_lines(inner.setup, inner.setup.modalities))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        observation: Any  # what the inner environment shows
        observation, info = self.env.reset(seed=seed, options=options)
        return self._text(observation, info), info

    def step(self, action: Any) -> tuple[str, SupportsFloat, bool, bool, dict[str, Any]]:
        observation: Any
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._text(observation, info), reward, terminated, truncated, info

    def _text(self, observation: dict[str, Any], info: dict[str, Any]) -> str:
        return "\n".join([self._task, *self._today(observation, info)])

    def _today(self, observation: dict[str, Any], info: dict[str, Any]) -> Iterator[str]:
        """The lines after the part that never changes, section by section."""
        shown = frozenset(observation)
        if shown & {"bars", "time"}:
            yield from session_lines(observation, info, self._sessions)
        if "account" in shown:
            yield from account_lines(self._setup, observation, info)
        if "sentiment" in shown and "news" not in shown:
            yield from sentiment_lines(observation)
        yield from document_lines(self._setup, shown, info, self._limits)


def _at_least_one(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvestorBenchError(f"{name}={value!r} must be a whole number of at least 1")
    return value
