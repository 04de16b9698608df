"""One request over an SDK, and what its failures mean; a dialect says what is sent and read.

The SDKs of OpenAI and Anthropic come from one generator: same arguments, same errors.
"""

import asyncio
import contextlib
import importlib
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from investorbench.agents.llm.answer import Completion, Tool
from investorbench.agents.llm.endpoints import PerLoop
from investorbench.agents.llm.errors import (
    MissingKeyError,
    ModelError,
    public_address,
    without_key,
    without_secrets,
)
from investorbench.agents.llm.models import Model
from investorbench.agents.llm.providers.bounded import bound
from investorbench.agents.llm.providers.checked import UnreadableBodyError
from investorbench.agents.llm.request import Request
from investorbench.agents.llm.retrying import Fault, retry_after_s
from investorbench.agents.llm.send_queue import SEND_QUEUES
from investorbench.agents.llm.tool_calls import without_key_in
from investorbench_env.errors import MissingDependencyError

NO_KEY = "none"
"""Servers without keys still want the header."""
SAID = ("text", "reasoning", "refusal", "model", "system_fingerprint", "response_id", "body")
"""What of a completion a server chose the words of, which may be the key."""
CONNECT_TIMEOUT_S = 15.0
"""A machine that is switched off does not refuse a connection."""
CONTEXT_LENGTHS = (
    "max_model_len",  # vLLM, SGLang
    "context_length",  # OpenRouter, Together
    "context_window",  # Groq
    "max_context_length",  # LM Studio, Mistral
    "max_input_tokens",  # Anthropic
)
"""What servers call the tokens of a request in their lists of models."""
VERSION_TIMEOUT_S = 5.0
LISTING_TIMEOUT_S = 15.0
UNREADABLE = (
    UnreadableBodyError, TimeoutError, ValueError, LookupError, TypeError, RecursionError,
)  # fmt: skip
LONGEST_VERSION = 100
"""Characters."""
_SENDABLE = re.compile(r"[!-~]+")
"""What an address or a key is made of: ASCII without blanks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one protocol is spoken.

    Attributes:
        package: of the SDK.
        client: its class of asynchronous clients.
        extra: that installs it.
        default_url: the provider's own address.
        body_of: what is sent for a request.
        path: where they are posted, after the address.
        completion_of: reads the body of a reply, given the seconds it took and what may be called.
        program: what serves, where its servers say of which version they are.
        version_path: where they do, from the root of their address.
        models_path: where they list their models, after the address.
    """

    package: str
    client: str
    extra: str
    default_url: str
    body_of: Callable[[Request], dict[str, Any]]
    path: str
    completion_of: Callable[[str, float, Sequence[Tool]], Completion]
    program: str = ""
    version_path: str = ""
    models_path: str = "/models"


@dataclass(slots=True)
class Clients:
    """The SDK's clients of one event loop, through each of which one thing is asked at a time.

    A client looks through all its connections at every request, which with 64 of them takes a
    sixth of the time of a call.

    Attributes:
        idle: those that nothing is asked through.
        opened: all of them.
        closing: closes them when the loop shuts down.
    """

    idle: list[Any] = field(default_factory=list)
    opened: list[Any] = field(default_factory=list)
    closing: AsyncIterator[None] | None = None

    async def close_at_end(self) -> AsyncIterator[None]:
        """Begun once: asyncio finishes a loop's asynchronous generators before it closes it."""
        try:
            yield
        finally:
            for client in self.opened:
                await client.close()


class SdkProvider:
    """Puts requests to one server.

    Args:
        model: whose server it is.
        dialect: what the server speaks.
        key: for the server; empty where it wants none.
        base_url: its address; None: the model's, or the provider's own.

    Raises:
        ModelError: the address is none, or holds a password.
    """

    def __init__(
        self, model: Model, dialect: Dialect, key: str = "", base_url: str | None = None
    ) -> None:
        self._url = base_url or model.base_url or dialect.default_url
        _require_address(self._url, model.name)
        self.address = public_address(self._url)
        self._key = key
        self._dialect = dialect
        self._timeout_s = model.patience.attempt_timeout_s
        self._clients: PerLoop[Clients] = PerLoop(Clients)
        self._servers: PerLoop[list[asyncio.Task[str]]] = PerLoop(list)

    async def complete(self, request: Request) -> Completion:
        """Send a request once.

        Raises:
            Fault: there is no usable reply; says whether to try again.
        """
        sdk, turns, loop = self._sdk(), SEND_QUEUES.get(), asyncio.get_running_loop()
        task: asyncio.Task[str] | None = None
        try:
            async with self._client(sdk) as client:
                async with turns.to_send():
                    started = loop.time()
                    task = asyncio.create_task(self._post(client, self._dialect.body_of(request)))
                async with asyncio.timeout_at(started + self._timeout_s):
                    text = await task
        except TimeoutError:
            raise self._late() from None
        except UnreadableBodyError as error:
            raise Fault("not_json", str(error)) from None
        except sdk.APIStatusError as error:
            reply = without_secrets(error.response.text, self._key)
            headers = error.response.headers
            reply = reply or without_secrets(headers.get("location", ""), self._key)
            raise fault_of_status(error.status_code, headers, reply) from None
        except sdk.APIConnectionError as error:
            raise self._fault_of_connection(error) from None
        except (sdk.APIError, UnicodeError) as error:
            reason = without_secrets(str(error), self._key)
            raise Fault("not_json", f"unreadable reply: {reason}") from None
        finally:
            if task is not None:
                task.cancel()
        took_s = loop.time() - started
        server = await self._server(sdk)
        await turns.to_take()
        try:
            completion = self._dialect.completion_of(text, took_s, request.tools)
        except Fault as fault:
            fault.reply = without_key(fault.reply, self._key)
            raise
        said: dict[str, Any] = {
            name: without_key(getattr(completion, name), self._key) for name in SAID
        }
        calls = without_key_in(completion.tool_calls, self._key)
        return replace(completion, server=server, tool_calls=calls, **said)

    async def models(self) -> list[str] | None:
        """The models that the server lists; None where it lists none that can be read."""
        try:
            listed = await self._listed()
        except Fault:
            return None
        return None if listed is None else sorted(without_key(n, self._key) for n in listed)

    async def context_length(self, model: str) -> int | None:
        """Tokens that a request to a model may have, where the server lists them with it.

        Raises:
            Fault: it cannot be reached.
        """
        entry = (await self._listed() or {}).get(model, {})
        lengths = (entry.get(name) for name in CONTEXT_LENGTHS)
        return next((n for n in lengths if isinstance(n, int) and n > 1), None)

    async def _listed(self) -> dict[str, Any] | None:
        """What the server says of each model; None where nothing can be read."""
        sdk = self._sdk()
        try:
            async with (
                self._client(sdk) as client,
                asyncio.timeout(min(LISTING_TIMEOUT_S, self._timeout_s)),
            ):
                text = await client.get(self._dialect.models_path, cast_to=str)
            return {str(each["id"]): dict(each) for each in json.loads(text)["data"]}
        except sdk.APIConnectionError as error:
            raise self._fault_of_connection(error) from None
        except (sdk.APIError, *UNREADABLE):
            return None

    async def _server(self, sdk: ModuleType) -> str:
        """The server's program and version, asked once in a loop; empty where it does not say."""
        if not self._dialect.version_path:
            return ""
        asked = self._servers.get()
        if not asked:
            asked.append(asyncio.create_task(self._ask_version(sdk)))
        return await asyncio.shield(asked[0])

    async def _ask_version(self, sdk: ModuleType) -> str:
        url = self._url.rstrip("/").removesuffix("/v1") + self._dialect.version_path
        try:
            async with (
                self._client(sdk) as client,
                asyncio.timeout(min(VERSION_TIMEOUT_S, self._timeout_s)),
            ):
                text = await client.get(url, cast_to=str)
            version = json.loads(text)["version"]
        except (sdk.APIError, *UNREADABLE):
            return ""
        is_one = isinstance(version, str) and 0 < len(version) <= LONGEST_VERSION
        return f"{self._dialect.program} {without_key(version, self._key)}" if is_one else ""

    async def _post(self, client: Any, body: dict[str, Any]) -> str:
        """The body of the reply; not by the SDK's typed methods.

        Which parameters those know changes with the SDK's version, and checking a schema against
        their types takes most of their time.
        """
        return str(await client.post(self._dialect.path, body=body, cast_to=str))

    def _fault_of_connection(self, error: Exception) -> Fault:
        """A connection that was never made, or one that broke after the request was sent."""
        cause = error.__cause__ or error
        if isinstance(cause, UnreadableBodyError):
            return Fault("not_json", str(cause))
        if type(cause).__name__ in ("ReadTimeout", "WriteTimeout"):
            return self._late()
        reason = without_secrets(f"{type(cause).__name__}: {cause}".strip(": "), self._key)
        if any(word in type(cause).__name__ for word in ("Connect", "Pool")):
            return Fault("unreachable", f"cannot connect: {reason}")
        return Fault("cut_off", f"the connection broke: {reason}")

    def _late(self) -> Fault:
        return Fault("timeout", f"no reply within {self._timeout_s:g} s")

    def _sdk(self) -> ModuleType:
        try:
            return importlib.import_module(self._dialect.package)
        except ImportError:
            raise MissingDependencyError(
                self._dialect.package, self._dialect.extra, "asking a language model"
            ) from None

    @contextlib.asynccontextmanager
    async def _client(self, sdk: ModuleType) -> AsyncIterator[Any]:
        """A client of the running loop through which nothing else is asked meanwhile."""
        clients = self._clients.get()
        if clients.closing is None:
            clients.closing = clients.close_at_end()
            await anext(clients.closing)
        client = clients.idle.pop() if clients.idle else self._open(sdk, clients)
        try:
            yield client
        finally:
            clients.idle.append(client)

    def _open(self, sdk: ModuleType, clients: Clients) -> Any:
        connecting_s = min(CONNECT_TIMEOUT_S, self._timeout_s)
        timeout = sdk.Timeout(self._timeout_s, connect=connecting_s)
        # Retries are ours: the SDK's know nothing of the gate, the budget or the record.
        client = getattr(sdk, self._dialect.client)(
            base_url=self._url,
            api_key=self._key or NO_KEY,
            max_retries=0,
            timeout=timeout,
            http_client=sdk.DefaultAsyncHttpxClient(
                timeout=timeout,
                verify=_secured(sdk),
                follow_redirects=False,  # what is asked goes to the address that was given
                headers={"Accept-Encoding": "identity"},
                event_hooks={"response": [bound]},
            ),
        )
        clients.opened.append(client)
        return client


@cache
def _secured(sdk: ModuleType) -> Any:
    """What connections are secured by: each client would read all certificates for itself."""
    # httpx, or its successor.
    library = sdk.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0]
    return importlib.import_module(library).create_ssl_context()


def key_of(model: Model) -> str:
    """The model's key, from the environment; empty where it needs none.

    Raises:
        MissingKeyError: it needs one, and its variable is not set.
        ModelError: what its variable holds is no key.
    """
    if model.key_env is None:
        return ""
    key = os.environ.get(model.key_env, "").strip()
    if not key:
        raise MissingKeyError(model.key_env, model.name)
    if not _SENDABLE.fullmatch(key):
        raise ModelError(
            f"the environment variable {model.key_env} holds more than a key, such as a line "
            "break, a blank or a letter beyond ASCII: set it to the key alone"
        )
    return key


def _require_address(url: str, model: str) -> None:
    """Refuse what is no address before anything waits for a server there.

    Raises:
        ModelError: it is none, or holds a password.
    """
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or not _SENDABLE.fullmatch(url):
        raise ModelError(
            f"the base_url of model {model} is no address: give one such as "
            "http://127.0.0.1:8000/v1, with http:// or https:// in front"
        )
    if parts.username or parts.password or parts.query:
        # An SDK logs addresses, and anybody who reads a configuration sees them.
        raise ModelError(
            f"the base_url of model {model} holds a user name, password or query: keys belong in "
            "an environment variable, named by key_env"
        )


def fault_of_status(status: int, headers: Mapping[str, str], reply: str) -> Fault:
    """What an error status means; the reply must hold no key."""
    wait_s = retry_after_s(headers, reply=reply)
    return Fault("status", f"HTTP {status}", status=status, reply=reply, retry_after_s=wait_s)
