"""Filings made up for tests: every item says things that no other item says, in many settings."""

import html
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ANNUAL = {
    "1": "Business",
    "1A": "Risk Factors",
    "1B": "Unresolved Staff Comments",
    "2": "Properties",
    "3": "Legal Proceedings",
    "4": "Mine Safety Disclosures",
    "5": "Market for Registrant’s Common Equity and Related Stockholder Matters",
    "6": "[Reserved]",
    "7": "Management’s Discussion and Analysis of Financial Condition and Results of Operations",
    "7A": "Quantitative and Qualitative Disclosures About Market Risk",
    "8": "Financial Statements and Supplementary Data",
    "9": "Changes in and Disagreements with Accountants on Accounting and Financial Disclosure",
    "9A": "Controls and Procedures",
    "10": "Directors, Executive Officers and Corporate Governance",
    "11": "Executive Compensation",
    "15": "Exhibits and Financial Statement Schedules",
}
QUARTERLY = {
    "I.1": "Financial Statements",
    "I.2": "Management’s Discussion and Analysis of Financial Condition and Results of Operations",
    "I.3": "Quantitative and Qualitative Disclosures About Market Risk",
    "I.4": "Controls and Procedures",
    "II.1": "Legal Proceedings",
    "II.1A": "Risk Factors",
    "II.2": "Unregistered Sales of Equity Securities and Use of Proceeds",
    "II.6": "Exhibits",
}
FOREIGN = {
    "1": "Identity of Directors, Senior Management and Advisers",
    "3": "Key Information",
    "3D": "Risk Factors",
    "4": "Information on the Company",
    "5": "Operating and Financial Review and Prospects",
    "8": "Financial Information",
    "11": "Quantitative and Qualitative Disclosures About Market Risk",
    "16B": "Code of Ethics",
    "19": "Exhibits",
}
CURRENT = {
    "2.02": "Results of Operations and Financial Condition",
    "5.02": "Departure of Directors or Certain Officers; Election of Directors",
    "8.01": "Other Events",
    "9.01": "Financial Statements and Exhibits",
}
TITLES = {"10-K": ANNUAL, "10-Q": QUARTERLY, "20-F": FOREIGN, "8-K": CURRENT}

REFERENCES = (
    "This is discussed in Part I, Item 1A, “Risk Factors,” of this report.",
    "We describe it in Item 7. Management’s Discussion and Analysis above, and elsewhere.",
    "Such matters, including those under “Item 3. Legal Proceedings”, are not settled.",
    "The notes (Part II, Item 8 of this Form 10-K) say how it is counted.",
    "Please see Item 1. Business for what we sell, and Item 2 of Part I for where.",
    "As Item 9A of our last report said, this works.",
)
COVER = (
    "UNITED STATES", "SECURITIES AND EXCHANGE COMMISSION", "Washington, D.C. 20549",
    "FORM {form}", "For the {kind} ended March 31, 2023", "ACME CORPORATION",
    "(Exact name of registrant as specified in its charter)",
    "Indicate by check mark whether the registrant is a well-known seasoned issuer.",
)  # fmt: skip
SIGNATURES = "Pursuant to the requirements of the Act, signed by its officer, duly authorized."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a filing is written down."""

    form: str
    container: str
    """``"html"``, ``"rows"``, ``"text"``, ``"wrapped"`` or ``"flat"``."""
    heading: str
    """Of an item, with its ``{n}`` and its ``{title}``."""
    upper: bool
    contents: str
    """``"pages"``, ``"bare"``, ``"links"`` or ``""``."""
    heads: bool
    """Whether every page bears its number, and the number of its item."""
    combined: bool
    """Whether the first two items are one."""
    short: frozenset[str] = frozenset()
    """Items that have nothing to say."""


HEADINGS = (
    "Item {n}. {title}", "Item {n} — {title}", "Item {n}: {title}", "Item {n}.\n{title}",
    "Item\xa0{n}.\xa0\xa0\xa0{title}", "Item {n} {title}", "Item\n{n}.\n{title}",
    "I tem {n}. {title}", "Item{n}. {title}", "Item {n}.{title}", "ITEM {n}. {title}.",
    "Item No. {n} {title}",
)  # fmt: skip


def sentences(key: str, rng: np.random.Generator) -> list[str]:
    """Four paragraphs with words of the item's own, and references to other items."""
    found = [
        f"{words_of(key)}{number} division rose by {number} percent and may grow. It was good."
        for number in range(4)
    ]
    return [f"{each} {rng.choice(REFERENCES)}" if rng.random() < 0.6 else each for each in found]


def words_of(key: str) -> str:
    """What every paragraph of an item, and no other, holds."""
    return "The Q" + "".join("abcdefghij"[ord(sign) % 10] for sign in key) + f"x{len(key)}"


def written(setting: Setting, keys: Sequence[str], rng: np.random.Generator) -> str:
    """A filing that has these items."""
    titles = TITLES[setting.form]
    kind = "quarterly period" if setting.form == "10-Q" else "fiscal year"
    blocks = [each.format(form=setting.form, kind=kind) for each in COVER]
    if setting.contents:
        blocks.append("TABLE OF CONTENTS")
        for page, key in enumerate(keys):
            entry = f"Item {number_of(key)}. {titles[key]}"
            blocks.append(f"\1{key}\1{entry}" + f"\2{page * 7 + 3}" * (setting.contents != "bare"))
    blocks.append("This report holds forward-looking statements. They may not come true at all.")
    part = ""
    for place, key in enumerate(keys):
        if setting.form == "10-Q" and key.partition(".")[0] != part:
            part = key.partition(".")[0]
            blocks.append(f"PART {part} — INFORMATION")
        if not (setting.combined and place == 1):
            number, title = number_of(key), titles[key]
            if setting.combined and place == 0:
                number = f"s {number} and {number_of(keys[1])}"
                title = f"{title} and {titles[keys[1]]}"
            title = title.upper() if setting.upper else title
            heading = setting.heading.format(n=number, title=title)
            blocks.append(f"\3{key}\3{_several(heading)}")
        for each in sentences(key, rng) if key not in setting.short else [f"{words_of(key)}."]:
            blocks.append(each)
            if setting.heads and setting.container != "flat":
                blocks += [str(place + 4), "Table of Contents", f"Item {number_of(key)}"]
    blocks += ["SIGNATURES", SIGNATURES]
    return _SET[setting.container](blocks, setting)


def _several(heading: str) -> str:
    """ "Items", where the number of a heading begins with an s."""
    return re.sub(r"(?i)(i ?tem)\s?(?:no\. )?s(?=\s\d)", r"\1s", heading)


def number_of(key: str) -> str:
    return key.rpartition(".")[2] if key.startswith("I") else key


def _text(blocks: Sequence[str], setting: Setting) -> str:
    return "\n\n".join(map(_plain, blocks))


def _flat(blocks: Sequence[str], setting: Setting) -> str:
    return " ".join(_plain(block).replace("\n", " ") for block in blocks)


def _html(blocks: Sequence[str], setting: Setting) -> str:
    """Paragraphs; first letters larger, so that a heading is in pieces; anchors and links."""
    rows = []
    for block in blocks:
        if block.startswith("\1"):
            _, key, entry = block.split("\1")
            words, _, page = entry.partition("\2")
            number, _, title = words.partition(". ")
            if setting.contents == "links":
                title = f'<a href="#x{key}">{html.escape(title)}</a>'
            rows.append(f"<tr><td>{number}.</td><td>{title}</td><td>{page}</td></tr>")
        elif block.startswith("\3"):
            _, key, heading = block.split("\3")
            if setting.container == "rows":
                number, _, title = heading.replace("\n", " ").partition(". ")
                cells = f"<td>{html.escape(number)}.</td><td><b>{html.escape(title)}</b></td>"
                rows.append(f'<table id="x{key}"><tr>{cells}</tr></table>')
            else:
                inner = html.escape(heading[:1]) + f"<small>{html.escape(heading[1:])}</small>"
                inner = inner.replace("\n", "<br>").replace("\xa0", "&nbsp;")
                rows.append(f'<div id="x{key}"><p><b>{inner}</b></p></div>')
        else:
            rows.append(f"<p>{html.escape(block)}</p>")
    return f"<html><head><title>x</title></head><body>{''.join(rows)}</body></html>"


def _plain(block: str) -> str:
    for mark in "\1\3":
        if block.startswith(mark):
            block = block.split(mark)[2]
    return block.replace("\2", " ")


def _wrapped(blocks: Sequence[str], setting: Setting) -> str:
    return "\n\n".join(textwrap.fill(_plain(block), 60) for block in blocks)


_SET = {"wrapped": _wrapped, "text": _text, "flat": _flat, "html": _html, "rows": _html}
