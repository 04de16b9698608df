"""How good forecasts are: proper scores, calibration, information; knows no agent and no file."""

from investorbench.tasks.forecasts.calibration import CalibrationBin, calibration
from investorbench.tasks.forecasts.clustered import clustered_mean, rank_correlation
from investorbench.tasks.forecasts.outcomes import Outcomes, TrueLaw
from investorbench.tasks.forecasts.scores import ForecastScores, ProperScore, forecast_scores

__all__ = [
    "CalibrationBin",
    "ForecastScores",
    "Outcomes",
    "ProperScore",
    "TrueLaw",
    "calibration",
    "clustered_mean",
    "forecast_scores",
    "rank_correlation",
]
