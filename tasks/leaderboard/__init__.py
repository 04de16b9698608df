"""Leaderboards: the agents of one task beside each other, with what can be told of them.

Data flows from recorded entries to a leaderboard for each setting, and from those to one over all
tasks. Nothing here reads a file, and nothing draws; tables, exports and the report do.
"""

from tasks.leaderboard.boards import Leaderboard, Row, leaderboards
from tasks.leaderboard.entries import Entry, Setting, setting_of
from tasks.leaderboard.overall import Overall, OverallRow, overall
from tasks.result import Failure

__all__ = [
    "Entry",
    "Failure",
    "Leaderboard",
    "Overall",
    "OverallRow",
    "Row",
    "Setting",
    "leaderboards",
    "overall",
    "setting_of",
]
