"""Probes: how a model's decisions change when its question is put in another way."""

from investorbench.tasks.probes.brittleness import Brittleness, ProbeOutcome, probe_brittleness
from investorbench.tasks.probes.states import ProbeState, RecordedStates, recorded_states
from investorbench.tasks.probes.ten import PROBES, BrittlenessProbe

__all__ = [
    "PROBES",
    "Brittleness",
    "BrittlenessProbe",
    "ProbeOutcome",
    "ProbeState",
    "RecordedStates",
    "probe_brittleness",
    "recorded_states",
]
