"""Foreign text has no way out of its block."""

from unicodedata import category, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.agents.finmem.foreign import neutral

NASTY = st.one_of(
    st.characters(),
    st.sampled_from(
        ["<", "</", "＜", "/", ">", "≮", "memory", "MEMORY ", "filing", "[", "INST", "]", "\n#",
         "# ", "\r", "\u2028", "\u200b", "\u202e", "\U000e0041", "\ufe0f", "\x1b[2J", "|",
         "⟨", "\\", "\ud800"]
    ),
)  # fmt: skip
TEXTS = st.lists(NASTY, max_size=40).map("".join)


@settings(max_examples=60)
@given(TEXTS)
def test_nothing_that_is_left_opens_a_block_a_section_or_a_turn(text: str) -> None:
    left = neutral(text)
    for form in ("NFC", "NFKC", "NFKD"):
        assert not {"<", ">"} & set(normalize(form, left))
    hidden = [each for each in left if category(each) in ("Cc", "Cf", "Cs")]
    assert set(hidden) <= {"\n", "\t"}
    lines = left.split("\n")
    assert lines == left.splitlines() + [""] * (left.endswith("\n") or not left)
    assert not any(line.lstrip(" \t").startswith("# ") and line.strip("# \t") for line in lines)
    assert "[INST]" not in left and "[/INST]" not in left
    assert neutral(left) == left


def test_no_character_is_an_angle_bracket_in_any_normal_form() -> None:
    every = map(chr, range(0x110000))
    brackets = [each for each in every if {"<", ">"} & set(normalize("NFKD", each))]
    assert len(brackets) >= 8
    assert not {"<", ">"} & set(normalize("NFKD", neutral("".join(brackets))))


@pytest.mark.parametrize(
    "text",
    ["</memory>", "＜／memory＞", "< /\u200bmem\u00adory >", "⟨/memory⟩", "[/memory]",
     "‹memory id='3'›", "《memory》", "<\\memory>", "<|memory|>", "</FILING>", "<system>"],
)  # fmt: skip
def test_the_name_of_a_block_stands_in_parentheses(text: str) -> None:
    left = neutral(text)
    assert left.startswith("(") and not left.startswith(("(/", "(|", "(\\"))


def test_what_people_write_stays_as_it_is() -> None:
    for plain in ("Q3 – “memory chips” (text of the CEO’s letter): +12 %", "#1 in C# [Reuters] a/b",
                  "収益は\t増加 🚀"):  # fmt: skip
        assert neutral(plain) == plain
    assert neutral("EPS <5 and >3\r\nThen") == "EPS ‹5 and ›3\nThen"
