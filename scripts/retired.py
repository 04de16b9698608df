"""A warning, once a run, where servers of a model's maker no longer answer for it."""

import warnings
from collections.abc import Iterable, Sequence
from datetime import date

from investorbench.agents.llm import Model
from investorbench.agents.llm.errors import RetiredModelWarning
from investorbench.agents.llm.lifetime import is_past

today = date.today
ADDRESS = "model.base_url="


def warn_of_retired(models: Iterable[Model], overrides: Sequence[str]) -> None:
    """Warn of models that are past their announced end, unless another server answers for them.

    Args:
        models: all that are to be asked.
        overrides: the command line, which may name an address, whose end is its own.
    """
    if any(each.lstrip("+").startswith(ADDRESS) for each in overrides):
        return
    ends = {model.name: model.retires for model in models if is_past(model.retires, today())}
    if ends:
        past = ", ".join(f"{name} on {end}" for name, end in ends.items())
        warnings.warn(
            f"retired by their makers: {past}; a server may refuse to answer for them, or answer "
            "with another model (cache=replay_only asks none)",
            RetiredModelWarning,
            stacklevel=2,
        )
