"""What a corpus is to be built from, checked before any market is opened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from investorbench.agents.llm.canonical import digest
from investorbench.agents.llm.models import Model
from investorbench.tasks.plain import plain
from investorbench.tasks.task import Task, settings_of
from investorbench.tasks.trading_r1.corpus.filters import ThesisFilter, reaches
from investorbench.tasks.trading_r1.thresholds import Dates
from investorbench_env.errors import InvestorBenchError
from investorbench_env.wrappers.briefing_form import BriefingForm

SHOWN_DIFFERENCES = 3
SEED_BITS = 31
"""Of a briefing's seed, so that every server takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherSettings:
    """Who writes theses, and which of them are kept.

    Attributes:
        model: the teacher.
        stage: up to which stage of training a thesis must pass the filter to be kept.
        tries: how often a thesis is asked for before a briefing stays without one.
        keeps: the filter.
        max_tokens: of each thesis.
    """

    model: Model
    stage: str = "III"
    tries: int = 3
    keeps: ThesisFilter = field(default_factory=ThesisFilter)
    max_tokens: int = 4_096

    def __post_init__(self) -> None:
        reaches(None, self.stage)
        for name in ("tries", "max_tokens"):
            _require_count(name, getattr(self, name))

    def plain(self) -> dict[str, Any]:
        """What determines the theses, as JSON holds it."""
        model = {
            name: plain(getattr(self.model, name))
            for name in ("name", "provider", "id", "revision", "licence", "word_list")
        }
        return {
            **model,
            "sampling": plain(asdict(self.model.sampling)),
            "stage": self.stage,
            "tries": self.tries,
            "max_tokens": self.max_tokens,
            **asdict(self.keeps),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusSettings:
    """A corpus before it is built.

    Attributes:
        tasks: of one stock each, in the order of the rows.
        instructions: the system message of every prompt.
        variants: briefings of each day, with news and sections drawn by their seeds.
        seed: of all of them.
        train, test: first and last date of each window, of all tasks; None for a task's own.
        labels: ``direction`` and ``volatility`` of the scores; what a task says itself where empty.
        markets: how many simulated markets are drawn where a task draws them.
        form: of the briefings.
        teacher: who writes theses; None for a corpus of prompts alone.
    """

    tasks: Sequence[Task]
    instructions: str
    variants: int = 20
    seed: int = 0
    train: Dates | None = None
    test: Dates | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    markets: int = 1
    form: BriefingForm = field(default_factory=BriefingForm)
    teacher: TeacherSettings | None = None

    def __post_init__(self) -> None:
        if not self.tasks:
            raise InvestorBenchError("a corpus needs a task: task=stock/tsla")
        for name in ("variants", "markets"):
            _require_count(name, getattr(self, name))
        if type(self.seed) is not int or self.seed < 0:
            raise InvestorBenchError(f"seed={self.seed!r} must be a whole number of at least 0")

    def seed_of(self, variant: int) -> int:
        """The seed of the briefings of a variant, which others of the corpus do not share."""
        return int(digest([self.seed, variant])[:16], 16) >> (64 - SEED_BITS)

    def plain(self) -> dict[str, Any]:
        """All that determines the rows but for the data, as JSON holds it."""
        form = {each.name: getattr(self.form, each.name) for each in fields(self.form)}
        return {
            "tasks": [settings_of(task) for task in self.tasks],
            "instructions": self.instructions,
            "variants": self.variants,
            "seed": self.seed,
            "train": plain(self.train),
            "test": plain(self.test),
            "labels": dict(self.labels),
            "markets": self.markets,
            "form": plain(form),
            "teacher": None if self.teacher is None else self.teacher.plain(),
        }


def differences(before: Any, now: Any, name: str = "") -> list[str]:
    """Where two plain values differ, each place with both."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        names = dict.fromkeys([*before, *now])
        parts = [(f"{name}.{each}".strip("."), before.get(each), now.get(each)) for each in names]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        parts = [
            (f"{name}[{place}]", *pair) for place, pair in enumerate(zip(before, now, strict=True))
        ]
    elif before == now:
        return []
    else:
        return [f"{name} was {_shown(before)}, is {_shown(now)}"]
    return [each for part, old, new in parts for each in differences(old, new, part)]


def named(found: Sequence[str]) -> str:
    """Differences as a message names them: the first few, and how many more."""
    more = len(found) - SHOWN_DIFFERENCES
    return "; ".join(found[:SHOWN_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _require_count(name: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise InvestorBenchError(f"{name}={value!r} must be a whole number of at least 1")
