"""What is known afterwards of decisions, as columns: the class that came, and what was earned."""

from collections.abc import Sequence
from statistics import fmean

from investorbench.tasks.labelled import LabelledEpisode, MarkedDay
from investorbench.tasks.tables.fields import Field, TidyRow
from investorbench_env.errors import InvestorBenchError

REWARDS = {
    "structure_reward": "structure",
    "evidence_reward": "evidence",
    "decision_reward": "decision",
    "graded_reward": "graded",
}
"""Columns of rewards, and what a day calls them."""
OF_REWARDS = (
    Field("structure_reward", "Float64", "what a thesis earned for its form"),
    Field("evidence_reward", "Float64", "what it earned for its evidence"),
    Field("decision_reward", "Float64", "what the decided class earned"),
    Field("graded_reward", "Float64", "the same in money, in units of what the stock moves"),
)
OF_DECISIONS = (
    Field("decided", "string", "the class that was decided, of five"),
    Field("label", "string", "the class that came, where days are labelled"),
    Field("label_missing", "string", "why there is none"),
    Field("label_score", "Float64", "that the label follows from"),
    Field("momentum", "string", "the class of what had been"),
    Field("horizon_return", "Float64", "of the next seven sessions"),
    Field("daily_volatility", "Float64", "of the last twenty sessions"),
    *OF_REWARDS,
)
"""Of a decision; empty where days are not labelled."""
OF_EPISODES = (
    Field("labelled", "Int64", "decisions whose day has a label, where days are labelled"),
    *(each._replace(doc=f"{each.doc}, mean over decisions that have it") for each in OF_REWARDS),
)


def with_labels(rows: Sequence[TidyRow], labelled: LabelledEpisode | None) -> list[TidyRow]:
    """Rows of the decisions of a test split with what came after each.

    Args:
        rows: of the decisions.
        labelled: what is known of them afterwards; None where nothing is.

    Raises:
        InvestorBenchError: it is of another number of decisions.
    """
    if labelled is None:
        return list(rows)
    if len(rows) != len(labelled.days):
        raise InvestorBenchError(
            f"labels.json has {len(labelled.days)} days, and {len(rows)} decisions are recorded: "
            "one of them was changed"
        )
    return [{**row, **_of_day(day)} for row, day in zip(rows, labelled.days, strict=True)]


def label_figures(labelled: LabelledEpisode | None) -> TidyRow:
    """What labels and rewards of an episode come to; nothing where there are none."""
    if labelled is None:
        return {}
    found: TidyRow = {"labelled": sum(day.label is not None for day in labelled.days)}
    for name, own in REWARDS.items():
        known = [value for day in labelled.days if (value := getattr(day, own)) is not None]
        found[name] = fmean(known) if known else None
    return found


def _of_day(day: MarkedDay) -> TidyRow:
    return {
        "decided": day.decided,
        "label": day.label,
        "label_missing": day.why,
        "label_score": day.score,
        "momentum": day.momentum,
        "horizon_return": day.horizon_return,
        "daily_volatility": day.daily_volatility,
        **{name: getattr(day, own) for name, own in REWARDS.items()},
    }
