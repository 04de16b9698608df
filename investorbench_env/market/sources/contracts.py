"""What each source must answer, and how it is known to refuse: one contract a source.

Fetching and ``data sources --check`` read every answer through the same contract, so that both
recognise the same refusals.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from investorbench_env.market.sources.http import DownloadError, RefusedError, Response

State = Literal[
    "answers", "wants a key", "not installed", "blocks us", "changed its form", "not reached"
]

UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What a client, or a library that it reads with, may stumble with over an answer that nothing
foresaw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One way in which a source is known to say no.

    Attributes:
        name: short and unique within its contract, such as ``"daily limit"``.
        matches: whether an answer is this refusal.
        says: what it means, in one line.
        then: what to do, in one line.
        passes: whether it is over after a while, so that the same request is worth a second try.
        state: how the source stands that answers so.
    """

    name: str
    matches: Callable[[Response], bool]
    says: str
    then: str
    passes: bool = False
    state: State = "blocks us"


class ChangedFormError(DownloadError):
    """An answer that is not of the form that the source is known to have."""

    def __init__(self, source: str, needed: str, answer: Response) -> None:
        super().__init__(f"{source}: no {needed}, but {answer.first_line!r}")


class UnforeseenFormError(DownloadError):
    """An answer over which the client stumbled."""

    def __init__(self, source: str, error: Exception) -> None:
        super().__init__(f"{source}: an answer of another form ({type(error).__name__}: {error})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The one small request that shows whether a source answers.

    Attributes:
        path: behind the source's address.
        parameters: of the address; ``{NAME}`` stands for the key in the variable ``$NAME``.
        headers: the same for headers.
        body: what is sent as JSON, by POST; None for GET.
    """

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a source must answer.

    Attributes:
        source: its name in messages, such as ``"Stooq"``.
        probe: one small request; or, for a source that a library reaches, what makes one through
            it and raises what fetching raises.
        needs: the form that the answer to it must have, in words.
        form: whether it has; anything that the client's own parser raises counts as no.
        refusals: the ways in which the source is known to say no; the first that matches counts.
    """

    source: str
    probe: Probe | Callable[[], None]
    needs: str
    form: Callable[[Response], bool] = lambda answer: True
    refusals: tuple[Refusal, ...] = ()

    def read(self, answer: Response) -> Response:
        """An answer that is no refusal.

        Raises:
            RefusedError: it is one.
        """
        for refusal in self.refusals:
            if refusal.matches(answer):
                raise RefusedError(self.source, refusal)
        return answer

    def refusal(self, name: str) -> Refusal:
        """One of the refusals, for what a library says in an exception of its own."""
        return next(refusal for refusal in self.refusals if refusal.name == name)
