"""FinMem, the reference agent: a language model with layered memory that feedback shapes."""

from agents.finmem.agent import FinMem
from agents.finmem.character import Character
from agents.finmem.outcomes import Feedback
from agents.finmem.perception import Facts
from agents.finmem.thought import Thought

__all__ = ["Character", "Facts", "Feedback", "FinMem", "Thought"]
