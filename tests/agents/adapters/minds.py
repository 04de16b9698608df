"""Agents over other people's frameworks, as a user would write them, for `agent._target_=…`."""

from typing import Any, Literal

from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from pydantic import BaseModel
from pydantic_ai import Agent

from investorbench.agents.adapters.langchain_model import ChatModel
from investorbench.agents.adapters.langgraph import LangGraphAgent
from investorbench.agents.adapters.pydantic_ai import PydanticAgent
from investorbench.agents.adapters.pydantic_model import chat_model


class Trade(BaseModel):
    """What to do."""

    rationale: str
    decision: Literal["buy", "hold", "sell"]


@tool
def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


def graph(model: Any) -> LangGraphAgent:
    """Looks something up until it is satisfied, then decides."""
    chat = ChatModel(model=model)
    reading = chat.bind_tools([double, add])

    async def read(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await reading.ainvoke(state["messages"])]}

    async def decide(state: MessagesState) -> dict[str, Any]:
        asked = [*state["messages"], {"role": "user", "content": "Decide."}]
        return {"decision": await chat.with_structured_output(Trade).ainvoke(asked)}

    class State(MessagesState):
        decision: Trade

    built = StateGraph(State)
    built.add_node("read", read)
    built.add_node("tools", ToolNode([double, add]))
    built.add_node("decide", decide)
    built.add_edge(START, "read")
    built.add_conditional_edges("read", tools_condition, {"tools": "tools", END: "decide"})
    built.add_edge("tools", "read")
    built.add_edge("decide", END)
    return LangGraphAgent(built.compile())


@tool
def add(one: int, other: int) -> int:
    """The sum of two numbers."""
    return one + other


def pydantic(model: Any) -> PydanticAgent:
    """May double a number before it decides."""
    agent = Agent(chat_model(model), output_type=Trade)

    @agent.tool_plain
    def twice(number: int) -> int:
        """Twice a number."""
        return 2 * number

    return PydanticAgent(agent)
