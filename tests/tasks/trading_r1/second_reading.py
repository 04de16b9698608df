"""Another reading of the rewards of theses, written apart: by characters, without patterns."""

from itertools import pairwise
from statistics import harmonic_mean


def rewards_of(
    text: str, briefing: str, ids: set[str], truth: str
) -> tuple[float, float, float, float]:
    """Structure, evidence as published, evidence that holds, decision."""
    lines = [line.strip() for line in spoken(text).replace("\r", "\n").split("\n")]
    clean = "\n".join(line for line in lines if line)
    sections: dict[str, str] = {}
    for name, content in outermost(clean):
        if name not in sections:
            sections[name] = content
    conclusion = sections.pop("conclusion", None)
    said = [content.split("\n") for content in sections.values()]
    return (
        0.0 if conclusion is None else structure([*said, conclusion.split("\n")]),
        evidence(said, None, ids),
        evidence(said, " ".join(briefing.casefold().split()), ids),
        decision(clean.split("\n")[-3:], truth),
    )


def spoken(text: str) -> str:
    out, thinks, position = "", False, 0
    while position < len(text):
        low = text[position : position + 8].lower()
        if low.startswith("<think>"):
            thinks, position = True, position + 7
        elif low == "</think>":
            out = out if thinks else ""
            thinks, position = False, position + 8
        else:
            out += "" if thinks else text[position]
            position += 1
    return out


def tag_at(text: str, position: int) -> str | None:
    """The name in the tag that begins here."""
    end = text.find(">", position)
    name = text[position + 1 : end] if end > 0 else ""
    fits = name[:1].isalpha() and all(each.isalnum() or each in "_-" for each in name)
    return name if fits and text[position] == "<" else None


def outermost(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while position < len(text):
        name = tag_at(text, position)
        after = position + 1
        if name:
            begin = position + len(name) + 2
            for end in range(begin, len(text)):
                closing = (
                    tag_at(text[end] + text[end + 2 :], 0) if text[end + 1 :][:1] == "/" else ""
                )
                if closing and closing.lower() == name.lower():
                    found.append((name.lower(), text[begin:end]))
                    after = end + len(closing) + 3
                    break
        position = after
    return found


def words(text: str) -> int:
    return len([token for token in text.split() if any(each.isalnum() for each in token)])


def claim_in(line: str) -> str | None:
    """A bullet without its mark."""
    line = line.strip()
    mark, rest = [*line.split(maxsplit=1), "", ""][:2]
    number = mark[:-1].isdecimal() and mark[-1:] in (".", ")")
    if (mark in ("-", "*", "+") or number) and rest.strip():
        return rest.strip()
    return line[1:].strip() or None if line[:1] == "•" else None


def italic_in(text: str) -> tuple[int, str] | None:
    padded = f" {text} "
    stars = [n for n, each in enumerate(padded) if each == "*"]
    for left, right in pairwise(stars):
        inside = padded[left + 1 : right]
        alone = padded[left - 1] != "*" and padded[right + 1] != "*"
        if alone and inside and inside == inside.strip():
            return left - 1, inside
    return None


def ticked_in(text: str) -> tuple[int, str] | None:
    ticks = [n for n, each in enumerate(text) if each == "`"]
    for left, right in pairwise(ticks):
        if right > left + 1:
            return left, text[left + 1 : right]
    return None


def is_bold(text: str) -> bool:
    pairs = [n for n in range(len(text) - 1) if text[n : n + 2] == "**"]
    for left in pairs:
        inside = text[left + 2 :].split("\n")[0].split("*")[0]
        closed = text[left + 2 + len(inside) :].startswith("**")
        if closed and inside and inside == inside.strip():
            return True
    return False


def is_header(line: str) -> bool:
    marks, rest = [*line.split(maxsplit=1), "", ""][:2]
    return marks in ["#" * n for n in range(1, 7)] and rest.strip() != ""


def is_rule(line: str) -> bool:
    return "|" in line and "-" in line and set(line.strip()) <= set("|-: \t")


def structure(sections: list[list[str]]) -> float:
    number = len(sections) - 1
    count = {0: 0.3, 1: 0.3, 2: 0.3, 3: 0.42, 4: 0.56, 5: 1, 6: 1, 7: 1, 8: 0.85, 9: 0.7,
             10: 0.55, 11: 0.4}.get(number, 0.3)  # fmt: skip
    forms = []
    for lines in sections:
        form = 0.2
        if words(" ".join(lines)) >= 50:
            form = 0.3 if any(map(is_header, lines)) else 0.0
            form += 0.4 if any(claim_in(line) for line in lines) else 0.0
            form += 0.2 if is_bold("\n".join(lines)) else 0.0
            rows = [n for n, line in enumerate(lines) if n and is_rule(line)]
            form += 0.1 if any("|" in lines[n - 1] for n in rows) else 0.0
        forms.append(form)
    return 0.6 * count + 0.4 * sum(forms) / len(forms)


def evidence(sections: list[list[str]], briefing: str | None, ids: set[str]) -> float:
    if not sections:
        return 0.0
    earned = []
    for lines in sections:
        claims = [claim for line in lines if (claim := claim_in(line))]
        marks = [max(0.01, mark(claim, briefing, ids)) for claim in claims]
        number = len(claims)
        if number == 0:
            earned.append(0.01)
            continue
        many = [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4][min(number, 13)]
        many = 0.3 if number > 13 else many
        earned.append(max(0.01, 0.3 * many + 0.7 * harmonic_mean(marks)))
    return harmonic_mean(earned)


def mark(claim: str, briefing: str | None, ids: set[str]) -> float:
    italic, ticked = italic_in(claim), ticked_in(claim)
    quoted, sourced = italic is not None, ticked is not None
    if briefing is not None:
        quote = " ".join(italic[1].casefold().split()) if italic else ""
        quoted = words(quote) >= 4 and quote in briefing
        sourced = ticked is not None and ticked[1].strip() in ids
    begins = [found[0] for found in (italic, ticked) if found]
    said = words(claim[: min(begins)] if begins else claim)
    if not (quoted and sourced):
        view = min(0.3, 0.02 * said)
    elif said < 15:
        view = said / 15
    else:
        view = 1.0 if said <= 90 else max(0.5, 1 - (said - 90) / 50)
    return 0.4 * view + (0.35 if quoted else 0) + (0.25 if sourced else 0)


def decision(last: list[str], truth: str) -> float:
    given = set()
    for part in " ".join(last).split("[[[")[1:]:
        inside = part.lstrip("[").split("]]]")[0]
        word = "_".join(inside.replace("_", " ").upper().split())
        if "]]]" in part and word in TABLE:
            given.add(word)
    return TABLE[given.pop()][truth] if len(given) == 1 else -1.5


ROWS = """\
STRONG_BUY   1      .75    -1.25  -2    -2.25
BUY          .75    1      -.75   -1.5  -2
HOLD         -1.5   -1     1      -1    -1.5
SELL         -1.75  -1.25  -.75   1     .75
STRONG_SELL  -2     -1.5   -1.25  .75   1"""
NAMES = [row.split()[0] for row in ROWS.split("\n")]
TABLE = {
    name: dict(zip(NAMES, map(float, row.split()[1:]), strict=True))
    for name, row in zip(NAMES, ROWS.split("\n"), strict=True)
}
