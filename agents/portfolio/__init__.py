"""FinMem for a portfolio: a layered memory for each asset, and one decision about all of them."""

from investorbench.agents.portfolio.finmem_portfolio import FinMemPortfolio
from investorbench.agents.portfolio.thought import PortfolioThought

__all__ = ["FinMemPortfolio", "PortfolioThought"]
