"""Agents: whatever turns an observation into an action."""

from investorbench.agents.agent import Agent, TaskFacts, as_agent

__all__ = ["Agent", "TaskFacts", "as_agent"]
