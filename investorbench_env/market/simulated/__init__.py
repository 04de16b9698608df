"""Simulated markets: prices and texts that follow from a hidden state which is known to us."""

from investorbench_env.market.simulated.dynamics import Dynamics
from investorbench_env.market.simulated.joint_law import JointLaw, ListedAsset
from investorbench_env.market.simulated.law import Law, SimulatedNumbers
from investorbench_env.market.simulated.noise import NoisyDynamics
from investorbench_env.market.simulated.perpetual_dynamics import PerpetualDynamics
from investorbench_env.market.simulated.perpetual_law import PerpetualLaw
from investorbench_env.market.simulated.profiles import dynamics_of
from investorbench_env.market.simulated.simulation import simulate, simulate_many, stable_seed

__all__ = [
    "Dynamics",
    "JointLaw",
    "Law",
    "ListedAsset",
    "NoisyDynamics",
    "PerpetualDynamics",
    "PerpetualLaw",
    "SimulatedNumbers",
    "dynamics_of",
    "simulate",
    "simulate_many",
    "stable_seed",
]
