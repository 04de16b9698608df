"""The application behind the server: who may ask, what there is to ask, and replies on the wire."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from investorbench.agents.llm.errors import ModelError, NotPassedError
from investorbench.agents.llm.exchange import Exchanged
from investorbench.agents.llm.proxy.forwarding import Forwarder
from investorbench.agents.llm.proxy.keys import Keys
from investorbench.agents.llm.proxy.passed import parsed
from investorbench.agents.llm.proxy.refusals import NO_RETRY, refusal_of
from investorbench_env.errors import InvestorBenchError

LONGEST_BODY = 64 * 1024 * 1024
"""Bytes; a prompt of a million tokens has some four million, and images have more."""
OTHER_METHODS = ["PUT", "DELETE", "PATCH"]


class App:
    """Answers requests.

    Args:
        forwarder: what asks the model.
        keys: of those who may ask.
        figures: what ``/usage`` says.
    """

    def __init__(
        self, forwarder: Forwarder, keys: Keys, figures: Callable[[], dict[str, Any]]
    ) -> None:
        self._forwarder, self._keys, self._figures = forwarder, keys, figures
        self._tasks: set[asyncio.Task[Exchanged]] = set()
        handlers = {"POST": self._post, "GET": self._get} | dict.fromkeys(OTHER_METHODS, self._no)
        self.asgi = Starlette(
            routes=[
                Route("/{path:path}", handler, methods=[method])
                for method, handler in handlers.items()
            ],
            exception_handlers={Exception: _own_mistake},
        )

    def break_off(self) -> None:
        """End what is in flight; call it in the loop that serves."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _post(self, request: Request) -> Response:
        path, use = _path(request), None
        try:
            use = self._keys.use_of(request.headers)
            use.requests += 1
            body = parsed(await _read(request))
            # Not cancelled with its client: what is paid for is kept.
            task = asyncio.create_task(self._forwarder.ask(path, body, use))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            exchanged = await asyncio.shield(task)
        except asyncio.CancelledError:
            return _refusal(NotPassedError(503, "the proxy was stopped", "stopped"))
        except InvestorBenchError as error:
            if use is not None:
                known = error if isinstance(error, ModelError) else ModelError(str(error))
                use.fail(known, refusal_of(error).kind)
            return _refusal(error)
        return self._reply(path, body, exchanged)

    def _reply(self, path: str, body: Mapping[str, Any], exchanged: Exchanged) -> Response:
        headers = {"x-investorbench-cache": "hit" if exchanged.cached else "miss"}
        whole, events = exchanged.completion.body, self._forwarder.routes[path].events
        if not body.get("stream") or events is None:
            return Response(whole, media_type="application/json", headers=headers)
        stream = "".join(events(json.loads(whole, strict=False), body))
        return Response(stream, media_type="text/event-stream", headers=headers)

    async def _get(self, request: Request) -> Response:
        """The model, and what was asked, answered and paid."""
        model = {
            "id": self._forwarder.model.id,
            "object": "model",
            "created": 0,
            "owned_by": "investorbench",
        }
        try:
            self._keys.use_of(request.headers)
        except NotPassedError as error:
            return _refusal(error)
        match _path(request).strip("/").partition("/"):
            case "models", _, "":
                return JSONResponse({"object": "list", "data": [model]})
            case "models", _, _:
                return JSONResponse(model)
            case "usage", _, "":
                return JSONResponse(self._figures())
        return await self._no(request)

    async def _no(self, request: Request) -> Response:
        what = f"there is no {request.method} {request.url.path} at this proxy"
        said = f"{what}; what there is stands in docs/proxy.md"
        return _refusal(NotPassedError(404, said, "not_passed"))


def _path(request: Request) -> str:
    """What was asked for, with ``/v1`` in front of it or without."""
    return "/" + request.url.path.strip("/").removeprefix("v1/")


async def _read(request: Request) -> bytes:
    """The body of a request, as long as it may be."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > LONGEST_BODY:
            raise NotPassedError(413, f"the request has more than {LONGEST_BODY:,} bytes")
    return bytes(read)


def _refusal(error: Exception) -> Response:
    reply = refusal_of(error)
    return JSONResponse(dict(reply.body), status_code=reply.status, headers=NO_RETRY)


async def _own_mistake(request: Request, error: Exception) -> Response:
    """What a client is sent for a mistake of ours; the server logs it besides."""
    return _refusal(error)
