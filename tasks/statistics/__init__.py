"""What a leaderboard can say: intervals, tests, and a reason wherever there is no figure.

Arrays in, small records out; nothing here knows of agents, runs or files. Formulas stand with their
sources in docs/leaderboards.md. Ratios are per step unless a name says otherwise;
``compare_agents`` scales those of a table to a year.
"""

from investorbench.tasks.statistics.comparison import (
    AgentStatistics,
    Bootstrap,
    Comparison,
    Luck,
    Overfitting,
    Tested,
    nothing_to_compare,
)
from investorbench.tasks.statistics.draws import BlockLength, block_length, politis_white
from investorbench.tasks.statistics.estimate import FEWEST_DAYS, Estimate, ReturnsError
from investorbench.tasks.statistics.families import holm
from investorbench.tasks.statistics.jobson_korkie import jobson_korkie
from investorbench.tasks.statistics.selection import (
    confidence_set,
    random_percentile,
    superiority,
)
from investorbench.tasks.statistics.sharpe import (
    Moments,
    expected_maximum,
    minimum_track_record,
    moments_of,
    probabilistic_sharpe,
)
from investorbench.tasks.statistics.summary import (
    TaskRuns,
    compare_agents,
    filled_up,
    over_tasks,
)
from investorbench.tasks.statistics.two_runs import TwoCompared, compare_two
from investorbench.tasks.statistics.variance import VarianceSplit

__all__ = [
    "FEWEST_DAYS",
    "AgentStatistics",
    "BlockLength",
    "Bootstrap",
    "Comparison",
    "Estimate",
    "Luck",
    "Moments",
    "Overfitting",
    "ReturnsError",
    "TaskRuns",
    "Tested",
    "TwoCompared",
    "VarianceSplit",
    "block_length",
    "compare_agents",
    "compare_two",
    "confidence_set",
    "expected_maximum",
    "filled_up",
    "holm",
    "jobson_korkie",
    "minimum_track_record",
    "moments_of",
    "nothing_to_compare",
    "over_tasks",
    "politis_white",
    "probabilistic_sharpe",
    "random_percentile",
    "superiority",
]
