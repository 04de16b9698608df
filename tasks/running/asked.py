"""A language model as one episode asks it: its answers are noted, whatever the agent records."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from investorbench.agents.llm import (
    Answer,
    LanguageModel,
    Message,
    ModelError,
    RequestRefusedError,
    Schema,
    Tool,
)
from investorbench.agents.llm.errors import NotPassedError
from investorbench.agents.llm.proxy import Listener, ProxyKey
from investorbench.tasks.running.unusable import UnusableAnswers
from investorbench.tasks.suites.wordings import WORDINGS, PromptWording

ANSWERABLE = (NotPassedError, RequestRefusedError)
"""What a client may mend: its own request, which it can put in another way."""


class Noted(NamedTuple):
    """What was asked in a step.

    Attributes:
        answers: in the order in which they came.
        roles: those of answers that are not an agent's own to name, by their requests.
    """

    answers: Sequence[Answer] = ()
    roles: Mapping[str, str] = {}


class NotProxiedError(ModelError):
    """An agent wants a proxy where there is no server to put one before."""


class Asked:
    """The model that an agent is given; all else of it is that of the model behind it.

    Args:
        model: what answers.
        unusable: counts the episode's answers that cannot be used.
        open_key: gives the episode a key of the proxy of its run, given who counts its answers;
            None where the answers are recorded ones, and there is no server.
        wording: in which its questions are put; those of a client of its own stay as they are.
    """

    def __init__(
        self,
        model: LanguageModel,
        unusable: UnusableAnswers,
        open_key: Callable[[Listener], ProxyKey] | None = None,
        wording: PromptWording = WORDINGS[0],
    ) -> None:
        self._wording = wording
        self._model, self._unusable, self._open_key = model, unusable, open_key
        self._lock = threading.Lock()  # the proxy has a thread of its own
        self._answers: list[Answer] = []
        self._roles: dict[str, str] = {}
        self._failure: ModelError | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._model, name)

    def __deepcopy__(self, memo: Mapping[int, Any]) -> Self:
        return self  # a copy of an agent asks through the same connections

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def is_language_model(self) -> bool:
        return self._model.is_language_model

    @property
    def proxy(self) -> ProxyKey:
        """What the client of a framework needs to ask the model; its answers are noted likewise.

        Raises:
            ModelError: the model has no server, or its answers are recorded ones.
        """
        if self._open_key is None:
            raise NotProxiedError(
                "its agent asks through the proxy, with the client of a framework, whose replies a "
                "record does not hold whole: the same command with cache=replay_only, cache_path=… "
                "and another folder=… plays it again"
            )
        return self._open_key(self)

    async def decide(
        self,
        messages: Sequence[Message],
        schema: Schema | None,
        *,
        seed: int | None = None,
        repeat: int = 0,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
    ) -> Answer:
        """Ask the model, see ``Client.decide``.

        Raises:
            UnusableAnswersError: within this step, too many answers in a row could not be used.
        """
        self.require_open()
        # A model of somebody's own need not know of tools where there are none.
        more = {"tools": tools} if tools else {}
        answer = await self._model.decide(
            self._wording.of(messages),
            schema,
            seed=seed,
            repeat=repeat,
            max_tokens=max_tokens,
            **more,
        )
        self.note(answer)
        return answer

    def require_open(self) -> None:
        """Refuse to ask on in this step, where too many answers in a row could not be used.

        Raises:
            UnusableAnswersError: they were.
        """
        with self._lock:
            noted = [*self._answers]
        if noted:
            self._unusable.require_few(noted)

    def note(self, answer: Answer, role: str | None = None) -> None:
        """Note an answer; one with a role has it whatever the agent records."""
        with self._lock:
            self._answers.append(answer)
            if role is not None:
                self._roles[answer.request_hash] = role

    def fail(self, error: ModelError) -> None:
        """Know of an error that a client was sent in place of an answer."""
        with self._lock:
            self._failure = error

    @property
    def failure(self) -> ModelError | None:
        """The last error that a client was sent in this step."""
        return self._failure

    def taken(self) -> Noted:
        """What was asked since the last call.

        Raises:
            ModelError: a client was sent an error that it cannot mend, whatever its agent made of
                that: a server that is gone, a cap, a reply that is not in the cache.
        """
        with self._lock:
            noted, failure = Noted(self._answers, self._roles), self._failure
            self._answers, self._roles, self._failure = [], {}, None
        if failure is not None and not isinstance(failure, ANSWERABLE):
            raise failure
        return noted
