"""How often Python looks for garbage while many episodes run."""

import contextlib
import gc
from collections.abc import Iterator

THRESHOLDS = 10_000, 20, 100
"""As of ``gc.set_threshold``: what episodes keep of their steps is looked through time and again,
and none of it is garbage; by default that takes a tenth of the time of 64 of them."""


@contextlib.contextmanager
def fewer_collections() -> Iterator[None]:
    """Look for garbage more rarely while a block runs."""
    before = gc.get_threshold()
    if before[0]:  # 0 is never
        gc.set_threshold(*(max(pair) for pair in zip(before, THRESHOLDS, strict=True)))
    try:
        yield
    finally:
        gc.set_threshold(*before)
