"""Language models: one question in, one checked answer out, from any server or from none."""

from agents.llm.answer import (
    Answer,
    Completion,
    Defect,
    LanguageModel,
    Message,
    Rung,
    Schema,
    Status,
    Usage,
)
from agents.llm.cache import Cache, CacheMode
from agents.llm.client import Client
from agents.llm.connect import SERVED_URL, connect
from agents.llm.endpoints import Endpoints
from agents.llm.errors import (
    CacheError,
    CacheMissError,
    MissingKeyError,
    ModelError,
    RequestRefusedError,
    ServerError,
    SpendCapError,
)
from agents.llm.models import Model, load_model, model_names, model_of
from agents.llm.offline import OfflineReader
from agents.llm.spending import Budget, Price

__all__ = [
    "SERVED_URL",
    "Answer",
    "Budget",
    "Cache",
    "CacheError",
    "CacheMissError",
    "CacheMode",
    "Client",
    "Completion",
    "Defect",
    "Endpoints",
    "LanguageModel",
    "Message",
    "MissingKeyError",
    "Model",
    "ModelError",
    "OfflineReader",
    "Price",
    "RequestRefusedError",
    "Rung",
    "Schema",
    "ServerError",
    "SpendCapError",
    "Status",
    "Usage",
    "connect",
    "load_model",
    "model_names",
    "model_of",
]
