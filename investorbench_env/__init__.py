"""Gymnasium environments for financial decisions, point in time by construction."""

from investorbench_env.registration import environment_ids, family_ids, register_all

__all__ = ["environment_ids", "family_ids", "register_all"]

register_all()
