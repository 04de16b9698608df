"""The proxy: a server on 127.0.0.1 while its ``with`` block runs."""

from typing import TYPE_CHECKING, Any, Self

from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.endpoints import Endpoints
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.outage import Say
from investorbench.agents.llm.proxy.forwarding import Forwarder
from investorbench.agents.llm.proxy.keys import Keys, KeyUse, Listener, ProxyKey
from investorbench.agents.llm.spending import Budget
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from investorbench.agents.llm.proxy.serving import ServingThread


class Proxy:
    """Puts our cache, cap and counts between the clients of any framework and one model.

    Args:
        model: that answers, whatever model a client asks for.
        cache: where replies are kept; None asks again each time.
        budget: the money of the run; None for no cap.
        base_url: the model's server; None: the model's own, or its provider's.
        endpoints: what is known of servers; None: the process's own knowledge.
        port: 0 for any that is free.
        say: takes lines about servers that are away; None: nothing is said.

    Raises:
        ModelError: the model has no server, no key, or the budget a cap and the model no price.
    """

    def __init__(
        self,
        model: Model,
        *,
        cache: Cache | None = None,
        budget: Budget | None = None,
        base_url: str | None = None,
        endpoints: Endpoints | None = None,
        port: int = 0,
        say: Say | None = None,
    ) -> None:
        self.model, self.budget = model, Budget() if budget is None else budget
        self._forwarder = Forwarder(model, cache, self.budget, base_url, endpoints, say)
        self._keys = Keys()
        self._port = port
        self._thread: ServingThread | None = None

    def key(
        self,
        payer: str = "",
        sample: str | int | None = None,
        listener: Listener | None = None,
        *,
        takes_labels: bool = False,
    ) -> ProxyKey:
        """What a client needs to ask, such as that of one episode; once the proxy runs.

        Args:
            payer: whose calls a budget counts them as.
            sample: part of the key of each answer in the cache, such as a seed: equal questions
                with another one are answered again.
            listener: who counts the answers besides.
            takes_labels: whether the key followed by ``-`` and a name is a key, too, which counts
                apart and has samples of its own.
        """
        use = KeyUse(payer=payer, sample=sample, listener=listener)
        api_key = self._keys.mint(use, takes_labels=takes_labels)
        return ProxyKey(base_url=self.base_url, api_key=api_key, model=self.model.id)

    @property
    def base_url(self) -> str:
        """What clients take for the model's server."""
        path = "" if self.model.provider == "anthropic" else "/v1"  # whose clients add it
        return f"http://127.0.0.1:{self._port}{path}"

    def figures(self) -> dict[str, Any]:
        """What was asked, answered and paid, in all and with each key, as plain JSON values."""
        money = {"max_usd": self.budget.max_usd, "spent_usd": self.budget.spent_usd}
        return {"model": self.model.id, **money, **self._keys.figures()}

    def __enter__(self) -> Self:
        try:
            from investorbench.agents.llm.proxy.app import App
            from investorbench.agents.llm.proxy.serving import ServingThread
        except ImportError as error:
            package = str(error.name or "starlette")
            raise MissingDependencyError(package, "proxy", "a proxy") from None
        app = App(self._forwarder, self._keys, self.figures)
        self._thread = ServingThread(app, self._port)
        self._port = self._thread.port
        return self

    def __exit__(self, *exception: object) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
