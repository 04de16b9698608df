"""An OpenAI-compatible server on this machine, between any framework's own client and its model."""

from investorbench.agents.llm.proxy.keys import KeyUse, Listener, ProxyKey
from investorbench.agents.llm.proxy.proxy import Proxy

__all__ = ["KeyUse", "Listener", "Proxy", "ProxyKey"]
