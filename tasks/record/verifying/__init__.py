"""Whether a record is consistent with itself: what its own bytes can show, and nothing run again.

That the environment, or the agent, comes out again is for :mod:`investorbench.tasks.verdict`.
"""

from investorbench.tasks.record.verifying.findings import Finding, differences
from investorbench.tasks.record.verifying.job import verify_job
from investorbench.tasks.record.verifying.mixtures import mixtures

__all__ = ["Finding", "differences", "mixtures", "verify_job"]
