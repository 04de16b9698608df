"""What an episode's decisions earned: labels beside theses, for an evaluator.

The class that was decided is read from what the agent recorded; a day without a label, or a step
without a thesis, has no reward for what it lacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from investorbench.agents.thesis.thesis import Thesis, parse
from investorbench.tasks.labelled import LabelledEpisode, MarkedDay
from investorbench.tasks.step import Step
from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.recorded import RecordedThesis, theses_of
from investorbench.tasks.trading_r1.rewards import decision, evidence, graded, structure
from investorbench.tasks.trading_r1.truths import (
    Truth,
    Truths,
    labelling_of,
    plain_thresholds,
    truths_of,
)
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

NO_LABELS = "the task names no window to freeze thresholds on (task.labels.train)"
BEYOND = "its session is not in the market that labels were taken from"


def truths_for(task: Task, market_seed: int) -> Truths | None:
    """What came after the test days of an episode's market; None of a task without labels.

    Args:
        task: of the episode.
        market_seed: what its environment begins with.

    Raises:
        InvestorBenchError: the task's labels cannot be taken, and why.
    """
    if task.labels is None:
        return None
    labelling = labelling_of(task.labels)
    if task.is_of_snapshots:
        raise InvestorBenchError(
            f"labels are of the days of one market, and each decision of {task.id} has its own: "
            "leave task.labels out, or name a task that is an account"
        )
    return truths_of(task.market(market_seed), task.facts("test").window, labelling)


def marked(steps: Sequence[Step], truths: Truths | None) -> LabelledEpisode | None:
    """What the decisions of an episode earned; None where there is neither label nor thesis.

    Args:
        steps: of the test split, with what the agent recorded.
        truths: what came after its days; None of a task without labels.
    """
    theses = {each.number: each for each in theses_of(steps)}
    if truths is None and not theses:
        return None
    facts = steps[0].facts
    unmarked = LabelledEpisode(
        thresholds=None if truths is None else plain_thresholds(truths.thresholds),
        trailing=None if truths is None else plain_thresholds(truths.trailing),
        round_trip_rate=2.0 * facts.cost_rate,
        why=NO_LABELS if truths is None else None,
        decides=bool(theses),
        days=tuple(_unmarked(step, truths) for step in steps),
    )
    return marked_again(unmarked, steps)


def marked_again(labelled: LabelledEpisode, steps: Sequence[Step]) -> LabelledEpisode:
    """The same labels with rewards by what the steps record: it takes no market.

    Args:
        labelled: what came after each step, whatever it says of rewards.
        steps: of the test split.
    """
    theses = {each.number: each for each in theses_of(steps)}
    decides = bool(theses)
    rate = labelled.round_trip_rate
    return replace(
        labelled,
        decides=decides,
        days=tuple(
            _marked(day, theses.get(step.number), rate) if decides else _without_rewards(day)
            for day, step in zip(labelled.days, steps, strict=True)
        ),
    )


def relabelled(labelled: LabelledEpisode, truths: Truths, facts: Facts) -> LabelledEpisode:
    """The same days with labels from a market that is at hand, and without rewards."""
    return LabelledEpisode(
        thresholds=plain_thresholds(truths.thresholds),
        trailing=plain_thresholds(truths.trailing),
        round_trip_rate=2.0 * facts.cost_rate,
        why=None,
        decides=labelled.decides,
        days=tuple(_day(each.session, truths.days) for each in labelled.days),
    )


def _unmarked(step: Step, truths: Truths | None) -> MarkedDay:
    session = str(step.info["session"])
    if truths is None:
        return MarkedDay(session=session, why=NO_LABELS)
    return _day(session, truths.days)


def _day(session: str, days: Mapping[str, Truth]) -> MarkedDay:
    truth = days.get(session)
    if truth is None:
        return MarkedDay(session=session, why=BEYOND)
    return MarkedDay(session=session, **truth._asdict())


def _without_rewards(day: MarkedDay) -> MarkedDay:
    return day._replace(decided=None, structure=None, evidence=None, decision=None, graded=None)


def _marked(day: MarkedDay, written: RecordedThesis | None, rate: float) -> MarkedDay:
    """A day with what its thesis earned; a step without one decided nothing."""
    thesis = parse("" if written is None else written.text)
    day = _without_rewards(day)._replace(decided=thesis.decision)
    if written is not None and written.ids:  # who was given no briefing writes no thesis
        formed, proved = structure(thesis), evidence(thesis, written.citable)
        day = day._replace(structure=formed, evidence=proved)
    if day.label is not None:
        day = day._replace(decision=decision(thesis, day.label))
    return day._replace(graded=_graded(thesis, day, rate))


def _graded(thesis: Thesis, day: MarkedDay, rate: float) -> float | None:
    if day.horizon_return is None or day.daily_volatility is None:
        return None
    return graded(thesis, day.horizon_return, day.daily_volatility, rate)
