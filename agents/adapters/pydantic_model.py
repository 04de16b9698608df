"""Our language model as a model of Pydantic AI: cached, capped and counted like any other."""

from collections.abc import Iterator
from typing import Any

from investorbench.agents.llm import LanguageModel, Message, ModelError
from investorbench.agents.llm.answer import Tool
from investorbench.agents.llm.contents import image_part, text_part
from investorbench_env.errors import MissingDependencyError

try:
    from pydantic_ai import messages as theirs
    from pydantic_ai.models.function import AgentInfo, FunctionModel
    from pydantic_ai.tools import ToolDefinition
    from pydantic_ai.usage import RequestUsage
except ImportError:
    raise MissingDependencyError("pydantic-ai-slim", "pydantic-ai", "a model for it") from None


def chat_model(model: LanguageModel, seed: int | None = None) -> FunctionModel:
    """A model for ``pydantic_ai.Agent`` that asks the model of the run.

    An output that has one schema comes by our ladder of ways to ask, with its repair turn.

    Args:
        model: what an agent is given as its parameter ``model``.
        seed: of the sampling.
    """

    async def request(messages: list[theirs.ModelMessage], info: AgentInfo) -> theirs.ModelResponse:
        asked = [*_instructions(info), *(own for each in messages for own in _ours(each))]
        forms = info.output_tools
        form = forms[0] if len(forms) == 1 and not info.allow_text_output else None
        tools = info.function_tools if form else [*info.function_tools, *forms]
        schema = None if form is None else form.parameters_json_schema
        answer = await model.decide(asked, schema, seed=seed, tools=[*map(_tool, tools)])
        calls = [(call.name, dict(call.arguments), call.id) for call in answer.tool_calls]
        if form is not None and answer.value is not None:
            calls = [(form.name, dict(answer.value), answer.request_hash[:24])]
        text = [] if calls else [theirs.TextPart(answer.text)]
        used = RequestUsage(input_tokens=answer.usage.input, output_tokens=answer.usage.output)
        return theirs.ModelResponse(
            parts=[*text, *(theirs.ToolCallPart(name, args, id) for name, args, id in calls)],
            usage=used,
            model_name=answer.model,
        )

    return FunctionModel(request, model_name=model.name)


def _instructions(info: AgentInfo) -> list[Message]:
    return [{"role": "system", "content": info.instructions}] if info.instructions else []


def _tool(tool: ToolDefinition) -> Tool:
    about = tool.description or ""
    return Tool(name=tool.name, description=about, parameters=tool.parameters_json_schema)


def _ours(message: theirs.ModelMessage) -> Iterator[Message]:
    """A message of theirs in our own form."""
    if isinstance(message, theirs.ModelResponse):
        texts = (part.content for part in message.parts if isinstance(part, theirs.TextPart))
        calls = [
            {"id": part.tool_call_id, "name": part.tool_name, "arguments": part.args_as_dict()}
            for part in message.parts
            if isinstance(part, theirs.ToolCallPart)
        ]
        said: dict[str, Any] = {"role": "assistant", "content": "\n".join(texts)}
        yield said | ({"tool_calls": calls} if calls else {})
        return
    for part in message.parts:
        if isinstance(part, theirs.SystemPromptPart):
            yield {"role": "system", "content": part.content}
        elif isinstance(part, theirs.UserPromptPart):
            yield {"role": "user", "content": _content(part.content)}
        elif isinstance(part, theirs.ToolReturnPart):
            result = part.model_response_str()
            yield {"role": "tool", "tool_call_id": part.tool_call_id, "content": result}
        elif isinstance(part, theirs.RetryPromptPart) and part.tool_name is not None:
            result = part.model_response()
            yield {"role": "tool", "tool_call_id": part.tool_call_id, "content": result}
        elif isinstance(part, theirs.RetryPromptPart):
            yield {"role": "user", "content": part.model_response()}


def _content(given: Any) -> Any:
    if isinstance(given, str):
        return given
    return [*map(_part, given)]


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return text_part(part)
    if isinstance(part, theirs.BinaryContent) and part.is_image:
        return image_part(part.data, part.media_type)
    raise ModelError(f"a message holds a {type(part).__name__}: give texts and images")
