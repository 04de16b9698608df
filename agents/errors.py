"""Errors in what an agent rests on, from whichever package they come."""

import sqlite3

from investorbench.agents.llm.errors import ModelError
from investorbench.memory import LayeredMemoryError
from investorbench_env.errors import InvestorBenchError

EXPLAINED = (InvestorBenchError, LayeredMemoryError)
"""Ours: the message says what is wrong and what to do, so it is shown without a traceback."""
INFRASTRUCTURE = (ModelError, LayeredMemoryError, OSError, sqlite3.Error)
"""What an agent is not to blame for: servers, disks, a cap on what may be spent."""
