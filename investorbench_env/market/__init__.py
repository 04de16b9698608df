"""Markets: what was known, and when."""

from investorbench_env.market.documents import Document, DocumentTable
from investorbench_env.market.market import FIELDS, Market, MarketView

__all__ = ["FIELDS", "Document", "DocumentTable", "Market", "MarketView"]
