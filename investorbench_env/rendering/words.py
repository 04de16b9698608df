"""Numbers and foreign text as words that can be printed anywhere."""

import math
import re
import unicodedata

_ESCAPES = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # strings, such as titles and links
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences, such as colours
)


def percent(share: float, sign: str = "") -> str:
    """A share as percent; ``sign="+"`` also marks what is positive."""
    if not math.isfinite(share):
        return "n/a"
    digits = 0 if abs(share) >= 10 or share in (-1.0, 1.0) else 1
    return f"{share:{sign},.{digits}%}".replace("-", "−")


def level(index: float) -> str:
    """A level of an index that began at 100."""
    if not abs(index) < 1e6:
        return f"{index:.3g}".replace("-", "−")
    return f"{index:,.{0 if abs(index) >= 1000 else 1}f}".replace("-", "−")


def number(value: float) -> str:
    """A price or an amount with about five digits."""
    if not math.isfinite(value):
        return "n/a"
    size = abs(value)
    if size >= 1e10 or 0 < size < 1e-6:
        text = f"{value:.4g}"
    elif size >= 10_000:
        text = f"{value:,.0f}"
    elif size >= 1 or size == 0:
        text = f"{value:,.2f}"
    else:
        text = f"{value:.{4 - math.floor(math.log10(size)) - 1}f}"
    return text.replace("-", "−")


def clean(text: str) -> str:
    """One line that can be printed anywhere: no escape code, control or direction mark."""
    flat = _ESCAPES.sub("", text[:1000])
    kept = (" " if c.isspace() else c for c in flat)
    return " ".join("".join(c for c in kept if unicodedata.category(c)[0] != "C").split())
