"""Frameworks as they come, without a line of ours in them, through the proxy."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from investorbench.agents.llm import Budget, Cache, Endpoints
from investorbench.agents.llm.proxy import Proxy, ProxyKey
from tests.agents.llm.asking import model
from tests.agents.llm.stub_server import Reply, StubServer

pytestmark = pytest.mark.heavy
PRICED = {"price": {"input": 100.0, "output": 1000.0}, "context_length": 200}
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
CALLS = 2
"""Of a day: one that calls a tool, one that decides by its result."""
Decide = Callable[[str], Awaitable[str]]
"""What a framework makes of a day: a question in, a word out."""
Framework = Callable[[ProxyKey, bool], contextlib.AbstractAsyncContextManager[Decide]]
"""One that asks with a key, streamed or not, and closes its connections at the end."""


def price_of(day: str) -> str:
    """The tool of all of them: the last close.

    Args:
        day: of which day.
    """
    return f"On {day} it closed at {sum(day.encode())}."


@contextlib.asynccontextmanager
async def langgraph(key: ProxyKey, streams: bool) -> AsyncIterator[Decide]:
    """The graph of an agent with a tool, before the client of LangChain."""
    pytest.importorskip("langgraph", reason="the extra frameworks is not installed")
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI
    from langgraph.graph import START, MessagesState, StateGraph
    from langgraph.prebuilt import ToolNode, tools_condition

    tools = [tool(price_of)]
    connections = openai.DefaultAsyncHttpxClient()
    chat = ChatOpenAI(
        model="gpt-4o", base_url=key.base_url, api_key=key.api_key, streaming=streams,
        http_async_client=connections,
    )  # fmt: skip
    bound = chat.bind_tools(tools)

    async def ask(state: MessagesState) -> Any:
        return {"messages": [await bound.ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", tools_condition)
    graph.add_edge("tools", "ask")
    compiled = graph.compile()

    async def decide(question: str) -> str:
        state = await compiled.ainvoke({"messages": [("user", question)]})
        return str(state["messages"][-1].content)

    async with connections:
        yield decide


@contextlib.asynccontextmanager
async def pydantic_ai(key: ProxyKey, streams: bool, kind: Any = None) -> AsyncIterator[Decide]:
    """An agent with a tool, over chat completions or what else is named."""
    pytest.importorskip("pydantic_ai", reason="the extra frameworks is not installed")
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = openai.AsyncOpenAI(base_url=key.base_url, api_key=key.api_key)
    provider = OpenAIProvider(openai_client=client)
    agent = Agent((kind or OpenAIChatModel)("gpt-4o", provider=provider), tools=[price_of])

    async def decide(question: str) -> str:
        if not streams:
            return str((await agent.run(question)).output)
        async with agent.run_stream(question) as result:
            return str(await result.get_output())

    async with client:
        yield decide


@contextlib.asynccontextmanager
async def over_responses(key: ProxyKey, streams: bool) -> AsyncIterator[Decide]:
    """An agent of pydantic-ai over responses, which it speaks to OpenAI by default."""
    pytest.importorskip("pydantic_ai", reason="the extra frameworks is not installed")
    from pydantic_ai.models.openai import OpenAIResponsesModel

    async with pydantic_ai(key, streams, OpenAIResponsesModel) as decide:
        yield decide


FRAMEWORKS = [langgraph, pydantic_ai, over_responses]


def answer(request: dict[str, Any]) -> Reply:
    """Calls the tool, then decides by what it said, in the protocol of the request."""
    said = json.dumps(request.get("messages") or request.get("input"))
    day = said.partition("day ")[2][:2]
    word = ("buy", "sell")[int(day) % 2]
    if "messages" in request:
        called = Reply(calls=[("price_of", {"day": day})], usage=USAGE, finish_reason="tool_calls")
        return Reply(text=word, usage=USAGE) if "closed" in said else called
    item: dict[str, Any] = {
        "type": "function_call", "id": "fc_1", "call_id": f"call_{day}", "name": "price_of",
        "arguments": json.dumps({"day": day}), "status": "completed",
    }  # fmt: skip
    if "closed" in said:
        content = [{"type": "output_text", "text": word, "annotations": []}]
        item = {
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": content,
        }  # fmt: skip
    return Reply(raw=json.dumps(response_of(item)))


def response_of(item: dict[str, Any]) -> dict[str, Any]:
    """A whole response of one item."""
    details = {
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "stub", "tools": [],
        "status": "completed", "error": None, "incomplete_details": None, "instructions": None,
        "parallel_tool_calls": True, "tool_choice": "auto", "metadata": {}, "output": [item],
        "usage": {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110, **details},
    }  # fmt: skip


DAYS = [f"{day:02d}" for day in range(10, 15)]


@contextlib.contextmanager
def proxied(url: str, cache: Cache, budget: Budget | None = None) -> Iterator[Proxy]:
    own = model(**PRICED)
    with Proxy(own, base_url=url, cache=cache, budget=budget, endpoints=Endpoints()) as proxy:
        yield proxy


async def decided(framework: Framework, key: ProxyKey, streams: bool = False) -> list[str]:
    """What a framework decides on some days."""
    async with framework(key, streams) as decide:
        return [await decide(f"It is day {day}. Sell or buy?") for day in DAYS]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_framework_is_cached_capped_and_replayed_without_a_line_of_ours_in_it(
    framework: Framework, tmp_path: Path
) -> None:
    # In one loop: some frameworks keep a connection for all clients of an address.
    asyncio.run(_is_cached_capped_and_replayed(framework, tmp_path))


async def _is_cached_capped_and_replayed(framework: Framework, folder: Path) -> None:
    path, each = folder / "answers.sqlite", CALLS * len(DAYS)
    with StubServer(answer) as server, Cache(path) as cache:
        with proxied(server.url, cache) as proxy:
            first = await decided(framework, proxy.key("one", 1))
            assert server.calls == each and set(first) == {"buy", "sell"}
            assert await decided(framework, proxy.key("same", 1)) == first
            assert await decided(framework, proxy.key("streaming", 1), streams=True) == first
            assert server.calls == each  # all of it from the cache
            assert await decided(framework, proxy.key("other", 2)) == first
            assert server.calls == 2 * each
            figures = proxy.figures()["keys"]
        budget = Budget(max_usd=0.07)  # a call costs .02, and is estimated at less than .04
        with (
            proxied(server.url, cache, budget) as proxy,
            pytest.raises(Exception, match=r"max_usd=0\.07") as stopped,
        ):
            await decided(framework, proxy.key("capped", 3))
        assert server.calls <= 2 * each + 3 and budget.spent_usd <= 0.07
        assert "402" in str(stopped.value) or "spend_cap" in str(stopped.value)
        url, asked = server.url, server.calls
    assert [figures[name]["cached"] for name in ("one", "same", "streaming")] == [0, each, each]
    assert figures["one"]["cost_usd"] == pytest.approx(0.02 * each)
    assert figures["same"]["cost_usd"] == 0.0
    with Cache(path, "replay_only") as cache, proxied(url, cache) as proxy:
        assert await decided(framework, proxy.key("replay", 1)) == first
        with pytest.raises(Exception, match="replay_only"):
            await decided(framework, proxy.key("unknown", 4))
    assert server.calls == asked


def test_the_client_of_anthropic_is_kept_replayed_and_streamed_likewise(tmp_path: Path) -> None:
    anthropic = pytest.importorskip("anthropic", reason="the extra anthropic is not installed")
    own = model(provider="anthropic", **PRICED)
    asked = {"model": "any", "max_tokens": 9, "messages": [{"role": "user", "content": "Buy?"}]}
    with (
        StubServer(Reply(text="Buy it.", reasoning="Hm.")) as server,
        Cache(tmp_path / "answers.sqlite") as cache,
        Proxy(own, base_url=server.url, cache=cache, endpoints=Endpoints()) as proxy,
    ):
        key = proxy.key("one", 1)
        with anthropic.Anthropic(base_url=key.base_url, api_key=key.api_key) as client:
            whole = client.messages.create(**asked)
            with client.messages.stream(**asked) as stream:
                streamed = stream.get_final_message()
        figures = proxy.figures()["total"]
    assert [part.type for part in whole.content] == ["thinking", "text"]
    assert streamed.content[-1].text == "Buy it."
    assert server.calls == 1 and figures["cached"] == 1 and figures["status"] == {"ok": 2}
