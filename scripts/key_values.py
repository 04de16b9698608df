"""Commands that take a model and options as ``key=value``: what was given, read and checked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from investorbench.agents.llm.models import Model, load_model
from investorbench.scripts.model_settings import PREFIX, nested
from investorbench_env.errors import InvestorBenchError, UnknownNameError


class PairsGiven(NamedTuple):
    """What stands on a command line."""

    model: Model
    options: dict[str, Any]


def given(
    command: str, arguments: Sequence[str], kinds: Mapping[str, Callable[[str], Any]]
) -> PairsGiven:
    """The model, changed by ``model.…`` pairs, and the options.

    Args:
        command: its name.
        arguments: the pairs.
        kinds: the options that there are besides the model, and what reads the value of each.

    Raises:
        UnknownNameError: there is no such option, or no such model.
        InvestorBenchError: no model is named, or a value cannot be read.
    """
    names = ["model", *kinds]
    options: dict[str, Any] = {}
    changes: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and key.startswith(PREFIX):
            changes.append(argument.removeprefix(PREFIX))
            continue
        if not equals or key not in names:
            raise UnknownNameError(f"option of {command}", key, [f"{name}=…" for name in names])
        try:
            options[key] = kinds.get(key, str)(value)
        except ValueError:
            raise InvestorBenchError(f"{argument}: {value!r} should be a number") from None
    if "model" not in options:
        raise InvestorBenchError(f"which model? investorbench {command} model=qwen2.5-7b")
    return PairsGiven(load_model(options.pop("model"), nested(changes)), options)
