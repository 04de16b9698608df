"""What a thesis is asked for with: instructions that never change, and a briefing.

A corpus to train on holds the same messages, so that a model is asked as it was trained.
"""

from hashlib import sha256

from investorbench.agents.finmem.question import fill, templates_sha256
from investorbench.agents.llm import Message

PACKAGE = "investorbench.agents.thesis"

Messages = tuple[Message, ...]


def prompt_of(briefing: str) -> Messages:
    """The system's message, and the user's, which is the briefing and nothing else."""
    return (
        {"role": "system", "content": fill("system", PACKAGE)},
        {"role": "user", "content": briefing},
    )


def repair_of(prompt: Messages, thesis: str) -> Messages:
    """The conversation continued where a thesis ends in no decision."""
    return (
        *prompt,
        {"role": "assistant", "content": thesis},
        {"role": "user", "content": fill("repair", PACKAGE)},
    )


def question_record(prompt: Messages) -> dict[str, str]:
    """A prompt as records hold it."""
    system, user = (str(message["content"]) for message in prompt)
    text = f"{system}\0{user}".encode("utf-8", "replace")
    return {"system": system, "user": user, "sha256": sha256(text).hexdigest()}


def prompts_sha256() -> str:
    """Of all templates: it changes whenever a prompt would."""
    return templates_sha256(PACKAGE)
