"""Wrappers: the same environment for readers of text and for learners of numbers."""

from investorbench_env.wrappers.briefing import Brief, Briefing, Piece, brief
from investorbench_env.wrappers.briefing_form import BriefingForm
from investorbench_env.wrappers.numeric import NumericObservation
from investorbench_env.wrappers.numeric_vector import NumericVectorObservation
from investorbench_env.wrappers.text import TextObservation

__all__ = [
    "Brief",
    "Briefing",
    "BriefingForm",
    "NumericObservation",
    "NumericVectorObservation",
    "Piece",
    "TextObservation",
    "brief",
]
