"""Texts in cells that a spreadsheet would otherwise compute, made harmless and as they were.

A spreadsheet takes a cell of a CSV file for a formula by its first character, and a formula may
send off what stands in other cells. docs/exports.md has the rule.
"""

MARK = "'"
"""What stands before a text that would be computed, or that begins with it already."""
COMPUTED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How texts begin that spreadsheets may take for a formula, those of East Asian keyboards too."""
GUARDED = (*COMPUTED, MARK)


def harmless(text: str) -> str:
    """A text as a cell that no spreadsheet computes; one that could not be meant so is left."""
    return MARK + text if text.startswith(GUARDED) else text


def as_it_was(cell: str) -> str:
    """The text of which :func:`harmless` made a cell."""
    return cell.removeprefix(MARK)
