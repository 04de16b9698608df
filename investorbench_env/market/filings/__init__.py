"""Filings, cut into the items that their form prescribes."""

from investorbench_env.market.filings.cutting import CutFiling, Section, cut
from investorbench_env.market.filings.pages import plain_text

__all__ = ["CutFiling", "Section", "cut", "plain_text"]
