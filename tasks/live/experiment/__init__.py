"""Forward-only experiments: accounts that are taken session by session as the market closes."""

from investorbench.tasks.live.experiment.checking import LedgerFinding, check
from investorbench.tasks.live.experiment.deciding import MadeAgent, MakeAgent
from investorbench.tasks.live.experiment.due import NotDueError
from investorbench.tasks.live.experiment.files import AnswerError
from investorbench.tasks.live.experiment.ledger import LedgerBusyError, LedgerError
from investorbench.tasks.live.experiment.page import report
from investorbench.tasks.live.experiment.pricing import NoPricesError
from investorbench.tasks.live.experiment.quotes import (
    ListedAction,
    PriceSource,
    Quote,
    Quoted,
)
from investorbench.tasks.live.experiment.settings import ExperimentSettings, LiveAgent
from investorbench.tasks.live.experiment.status import ExperimentStatus, status
from investorbench.tasks.live.experiment.stepping import LiveStep, start, step

__all__ = [
    "AnswerError", "ExperimentSettings", "ExperimentStatus", "LedgerBusyError", "LedgerError",
    "LedgerFinding", "ListedAction", "LiveAgent", "LiveStep", "MadeAgent", "MakeAgent",
    "NoPricesError", "NotDueError", "PriceSource", "Quote", "Quoted", "check", "report", "start",
    "status", "step",
]  # fmt: skip
