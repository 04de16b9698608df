"""The arena's agent: a language model that trades perpetuals by one JSON reply a decision."""

from investorbench.agents.arena.arena import ArenaAgent
from investorbench.agents.arena.question import prompts_sha256

__all__ = ["ArenaAgent", "prompts_sha256"]
