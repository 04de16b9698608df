"""Tables of decided classes: agents of one task or over several, beside constant answers.

What the figures are is in ``tasks.trading_r1.scores``; here agents of the same days are put beside
each other, and it is said which of them are distinguishable from always buy.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from investorbench.tasks.leaderboard.entries import Group, Setting, grouped
from investorbench.tasks.result import Entry
from investorbench.tasks.statistics.estimate import LEVEL
from investorbench.tasks.trading_r1.blocks import BLOCK, FEWEST_BLOCKS, MarketDay
from investorbench.tasks.trading_r1.marking import NO_LABELS
from investorbench.tasks.trading_r1.scores import (
    BEST_CONSTANT,
    DecisionFigures,
    LabelledDecision,
    baselines_of,
    figures_of,
)
from investorbench.tasks.wording import count, listed, number

BRIEFED = "investorbench.agents.thesis.agent.ThesisAgent"
"""Whose theses are about the briefing that follows from the market."""
AgentDecisions = Mapping[str, list[LabelledDecision]]
"""Those of each agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """An agent, or what decides without reading anything.

    Attributes:
        agent: what tables call it.
        entry: of an agent on one task; None of a baseline, and over several tasks.
        figures: what its decisions come to.
        is_baseline: whether it is no agent, but an answer to compare agents with.
        knows: whether it was handed what others cannot know; it is compared with nothing.
    """

    agent: str
    entry: Entry | None
    figures: DecisionFigures
    is_baseline: bool = False
    knows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelBoard:
    """Agents that decided classes on the same days.

    Attributes:
        settings: the tasks, one or several.
        rows: by mean decision reward, best first; those without one last.
        decisions: of each row, oldest first.
        sentence: what a reader may quote; empty where no label was asked for.
        notes: what the figures rest on, and what is missing, a line each.
    """

    settings: tuple[Setting, ...]
    rows: tuple[LabelRow, ...]
    decisions: AgentDecisions
    sentence: str
    notes: tuple[str, ...]

    @property
    def agents(self) -> list[LabelRow]:
        """The rows that are no baselines."""
        return [row for row in self.rows if not row.is_baseline]

    @property
    def simulated(self) -> bool:
        """Whether its markets are."""
        return self.settings[0].simulated

    @property
    def has_labels(self) -> bool:
        """Whether some day has a label."""
        return any(row.figures.labelled for row in self.rows)

    @property
    def name(self) -> str:
        """Such as ``InvestorBench/Stock NVDA``, or how many tasks it is over."""
        if len(self.settings) == 1:
            return self.settings[0].name
        return f"over {len(self.settings)} tasks"


def label_boards(entries: Iterable[Entry]) -> list[LabelBoard]:
    """A table for each setting in which an agent decided classes, and those over several tasks.

    Args:
        entries: agents on tasks, in any order.
    """
    found: dict[Setting, tuple[Group, AgentDecisions, list[str]]] = {}
    for setting, (group, _) in grouped(entries).items():
        decisions = {name: decisions_of(entry) for name, entry in group.items()}
        silent = [name for name, own in decisions.items() if own and not _decides(group[name])]
        decided = {n: own for n, own in decisions.items() if own and n not in silent}
        if decided:
            found[setting] = group, decided, silent
    boards = [
        _board(
            (setting,),
            decided,
            group,
            (*_silent(silent), *_briefed_elsewhere(decided, [group])),
            {name for name, entry in group.items() if entry.result.knows},
        )
        for setting, (group, decided, silent) in found.items()
    ]
    return [*_over_tasks(found), *boards]


def decisions_of(entry: Entry) -> list[LabelledDecision]:
    """The decisions of an agent on a task, of all its repeats."""
    result = entry.result
    return [
        LabelledDecision(
            symbol=result.facts.symbol,
            day=MarketDay(
                str(each.market_seed) if result.facts.draws_markets else "", known.session
            ),
            known=known,
            round_trip_rate=each.labelled.round_trip_rate,
        )
        for each in result.episodes
        if each.labelled is not None
        for known in each.labelled.days
    ]


def _decides(entry: Entry) -> bool:
    return any(each.labelled and each.labelled.decides for each in entry.result.episodes)


def _over_tasks(
    found: Mapping[Setting, tuple[Group, AgentDecisions, list[str]]],
) -> Iterator[LabelBoard]:
    """Agents over all tasks of a protocol that all of them decided on, tickers together."""
    alike: dict[tuple[object, ...], list[Setting]] = defaultdict(list)
    for setting in found:
        rules = (setting.protocol, setting.simulated, setting.options, setting.seed)
        alike[rules].append(setting)
    for settings in alike.values():
        names = [set(found[setting][1]) for setting in settings]
        shared, every = set.intersection(*names), set.union(*names)
        if len(settings) > 1 and shared:
            decisions = {
                name: [one for setting in settings for one in found[setting][1][name]]
                for name in sorted(shared)
            }
            out = sorted(every - shared)
            notes = [f"left out, without all tasks: {listed(out)}"] if out else []
            groups = [found[setting][0] for setting in settings]
            notes += _briefed_elsewhere(decisions, groups)
            knowing = {n for group in groups for n, each in group.items() if each.result.knows}
            yield _board(tuple(settings), decisions, {}, notes, knowing)


def _board(
    settings: tuple[Setting, ...],
    decided: AgentDecisions,
    group: Group,
    notes: Iterable[str],
    knowing: Collection[str],
) -> LabelBoard:
    # All agents are compared with one answer at once, so the interval of each is the wider.
    level = 1.0 - (1.0 - LEVEL) / max(len(decided.keys() - knowing), 1)
    rows = [
        LabelRow(
            agent=name,
            entry=group.get(name),
            figures=figures_of(own, level=level),
            knows=name in knowing,
        )
        for name, own in decided.items()
    ]
    decisions = dict(decided)
    if any(row.figures.labelled for row in rows):
        beside = baselines_of([each for own in decided.values() for each in own])
        decisions |= beside
        rows += [
            LabelRow(agent=name, entry=None, figures=figures_of(own), is_baseline=True)
            for name, own in beside.items()
        ]
    rows.sort(key=_place)
    return LabelBoard(
        settings=settings,
        rows=tuple(rows),
        decisions=decisions,
        sentence=_sentence(rows) if _asked_for_labels(decisions) else "",
        notes=(*_notes(rows, decisions), *notes),
    )


def _place(row: LabelRow) -> tuple[float, float, str]:
    reward, formed = row.figures.decision.value, row.figures.structure.value
    return (
        float("inf") if reward is None else -reward,
        float("inf") if formed is None else -formed,
        row.agent,
    )


def _asked_for_labels(decisions: AgentDecisions) -> bool:
    """Whether a task names labels: without, a sentence about them would miss nothing wanted."""
    return any(one.known.why != NO_LABELS for own in decisions.values() for one in own)


def _sentence(rows: Sequence[LabelRow]) -> str:
    """Which agents earn more or less than always buy, as far as that can be distinguished."""
    agents = [row for row in rows if not (row.is_baseline or row.knows)]
    figures = max((row.figures for row in rows), key=lambda each: each.labelled)
    if not figures.labelled:
        return "No day has a label, so no decision can be paid."
    where = (
        f"On {count(figures.sessions, 'session')} with a label in "
        f"{count(figures.blocks, 'independent block')}"
    )
    buys = next(row.figures.decision for row in rows if row.agent == BEST_CONSTANT)
    beside = f"that of {BEST_CONSTANT}, {number(buys.value, 2)}"
    known = [row for row in agents if row.figures.lead.low is not None]
    if not agents:
        return f"{where}, only what knows the label decided: there is nothing to compare."
    if not known:
        why = agents[0].figures.lead.reason
        return f"{where}, no mean decision reward can be distinguished from {beside}: {why}."
    above = [row for row in known if (row.figures.lead.low or 0.0) > 0.0]
    below = [row for row in known if (row.figures.lead.high or 0.0) < 0.0]
    if not above and not below:
        whose = f"of {agents[0].agent}" if len(agents) == 1 else f"of {count(len(agents), 'agent')}"
        none = "the" if len(agents) == 1 else "no"
        cannot = "cannot" if len(agents) == 1 else "can"
        return (
            f"{where}, {none} mean decision reward {whose} {cannot} be distinguished from {beside}."
        )
    parts = [
        f"{listed([row.agent for row in own])} earned {word}"
        for own, word in ((above, "more"), (below, "less"))
        if own
    ]
    rest = len(agents) - len(above) - len(below)
    others = f"; {count(rest, 'other agent')} cannot be distinguished from it" if rest else ""
    than = f"{BEST_CONSTANT}, which earned {number(buys.value, 2)}"
    return f"{where}, {' and '.join(parts)} a decision than {than}{others}."


def _notes(rows: Sequence[LabelRow], decisions: AgentDecisions) -> Iterator[str]:
    figures = max((row.figures for row in rows), key=lambda each: each.labelled)
    if figures.blocks >= FEWEST_BLOCKS:
        several = sum(not (row.is_baseline or row.knows) for row in rows)
        joint = "; those beside always buy hold together" if several > 1 else ""
        yield (
            f"95 % intervals: Student's over {count(figures.blocks, 'block')} of at least {BLOCK} "
            f"sessions, common to all tickers and repeats{joint}"
        )
    if figures.labelled:
        yield (
            "always …: constant answers on the same days; momentum class: what had been, known on "
            "the day; label oracle: knows the label"
        )
    if knowing := [row.agent for row in rows if row.knows]:
        yield f"compared with nothing, for it knows what others cannot: {listed(knowing)}"
    yield from _unlabelled(decisions)


def _unlabelled(decisions: AgentDecisions) -> Iterator[str]:
    """Days that have no label, by the reason, each day of a ticker once."""
    each_once = {(one.symbol, one.day): one.known for own in decisions.values() for one in own}
    whys: dict[str, int] = defaultdict(int)
    for known in each_once.values():
        if known.why is not None:
            whys[known.why] += 1
    for why, days in whys.items():
        yield f"{number(days)} of {count(len(each_once), 'day')} without a label: {why}"


def _briefed_elsewhere(decisions: AgentDecisions, groups: Sequence[Group]) -> list[str]:
    """Who wrote about briefings that no agent of ours made: they say themselves what it was."""
    names = [
        name
        for name, own in decisions.items()
        if any(one.known.structure is not None for one in own)
        and any(_agent_of(group[name]) != BRIEFED for group in groups if name in group)
    ]
    if not names:
        return []
    return [f"form and evidence by a briefing of its own making: {listed(names)}"]


def _agent_of(entry: Entry) -> str:
    agent = entry.result.settings.get("agent")
    return str(agent.get("_target_")) if isinstance(agent, Mapping) else ""


def _silent(names: Sequence[str]) -> list[str]:
    return [f"decide no classes: {listed(names)}"] if names else []
