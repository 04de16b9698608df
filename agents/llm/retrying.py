"""When a failed request is worth another try, and how long to wait before it."""

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from investorbench.agents.llm.error_replies import TooLong, too_long

FaultKind = Literal["unreachable", "timeout", "cut_off", "broken_off", "not_json", "status"]

PASSING_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
GATEWAY_TIMEOUTS = frozenset({504, 524})
AWAY_STATUSES = frozenset({502, 503, 521, 522, 523, 529})
MOST_DOUBLINGS = 64
# Sent with status 429, and no wait mends it.
_SPENT = ("insufficient_quota", "billing_hard_limit", "exceeded your current quota")
# As Google says it in the text of an error, who calls a limit of requests a minute a quota, too.
_RETRY_IN = re.compile(r'"retryDelay"\s*:\s*"([0-9]{1,9}(?:\.[0-9]{1,9})?)s"')


class Fault(Exception):  # noqa: N818 - one failed request; the error is what remains after retries
    """One request that failed; texts in it hold no key.

    Args:
        kind: how it failed.
        reason: the same in words.
        status: HTTP status, where there was one.
        reply: the server's text.
        retry_after_s: how long it asked to be left alone.
    """

    def __init__(
        self,
        kind: FaultKind,
        reason: str,
        *,
        status: int | None = None,
        reply: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.status = kind, reason, status
        self.reply, self.retry_after_s = reply, retry_after_s

    @property
    def too_long(self) -> TooLong | None:
        """How the request is too long, where an error says so; what a model wrote says nothing."""
        return too_long(self.status, self.reply) if self.kind == "status" else None

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed later."""
        if self.kind != "status":
            return True
        if self.too_long:
            return False
        spent = self.retry_after_s is None and any(word in self.reply for word in _SPENT)
        return self.status in PASSING_STATUSES and not spent

    @property
    def is_of_the_address(self) -> bool:
        """Whether it would have met any request: nothing there answers."""
        if self.kind == "status":
            return self.status in AWAY_STATUSES
        return self.kind in ("unreachable", "cut_off")

    @property
    def may_be_billed(self) -> bool:
        """Whether the server may have answered, and charged, all the same.

        A whole reply that cannot be read may have been paid for, and so may what a proxy no longer
        waited for.
        """
        if self.kind == "status":
            return self.status in GATEWAY_TIMEOUTS
        return self.kind != "unreachable"


class Uniform(Protocol):
    """What jitter is drawn from: a NumPy generator, or ``random.Random``."""

    def random(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long a client tries.

    Attributes:
        attempts: requests for one reply that may cost money and bring none: sent and not answered
            in time, broken off, or answered by what cannot be read.
        attempt_timeout_s: for one request, from sending to the last byte.
        total_timeout_s: for all requests for one reply, waits between them included; a server that
            is away, limits its rate or has a fault of its own is waited for so long.
        first_wait_s: before the second request; doubled at each further one.
        longest_wait_s: no wait of our own choice is longer.
    """

    attempts: int = 6
    attempt_timeout_s: float = 180.0
    total_timeout_s: float = 1800.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0

    def wait_s(self, failures: int, fault: Fault, rng: Uniform) -> float:
        """Seconds to wait after so many failures: what the server asks, else a jittered backoff.

        A server that asks for less than the first wait, such as for 0, would be stormed.

        The jitter (half to all of the backoff) keeps clients that failed together from coming
        back together; what a server asks is a minimum, so jitter is added to it.
        """
        doubled = self.first_wait_s * 2.0 ** min(failures - 1, MOST_DOUBLINGS)
        backoff = min(doubled, self.longest_wait_s)
        jittered = backoff * (0.5 + 0.5 * rng.random())
        if fault.retry_after_s is None or fault.retry_after_s < self.first_wait_s:
            return jittered
        return fault.retry_after_s + min(jittered, 0.1 * fault.retry_after_s)


def retry_after_s(
    headers: Mapping[str, str], now: datetime | None = None, reply: str = ""
) -> float | None:
    """The wait that a server asks for, in seconds or as an HTTP date; None where it asks none.

    Args:
        headers: of its reply, with any spelling of the names.
        reply: its text, in which some say it.
        now: the moment it is now; the clock's, if None.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    if re.fullmatch(r"[0-9]{1,12}", lower.get("retry-after-ms", "")):
        return int(lower["retry-after-ms"]) / 1000
    asked = lower.get("retry-after", "")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", asked):
        return float(asked)
    if in_text := _RETRY_IN.search(reply):
        return float(in_text[1])
    try:
        moment = email.utils.parsedate_to_datetime(asked)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)
