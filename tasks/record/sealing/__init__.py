"""Seals of a plan before it is run and of its record after, which are made here and compared."""

from investorbench.tasks.record.sealing.checking import CheckedSeal, check_seals, seal_findings
from investorbench.tasks.record.sealing.making import require_planned, seal_plan, seal_record
from investorbench.tasks.record.sealing.seals import Seal

__all__ = [
    "CheckedSeal", "Seal", "check_seals", "require_planned", "seal_findings", "seal_plan",
    "seal_record",
]  # fmt: skip
