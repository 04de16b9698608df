"""FinMem, the reference agent: a language model with layered memory that feedback shapes."""

from investorbench.agents.finmem.character import Character
from investorbench.agents.finmem.finmem import FinMem
from investorbench.agents.finmem.past_decisions import Feedback
from investorbench.agents.finmem.perception import Perception
from investorbench.agents.finmem.thought import Thought

__all__ = ["Character", "Feedback", "FinMem", "Perception", "Thought"]
