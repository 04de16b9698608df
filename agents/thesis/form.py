"""The form of the briefings that theses are written about, from the settings of their agent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from investorbench_env.errors import UnknownNameError
from investorbench_env.wrappers.briefing_form import SETTINGS, BriefingForm

BY_CHANCE = MappingProxyType({"drop": 0.0, "shuffle": False})
"""What happens to a briefing by chance unless it is set: nothing, which is for training."""


def form_of(given: Mapping[str, Any]) -> BriefingForm:
    """The form that settings lead to.

    Raises:
        UnknownNameError: there is no such setting.
        InvestorBenchError: a number that makes no sense.
    """
    for name in given:
        if name not in SETTINGS:
            raise UnknownNameError("setting of a briefing", name, SETTINGS)
    return BriefingForm(**{**BY_CHANCE, **given})
