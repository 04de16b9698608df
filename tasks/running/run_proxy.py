"""The proxy of a run: started when the first agent asks for it, with one key an episode."""

import threading
from collections.abc import Callable
from typing import Self

from investorbench.agents.llm.proxy import Listener, Proxy, ProxyKey


class RunProxy:
    """Hands out keys of a proxy that all episodes of a model share.

    Args:
        make: makes the proxy.
    """

    def __init__(self, make: Callable[[], Proxy]) -> None:
        self._make = make
        self._proxy: Proxy | None = None
        self._lock = threading.Lock()

    def key(self, payer: str, sample: int, listener: Listener) -> ProxyKey:
        """A key for an episode; for the arguments see ``Proxy.key``.

        Raises:
            ModelError: the model has no server.
        """
        with self._lock:
            if self._proxy is None:
                self._proxy = self._make().__enter__()
        return self._proxy.key(payer, sample, listener)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._proxy is not None:
            self._proxy.__exit__(*exception)
