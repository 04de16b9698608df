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
    politeness: Politeness, ask: Callable[[], T], sleep: Callable[[float], None] = time.sleep
) -> T:
    """What ``ask`` gives, which is called again where it fails by what may pass.

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
            pass
        except RefusedError as error:
            if not error.refusal.passes:
                raise
        sleep(politeness.backoff_s * 2**attempt)
    return ask()
