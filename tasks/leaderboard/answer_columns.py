"""The columns of a leaderboard that say what language models answered, and at what cost."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from investorbench.tasks.answers import Answers, words_of_left_out, words_of_roles, words_of_tools
from investorbench.tasks.leaderboard.columns import (
    FILE,
    BoardLine,
    Cell,
    Column,
    Format,
    OverallLine,
)
from investorbench.tasks.wording import COUNT, PERCENT, RATIO, TEXT, TRUTH, USD

UNCOUNTED = "its server did not count all tokens"

ANSWERS: tuple[Column[Any], ...] = (
    Column(
        key="is_language_model",
        unit=TRUTH,
        value=lambda line: _asked(line, lambda of: of.is_language_model),
        formats=FILE,
    ),
    Column(
        key="decisions",
        head="Decisions",
        doc="of all repeats, warm-up included",
        unit=COUNT,
        value=lambda line: _asked(line, lambda of: of.decisions),
        formats={"answers": Format(), **FILE},
    ),
    Column(
        key="invalid_decisions",
        head="Invalid",
        doc="without a usable answer; the agent held then",
        unit=COUNT,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.invalid),
        formats={"answers": Format(), **FILE},
    ),
    Column(
        key="share_unusable",
        head="Unusable %",
        doc="of the decisions of the test split, those without a usable answer",
        unit=PERCENT,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.share_unusable),
        formats={"answers": Format(1), "page": Format(1), **FILE},
    ),
    Column(
        key="refused",
        head="Refused",
        doc="of those, the model refused",
        unit=COUNT,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.refused),
        formats={"answers": Format()},
    ),
    Column(
        key="truncated",
        head="Truncated",
        doc="of those, the answer hit its limit of length",
        unit=COUNT,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.truncated),
        formats={"answers": Format()},
    ),
    Column(
        key="false_ids",
        head="False ids",
        doc="memories that were cited and never shown",
        unit=COUNT,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.false_ids),
        formats={"answers": Format()},
    ),
    Column(
        key="shortened",
        head="Shortened",
        doc="prompts without all that was to be shown, for the model had no room for it",
        unit=COUNT,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.shortened),
        formats={"answers": Format(), **FILE},
    ),
    Column(
        key="left_out",
        unit=TEXT,
        value=lambda line: _asked(line, lambda of: words_of_left_out(of) or None),
        formats=FILE,
    ),
    Column(
        key="tokens_read",
        head="Tokens in",
        doc="read by the model",
        unit=COUNT,
        direction=0,
        value=lambda line: _asked(line, lambda of: _counted(of, of.read), UNCOUNTED),
        formats={"answers": Format(), **FILE},
    ),
    Column(
        key="tokens",
        head="Tokens",
        doc="read and written by the model, of all finished repeats",
        unit=COUNT,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.tokens, UNCOUNTED),
        formats={"page": Format()},
    ),
    Column(
        key="share_cached",
        head="Cached %",
        doc="of the tokens read, those that servers had in their caches of prefixes",
        unit=PERCENT,
        direction=0,
        value=lambda line: _asked(
            line, lambda of: of.cached / of.read if of.read and not of.uncounted else None
        ),
        formats={"answers": Format(1), **FILE},
    ),
    Column(
        key="tokens_written",
        head="Tokens out",
        doc="written by the model",
        unit=COUNT,
        direction=0,
        value=lambda line: _asked(line, lambda of: _counted(of, of.written), UNCOUNTED),
        formats={"answers": Format(), **FILE},
    ),
    Column(
        key="cost_usd",
        head="Cost USD",
        doc="by the price in the configuration",
        unit=USD,
        direction=-1,
        value=lambda line: _asked(line, lambda of: of.cost_usd, "the price is not known"),
        formats={"answers": Format(4), "page": Format(2), **FILE},
    ),
    Column(
        key="answers_by_role",
        unit=TEXT,
        value=lambda line: _asked(line, lambda of: "; ".join(words_of_roles(of.roles)) or None),
        formats=FILE,
    ),
    Column(
        key="tool_calls",
        unit=COUNT,
        value=lambda line: _asked(line, lambda of: of.tool_calls),
        formats=FILE,
    ),
    Column(
        key="tool_errors",
        unit=TEXT,
        value=lambda line: _asked(line, lambda of: words_of_tools(of) if of.tool_calls else None),
        formats=FILE,
    ),
    Column(
        key="median_latency_s",
        head="Median s",
        doc="to an answer, test split of the shown repeat",
        unit=RATIO,
        direction=-1,
        value=lambda line: _latency(line, "p50"),
        formats={"answers": Format(2)},
    ),
    Column(
        key="latency_95_s",
        head="95 % s",
        doc="95 % of the answers took less, test split of the shown repeat",
        unit=RATIO,
        direction=-1,
        value=lambda line: _latency(line, "p95"),
        formats={"answers": Format(2)},
    ),
)


OF_ALL_TASKS: tuple[Column[Any], ...] = tuple(
    replace(each, formats={"page": each.formats["page"]})
    for each in ANSWERS
    if "page" in each.formats
)
"""Those that a table over several tasks has, too."""


def _asked(
    line: BoardLine | OverallLine, value: Callable[[Answers], Any], missing: str = "not recorded"
) -> Cell:
    """A count of a language model's answers; nothing of an agent that asks none."""
    answers = line.row.answers
    if answers is None:
        return Cell(reason="it asks no language model")
    found = value(answers)
    return Cell(found, reason=missing if found is None else None)


def _counted(answers: Answers, tokens: int) -> int | None:
    """Tokens, where all that were read and written are among them."""
    return None if answers.uncounted else tokens


def _latency(line: BoardLine, name: str) -> Cell:
    episode = line.row.episode
    asked = (episode.answers or {}).get("test") if episode else None
    return Cell(asked["latency_s"][name]) if asked else Cell(reason="no model was asked")
