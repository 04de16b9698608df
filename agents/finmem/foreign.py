"""Foreign text on its way into a prompt: whatever it says, it stays in the block it is put in.

What could end a block, or begin another one, a section or a turn, is written otherwise; what a
reader does not see, and a model reads all the same, is left out.
"""

import re
from functools import lru_cache

BLOCKS = ("memory", "filing", "news", "text", "system", "user", "assistant", "tool")
"""Names of blocks, of ours and of those that a model may know from elsewhere."""

_HARMLESS = re.compile(r"[\t\n !\"$-;=?-Z\\-~]*")
"""A text of these characters alone, as most are: none of what follows finds anything in it."""
_BREAK = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # control characters, those of terminals among them
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # format, tags, selectors
    "\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\ud800-\udfff]"  # fillers, selectors, half characters
)
_ANGLES = str.maketrans("<＜﹤≮>＞﹥≯", "‹‹‹‹››››")
"""Angle brackets, and all that a tokenizer's normal form may make of them."""
_OPENING, _CLOSING = "‹«˂ᐸ❬❮❰〈〈《⟨⟪⦑⧼≺≪⋘[［﹇", "›»˃ᐳ❭❯❱〉〉》⟩⟫⦒⧽≻≫⋙]］﹈"
_BLOCK = re.compile(
    rf"[{re.escape(_OPENING)}][\s/／\\|｜∕⁄╱]*((?:{'|'.join(BLOCKS)})\b)"
    rf"(?:([^\n{re.escape(_CLOSING)}]{{0,80}})[{re.escape(_CLOSING)}])?",
    re.IGNORECASE,
)
"""How a block begins or ends, in brackets of whatever kind that look like one."""
_TURN = re.compile(r"[\[［﹇](/?[A-Za-z]?[A-Z_]{2,})[\]］﹈]")
"""What some tokenizers take for the end of a turn, such as ``[INST]``."""
_HEADING = re.compile(r"^[ \t]*(?:[#＃﹟]+[ \t]+)+(?=\S)", re.MULTILINE)


@lru_cache(maxsize=1 << 13)
def neutral(text: str) -> str:
    """Foreign text that can open or close no block, no section and no turn."""
    if _HARMLESS.fullmatch(text):
        return text
    text = _INVISIBLE.sub("", _BREAK.sub("\n", text)).translate(_ANGLES)
    return _HEADING.sub("", _TURN.sub(r"(\1)", _BLOCK.sub(_in_words, text)))


def _in_words(block: re.Match[str]) -> str:
    name, rest = block.groups()
    return f"({name}" if rest is None else f"({name}{rest})"
