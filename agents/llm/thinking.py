"""Takes a reply's thinking from its answer, where a server left the two in one text.

A draft of an answer may stand in any thinking, so whatever a model or its template marks as thought
is none of the answer. Marks inside the strings of a JSON object are part of that object.
"""

import json
import re

_NAMES = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection", "analysis")
_MARKS: tuple[tuple[str, str], ...] = (
    *((f"<{name}>", f"</{name}>") for name in (*_NAMES, "scratchpad", "seed:think")),
    ("[think]", "[/think]"),  # Magistral
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),  # Command A
    ("◁think▷", "◁/think▷"),  # Kimi-VL
    ("<unused94>", "<unused95>"),  # MedGemma
    ("<|channel>thought", "<channel|>"),
)
"""What opens thinking, and what closes it."""
_CLOSES = dict(_MARKS)
_MARK = re.compile("|".join(re.escape(mark) for pair in _MARKS for mark in pair), re.IGNORECASE)
_MARK_OR_JSON = re.compile(rf"{_MARK.pattern}|[\[{{]", re.IGNORECASE)
# The harmony format: a header names the channel and, of a tool call, who is to receive it.
_CHANNEL = re.compile(
    r"<\|channel\|>\s*(?P<name>\w+)(?P<header>(?:(?!<\|(?:message|channel|start)\|>).)*)<\|message\|>"
    r"(?P<body>.*?)(?=<\|(?:end|return|call|start|channel)\|>|\Z)",
    re.DOTALL,
)
_TOKEN = re.compile(r"<\|start\|>\w*|<\|(?:end|return|call|channel|message)\|>")
# What a server leaves of it that drops special tokens.
_BARE_CHANNEL = re.compile(r"\A\s*analysis(?P<thought>.*)assistantfinal", re.DOTALL)
MOST_BROKEN = 100
"""Brackets in one text that may turn out to begin no JSON; each costs a look at what follows."""


def apart(text: str, reasoning: str = "") -> tuple[str, str]:
    """An answer and its thinking, where the two came in one text.

    Some chat templates open the thinking themselves, so a closing mark alone ends it too: all
    before it was thought. Thinking that nothing closes goes on to the end.

    Args:
        text: as it came.
        reasoning: thinking that came separately; what is found is added to it.
    """
    answer, in_channels = _by_channels(text)
    answer, in_marks = _by_marks(answer)
    kept = [thought.strip() for thought in (reasoning, *in_channels, *in_marks)]
    return answer, "\n".join(thought for thought in kept if thought)


def _by_channels(text: str) -> tuple[str, list[str]]:
    """Of the harmony format."""
    bare = _BARE_CHANNEL.match(text)
    if bare:
        return text[bare.end() :].lstrip(), [bare["thought"]]
    if "<|channel|>" not in text or _is_json(text):
        return text, []
    # A template may have opened the first channel itself: what comes before any token is thought.
    begun = _TOKEN.search(text)
    start = begun.start() if begun else 0
    thoughts = [text[:start]]

    def answer_in(message: re.Match[str]) -> str:
        if message["name"] == "final" or "to=" in message["header"]:
            return message["body"]
        thoughts.append(message["body"])
        return ""

    return _TOKEN.sub("", _CHANNEL.sub(answer_in, text[start:])).strip(), thoughts


def _by_marks(text: str) -> tuple[str, list[str]]:
    """Of thinking between two marks, or before a closing one."""
    if not _MARK.search(text):
        return text, []
    answer: list[str] = []
    thoughts: list[str] = []
    position = begin = broken = 0
    while found := (_MARK_OR_JSON if broken < MOST_BROKEN else _MARK).search(text, position):
        position = found.end()
        mark = found[0].lower()
        if mark in ("[", "{"):
            end = _end_of_json(text, found.start())
            broken += end is None
            position = end or position
            continue
        answer.append(text[begin : found.start()])
        if mark in _CLOSES:
            closed = re.compile(re.escape(_CLOSES[mark]), re.IGNORECASE).search(text, position)
            thoughts.append(text[position : closed.start() if closed else len(text)])
            position = closed.end() if closed else len(text)
        else:
            thoughts.append("".join(answer))
            answer = []
        begin = position
    answer.append(text[begin:])
    return "".join(answer).lstrip() if thoughts else text, thoughts


def _end_of_json(text: str, start: int) -> int | None:
    """Where the JSON ends that begins here; None where none does."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def _is_json(text: str) -> bool:
    whole = text.strip()
    return whole[:1] in ("{", "[") and _end_of_json(whole, 0) == len(whole)
