"""A record read line after line: what its lines hold is what they say as JSON."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from investorbench.tasks.record.scanning import content_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SPELLINGS = st.fixed_dictionaries(
    {"ensure_ascii": st.booleans(), "separators": st.sampled_from([(", ", ": "), (",", ":")])}
)
AROUND = st.sampled_from([b"", b" ", b"\r", b"\xef\xbb\xbf", b"{", b"}", b"1", b"\0", b"\xff"])


@settings(deadline=None)
@given(VALUES, SPELLINGS, AROUND, AROUND, st.sampled_from(["utf-8", "utf-16-le", "utf-32"]))
@example({"a": 1}, {}, b"", b"", "utf-8")
@example({"a": 2**200}, {}, b"", b" ", "utf-8")
def test_a_line_holds_what_json_reads_in_it_or_is_refused_alike(
    value: Any, spelling: dict[str, Any], before: bytes, after: bytes, encoding: str
) -> None:
    written = json.dumps(value, **spelling).encode(encoding, "surrogatepass")
    line = before + written + after + b"\n"
    assert what_comes(content_of, line) == what_comes(json.loads, line)


def what_comes(read: Any, line: bytes) -> str:
    """What is read of a line, or why it is refused, to the letter."""
    try:
        return repr(read(line))
    except ValueError as error:
        return f"{type(error).__name__} {error}"
