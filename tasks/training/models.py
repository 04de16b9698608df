"""A model on disk: it is read, identified by its files, and written as a whole."""

import copy
import shutil
from collections.abc import Sequence
from hashlib import file_digest
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from investorbench.agents.llm.canonical import digest
from investorbench.tasks.training.libraries import Libraries, libraries, without_their_warnings
from investorbench_env.errors import DataNotFoundError, InvestorBenchError

TEMPLATE_ADVICE = (
    "set one, tokenizer.chat_template = trl.chat_template_utils.qwen3_chat_template, and save the "
    "tokenizer again"
)
PROBE = ({"role": "system", "content": "s"}, {"role": "user", "content": "u"})


class LoadedModel(NamedTuple):
    """What is trained.

    Attributes:
        model: of transformers, in the precision of its file.
        tokenizer: its own, with a chat template.
    """

    model: Any
    tokenizer: Any


def load_model_in(folder: Path, found: Libraries) -> LoadedModel:
    """Read a model and its tokenizer.

    Raises:
        DataNotFoundError: there is no model in the folder.
        InvestorBenchError: it cannot be read, or has no chat template that takes our prompts.
    """
    require_model(folder)
    auto = found.transformers
    with without_their_warnings():
        try:
            tokenizer = auto.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = auto.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise InvestorBenchError(f"{folder} holds no model to train: {reason}") from None
    _require_template(folder, tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    return LoadedModel(model, tokenizer)


def require_model(folder: Path) -> None:
    """Refuse a folder without a model.

    Raises:
        DataNotFoundError: it holds none.
    """
    if not (folder / "config.json").is_file():
        raise DataNotFoundError(
            f"{folder} holds no model, which has a config.json: give model= the folder of one that "
            "transformers saved"
        )


def require_tools(tokenizer: Any) -> None:
    """Refuse a tokenizer whose chat template TRL cannot show tools with, or read calls from.

    Args:
        tokenizer: of a model that is to be trained with ``environment_factory=``.

    Raises:
        MissingDependencyError: TRL is not installed.
        InvestorBenchError: the template takes no tools; and one that does.
    """
    libraries()
    templates = import_module("trl.chat_template_utils")
    try:
        reads = tokenizer.chat_template is not None and templates.supports_tool_calling(tokenizer)
        if reads:
            templates.add_response_schema(copy.copy(tokenizer))  # it knows not every template
    except Exception:  # noqa: BLE001 - a template is a program of somebody else's
        reads = False
    if not reads:
        raise InvestorBenchError(
            "the tokenizer's chat template shows no tools, or is none whose calls of tools TRL can "
            f"read: {TEMPLATE_ADVICE}"
        )


def identity_of(folder: Path) -> dict[str, str]:
    """Digests of what a model is: its files, its tokenizer and its chat template.

    Raises:
        DataNotFoundError: the folder holds no model.
    """
    require_model(folder)
    parts = {
        "tokenizer": ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
        "template": ("chat_template.jinja",),
    }
    found = {name: _digest_of(folder, files) for name, files in parts.items()}
    named = {file for files in parts.values() for file in files}
    weights = [path.name for path in sorted(folder.iterdir()) if path.is_file()]
    return {"model": _digest_of(folder, [name for name in weights if name not in named]), **found}


def write_model(loaded: LoadedModel, folder: Path) -> None:
    """Write a model so that a kill leaves all of it or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.{uuid4().hex}.part")
    try:
        loaded.model.save_pretrained(part)
        loaded.tokenizer.save_pretrained(part)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _require_template(folder: Path, tokenizer: Any) -> None:
    if tokenizer.chat_template is None:
        raise InvestorBenchError(
            f"the tokenizer in {folder} has no chat template: {TEMPLATE_ADVICE}"
        )
    try:
        tokenizer.apply_chat_template(list(PROBE), tokenize=False, add_generation_prompt=True)
    except Exception as error:  # noqa: BLE001 - a template is a program of somebody else's
        raise InvestorBenchError(
            f"the chat template in {folder} takes no system and user message ({error}): "
            f"{TEMPLATE_ADVICE}"
        ) from None


def _digest_of(folder: Path, names: Sequence[str]) -> str:
    found = {}
    for name in names:
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                found[name] = file_digest(file, "sha256").hexdigest()
    return digest(found)
