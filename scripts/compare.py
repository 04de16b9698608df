"""``investorbench compare``: two runs beside each other."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from investorbench.scripts.terminal import Console
from investorbench.tasks.leaderboard.pairing import Paired, RunDifference, differences, pair_up
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.run_folder import found_in
from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.record.settings import CONFIG
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.statistics.rank_sets import SIZE
from investorbench.tasks.wording import listed, number, p_equals, p_value
from investorbench_env.errors import InvestorBenchError

SHOWN = 5
"""Settings that differ, at most so many of an agent."""
NAMES = ("name", "agent_name")
"""Settings that follow from the others."""
Settings = dict[str, Any]


def compare(
    run_a: Annotated[Path, typer.Argument(help="The folder of a run, or of an agent in it.")],
    run_b: Annotated[Path, typer.Argument(help="Another, of the same tasks.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs: how far figures, decisions and settings of the same agents differ."""
    found = [found_in([run]) for run in (run_a, run_b)]
    first, second = ([entry for _, entry in each.entries] for each in found)
    paired = pair_up(first, second)
    jobs = {id(entry): job for each in found for job, entry in each.entries}
    compared = differences(paired.pairs)
    settings = [changed(*(_settings(jobs[id(entry)]) for entry in each.pair)) for each in compared]
    if as_json:
        print(json.dumps(without_nan(_content(compared, settings, paired)), ensure_ascii=False))
    else:
        _print((run_a, run_b), compared, settings, paired, Console())
    errors = [*paired.refused, *(line for each in found for line in each.problems)]
    if not compared and not errors:
        errors = [f"{run_a} and {run_b} have no agent on a task in common"]
    if errors:
        raise InvestorBenchError("\n".join(errors))


def changed(first: Settings, second: Settings) -> list[str]:
    """Which settings differ, and how: ``agent.k: 2 and 5``."""
    names = [name for name in dict.fromkeys([*first, *second]) if name not in NAMES]
    return [
        f"{name}: {first.get(name, 'none')} and {second.get(name, 'none')}"
        for name in names
        if first.get(name) != second.get(name)
    ]


def verdict(compared: Sequence[RunDifference]) -> str:
    """In a sentence or two, whether any two differ by more than chance."""
    same = sum(not each.decisions.differing for each in compared)
    if same == len(compared):
        return "Every decision is the same: the runs do not differ."
    alike = f"{same} of {len(compared)} pairs decided the same on every day. " if same else ""
    tested = [each for each in compared if each.adjusted_p is not None]
    if not tested:
        reasons = dict.fromkeys(each.sr.reason or "" for each in compared)
        return f"{alike}No Sharpe ratios could be tested: {'; '.join(reasons)}."
    smallest = p_equals(min(each.adjusted_p or 0.0 for each in tested))
    evidence = f"smallest adjusted {smallest}" if len(tested) > 1 else smallest
    clear = [
        f"{_name(each)} ({'A' if (each.sr.value or 0.0) > 0.0 else 'B'} is better)"
        for each in tested
        if (each.adjusted_p or 0.0) <= SIZE
    ]
    if clear:
        return f"{alike}Sharpe ratios differ by more than chance: {listed(clear)}; {evidence}."
    if len(tested) == 1:
        name = _name(tested[0])
        return f"{alike}The Sharpe ratios of {name} are not distinguishable ({evidence})."
    return f"{alike}No pair of {len(tested)} has distinguishable Sharpe ratios ({evidence})."


def _print(
    runs: Sequence[Path],
    compared: Sequence[RunDifference],
    settings: Sequence[Sequence[str]],
    paired: Paired,
    console: Console,
) -> None:
    def say(line: str, style: str = "") -> None:
        console.print(line, style=style, highlight=False, markup=False)

    for letter, run in zip("AB", runs, strict=True):
        say(f"{letter}: {run}")
    for each, lines in zip(compared, settings, strict=True):
        say("")
        stamp = "SIMULATED " if each.setting.simulated else ""
        say(f"{stamp}{_name(each)} · {each.setting.protocol}", style="bold")
        for line in (*_figures(each), *_decisions(each), *_shortened(lines)):
            say(line)
    say("")
    if compared:
        say(verdict(compared))
    for letter, only in zip("AB", (paired.only_first, paired.only_second), strict=True):
        for task, agents in only.items():
            say(f"only in {letter}: {', '.join(agents)} on {task}")


def _figures(each: RunDifference) -> Iterator[str]:
    yield f"  {'':9}{'A':>8}{'B':>8}{'A − B':>8}   {'95 % interval':15}  p     JKM"
    simple = each.jobson_korkie.p_value
    rows = (
        ("SR", 1.0, 2, each.sr, "" if simple is None else p_value(simple)),
        ("CR %", 100.0, 1, each.cr, ""),
    )
    for name, factor, digits, cell, beside in rows:
        values = [metrics[name.removesuffix(" %")] * factor for metrics in each.metrics]
        shown = "".join(f"{number(each, digits):>8}" for each in (*values, values[0] - values[1]))
        yield f"  {name:9}{shown}{_test(cell, factor, digits)}{beside}".rstrip()
    repeats = [len(entry.result.episodes) for entry in each.pair]
    if max(repeats) > 1:
        about = "; with one repeat this is about that run" if min(repeats) == 1 else ""
        yield f"  repeats    means over {repeats[0]} and {repeats[1]}{about}"


def _test(cell: Estimate, factor: float, digits: int) -> str:
    if cell.low is None or cell.high is None or cell.p_value is None:
        return f"   {cell.reason}"
    ends = " to ".join(number(end * factor, digits) for end in (cell.low, cell.high))
    return f"   {ends:15}  {p_value(cell.p_value):6}"


def _decisions(each: RunDifference) -> Iterator[str]:
    found = each.decisions
    if found.first is None:
        yield f"  decisions  all {number(found.compared)} are the same"
    else:
        day, repeat = found.first
        yield (
            f"  decisions  {number(found.differing)} of {number(found.compared)} differ, the first "
            f"on {day} (repeat {repeat})"
        )


def _shortened(lines: Sequence[str]) -> Iterator[str]:
    for line in lines[:SHOWN]:
        yield f"  setting    {line}"
    if len(lines) > SHOWN:
        yield f"  and {len(lines) - SHOWN} more settings; --json has them all"


def _name(each: RunDifference) -> str:
    names = dict.fromkeys(entry.result.agent for entry in each.pair)
    return f"{' against '.join(names)} on {each.setting.name}"


def _settings(job: RecordedJob) -> Settings:
    """The settings of a job by their dotted names."""
    return dict(_flat(yaml.safe_load((job.path / CONFIG).read_text(encoding="utf-8"))))


def _flat(settings: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(settings, dict):
        yield name, settings
        return
    for key, value in settings.items():
        yield from _flat(value, f"{name}.{key}" if name else str(key))


def _content(
    compared: Sequence[RunDifference], settings: Sequence[Sequence[str]], paired: Paired
) -> Settings:
    pairs = [
        {
            "agents": [entry.result.agent for entry in each.pair],
            **each.setting._asdict(),
            "metrics": list(each.metrics),
            "SR_difference": asdict(each.sr),
            "p_jobson_korkie": each.jobson_korkie.p_value,
            "adjusted_p": each.adjusted_p,
            "speaks_of": each.scope,
            "CR_difference": asdict(each.cr),
            "decisions": each.decisions._asdict(),
            "settings": list(lines),
        }
        for each, lines in zip(compared, settings, strict=True)
    ]
    return {
        "pairs": pairs,
        "verdict": verdict(compared) if compared else None,
        "refused": paired.refused,
        "only_in_a": paired.only_first,
        "only_in_b": paired.only_second,
    }
