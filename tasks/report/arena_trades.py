"""Every trade of accounts of perpetuals with its plan, exit and reasoning, packed for the page.

What there is no room for is left out in this order: reasoning of the agents listed last, then their
trades; the page says so.
"""

from collections.abc import Sequence
from typing import Any

from investorbench.tasks.arena.history import ArenaHistory, ArenaTrade, arena_history
from investorbench.tasks.leaderboard import Leaderboard
from investorbench.tasks.record.episode_folder import FILES
from investorbench.tasks.record.lines import read_record
from investorbench.tasks.record.schema import steps_of, without_nan
from investorbench.tasks.report.content import RecordedRow
from investorbench.tasks.report.packing import PageBudget, packed_json

DIGITS = 8
"""Significant digits of prices and quantities: more than any venue has."""
TRADE_BYTES = 4_000_000
"""Of all trades in a page; decisions get what is left."""


def pack_trades(
    board: Leaderboard, records: Sequence[RecordedRow], number: int, budget: PageBudget
) -> list[dict[str, Any]]:
    """The trades of a leaderboard's agents as blocks of a page.

    Args:
        board: of accounts of perpetuals.
        records: of its rows, best first.
        number: of the board in the page.
        budget: gives room to blocks, and keeps them.

    Returns:
        Of each row of the board the agent, how many trades are recorded of it, the name of the
        block that holds them (None where it was left out), and whether reasons are in it.
    """
    recorded = {record.agent: record for record in records}
    listed = []
    for place, row in enumerate(board.rows):
        found = row.agent in recorded and history_of(recorded[row.agent])
        rows = [trade_row(found, trade) for trade in found.trades] if found else []
        name = f"trades-{number + 1}-{place + 1}"
        texts = budget.take(name, packed_json(rows))
        has_block = texts or budget.take(name, packed_json([_without_texts(row) for row in rows]))
        listed.append({"agent": row.agent, "trades": len(rows), "texts": texts,
                       "block": name if has_block else None})  # fmt: skip
    return listed


def history_of(record: RecordedRow) -> ArenaHistory | None:
    """What an agent did in the repeat that is shown; None where nothing is recorded of it."""
    episodes = record.entry.result.episodes
    shown = next((n for n, each in enumerate(episodes) if each is record.episode), None)
    if shown is None:
        return None
    read = read_record(record.job.episodes[record.entry.repeats[shown]] / FILES["test"])
    if read.header is None or not read.lines:
        return None
    return arena_history(steps_of(read.header, read.lines))


TEXTS = ("invalidation", "why", "exit_why")
"""What an agent wrote of a trade."""


def trade_row(history: ArenaHistory, trade: ArenaTrade) -> dict[str, Any]:
    """A trade as JSON values; what is not known of it is left out."""
    plan, closed, position = trade.plan, trade.closed, trade.position
    known = closed or position
    row = {
        "coin": trade.symbol,
        "quantity": sum(entry.quantity for entry in trade.entries)
        if known is None
        else known.quantity,
        "entry": trade.entries[0].price if known is None else known.entry_price,
        "opened": _minute(trade.opened if closed is None else closed.opened),
        "leverage": plan.leverage,
        "target": plan.profit_target,
        "stop": plan.stop_loss,
        "confidence": plan.confidence,
        "risk": plan.risk_usd,
        "added": len(trade.entries) - 1 or None,
        "minutes": round(history.held_for(trade).total_seconds() / 60.0),
        "invalidation": plan.invalidation_condition or None,
        "why": plan.justification or None,
    }
    if closed is None:
        row["net"] = None if position is None else position.unrealised_pnl
    else:
        row |= {
            "closed": _minute(closed.closed),
            "exit": closed.exit_price,
            "by": closed.reason,
            "gross": closed.pnl,
            "fees": closed.fees,
            "funding": closed.funding,
            "net": closed.pnl - closed.fees + closed.funding,
            "exit_why": (trade.exit.justification or None) if trade.exit else None,
        }
    return {name: _short(value) for name, value in without_nan(row).items() if value is not None}


def _without_texts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in TEXTS}


def _minute(time: Any) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def _short(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
