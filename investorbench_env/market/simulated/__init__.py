"""Simulated markets: prices and texts that follow from a hidden state which is known to us."""

from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.simulation import dynamics_of, simulate, simulate_many

__all__ = ["Dynamics", "dynamics_of", "simulate", "simulate_many"]
