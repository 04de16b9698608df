"""What a suite is: tasks, how much of each, and what a table over them shows; read from YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from investorbench.agents.settings_files import SUFFIXES, read_settings
from investorbench.tasks.suites.wordings import WORDINGS
from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONF = Path(__file__).resolve().parent.parent.parent / "conf"
FOLDER = CONF / "suite"
SUITE_FORMS = "or give a file of your own, such as suite=./my_suite.yaml"
HEADLINES = ("edge", "realised", "sharpe")
"""By what rows of a table are ranked."""
COUNTS = ("repeats", "block", "wordings")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTask:
    """One task of a suite.

    Attributes:
        task: its name, as on the command line.
        options: of its environment.
        start: first date of the test split, in place of its own.
        end: last date of it, likewise.
    """

    task: str
    options: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedTokens:
    """What a language model is expected to read and write for a decision, for estimates of cost."""

    read: int
    written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What a table rests on, under one name.

    Attributes:
        name: of the suite.
        about: what it measures, in a sentence.
        tasks: what agents are scored on.
        repeats: of each task; blocks where it is of snapshots.
        block: snapshots in each.
        wordings: of the prompt that are rotated over repeats, 1 to 3.
        warmup: whether episodes begin with the warm-up split.
        protocol: of all tasks.
        headline: the figure by which agents are ranked: ``"edge"`` of simulated snapshots,
            ``"realised"`` of real ones, ``"sharpe"`` of accounts.
        references: agents that stand in every table beside those that are run.
        tokens: expected for a decision.
        smallest_difference: of the headline, in its unit, that two agents are distinguished by with
            80 % power; None where that was not measured.
        frozen: SHA-256 of each part by name, as of the day on which it was frozen; empty for a
            suite that is not.
    """

    name: str
    about: str
    tasks: tuple[SuiteTask, ...]
    repeats: int
    block: int = 25
    wordings: int = 1
    warmup: bool = False
    protocol: str = "standard"
    headline: str = "edge"
    references: tuple[str, ...] = ()
    tokens: ExpectedTokens = field(default_factory=lambda: ExpectedTokens(read=2500, written=200))
    smallest_difference: float | None = None
    frozen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any], where: str) -> Self:
        """A suite from its settings.

        Raises:
            UnknownNameError: one is none of a suite, or of a task in it.
            InvestorBenchError: one is missing, or makes no sense.
        """
        _require_names(settings, cls, f"suite {where}")
        missing = [name for name in ("name", "about", "tasks", "repeats") if not settings.get(name)]
        if missing:
            raise InvestorBenchError(f"suite {where} needs {', '.join(missing)}")
        given = {name: value for name, value in settings.items() if value is not None}
        for name in COUNTS:
            value = given.get(name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvestorBenchError(
                    f"suite {where}: {name}={value!r} must be a whole number of at least 1"
                )
        if given.get("headline", "edge") not in HEADLINES:
            raise UnknownNameError(f"headline of suite {where}", given["headline"], HEADLINES)
        if given.get("wordings", 1) > len(WORDINGS):
            raise InvestorBenchError(f"suite {where}: there are {len(WORDINGS)} wordings")
        if "tokens" in given:
            given["tokens"] = _part(ExpectedTokens, given["tokens"], f"tokens of suite {where}")
        tasks = tuple(_part(SuiteTask, each, f"a task of suite {where}") for each in given["tasks"])
        names = [each.task for each in tasks]
        if len(set(names)) < len(names):
            raise InvestorBenchError(f"suite {where} names a task twice: {', '.join(names)}")
        references = tuple(map(str, given.get("references", ())))
        return cls(**{**given, "tasks": tasks, "references": references})

    @property
    def decisions(self) -> int:
        """Of each agent on each task of snapshots."""
        return self.repeats * self.block


def suite_names() -> list[str]:
    """The names of our suites."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def find_suite(name: str) -> Suite:
    """A suite by its name, or from a file of YAML.

    Raises:
        UnknownNameError: there is none of that name.
        InvestorBenchError: the file cannot be read as one, or bears the name of one of ours.
    """
    if name.endswith(SUFFIXES):
        own = Suite.of(read_settings(name), Path(name).stem)
        if own.name in suite_names():
            raise InvestorBenchError(
                f"{name} is called {own.name}, as a suite of ours is: its tables would be taken "
                "for those of ours, so give it another name"
            )
        return own
    if name not in suite_names():
        raise UnknownNameError("suite", name, suite_names(), SUITE_FORMS)
    return Suite.of(read_settings(FOLDER / f"{name}.yaml"), name)


def _part(kind: type, given: Any, where: str) -> Any:
    if isinstance(given, str):
        given = {"task": given}
    if not isinstance(given, Mapping):
        raise InvestorBenchError(f"{where} should hold settings, not {given!r}")
    _require_names(given, kind, where)
    try:
        return kind(**given)
    except TypeError as error:
        raise InvestorBenchError(f"{where}: {error}") from None


def _require_names(given: Mapping[str, Any], kind: type, where: str) -> None:
    known: Sequence[str] = [each.name for each in fields(kind)]
    for name in given:
        if name not in known:
            raise UnknownNameError(f"setting of {where}", name, known)
