"""Leaderboards as rows of figures: one an agent and setting, and one an agent over all tasks.

Shares are fractions, not percent. What is missing is empty, and ``reason_…`` says why.
"""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from investorbench.tasks.answers import answers_of
from investorbench.tasks.leaderboard import Leaderboard, Overall, OverallRow, Row, Setting
from investorbench.tasks.statistics import Estimate, VarianceSplit

if TYPE_CHECKING:
    import pandas as pd

METRICS = (
    "AV", "MDD", "sortino", "calmar", "hit_ratio", "turnover", "exposure", "time_in_market",
    "costs", "steps",
)  # fmt: skip
TEXT, WHOLE, TRUTH, NUMBER = "string", "Int64", "boolean", "Float64"
TYPES = {
    **dict.fromkeys(("rank_best", "rank_worst", "days", "tasks", "trials", "steps", "trades",
                     "repeats_planned", "repeats_finished", "decisions", "invalid_decisions",
                     "tokens_read", "tokens_written", "bootstrap_draws", "block_days"), WHOLE),
    **dict.fromkeys(("simulated", "ruined", "is_language_model"), TRUTH),
    **dict.fromkeys(("scope", "task", "symbol", "protocol", "start", "end", "data_source",
                     "options", "market_sha256", "agent", "run", "failures"), TEXT),
}  # fmt: skip
"""Of columns that hold no number; those that begin with ``reason_`` hold text."""


def csv(boards: Sequence[Leaderboard], overalls: Sequence[Overall]) -> bytes:
    """Comma-separated, UTF-8."""
    text: str = frame(boards, overalls).to_csv(index=False, lineterminator="\n")
    return text.encode("utf-8", "replace")


def parquet(boards: Sequence[Leaderboard], overalls: Sequence[Overall]) -> bytes:
    """Parquet, with types."""
    stream = io.BytesIO()
    frame(boards, overalls).to_parquet(stream, index=False)
    return stream.getvalue()


def frame(boards: Sequence[Leaderboard], overalls: Sequence[Overall]) -> "pd.DataFrame":
    """All rows; those over all tasks come last and have ``overall`` as their scope."""
    import pandas as pd

    rows = [_row(board, row) for board in boards for row in board.rows]
    rows += [_overall_row(found, row) for found in overalls for row in found.rows]
    table = pd.DataFrame(rows)
    return table.astype({name: _type(name) for name in table.columns})


def _type(column: str) -> str:
    return TYPES.get(column, TEXT if column.startswith("reason_") else NUMBER)


def _row(board: Leaderboard, row: Row) -> dict[str, Any]:
    comparison, told = board.comparison, row.statistics
    finished = len(row.entry.result.episodes)
    return {
        "scope": "task",
        **_setting(board.setting),
        "days": comparison.days,
        "tasks": 1,
        "agent": row.agent,
        "run": row.entry.run or None,
        "rank_best": row.rank[0],
        "rank_worst": row.rank[1],
        "CR": row.cr,
        **_interval("CR", told.cr),
        "SR": row.sr,
        **_interval("SR", told.sr),
        **_against(row),
        **{name: row.entry.result.metrics[name] for name in METRICS},
        "trades": int((row.entry.result.median.notional > 0.0).sum()),
        "ruined": row.is_ruined,
        **_value("PSR", told.probabilistic),
        **_value("DSR", told.deflated),
        "trials": comparison.trials,
        **_value("luckiest_SR", comparison.luck),
        **_value("min_track_record_days", told.track_record),
        **_p_value("confidence_set", told.best),
        **_p_value("SPA", comparison.superior),
        **_value("random_percentile", told.random),
        **_variance(told.variance),
        "repeats_planned": row.entry.planned,
        "repeats_finished": finished,
        "failures": "; ".join(_failures(row)) or None,
        **_answers(row),
        "block_days": comparison.bootstrap.block.days,
        "bootstrap_draws": comparison.bootstrap.draws,
    }


def _overall_row(found: Overall, row: OverallRow) -> dict[str, Any]:
    against = row.against or Estimate(reason="this is Buy & Hold, or it is missing")
    return {
        "scope": "overall",
        "task": " ".join(setting.name for setting in found.settings),
        "protocol": found.protocol,
        "simulated": found.simulated,
        "options": found.options or None,
        "tasks": len(found.settings),
        "agent": row.agent,
        "rank_best": row.rank[0],
        "rank_worst": row.rank[1],
        "CR": row.cr.value,
        **_interval("CR", row.cr),
        "SR": row.sr.value,
        **_interval("SR", row.sr),
        "SR_less_hold": against.value,
        **_interval("SR_less_hold", against),
        "p_hold": against.p_value,
        "adjusted_p_hold": row.adjusted_p,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "task": setting.task,
        "symbol": setting.symbol,
        "protocol": setting.protocol,
        "start": setting.start,
        "end": setting.end,
        "data_source": setting.data_source,
        "simulated": setting.simulated,
        "options": setting.options or None,
        "market_sha256": setting.market,
    }


def _against(row: Row) -> dict[str, Any]:
    """The difference to Buy & Hold, and its tests."""
    none = Estimate(reason="this is Buy & Hold, or it is missing")
    pair = row.against
    tested = none if pair is None else pair.ledoit_wolf
    return {
        "SR_less_hold": tested.value,
        **_interval("SR_less_hold", tested),
        "p_hold": tested.p_value,
        "p_hold_jobson_korkie": None if pair is None else pair.jobson_korkie.p_value,
        "adjusted_p_hold": None if pair is None else pair.adjusted_p,
        **_value("days_to_tell_from_hold", none if pair is None else pair.days),
    }


def _interval(name: str, cell: Estimate) -> dict[str, Any]:
    return {f"{name}_low": cell.low, f"{name}_high": cell.high, f"reason_{name}": cell.reason}


def _value(name: str, cell: Estimate) -> dict[str, Any]:
    return {name: cell.value, f"reason_{name}": cell.reason}


def _p_value(name: str, cell: Estimate) -> dict[str, Any]:
    return {f"p_{name}": cell.p_value, f"reason_{name}": cell.reason}


def _variance(split: VarianceSplit) -> dict[str, Any]:
    """Of the Sharpe ratio a step."""
    return {
        "variance_path": split.path,
        "variance_repeat": split.repeat,
        "reason_variance": split.reason,
    }


def _failures(row: Row) -> Iterator[str]:
    for failure in row.entry.failures:
        yield f"repeat {failure.repeat}: {failure.kind}: {failure.why}"


def _answers(row: Row) -> dict[str, Any]:
    names = ("is_language_model", "decisions", "invalid_decisions", "tokens_read",
             "tokens_written", "cost_usd")  # fmt: skip
    answers = answers_of(row.entry.result)
    return dict(zip(names, answers or [None] * len(names), strict=True))
