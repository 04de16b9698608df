"""An OpenAI-compatible server on 127.0.0.1 for tests: scripted answers, latency, faults, counts.

``with StubServer(answers) as server: … server.url … server.requests``. An answer is a text, a
:class:`Reply`, or a function of the request's body; of a list, each request gets the next one, and
the last for ever. Without answers it fills in whatever schema it is sent.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Fault = Literal["close", "close_mid_body", "hang", "bad_chunks", "html", "endless"]
PAGE = "<!DOCTYPE html><html><body>502 Bad Gateway, said the proxy</body></html>"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One reply: an answer, or a fault in place of it."""

    text: str = ""
    reasoning: str = ""
    reasoning_field: str = "reasoning_content"
    refusal: str | None = None
    finish_reason: str = "stop"
    usage: Mapping[str, Any] | None = None
    status: int = 200
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_s: float | None = None
    fault: Fault | None = None
    raw: str | None = None
    calls: Sequence[tuple[str, Any]] = ()
    """Tools to call, each with its arguments; as text where they are to be sent as they are."""


Answer = str | Reply
Answers = Answer | Sequence[Answer] | Callable[[dict[str, Any]], Answer]


class StubServer:
    """The server; runs in a thread of its own while its ``with`` block does.

    Args:
        answers: what it answers.
        latency_s: how long each answer takes.
        together: how many must ask at once before any of them is answered.
        rejects: parameters that it refuses with status 400, naming them.
        models: what ``/v1/models`` lists.
        context_length: of each of them, as it says there.
        version: what ``/version`` says; None where there is no such thing, and with ``"hang"``
            it says nothing for ever.
        fingerprint: the ``system_fingerprint`` of each reply; None for none.
    """

    def __init__(
        self,
        answers: Answers | None = None,
        *,
        latency_s: float = 0.0,
        together: int = 1,
        rejects: Sequence[str] = (),
        models: Sequence[str] = ("stub",),
        context_length: int = 131_072,
        version: str | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self._answers = answers
        self.latency_s, self.rejects, self.models = latency_s, rejects, models
        self.version, self.fingerprint = version, fingerprint
        self._together = asyncio.Barrier(together)
        self.context_length = context_length
        self.served_as: str | None = None
        """What it says its model is, in place of the name that was asked for."""
        self.requests: list[dict[str, Any]] = []
        """Bodies of all chat requests, refused ones included, in order of arrival."""
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> int:
        return len(self.requests)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            while await self._answer_one(reader, writer):
                pass
        self._tasks.discard(task)
        writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (item.split(":", 1) for item in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = line.split()[1]
        if path.endswith("/models"):
            listed = [
                {"id": name, "object": "model", "max_model_len": self.context_length}
                for name in self.models
            ]
            return await _send(writer, 200, json.dumps({"object": "list", "data": listed}))
        if path.endswith("/health"):
            return await _send(writer, 200, "{}")
        if path == "/version":
            if self.version is None:
                return await _send(writer, 404, '{"detail":"Not Found"}')
            if self.version == "hang":
                await self._stop.wait()
                return False
            return await _send(writer, 200, json.dumps({"version": self.version}))
        self.headers.append(headers)
        request = json.loads(body)
        self.requests.append(request)
        number = len(self.requests) - 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._chat(request, number, path, writer)
        finally:
            self.at_once -= 1

    async def _chat(
        self, request: dict[str, Any], number: int, path: str, writer: asyncio.StreamWriter
    ) -> bool:
        for name in self.rejects:
            if name in request:
                error = {"error": {"message": f"Unsupported parameter: {name}", "param": name}}
                return await _send(writer, 400, json.dumps(error))
        reply = self._reply_to(request, number)
        await asyncio.wait_for(self._together.wait(), 60)
        latency_s = self.latency_s if reply.latency_s is None else reply.latency_s
        if latency_s:
            await asyncio.sleep(latency_s)
        whole = self._body(reply, request, path) if reply.raw is None else reply.raw
        match reply.fault:
            case "hang":
                await self._stop.wait()
                return False
            case "close":
                return False
            case "close_mid_body":
                await _send(writer, 200, whole, cut=True)
                return False
            case "bad_chunks":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")
                await writer.drain()
                return False
            case "endless":
                head = f"HTTP/1.1 {reply.status} X\r\nTransfer-Encoding: chunked\r\n\r\n"
                writer.write(head.encode())
                while not self._stop.is_set():
                    writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                    await writer.drain()
                return False
            case "html":
                return await _send(writer, 200, PAGE, kind="text/html")
        if reply.status != 200:
            kind = "text/html" if reply.error.startswith("<") else "application/json"
            return await _send(writer, reply.status, reply.error, reply.headers, kind)
        return await _send(writer, 200, whole, reply.headers)

    def _body(self, reply: Reply, request: dict[str, Any], path: str) -> str:
        make = _message if path.endswith("/messages") else _chat_completion
        body = make(reply, request)
        if self.fingerprint is not None:
            body["system_fingerprint"] = self.fingerprint
        if self.served_as is not None:
            body["model"] = self.served_as
        return json.dumps(body)

    def _reply_to(self, request: dict[str, Any], number: int) -> Reply:
        answers = self._answers
        if answers is None:
            answer: Answer = json.dumps(fill(schema_of(request)))
        elif callable(answers):
            answer = answers(request)
        elif isinstance(answers, str | Reply):
            answer = answers
        else:
            answer = answers[min(number, len(answers) - 1)]
        return answer if isinstance(answer, Reply) else Reply(text=answer)


def schema_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that a request asks for, by whatever parameter it does."""
    form = request.get("response_format") or {}
    if "json_schema" in form:
        return dict(form["json_schema"]["schema"])
    if "format" in (config := request.get("output_config") or {}):
        return dict(config["format"]["schema"])
    if "structured_outputs" in request:
        return dict(request["structured_outputs"]["json"])
    for tool in reversed(request.get("tools") or []):
        function = tool.get("function") or tool
        if function["name"] == "decision":
            return dict(function.get("input_schema") or function["parameters"])
    question = str(request["messages"][-1]["content"]).rpartition("JSON Schema:\n")[2]
    try:
        return dict(json.loads(question))
    except ValueError:
        return {"type": "object"}


def fill(schema: Mapping[str, Any]) -> Any:
    """The plainest value of a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {key: fill(part) for key, part in schema.get("properties", {}).items()}
        case "array":
            return [fill(schema["items"])] * schema.get("minItems", 0)
        case "number" | "integer":
            return schema.get("minimum", 0)
        case "boolean":
            return False
    return "because"


def _chat_completion(reply: Reply, request: Mapping[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.reasoning:
        message[reply.reasoning_field] = reply.reasoning
    answers = "decision" in [tool["function"]["name"] for tool in request.get("tools") or []]
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": f"call-{number}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": given if isinstance(given, str) else json.dumps(given),
                },
            }
            for number, (name, given) in enumerate(reply.calls)
        ]
    elif answers and reply.text and not reply.refusal:
        call = {"name": "decision", "arguments": reply.text}
        message |= {"content": None, "tool_calls": [{"type": "function", "function": call}]}
    usage = reply.usage or {
        "prompt_tokens": sum(len(str(m["content"]).split()) for m in request["messages"]),
        "completion_tokens": len(reply.text.split()),
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    return {
        "id": "stub",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
        "usage": usage,
    }


def _message(reply: Reply, request: Mapping[str, Any]) -> dict[str, Any]:
    """The same in Anthropic's protocol."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    if reply.calls:
        parts += [
            {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}
            for number, (name, given) in enumerate(reply.calls)
        ]
    elif "decision" in [tool["name"] for tool in request.get("tools") or []] and reply.text:
        parts = [{"type": "tool_use", "name": "decision", "input": json.loads(reply.text)}]
    thinking = [{"type": "thinking", "thinking": reply.reasoning}] if reply.reasoning else []
    return {
        "id": "stub",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [*thinking, *parts],
        "stop_reason": {"stop": "end_turn", "length": "max_tokens"}[reply.finish_reason],
        "usage": dict(reply.usage or {"input_tokens": 5, "output_tokens": 3}),
    }


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    text: str,
    headers: Mapping[str, str] | None = None,
    kind: str = "application/json",
    cut: bool = False,
) -> bool:
    body = text.encode("utf-8", "surrogatepass")
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    writer.write(head + (body[: len(body) // 2] if cut else body))
    await writer.drain()
    return True
