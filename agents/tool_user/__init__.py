"""An agent whose model looks things up in the past before it decides, and the verbs for it."""

from investorbench.agents.tool_user.tool_user import ToolUser
from investorbench.agents.tool_user.verbs import VERBS, CallOutcome, carry_out

__all__ = ["VERBS", "CallOutcome", "ToolUser", "carry_out"]
