"""TRL: rewards over the columns of a corpus, and a short trade with one tool, the decision.

Neither TRL nor torch is imported: TRL calls what is here. docs/training.md shows both in use.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import gymnasium as gym

from investorbench.agents.llm.canonical import digest
from investorbench.agents.thesis.targets import TARGETS, meant
from investorbench.agents.thesis.thesis import CLASSES, parse
from investorbench.tasks.task import Task, settings_of
from investorbench.tasks.trading_r1 import rewards
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.corpus.markets import for_training
from investorbench.tasks.trading_r1.decisions import class_of, words_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts
from investorbench_env.registration import facts_in
from investorbench_env.spaces import TRADE_WORDS
from investorbench_env.wrappers.briefing import brief
from investorbench_env.wrappers.briefing_form import BriefingForm

RewardFunction = Callable[..., list[float]]
TrlText = str | Sequence[Mapping[str, Any]]

ASKED = "Decide by calling decide: " + ", ".join(map(words_of, reversed(CLASSES))) + "."
UNDECIDED = -1.0
"""What a trade without a decision is paid: as though all were lost, so that silence never pays."""


class StageRewards(NamedTuple):
    """What ``GRPOConfig`` and ``GRPOTrainer`` take for a stage.

    Attributes:
        reward_funcs: functions of a batch's columns.
        reward_weights: what each weighs.
    """

    reward_funcs: list[RewardFunction]
    reward_weights: list[float]


def structure_reward(*, completions: Sequence[TrlText], **columns: Any) -> list[float]:
    """The structure of each thesis."""
    return [rewards.structure(parse(text_of(each))) for each in completions]


def evidence_reward(
    *,
    prompts: Sequence[TrlText],
    completions: Sequence[TrlText],
    ids: Sequence[Sequence[str]],
    **columns: Any,
) -> list[float]:
    """The evidence of each thesis: quotes of its briefing, and ids of the pieces."""
    made: dict[tuple[str, ...], Citable] = {}  # a group shares its briefing
    earned = []
    for prompt, completion, own in zip(prompts, completions, ids, strict=True):
        key = (text_of(prompt), *own)
        if key not in made:
            made[key] = Citable.of(key[0], own)
        earned.append(rewards.evidence(parse(text_of(completion)), made[key]))
    return earned


def decision_reward(
    *, completions: Sequence[TrlText], label: Sequence[str], **columns: Any
) -> list[float]:
    """What each decision earns by the true class."""
    return [
        rewards.decision(parse(text_of(each)), truth)
        for each, truth in zip(completions, label, strict=True)
    ]


def graded_reward(
    *,
    completions: Sequence[TrlText],
    horizon_return: Sequence[float],
    daily_volatility: Sequence[float],
    round_trip_rate: Sequence[float],
    **columns: Any,
) -> list[float]:
    """What each decision earned in money, in units of what the stock moves in the time."""
    given = zip(completions, horizon_return, daily_volatility, round_trip_rate, strict=True)
    return [rewards.graded(parse(text_of(each)), *figures) for each, *figures in given]


def expected_reward(
    *,
    completions: Sequence[TrlText],
    expected_return: Sequence[float],
    daily_volatility: Sequence[float],
    round_trip_rate: Sequence[float],
    **columns: Any,
) -> list[float]:
    """What each decision was expected to earn on a simulated market, in the same units.

    It is what ``graded_reward`` is on average, without the luck of what came.
    """
    given = zip(completions, expected_return, daily_volatility, round_trip_rate, strict=True)
    return [rewards.graded(parse(text_of(each)), *figures) for each, *figures in given]


PAID_BY: Mapping[str, RewardFunction] = MappingProxyType(
    {"label": decision_reward, "money": graded_reward, "expected": expected_reward}
)
"""What a decision is paid by."""


def stage_rewards(stage: str, paid_by: str = "label") -> StageRewards:
    """The functions and weights of a stage; a part that weighs nothing is left out.

    Args:
        stage: ``"I"``, ``"II"`` or ``"III"``.
        paid_by: ``"label"`` pays decisions by the true class, ``"money"`` by what came, and
            ``"expected"`` by what was to be expected, which a column ``expected_return`` holds.

    Raises:
        UnknownNameError: there is no such stage, or nothing of the kind to pay by.
    """
    if stage not in rewards.STAGES:
        raise UnknownNameError("stage", stage, rewards.STAGES)
    if paid_by not in PAID_BY:
        raise UnknownNameError("way to pay decisions", paid_by, PAID_BY)
    functions = (structure_reward, evidence_reward, PAID_BY[paid_by])
    parts = [pair for pair in zip(functions, rewards.STAGES[stage], strict=True) if pair[1]]
    return StageRewards([part for part, _ in parts], [float(weight) for _, weight in parts])


def text_of(given: TrlText) -> str:
    """A completion or a prompt as text: of a conversation its last message."""
    if isinstance(given, str):
        return given
    content = given[-1].get("content") if given else ""
    if isinstance(content, str):
        return content
    parts = (part if isinstance(part, str) else part.get("text") for part in content or ())
    return "".join(part for part in parts if isinstance(part, str))


class ShortTrade:
    """One asset for a few sessions, as ``GRPOTrainer(environment_factory=ShortTrade)`` takes it.

    Its columns are ``task``, and ``date`` or ``market_seed`` or both; those of a corpus will do.
    The rows of a group are reset alike, so that they share their state. The reward is the sum of
    what the environment pays for each decision, and ``UNDECIDED`` where a model never decides.

    Args:
        tasks: by the names of a column ``market``, before which ``task`` gives way: what
            :func:`investorbench.tasks.training.lessons.tasks_in` finds in a corpus.
        options: of the environment, such as ``{"reward": "expected", "markets": "train"}``.
        sessions: decisions of a trade, each held for a session; snapshots have one.
        form: of the briefings, as a corpus was built with; the default form for None.
    """

    def __init__(
        self,
        *,
        tasks: Mapping[str, Task] | None = None,
        options: Mapping[str, Any] | None = None,
        sessions: int = 1,
        form: BriefingForm | None = None,
    ) -> None:
        if type(sessions) is not int or sessions < 1:
            raise InvestorBenchError(f"sessions={sessions!r} must be a whole number of at least 1")
        self._tasks, self._options = dict(tasks or {}), dict(options or {})
        self._sessions, self._form = sessions, form
        self._made: dict[str, gym.Env[Any, Any]] = {}
        self._env: gym.Env[Any, Any] | None = None
        self._facts: Facts
        self._seed = 0
        self._earned: list[float] = []
        self._ended = True

    def reset(self, **row: Any) -> str:
        """Begin a trade, and show what is known.

        Args:
            row: the columns of a row.

        Returns:
            The briefing, where the prompt does not hold it already, and what is asked for.

        Raises:
            InvestorBenchError: the row names no task, or a date that the task does not have.
        """
        self._env, self._earned, self._ended = None, [], True  # until it has begun
        env, drawn = self._environment(row), _whole(row, "seed")
        self._facts, self._seed = facts_in(env), drawn or 0
        seed = _whole(row, "market_seed")
        date = None if self._facts.horizon is not None else row.get("date")
        _, info = env.reset(
            seed=self._seed if seed is None else seed,
            options=None if date is None else {"date": str(date)},
        )
        self._env, self._ended = env, False
        text = self._briefing(info)
        prompt = row.get("prompt") or ""
        return f"\n\n{ASKED}" if text in text_of(prompt) else f"{text}\n\n{ASKED}"

    def decide(self, decision: str) -> str:
        """Take a position until the next decision.

        Args:
            decision: One of strong sell, sell, hold, buy and strong buy.

        Returns:
            What came of it, and what is known by then.
        """
        if self._env is None:
            raise InvestorBenchError("no trade has begun: call reset first")
        if self._ended:
            return "The trade has ended."
        action = meant(class_of(decision), TARGETS, self._facts)
        if isinstance(action, str):
            action = TRADE_WORDS.index(action)
        _, reward, terminated, truncated, info = self._env.step(action)
        self._earned.append(float(reward))
        self._ended = terminated or truncated
        if self._ended:
            return "The trade has ended."
        return f"{self._briefing(info)}\n\n{ASKED}"

    def get_reward(self) -> float:
        """What the decisions earned so far."""
        return sum(self._earned) if self._earned else UNDECIDED

    def _environment(self, row: Mapping[str, Any]) -> gym.Env[Any, Any]:
        """The environment of a row's task over all its days, which is made once."""
        market, name = str(row.get("market")), row.get("task")
        if market not in self._tasks and not name:
            raise InvestorBenchError(
                "a ShortTrade needs a column task, such as stock/sim; those of a corpus have it"
            )
        task = for_training(Task.of(self._tasks.get(market) or str(name)))
        key = digest(settings_of(task))
        if key not in self._made:
            own = {"protocol": task.protocol, **_window(task, self._sessions)}
            given = {name: value for name, value in own.items() if value is not None}
            # Not the task's own environment, which refuses to be paid by what was expected.
            self._made[key] = gym.make(
                task.id, **{"action": "weight", **given, **task.options, **self._options}
            )
        return self._made[key]

    def _briefing(self, info: Mapping[str, Any]) -> str:
        facts = self._facts.of(info["symbol"])
        return brief(info["history"], facts, seed=self._seed, form=self._form).text


def _whole(row: Mapping[str, Any], name: str) -> int | None:
    """The seed in a column.

    Raises:
        InvestorBenchError: it is none.
    """
    given = row.get(name)
    if given is None or given != given:  # a table without a value may hold NaN
        return None
    try:
        seed = int(given)
    except (TypeError, ValueError, OverflowError):
        seed = -1
    if seed < 0 or (isinstance(given, float) and seed != given):
        raise InvestorBenchError(f"{name}={given!r} must be a whole number of at least 0")
    return seed


def _window(task: Task, sessions: int) -> dict[str, Any]:
    """The days on which a trade may begin: those that a model is trained on, and those of a test.

    A snapshot has the day that its seed draws from those of the task.
    """
    data = gym.spec(task.id).kwargs.get("data", "real") if task.data is None else task.data
    if task.is_of_snapshots:
        return {"data": data, "start": task.start, "end": task.end}
    trained = (task.labels or {}).get("train") or task.facts("warmup").window
    tested = task.facts("test").window
    return {
        "data": data,
        "start": min(str(trained[0]), tested[0]),
        "end": max(str(trained[1]), tested[1]),
        "episode_length": sessions,
    }
