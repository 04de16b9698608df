"""Language models: one question in, one checked answer out, from any server or from none."""

from investorbench.agents.llm.answer import (
    Answer,
    Completion,
    Defect,
    LanguageModel,
    Message,
    Rung,
    Schema,
    Status,
    Tool,
    ToolCall,
    Usage,
)
from investorbench.agents.llm.cache import Cache, CacheMode
from investorbench.agents.llm.client import Client
from investorbench.agents.llm.connect import connect
from investorbench.agents.llm.endpoints import Endpoints
from investorbench.agents.llm.errors import (
    CacheError,
    CacheMissError,
    ContextLengthError,
    MissingKeyError,
    ModelError,
    RequestRefusedError,
    ServerError,
    SpendCapError,
    UnusableAnswersError,
)
from investorbench.agents.llm.model_names import model_names
from investorbench.agents.llm.models import Model, load_model, model_of
from investorbench.agents.llm.offline import OfflineReader
from investorbench.agents.llm.spending import Budget, Price

__all__ = [
    "Answer",
    "Budget",
    "Cache",
    "CacheError",
    "CacheMissError",
    "CacheMode",
    "Client",
    "Completion",
    "ContextLengthError",
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
    "Tool",
    "ToolCall",
    "UnusableAnswersError",
    "Usage",
    "connect",
    "load_model",
    "model_names",
    "model_of",
]
