"""The answers of language models: in what an agent records of a step, and how they add up.

An agent that asks one says so in its ``record()``: under ``answers`` a list of mappings, or under
``answer`` a single one, each with the fields of an ``agents.llm.Answer`` and, where several were
asked, the ``role`` of each. ``decision.valid`` says whether a decision was read from them.

A decision is unusable where the agent says that it is not valid, or no answer of the step has a
value; where the agent says nothing, where the answer that decides has none: the last one of the
role ``decision``, or the last of all. Where no model answered but rules, none is.

An agent whose model calls tools says so under ``tool_calls``: a list of mappings, each with the
``name`` of the tool and an ``error``, a word for what went wrong, or None.
docs/runs.md has these rules.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from investorbench.agents.llm.answer import USABLE, Answer
from investorbench.tasks.result import Result
from investorbench.tasks.servers import servers_of
from investorbench.tasks.wording import count, number, usd

RecordedThought = Mapping[str, Any]
RecordedAnswer = Mapping[str, Any]
"""``role``, ``status``, ``tokens``, ``cost_usd``, ``latency_s``, ``is_language_model``, and what is
known besides: its text, the model, how it was asked for."""
FIELDS = {"status", "usage", "cost_usd", "latency_s", "is_language_model"}
REFUSED = "refused"
"""Questions that were too long for a server, and were asked again with less."""
TOKENS = ("input", "output", "cached", "reasoning")
DECISION = "decision"
"""The role of an answer that is the only one."""
OTHER = "other"
"""The role of an answer of which an agent that records others says nothing."""
NO_ROLES: Mapping[str, str] = {}
MARKED_ABOVE = 0.05
"""Share of unusable decisions above which an agent is marked in its row."""
UNRANKED_ABOVE = 0.2
"""Share above which it has no rank: what it did is then what holding does, not a model's doing."""


def answers_in(thought: RecordedThought | None) -> tuple[RecordedAnswer, ...]:
    """The answers of a thought; what is somebody's own under that name is none."""
    found = _found(thought or {})
    return tuple(_answer(each) for each in found)


def without_answers(thought: RecordedThought | None) -> RecordedThought | None:
    """The rest of a thought."""
    if thought is None or not _found(thought):
        return thought
    return {name: part for name, part in thought.items() if name not in ("answer", "answers")}


def role_of(answer: RecordedAnswer) -> str:
    """The role of an answer, and what it is about where its agent says so, in words."""
    about = answer.get("about")
    return f"{answer['role']} of {about}" if about else str(answer["role"])


def is_unusable(answers: Sequence[RecordedAnswer], thought: RecordedThought | None) -> bool:
    """Whether a decision for which models were asked rests on no usable answer."""
    if not any(answer["is_language_model"] for answer in answers):
        return False
    valid = _decision_in(thought).get("valid")
    if valid is not None:
        return not (valid and any(answer["status"] in USABLE for answer in answers))
    deciding = [answer for answer in answers if answer["role"] == DECISION] or answers
    return deciding[-1]["status"] not in USABLE


def with_asked(
    thought: RecordedThought | None, asked: Sequence[Answer], roles: Mapping[str, str] = NO_ROLES
) -> Any:
    """A thought with all answers in it that its agent asked for, each as it was given.

    An answer that the agent records keeps its role and what the agent adds to it; its own fields
    are those of the answer of the same request. One without ``request_hash`` is taken for the next
    that the agent names nowhere; one that is recorded more often than it was given counts as often
    as it was. Those of other models stay as the agent records them. What it leaves out follows, in
    the role of the decision where it records none at all.

    Args:
        thought: what the agent recorded of a step; None for nothing.
        asked: all answers of the model that the run gave it, in the step.
        roles: of answers that it leaves out, by the hash of the request.
    """
    if not asked:
        return thought
    given, left = _found(thought or {}), [*asked]
    named = {answer.get("request_hash") for answer in given}
    known = {answer.request_hash for answer in asked}
    unnamed = (answer for answer in asked if answer.request_hash not in named)
    answers: list[Mapping[str, Any]] = []
    for recorded in given:
        request = recorded.get("request_hash")
        of_request = (answer for answer in left if answer.request_hash == request)
        own = next(unnamed if request is None else of_request, None)
        if own is not None:
            left.remove(own)
            answers.append({**recorded, **asdict(own)})
        elif request not in known:
            answers.append(recorded)
    role = OTHER if given else DECISION
    answers += [{**asdict(answer), "role": roles.get(answer.request_hash, role)} for answer in left]
    return {**(without_answers(thought) or {}), "answers": answers}


def tally(
    steps: Iterable[tuple[Sequence[RecordedAnswer], RecordedThought | None]],
) -> dict[str, Any] | None:
    """How the answers of some steps add up; None where no model was asked.

    ``invalid`` decisions are those without a usable answer, refused and truncated ones included;
    the agent held then. ``roles`` says of each role how many answers it had, how many of them
    without a value, their tokens and cost; ``servers`` what answered, by what it says of itself;
    ``tool_calls``, where there are any, how many there were and which went wrong;
    ``orders_left_out``, where there are any, orders of answers that could not be meant;
    ``uncounted``, where there are any, answers of a language model whose server did not count its
    tokens, which then miss from the sums; ``left_out``, where there is anything, for how many
    decisions the model had no room for all that was to be shown, what that was by kind, and how
    many longer questions its server had refused.
    Latency is in seconds, as the server was waited for when it was asked; ``cost_usd`` is None
    where a price is not known.

    Args:
        steps: the answers of each step, and what else the agent recorded of it.
    """
    asked = [(answers, thought) for answers, thought in steps if answers]
    if not asked:
        return None
    answers = [answer for own, _ in asked for answer in own]
    latencies = np.array([answer["latency_s"] for answer in answers])
    called = [call for _, thought in asked for call in tool_calls_in(thought)]
    failed = Counter(str(call["error"]) for call in called if call["error"] is not None)
    noted = (_decision_in(thought).get("orders_left_out") for _, thought in asked)
    unmeant = sum(each for each in noted if isinstance(each, int))
    uncounted = sum(
        bool(each["is_language_model"] and not each["tokens"].get("known")) for each in answers
    )
    tools = {"tool_calls": {"count": len(called), "errors": dict(sorted(failed.items()))}}
    return {
        "decisions": len(asked),
        "is_language_model": all(answer["is_language_model"] for answer in answers),
        "invalid": sum(is_unusable(own, thought) for own, thought in asked),
        "status": dict(sorted(Counter(answer["status"] for answer in answers).items())),
        "dropped_ids": sum(_decision_in(thought).get("dropped", 0) for _, thought in asked),
        **_spent(answers),
        "roles": _by_role(answers),
        "servers": servers_of(answers),
        **(tools if called else {}),
        **({"orders_left_out": unmeant} if unmeant else {}),
        **({"uncounted": uncounted} if uncounted else {}),
        **_left_out([thought or {} for _, thought in asked]),
        "latency_s": {
            "mean": float(latencies.mean()),
            "p50": float(np.median(latencies)),
            "p95": float(np.quantile(latencies, 0.95)),
        },
    }


def as_written(tallies: Any, kept: Any) -> Any:
    """What tallies by split come to as the version counted that wrote others.

    Older ones have neither roles nor servers, and took a decision for valid where the agent says
    nothing of it.

    Args:
        tallies: by split, as they follow from the lines, or a list of such of each episode; None
            where no model was asked.
        kept: what is kept of them.
    """
    if isinstance(tallies, list) and isinstance(kept, list) and len(tallies) == len(kept):
        return [as_written(*each) for each in zip(tallies, kept, strict=True)]
    if not isinstance(tallies, Mapping) or not isinstance(kept, Mapping):
        return tallies
    return {split: _older(own, kept.get(split)) for split, own in tallies.items()}


class RoleCounts(NamedTuple):
    """Counts of the answers of one role.

    Attributes:
        answers: how many there were.
        unusable: those without a value.
        read: tokens of their prompts.
        written: tokens of the answers.
        cost_usd: what they cost; None without a price.
        is_counted: whether servers counted the tokens of all answers, beside them those of other
            roles of the same splits.
    """

    answers: int
    unusable: int
    read: int
    written: int
    cost_usd: float | None
    is_counted: bool


class Answers(NamedTuple):
    """Counts of a language model's answers, or of what stands in for one.

    Attributes:
        is_language_model: False where rules answered.
        decisions: how many there were.
        invalid: those without a usable answer, which became HOLD.
        refused: of those, the model refused.
        truncated: of those, the answer hit its limit of length.
        false_ids: memories that were cited and never shown.
        shortened: those whose prompt lacks what the model had no room for.
        read: tokens of all prompts.
        cached: the part of them that servers read from their caches.
        written: tokens of all answers.
        cost_usd: what they cost; None without a price.
        share_unusable: decisions of the test split without a usable answer, as a share of those
            for which a model was asked, of all finished repeats.
        roles: the same counts for each role.
        tool_calls: that the model made.
        tool_errors: how many of them went wrong, by what did.
        left_out: what models had no room for, by kind.
        uncounted: answers of a model whose tokens its server did not count, which ``read``,
            ``cached`` and ``written`` lack.
    """

    is_language_model: bool
    decisions: int
    invalid: int
    refused: int
    truncated: int
    false_ids: int
    shortened: int
    read: int
    cached: int
    written: int
    cost_usd: float | None
    share_unusable: float
    roles: Mapping[str, RoleCounts]
    tool_calls: int
    tool_errors: Mapping[str, int]
    left_out: Mapping[str, int]
    uncounted: int

    @property
    def tokens(self) -> int | None:
        """Read and written; None where servers did not count those of all answers."""
        return None if self.uncounted else self.read + self.written

    @property
    def is_marked(self) -> bool:
        """Whether so many decisions rest on no answer that a reader has to know."""
        return self.share_unusable > MARKED_ABOVE

    @property
    def is_ranked(self) -> bool:
        """Whether enough decisions are the model's own to be compared with others'."""
        return self.share_unusable <= UNRANKED_ABOVE


def answers_of(*results: Result) -> Answers | None:
    """Over all repeats and both splits, of an agent that asks a model; None of any other.

    Args:
        results: of the agent, one for each task.
    """
    episodes = [episode for result in results for episode in result.episodes]
    splits = [split for episode in episodes for split in (episode.answers or {}).items()]
    asked = [split for _, split in splits if split]
    if not asked:
        return None
    costs = [split["cost_usd"] for split in asked]
    statuses: Counter[str] = sum((Counter(split.get("status")) for split in asked), Counter())
    tests = [split for name, split in splits if split and name == "test"]
    return Answers(
        is_language_model=all(split["is_language_model"] for split in asked),
        decisions=sum(split["decisions"] for split in asked),
        invalid=sum(split["invalid"] for split in asked),
        refused=statuses["refused"],
        truncated=statuses["truncated"],
        false_ids=sum(split.get("dropped_ids", 0) for split in asked),
        shortened=sum(split.get("left_out", {}).get("decisions", 0) for split in asked),
        read=sum(split["tokens"]["input"] for split in asked),
        cached=sum(split["tokens"].get("cached", 0) for split in asked),
        written=sum(split["tokens"]["output"] for split in asked),
        cost_usd=None if None in costs else sum(costs),
        share_unusable=_share_unusable(tests),
        roles=_roles_of(asked),
        tool_calls=sum(split.get("tool_calls", {}).get("count", 0) for split in asked),
        tool_errors=sum(
            (Counter(split.get("tool_calls", {}).get("errors", {})) for split in asked), Counter()
        ),
        left_out=sum((Counter(split.get("left_out", {})) for split in asked), Counter()),
        uncounted=sum(split.get("uncounted", 0) for split in asked),
    )


def words_of_left_out(answers: Answers) -> str:
    """What models had no room for in words."""
    kinds = (name for name in answers.left_out if name not in ("decisions", REFUSED))
    what = ", ".join(f"{number(answers.left_out[kind])} {kind}" for kind in kinds)
    refused = answers.left_out.get(REFUSED, 0)
    asked_again = f"{number(refused)} asked again with less" if refused else ""
    return "; ".join(part for part in (f"left out: {what}" if what else "", asked_again) if part)


def words_of_tokens(read: int, written: int, *, is_counted: bool) -> str:
    """How many tokens were read and written, in words that say where servers did not count all."""
    if not is_counted and not read + written:
        return "tokens not counted"
    least = "" if is_counted else "at least "
    return f"{least}{count(read, 'token')} read, {number(written)} written"


def words_of_tools(answers: Answers) -> str:
    """Calls of tools in words."""
    errors = ", ".join(
        f"{number(found)} {error.replace('_', ' ')}" for error, found in answers.tool_errors.items()
    )
    return f"{count(answers.tool_calls, 'call')} of tools, errors: {errors or 'none'}"


def words_of_roles(roles: Mapping[str, RoleCounts]) -> Iterator[str]:
    """The counts of each role in words."""
    for role, counts in roles.items():
        cost = f", {usd(counts.cost_usd)}" if counts.cost_usd else ""
        yield (
            f"{role} {count(counts.answers, 'answer')}, {number(counts.unusable)} unusable, "
            f"{words_of_tokens(counts.read, counts.written, is_counted=counts.is_counted)}{cost}"
        )


def _share_unusable(tests: Sequence[Mapping[str, Any]]) -> float:
    decisions = sum(test["decisions"] for test in tests)
    return sum(test["invalid"] for test in tests) / decisions if decisions else 0.0


def _roles_of(tallies: Sequence[Mapping[str, Any]]) -> dict[str, RoleCounts]:
    """What tallies say of each role together; the deciding one first, the others as they came."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    uncounted = set()
    for tallied in tallies:
        for role, counts in tallied.get("roles", {}).items():
            found.setdefault(role, []).append(counts)
            if tallied.get("uncounted"):
                uncounted.add(role)
    return {
        role: _role_counts(found[role], is_counted=role not in uncounted)
        for role in sorted(found, key=DECISION.__ne__)
    }


def _role_counts(counts: Sequence[Mapping[str, Any]], *, is_counted: bool) -> RoleCounts:
    costs = [each["cost_usd"] for each in counts]
    return RoleCounts(
        answers=sum(each["answers"] for each in counts),
        unusable=sum(each["unusable"] for each in counts),
        read=sum(each["tokens"]["input"] for each in counts),
        written=sum(each["tokens"]["output"] for each in counts),
        cost_usd=None if None in costs else sum(costs),
        is_counted=is_counted,
    )


def _left_out(thoughts: Sequence[RecordedThought]) -> dict[str, dict[str, int]]:
    """What was left out of prompts, as their agent records it under ``left_out``."""
    given = [found for each in thoughts if isinstance(found := each.get("left_out"), Mapping)]
    counts = [Counter({k: n for k, n in each.items() if isinstance(n, int)}) for each in given]
    kinds = sum(counts, Counter[str]())
    refused = [each.get("refused") for each in thoughts]
    again = sum(len(each) for each in refused if isinstance(each, list | tuple))
    if not kinds and not again:
        return {}
    shortened = sum(any(each.values()) for each in counts)
    return {"left_out": {"decisions": shortened, **dict(sorted(kinds.items())), REFUSED: again}}


def _spent(answers: Sequence[RecordedAnswer]) -> dict[str, Any]:
    costs = [answer["cost_usd"] for answer in answers]
    return {
        "tokens": {name: sum(each["tokens"][name] for each in answers) for name in TOKENS},
        "cost_usd": None if None in costs else float(sum(costs)),
    }


def _by_role(answers: Sequence[RecordedAnswer]) -> dict[str, Any]:
    found: dict[str, list[RecordedAnswer]] = {}
    for answer in answers:
        found.setdefault(str(answer["role"]), []).append(answer)
    return {
        role: {
            "answers": len(own),
            "unusable": sum(answer["status"] not in USABLE for answer in own),
            **_spent(own),
        }
        for role, own in found.items()
    }


def _older(tallied: Any, kept: Any) -> Any:
    if not isinstance(tallied, Mapping) or not isinstance(kept, Mapping):
        return tallied
    for younger in ("tool_calls", "left_out", "uncounted"):
        if younger not in kept:
            tallied = {name: part for name, part in tallied.items() if name != younger}
    if "roles" in kept:
        return tallied
    own = {name: part for name, part in tallied.items() if name not in ("roles", "servers")}
    return own | {"invalid": kept["invalid"]} if "invalid" in kept else own


def _decision_in(thought: RecordedThought | None) -> Mapping[str, Any]:
    made = (thought or {}).get("decision")
    return made if isinstance(made, Mapping) else {}


def tool_calls_in(thought: RecordedThought | None) -> list[Mapping[str, Any]]:
    """The calls of tools in a thought; what is somebody's own under that name is none."""
    given = (thought or {}).get("tool_calls")
    calls = given if isinstance(given, list | tuple) else []
    known = [
        each for each in calls if isinstance(each, Mapping) and {"name", "error"} <= each.keys()
    ]
    return known if len(known) == len(calls) else []


def _found(thought: RecordedThought) -> list[Mapping[str, Any]]:
    several = thought.get("answers")
    given = several if isinstance(several, list | tuple) else [thought.get("answer")]
    known = [each for each in given if isinstance(each, Mapping) and each.keys() >= FIELDS]
    return known if len(known) == len(given) else []


def _answer(given: Mapping[str, Any]) -> RecordedAnswer:
    rest = {name: value for name, value in given.items() if name not in ("role", "usage")}
    return {
        "role": given.get("role", DECISION),
        "status": given["status"],
        "tokens": given["usage"],
        **rest,
    }
