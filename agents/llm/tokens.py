"""How many tokens a text has, by what a model's settings name: never by what happens to be there.

Without a name it is an estimate from bytes, on the safe side, and the same on every machine.
"""

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from investorbench.agents.llm.answer import LanguageModel
from investorbench.agents.llm.canonical import canonical
from investorbench.agents.llm.errors import ModelError
from investorbench.agents.llm.models import Model
from investorbench_env.errors import MissingDependencyError, UnknownNameError
from investorbench_env.token_estimate import estimate

Counter = Callable[[str], int]

ENCODINGS = ("o200k_base", "cl100k_base")
"""Of OpenAI's models, by the package bpe-openai; GPT-4o and later, and GPT-4."""
FILE = ".json"
FORMS = "or name a tokenizer.json, as models on Hugging Face have it"

MESSAGE_TOKENS = 12
"""What a chat template puts around a message, at most."""


@cache
def counter_of(tokenizer: str | None) -> Counter:
    """What counts tokens by a name.

    Args:
        tokenizer: one of :data:`ENCODINGS`, the path of a ``tokenizer.json``, or None for the
            estimate.

    Raises:
        UnknownNameError: it is none of these.
        MissingDependencyError: the package that it takes is not installed.
        ModelError: there is no such file.
    """
    if tokenizer is None:
        return estimate
    if tokenizer in ENCODINGS:
        encoding = _package("bpe_openai", "bpe-openai").get_encoding(tokenizer)
        return lambda text: len(encoding.encode_ordinary(_sound(text)))
    if not tokenizer.endswith(FILE):
        raise UnknownNameError("tokenizer", tokenizer, ENCODINGS, FORMS)
    if not Path(tokenizer).is_file():
        raise ModelError(f"there is no tokenizer {tokenizer}: give a tokenizer.json, or null")
    loaded = _package("tokenizers", "tokenizers").Tokenizer.from_file(tokenizer)
    return lambda text: len(loaded.encode(_sound(text), add_special_tokens=False).ids)


async def context_length_of(model: LanguageModel) -> int | None:
    """Tokens that a request to a model may have; None for what is no language model.

    Raises:
        ModelError: neither its settings nor its server say.
    """
    settings: Model | None = getattr(model, "model", None)
    if settings is None or not model.is_language_model:
        return None
    length = settings.context_length
    if length is None and hasattr(model, "context_length"):
        length = await model.context_length()
    if length is None:
        raise ModelError(
            f"how many tokens a request to model {model.name} may have is not known, and its "
            "server does not list it: give model.context_length=…"
        )
    return length


def count_prompt(counter: Counter, texts: tuple[str, ...], schema: object) -> int:
    """Tokens of a question: its messages, what a template puts around them, and its schema."""
    around = MESSAGE_TOKENS * (len(texts) + 1)
    return sum(map(counter, texts)) + counter(canonical(schema)) + around


def _package(name: str, distribution: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingDependencyError(distribution, "tokens", "counting tokens") from None


def _sound(text: str) -> str:
    """The text without halves of characters, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()
