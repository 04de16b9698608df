"""Theses about one small briefing: an honest one, what cheats write, and generated ones."""

from hypothesis import strategies as st

BRIEFING = """\
[n1] Orders at the plant in Ohio rose 12 percent in the spring.
[n2] The chief executive said that prices will stay where they are.
[f1] Cash stood at 3,410 million dollars at the end of the year.
[t1] The close of 88.20 lies two percent above its average of 50 sessions.
[m1] Unemployment was 3.9 percent in April, little changed.
"""
IDS = ("n1", "n2", "f1", "t1", "m1")
QUOTES = (
    "Orders at the plant in Ohio rose 12 percent",
    "prices will stay where they are",
    "Cash stood at 3,410 million dollars",
    "two percent above its average of 50 sessions",
    "Unemployment was 3.9 percent in April",
)
VIEWS = (
    "Demand is firmer than the price allows for, and what is ordered now is paid for in autumn",
    "Without dearer goods the margin can grow by volume alone, which takes longer than hoped",
    "There is room to buy back shares or to sit out a weak year, whichever of the two comes first",
    "Buyers have been in charge for weeks, though not by so much that a fall would be due soon",
    "Households keep their wages and go on spending, so sales at home should hold until next year",
)
NAMES = ("news", "fundamentals", "technical", "sentiment", "macro")
CONCLUSION = "<conclusion>\n**In all** more speaks for the share than against it.\n</conclusion>"
TABLE = "| item | value |\n|---|---|\n| close | 88.20 |"


def claim(view: str, quote: str, source: str) -> str:
    return f"- {view} *{quote}* `{source}`"


CLAIMS = [claim(*parts) for parts in zip(VIEWS, QUOTES, IDS, strict=True)]


def thesis(
    bodies: list[str] | None = None,
    names: tuple[str, ...] = NAMES,
    decision: str = "[[[BUY]]]",
) -> str:
    """Sections with a body each, the same one where one is given, then conclusion and decision."""
    bodies = bodies or [body()]
    bodies = bodies * len(names) if len(bodies) == 1 else bodies
    parts = [f"<{name}>\n{each}\n</{name}>" for name, each in zip(names, bodies, strict=True)]
    return "\n".join([*parts, CONCLUSION, decision])


def body(claims: list[str] | None = None) -> str:
    return "\n".join(
        ["## Findings", "**Taken together** this helps.", *(claims or CLAIMS[:4]), TABLE]
    )


HONEST = thesis()
PADDING = "padding " * 60


def claims(quote: str, source: str, more: str = "") -> str:
    """A body whose claims all have one quote and one source."""
    return body([claim(view + more, quote, source) for view in VIEWS[:4]])


ATTACKS = {
    "empty sections": thesis([""]),
    "one-word quotes": thesis([claims("rose", "n1")]),
    "copied briefing": thesis([BRIEFING * 2]),
    "invented ids": thesis([claims(QUOTES[0], "n9")]),
    "invented quotes": thesis([claims("profits will double within the year", "n1")]),
    "words of the briefing in another order": thesis([claims("Ohio orders fell 12 percent", "n1")]),
    "opinions without end": thesis([claims(QUOTES[0], "n1", " and so on" * 36)]),
    "a decision in every line": thesis(decision="[[[BUY]]]\n[[[SELL]]]\n[[[HOLD]]]"),
    "an echo of the template": thesis(decision="[[[STRONG_BUY|BUY|HOLD|SELL]]]"),
    "40 bullets": thesis([body(CLAIMS * 8)]),
    "one bullet": thesis([body([CLAIMS[0], PADDING])]),
    "quotes without an opinion": thesis([body([f"- *{QUOTES[0]}* `n1`"] * 4 + [PADDING])]),
    "form without evidence": thesis([f"## Head\n**bold** {PADDING}\n{TABLE}"]),
    "16 sections": thesis(names=tuple(f"part_{n}" for n in range(16))),
    "one section five times": thesis(names=("news",) * 5),
    "sections within one": f"{'<a>' * 5}{body()}{'</a>' * 5}\n{CONCLUSION}\n[[[BUY]]]",
    "no conclusion": HONEST.replace("conclusion>", "ending>"),
    "all of it thought": f"<think>{HONEST}",
}
"""Each with the right decision where the decision is not what is attacked."""

_PIECES = st.sampled_from(
    [
        *("word", "14%", "—", "🙂", "שלום", "a-b", "the plant in Ohio", "[n1]", "#", "1.", "_"),
        *("*", "**", "`", "***", "|", "`n1`", "` f1 `", "`zz`", "``", "**bold**", "*a **b** c*"),
        *(f"*{quote}*" for quote in QUOTES),
        *("*ORDERS at  the plant\tin Ohio*", "*made up by me today*", "*short one*"),
        *("\n- ", "\n* ", "\n+ ", "\n•", "\n1. ", "\n2) ", "\n  - ", "\n-", "\n", "\r\n"),
        *("\n## Head\n", "\n####### no\n", f"\n{TABLE}\n", "\n|-|\n", "\n\n \n"),
        *(f"<{name}>" for name in ("a", "B", "b", "conclusion", "think", "x_1", "2", " a", "")),
        *(f"</{name}>" for name in ("a", "B", "b", "conclusion", "think", "x_1")),
        *("<", "</", "[[[BUY]]]", "[[[strong_sell]]]", "[[[BUY|SELL]]]", "[[[ Hold ]]]", "[[["),
        *("[[[[BUY]]]]", "\n1.\u00a0", "İ", "²", "\r", "\u2028"),
    ]
)
soups = st.builds(str.join, st.sampled_from(["", " "]), st.lists(_PIECES, max_size=60))
"""Anything at all."""
_views = st.integers(0, 140).map(lambda count: " ".join((VIEWS[0].split() * 9)[:count]))
_SPANS = st.sampled_from(
    [f"*{QUOTES[0]}*", f"*{QUOTES[1]}*", "*made up by me today*", "`n1`", "`zz`", "**bold**"]
)
_claims = st.lists(st.tuples(_views, _SPANS, _SPANS).map(" ".join).map("- ".__add__), max_size=15)
_bodies = st.tuples(st.sampled_from(["", "## Head\n", "**bold**\n", f"{TABLE}\n"]), _claims).map(
    lambda parts: parts[0] + "\n".join(parts[1])
)
_ends = st.sampled_from(["[[[BUY]]]", "[[[strong sell]]]", "no decision", "[[[HOLD]]]\n[[[SELL]]]"])
theses = st.builds(
    lambda bodies, end, closed: thesis(
        bodies, tuple(f"s{n}" for n in range(len(bodies))), end
    ).replace("conclusion>", "conclusion>" if closed else "end>"),
    st.lists(_bodies, min_size=1, max_size=13),
    _ends,
    st.booleans(),
)
"""Sections with claims of all lengths, and few or many of both."""
