"""Our language model as a chat model of LangChain: cached, capped and counted like any other."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from investorbench.agents.adapters.openai_form import in_our_form
from investorbench.agents.llm import Answer, LanguageModel
from investorbench.agents.llm.answer import Tool
from investorbench_env.errors import MissingDependencyError

try:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import (
        AIMessage,
        BaseMessage,
        ToolCall,
        convert_to_openai_messages,
    )
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.runnables import Runnable
    from langchain_core.utils.function_calling import convert_to_openai_tool
except ImportError:
    raise MissingDependencyError("langchain-core", "langgraph", "a chat model") from None


class ChatModel(BaseChatModel):
    """A chat model for LangChain and LangGraph that asks the model of the run.

    ``with_structured_output`` and ``create_agent`` work; what their schema asks for comes by our
    ladder of ways to ask, with its repair turn.
    """

    model: Any
    """A ``LanguageModel``, which an agent is given as its parameter ``model``."""
    seed: int | None = None

    @property
    def _llm_type(self) -> str:
        return "investorbench"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model.name, "seed": self.seed}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The same model, which may call tools; ``tool_choice`` "any" asks for a call of one."""
        known = [convert_to_openai_tool(tool)["function"] for tool in tools]
        return self.bind(tools=known, tool_choice=tool_choice, **kwargs)

    def _generate(self, *given: Any, **kwargs: Any) -> ChatResult:
        return asyncio.run(self._agenerate(*given, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        asked = [in_our_form(message) for message in convert_to_openai_messages(messages)]
        model: LanguageModel = self.model
        if len(tools) == 1 and tool_choice:  # an answer of one form, not a tool to carry out
            (form,) = tools
            answer = await model.decide(asked, form["parameters"], seed=self.seed)
            value = answer.value
            calls = [] if value is None else [_call(form["name"], value, answer.request_hash[:24])]
        else:
            known = [
                Tool(
                    name=tool["name"],
                    description=tool.get("description", ""),
                    parameters=tool["parameters"],
                )
                for tool in tools
            ]
            answer = await model.decide(asked, None, seed=self.seed, tools=known)
            calls = [_call(each.name, each.arguments, each.id) for each in answer.tool_calls]
        return ChatResult(generations=[ChatGeneration(message=_said(answer, calls))])


def _said(answer: Answer, calls: list[ToolCall]) -> AIMessage:
    used = answer.usage
    tokens: Any = {"input_tokens": used.input, "output_tokens": used.output}
    tokens["total_tokens"] = used.input + used.output
    text = "" if calls and answer.value is not None else answer.text
    return AIMessage(content=text, tool_calls=calls, usage_metadata=tokens)


def _call(name: str, arguments: Mapping[str, Any], id: str) -> ToolCall:
    return {"name": name, "args": dict(arguments), "id": id, "type": "tool_call"}
