"""What was asked, answered and paid through a proxy, as a table."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from investorbench.agents.llm.answer import USABLE
from investorbench.scripts.terminal import Console
from investorbench.tasks.wording import number

COLUMNS = ("key", "asked", "cached", "unusable", "refused", "tokens read", "written", "USD")
SHOWN = 40
"""Keys that are listed."""


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print a line for each key, and one for all."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "key" else "right")
    keys = list(figures["keys"].items())
    for name, own in keys[:SHOWN]:
        table.add_row(name, *_cells(own))
    if len(keys) > SHOWN:
        table.add_row(f"and {len(keys) - SHOWN} more")
    if len(keys) > 1:
        table.add_section()
        table.add_row("all", *_cells(figures["total"]))
    console = Console(stderr=True)
    console.print(table if keys else "nothing was asked", highlight=False)


def _cells(own: Mapping[str, Any]) -> list[str]:
    unusable = sum(many for status, many in own["status"].items() if status not in USABLE)
    refused = sum(own["errors"].values())
    tokens = own["tokens"]
    counts = (own["requests"], own["cached"], unusable, refused, tokens["input"], tokens["output"])
    return [*(number(count) for count in counts), number(own["cost_usd"], 4)]
