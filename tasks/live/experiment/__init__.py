"""Forward-only experiments: accounts that are taken session by session as the market closes."""

from investorbench.tasks.live.experiment.due import NotDueError
from investorbench.tasks.live.experiment.ledger import LedgerBusyError, LedgerError
from investorbench.tasks.live.experiment.pricing import NoPricesError
from investorbench.tasks.live.experiment.quotes import (
    ListedAction,
    PriceSource,
    Quote,
    Quoted,
)
from investorbench.tasks.live.experiment.settings import ExperimentSettings, LiveAgent
from investorbench.tasks.live.experiment.status import ExperimentStatus, status
from investorbench.tasks.live.experiment.stepping import LiveStep, MakeAgent, start, step

__all__ = [
    "ExperimentSettings",
    "ExperimentStatus",
    "LedgerBusyError",
    "LedgerError",
    "ListedAction",
    "LiveAgent",
    "LiveStep",
    "MakeAgent",
    "NoPricesError",
    "NotDueError",
    "PriceSource",
    "Quote",
    "Quoted",
    "start",
    "status",
    "step",
]  # fmt: skip
