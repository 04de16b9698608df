"""Agents for simulated markets alone, by what they know: the yardsticks for everybody else."""
