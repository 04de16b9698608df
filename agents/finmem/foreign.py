"""Foreign text on its way into a prompt: whatever it says, it stays in the block it is put in."""

_BRACKETS = str.maketrans("<>", "‹›")


def neutral(text: str) -> str:
    """Foreign text that can open or close no block: its angle brackets are other characters."""
    return text.translate(_BRACKETS)
