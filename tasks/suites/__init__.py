"""Suites: what a table rests on, under one name, frozen by a hash in everything but its markets."""

from investorbench.tasks.suites.freezing import frozen_parts, require_frozen
from investorbench.tasks.suites.opening import OpenedSuite, close_suite, open_suite
from investorbench.tasks.suites.salt import drawn_salt, salt_hash, seed_of
from investorbench.tasks.suites.suite import Suite, find_suite, suite_names

__all__ = [
    "OpenedSuite",
    "Suite",
    "close_suite",
    "drawn_salt",
    "find_suite",
    "frozen_parts",
    "open_suite",
    "require_frozen",
    "salt_hash",
    "seed_of",
    "suite_names",
]
