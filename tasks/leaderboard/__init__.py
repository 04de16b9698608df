"""Leaderboards: the agents of one task beside each other, and how sure their figures are.

Data flows from recorded entries to a leaderboard for each setting, and from those to one over all
tasks. Nothing here reads a file, and nothing draws; tables, exports and the report do.
"""

from investorbench.tasks.leaderboard.boards import leaderboards
from investorbench.tasks.leaderboard.entries import Setting, setting_of
from investorbench.tasks.leaderboard.overall import overall
from investorbench.tasks.leaderboard.overall_rows import Overall, OverallRow
from investorbench.tasks.leaderboard.rows import Leaderboard, Row
from investorbench.tasks.result import Entry, Failure

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
