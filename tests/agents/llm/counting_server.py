"""A server that counts tokens, keeps to its context as vLLM or OpenAI does, and caches prefixes.

Tokens are words in pieces of six letters, digits and other signs, and four more a message. The
schema comes first, then the messages, as OpenAI says of its cache: of a prompt of 1,024 tokens or
more, what it has in common with one before is cached, in steps of 128 tokens.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Literal

from tests.agents.llm.stub_server import Reply, fill, schema_of

Style = Literal["vllm", "openai"]
_TOKEN = re.compile(r"[A-Za-z]{1,6}|\d|[^A-Za-z\d\s]")
OF_A_MESSAGE = 4
LEAST_CACHED, STEP = 1024, 128


def tokens_of(text: str) -> list[str]:
    """The tokens of a text."""
    return _TOKEN.findall(text)


class CountingModel:
    """What such a server answers.

    Args:
        context: tokens that prompt and answer may have together.
        style: whose words it says so with.
        answer: what it answers; None: the plainest value of the schema.
    """

    def __init__(
        self,
        context: int,
        style: Style = "vllm",
        answer: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        self.context, self.style = context, style
        self._answer = answer or (lambda body: json.dumps(fill(schema_of(body))))
        self.prompts: list[int] = []
        """Tokens of each prompt that was answered."""
        self.cached: list[int] = []
        self.refused = 0
        self.schemas: set[str] = set()
        self._seen: set[int] = set()

    def __call__(self, body: dict[str, Any]) -> str | Reply:
        written = body.get("max_completion_tokens") or body.get("max_tokens") or 0
        tokens = self._prompt(body)
        if len(tokens) + written > self.context:
            self.refused += 1
            return Reply(status=400, error=self._refusal(len(tokens), written))
        self.schemas.add(json.dumps(schema_of(body)))
        self.prompts.append(len(tokens))
        self.cached.append(self._cached(tokens))
        text = self._answer(body)
        details = {"cached_tokens": self.cached[-1]}
        usage = {"prompt_tokens": len(tokens), "completion_tokens": len(tokens_of(text))}
        return Reply(text=text, usage=usage | {"prompt_tokens_details": details})

    def _prompt(self, body: dict[str, Any]) -> list[str]:
        sent = [body[name] for name in ("tools", "response_format") if name in body]
        tokens = tokens_of(json.dumps(sent)) if sent else []
        for message in body["messages"]:
            tokens += [f"<{message['role']}>"] * OF_A_MESSAGE + tokens_of(str(message["content"]))
        return tokens

    def _cached(self, tokens: list[str]) -> int:
        """How much of a prompt was seen before; all of it is from now on."""
        cached, key = 0, 0
        for end in range(STEP, len(tokens) + 1, STEP):
            key = hash((key, tuple(tokens[end - STEP : end])))
            if key in self._seen and cached == end - STEP:
                cached = end
            self._seen.add(key)
        return cached if cached >= LEAST_CACHED else 0

    def _refusal(self, prompt: int, written: int) -> str:
        start = f"This model's maximum context length is {self.context} tokens. However, you "
        if self.style == "vllm":
            why = (
                f"{start}requested {written} output tokens and your prompt contains at least "
                f"{prompt} input tokens, for a total of at least {prompt + written} tokens. Please "
                "reduce the length of the input prompt or the number of requested output tokens."
            )
            error: dict[str, Any] = {"message": why, "type": "BadRequestError", "code": 400}
        else:
            why = (
                f"{start}requested {prompt + written} tokens ({prompt} in the messages, {written} "
                "in the completion). Please reduce the length of the messages or completion."
            )
            error = {"message": why, "param": "messages", "code": "context_length_exceeded"}
        return json.dumps({"error": error})
