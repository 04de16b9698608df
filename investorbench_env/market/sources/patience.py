"""Asking again after a fault that passes; for what a library asks and no ``Downloader`` does."""

import time
from collections.abc import Callable
from typing import TypeVar

from investorbench_env.market.sources.http import (
    NotReachedError,
    OutOfReachError,
    Politeness,
    RefusedError,
)

T = TypeVar("T")


def patiently(
    politeness: Politeness,
    ask: Callable[[], T],
    waiting: Callable[[str], None] = lambda why: None,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What ``ask`` gives, which is called again where it fails by what may pass.

    Args:
        politeness: how often, and how long to wait between.
        ask: makes the request.
        waiting: called with why and how long it is waited, before each wait.
        sleep: how to wait.

    Raises:
        RefusedError: a refusal that does not pass, or did not.
        NotReachedError: no answer came, as often as it was asked.
    """
    for attempt in range(politeness.tries - 1):
        try:
            return ask()
        except OutOfReachError:
            raise
        except NotReachedError:
            why = "not reached"
        except RefusedError as error:
            if not error.refusal.passes:
                raise
            why = error.refusal.name
        wait = politeness.backoff_s * 2**attempt
        waiting(f"{why}: asked again in {wait:.0f} s")
        sleep(wait)
    return ask()
