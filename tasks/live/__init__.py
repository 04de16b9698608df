"""Accounts that only go forward: their published logs, and what does not follow in them."""

from investorbench.tasks.live.auditing import Audited, audit
from investorbench.tasks.live.findings import LogFinding

__all__ = ["Audited", "LogFinding", "audit"]
