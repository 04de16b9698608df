"""What a leaderboard can say: intervals, tests, and a reason wherever there is no figure.

Arrays in, small records out; nothing here knows of agents, runs or files. Formulas stand with their
sources in docs/leaderboards.md. Ratios are per step unless a name says otherwise;
``compare_agents`` scales those of a table to a year.
"""

from investorbench.tasks.statistics.across import Means, Path, over_tasks
from investorbench.tasks.statistics.comparison import (
    AgentStatistics,
    Bootstrap,
    Comparison,
    Luck,
    Overfitting,
    Tested,
    nothing_to_compare,
)
from investorbench.tasks.statistics.draws import BlockLength, politis_white
from investorbench.tasks.statistics.estimate import FEWEST_DAYS, Estimate, ReturnsError
from investorbench.tasks.statistics.paired import (
    days_to_distinguish,
    days_until,
    jobson_korkie,
    ledoit_wolf,
    ledoit_wolf_pairs,
)
from investorbench.tasks.statistics.resampling import (
    VarianceSplit,
    block_length,
    cube_root_block,
    score_intervals,
    stationary_days,
    variance_split,
)
from investorbench.tasks.statistics.selection import (
    adjusted_p_values,
    confidence_set,
    draws_for,
    random_percentile,
    superiority,
)
from investorbench.tasks.statistics.sharpe import (
    Moments,
    deflated_sharpe,
    expected_maximum,
    luckiest_sharpe,
    minimum_track_record,
    moments_of,
    probabilistic_sharpe,
)
from investorbench.tasks.statistics.summary import compare_agents, filled_up

__all__ = [
    "FEWEST_DAYS",
    "AgentStatistics",
    "BlockLength",
    "Bootstrap",
    "Comparison",
    "Estimate",
    "Luck",
    "Means",
    "Moments",
    "Overfitting",
    "Path",
    "ReturnsError",
    "Tested",
    "VarianceSplit",
    "adjusted_p_values",
    "block_length",
    "compare_agents",
    "confidence_set",
    "cube_root_block",
    "days_to_distinguish",
    "days_until",
    "deflated_sharpe",
    "draws_for",
    "expected_maximum",
    "filled_up",
    "jobson_korkie",
    "ledoit_wolf",
    "ledoit_wolf_pairs",
    "luckiest_sharpe",
    "minimum_track_record",
    "moments_of",
    "nothing_to_compare",
    "over_tasks",
    "politis_white",
    "probabilistic_sharpe",
    "random_percentile",
    "score_intervals",
    "stationary_days",
    "superiority",
    "variance_split",
]
