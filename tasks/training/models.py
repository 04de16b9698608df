"""A model on disk: it is read, identified by its files, and written as a whole."""

import copy
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
PROBE = (
    {"role": "system", "content": "how it is answered"},
    {"role": "user", "content": "what is asked"},
)

OF_DISK = ("I/O error", "PytorchStreamWriter", "os error")
"""What errors of safetensors and torch say that are a disk's."""


class LoadedModel(NamedTuple):
    """What is trained.

    Attributes:
        model: of transformers, in 32 bits: in the 16 of most files a weight of .02 has steps of
            .0001, and updates at the rates of large models would be rounded away.
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
            model = auto.AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, dtype=found.torch.float32
            )
        except Exception as error:  # noqa: BLE001 - each library has errors of its own
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InvestorBenchError(f"{folder} holds no model to train: {reason}") from None
    _require_template(folder, tokenizer)
    _require_words(folder, tokenizer, model)
    if found.torch.cuda.is_available():
        model = model.to("cuda")
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


def require_room(folder: Path, loaded: LoadedModel, prompts: Iterable[Any], tokens: int) -> None:
    """Refuse a model with fewer positions than a prompt and what is written about it take.

    Args:
        folder: where the model is.
        loaded: the model.
        prompts: conversations; the one with most letters is looked at.
        tokens: of a text at most.

    Raises:
        InvestorBenchError: there is no room.
    """
    most = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    if not isinstance(most, int):
        return
    longest = max(prompts, key=lambda prompt: sum(len(each["content"]) for each in prompt))
    text = loaded.tokenizer.apply_chat_template(
        list(longest), tokenize=False, add_generation_prompt=True
    )
    asked = len(loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
    if asked + tokens > most:
        raise InvestorBenchError(
            f"the longest briefing takes {asked:,} tokens, and with tokens={tokens} for a thesis "
            f"that is more than the {most:,} positions of the model in {folder}: give fewer "
            "tokens, or build the corpus with smaller briefings, such as briefing.tokens=4000"
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
        "tokenizer": (
            "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
            "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model",
        ),
        "template": ("chat_template.jinja", "chat_template.json"),
    }  # fmt: skip
    found = {name: _digest_of(folder, files) for name, files in parts.items()}
    named = {file for files in parts.values() for file in files}
    weights = [path.name for path in sorted(folder.iterdir()) if path.is_file()]
    return {"model": _digest_of(folder, [name for name in weights if name not in named]), **found}


def write_model(loaded: LoadedModel, folder: Path) -> None:
    """Write a model so that a kill leaves all of it or nothing, and remove what one left before."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*.part"):
        shutil.rmtree(left)
    part = folder.with_name(f".{folder.name}.{uuid4().hex}.part")
    try:
        loaded.model.save_pretrained(part)
        loaded.tokenizer.save_pretrained(part)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextmanager
def kept_on_disk(folder: Path) -> Iterator[None]:
    """Say in a line that a disk took no more, whichever library found it out.

    Raises:
        InvestorBenchError: something could not be written.
    """
    try:
        yield
    except InvestorBenchError:
        raise
    except Exception as error:
        is_of_disk = isinstance(error, OSError) or any(words in str(error) for words in OF_DISK)
        if not is_of_disk:
            raise
        reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        raise InvestorBenchError(
            f"{folder} cannot be written to ({reason}): make room, and give the same command "
            "again, which goes on from the last whole checkpoint"
        ) from None


def _require_template(folder: Path, tokenizer: Any) -> None:
    if tokenizer.chat_template is None:
        raise InvestorBenchError(
            f"the tokenizer in {folder} has no chat template: {TEMPLATE_ADVICE}"
        )
    try:
        shown = tokenizer.apply_chat_template(
            list(PROBE), tokenize=False, add_generation_prompt=True
        )
    except Exception as error:  # noqa: BLE001 - a template is a program of somebody else's
        raise InvestorBenchError(
            f"the chat template in {folder} takes no system and user message ({error}): "
            f"{TEMPLATE_ADVICE}"
        ) from None
    for message in PROBE:
        if message["content"] not in shown:
            raise InvestorBenchError(
                f"the chat template in {folder} leaves out the {message['role']} message: "
                f"{TEMPLATE_ADVICE}"
            )


def _require_words(folder: Path, tokenizer: Any, model: Any) -> None:
    """Refuse a tokenizer that cannot end a text, or has tokens that the model does not."""
    if tokenizer.eos_token is None:
        raise InvestorBenchError(
            f"the tokenizer in {folder} has no token that ends a text: set tokenizer.eos_token, "
            "and save the tokenizer again"
        )
    known = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > known:
        raise InvestorBenchError(
            f"the tokenizer in {folder} has {len(tokenizer):,} tokens, and its model knows "
            f"{known:,}: give the model its own tokenizer, or model.resize_token_embeddings"
        )


def _digest_of(folder: Path, names: Sequence[str]) -> str:
    found = {}
    for name in names:
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                found[name] = file_digest(file, "sha256").hexdigest()
    return digest(found)
