"""The settings of a model, as ``conf/model/*.yaml`` has them: what it is, takes, costs, needs."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from investorbench.agents.llm.answer import RUNGS, Rung
from investorbench.agents.llm.errors import ModelError
from investorbench.agents.llm.lifetime import Knowledge, knowledge, require_date
from investorbench.agents.llm.model_names import CONF, full_name, model_names, short_names
from investorbench.agents.llm.retrying import Patience
from investorbench.agents.llm.spending import Price
from investorbench.agents.settings_files import SUFFIXES, read_settings
from investorbench_env.errors import UnknownNameError

MODEL_FORMS = "or name your own as ./my_model.yaml"
ProviderName = Literal["openai", "vllm", "anthropic", "offline"]
OF_THE_SERVER = ("base_url", "key_env", "limits", "patience")
"""Settings that say how a server is reached and change nothing of what it answers."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepts:
    """What a model's server takes; what it does not take is never sent.

    A parameter that a server refuses by name is found out, at the cost of a refused request.

    Attributes:
        temperature: a temperature, and top_p with it.
        top_p: the share of probability to sample from.
        seed: a seed for sampling.
        system_role: the role of instructions; None: they open the first user message.
        rungs: ways to ask for structure, strictest first; ``text`` always works.
        max_tokens: the parameter's name.
        reasoning_effort: the levels of thinking it takes.
        images: pictures in messages.
    """

    temperature: bool = True
    top_p: bool = True
    seed: bool = True
    system_role: Literal["system", "developer"] | None = "system"
    rungs: tuple[Rung, ...] = RUNGS
    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    reasoning_effort: tuple[str, ...] = ()
    images: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How an answer is drawn; all of it is part of an answer's key in the cache."""

    temperature: float | None = 0.6
    top_p: float | None = None
    max_tokens: int = 1024
    reasoning_effort: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request, such as ``{"chat_template_kwargs": {…}}`` of vLLM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How ``investorbench serve`` starts a server for the model; null leaves vLLM's default.

    The tensor parallel sizes that come with InvestorBench are for cards of 80 GB.

    Attributes:
        adapter: LoRA weights over the model's, a folder or a repository.
    """

    tensor_parallel_size: int = 1
    max_model_len: int | None = None
    dtype: str | None = None
    adapter: str | None = None
    reasoning_parser: str | None = None
    tool_call_parser: str | None = None
    trust_remote_code: bool = False
    extra_args: tuple[str, ...] = ()

    @property
    def identity(self) -> dict[str, Any]:
        """What of it determines answers, where anything does; part of an answer's key."""
        named = ("dtype", "adapter", "reasoning_parser", "tool_call_parser", "extra_args")
        return {name: value for name in named if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard a server may be pressed.

    Attributes:
        concurrency: requests at once, of all agents in this process together.
        requests_per_minute: None for no limit.
        longest_answer: characters; longer answers are invalid.
    """

    concurrency: int = 64
    requests_per_minute: float | None = None
    longest_answer: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model.

    Attributes:
        name: what the command line and results call it.
        maker: whose model it is.
        provider: whose protocol its server follows.
        id: what its server calls it.
        revision: which weights, where the id does not fix them; part of an answer's key.
        base_url: its server; None: the provider's own, or the one that ``serve`` starts.
        key_env: the environment variable that holds its key; None: it needs none.
        context_length: tokens that prompt and answer may have together.
        tokenizer: how tokens of a prompt are counted: ``o200k_base``, ``cl100k_base``, or the path
            of a ``tokenizer.json``; None: by an estimate on the safe side.
        released: YYYY-MM or YYYY-MM-DD: when its makers published it.
        retires: YYYY-MM-DD: from when on their servers do not answer for it; None: not known.
        knowledge_cutoff: YYYY-MM or YYYY-MM-DD as its makers state it; None: they do not.
        licence: of its weights; None: they are not published.
        price: None for a server of one's own.
        unverified: whether some of this could not be confirmed from a public page.
        word_list: of the offline reader: ``vader``, or a file of the Loughran–McDonald dictionary.
        note: what a reader of its results should know.
    """

    name: str
    provider: ProviderName
    id: str
    maker: str | None = None
    revision: str | None = None
    base_url: str | None = None
    key_env: str | None = None
    context_length: int | None = None
    tokenizer: str | None = None
    released: str | None = None
    retires: str | None = None
    knowledge_cutoff: str | None = None
    licence: str | None = None
    price: Price | None = None
    unverified: bool = False
    accepts: Accepts = field(default_factory=Accepts)
    sampling: Sampling = field(default_factory=Sampling)
    server: Server | None = None
    limits: Limits = field(default_factory=Limits)
    patience: Patience = field(default_factory=Patience)
    word_list: str | None = None
    note: str | None = None

    @property
    def is_language_model(self) -> bool:
        """False for the offline reader alone."""
        return self.provider != "offline"

    @property
    def is_published(self) -> bool:
        """Whether its name says what it is, wherever it is asked."""
        return any((self.maker, self.licence, self.revision, self.released))

    @property
    def knowledge(self) -> Knowledge | None:
        """Until when it may know the world; None where nothing bounds it."""
        return knowledge(self.knowledge_cutoff, self.released)


def load_model(name: str, changes: Mapping[str, Any] | None = None) -> Model:
    """Read a model of ``conf/model``, or of a file anywhere.

    Args:
        name: its name there, whole or its last part, or the path of a file, ``./my_model.yaml``.
        changes: settings in place of the file's own, nested as there.

    Raises:
        UnknownNameError: there is no such model, or no such setting.
        ModelError: a setting is missing or of the wrong kind.
    """
    if name.endswith(SUFFIXES):
        settings = {"name": Path(name).stem, **read_settings(name)}
    elif (found := full_name(name, known := model_names())) is not None:
        settings = read_settings(CONF / f"{found}.yaml")
    else:
        raise UnknownNameError("model", name, short_names(known), MODEL_FORMS)
    return model_of(_merged(settings, changes or {}))


def model_of(settings: Mapping[str, Any]) -> Model:
    """A model from its settings, such as Hydra's; for errors see :func:`load_model`."""
    where = f"model {settings.get('name', '?')}"
    model = _read(Model, settings, where)
    require_date(model.released, f"{where}, released")
    require_date(model.retires, f"{where}, retires", day=True)
    require_date(model.knowledge_cutoff, f"{where}, knowledge_cutoff")
    unknown = [level for level in _effort(model) if level not in model.accepts.reasoning_effort]
    if unknown:
        raise UnknownNameError("reasoning effort", unknown[0], model.accepts.reasoning_effort)
    return model


def require_images(model: Model, what: str) -> None:
    """Refuse to show a picture to a model that takes none.

    Raises:
        ModelError: it does not.
    """
    if model.accepts.images:
        return
    mend = "choose a model that does"
    if model.is_language_model:
        mend += ", or give model.accepts.images=true if it does"
    raise ModelError(f"{what}, and model {model.name} takes no images: {mend}")


def _effort(model: Model) -> list[str]:
    return [model.sampling.reasoning_effort] if model.sampling.reasoning_effort else []


def _merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for key, value in changes.items():
        old = merged.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _merged(old, value) if nested else value  # type: ignore[arg-type]
    return merged


def _read(kind: type[T], settings: Mapping[str, Any], where: str) -> T:
    """A dataclass from a mapping, each value checked against its annotation."""
    if not isinstance(settings, Mapping):
        raise ModelError(f"{where}: {settings!r} should be a table of settings")
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    for name in settings:
        if name not in known:
            raise UnknownNameError(f"setting of {where}", name, known)
    for name, item in known.items():
        required = item.default is MISSING and item.default_factory is MISSING
        if required and settings.get(name) in (None, "???"):
            raise ModelError(f"{where} needs {name}: give model.{name}=…")
    hints = get_type_hints(kind)
    return kind(
        **{name: _value(hints[name], value, f"{where}, {name}") for name, value in settings.items()}
    )


def _value(hint: Any, value: Any, where: str) -> Any:
    """One value as its annotation wants it; ``???`` is what Hydra leaves where none was given."""
    if value == "???":
        raise ModelError(f"{where} is needed: give model.{where.rsplit(' ', 1)[-1]}=…")
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _value(next(kind for kind in arguments if kind is not type(None)), value, where)
    if is_dataclass(hint):
        return _read(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple and not isinstance(value, str) and hasattr(value, "__iter__"):
        return tuple(_value(arguments[0], item, where) for item in value)
    if origin is Literal and value in arguments:
        return value
    if origin is Mapping and isinstance(value, Mapping):
        return dict(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and (hint is bool or value is not True):
        return value
    wanted = f"one of {', '.join(map(str, arguments))}" if origin is Literal else _plain(hint)
    raise ModelError(f"{where}: {value!r} should be {wanted}")


def _plain(hint: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return names.get(hint, "a list" if get_origin(hint) is tuple else "a table")
