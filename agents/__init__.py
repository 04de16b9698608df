"""Agents: whatever turns an observation into an action."""

from investorbench.agents.agent import Agent, as_agent

__all__ = ["Agent", "as_agent"]
