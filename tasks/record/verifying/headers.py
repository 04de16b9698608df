"""Whether headers fit their place, the configuration, each other, and the data that is here."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from investorbench.agents.llm.models import OF_THE_SERVER, model_of
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import Content, as_json
from investorbench.tasks.record.settings import CONFIG, hashes_of, read_settings
from investorbench.tasks.record.verifying.episode import Records, read_figures
from investorbench.tasks.record.verifying.findings import Finding, differences
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

OF_THE_REPEAT = ("memory", "background")
"""What an agent says of itself and may differ between repeats: a memory has the repeat's seed."""


def verify_headers(
    job: RecordedJob, records: Mapping[Path, Records], market: Mapping[str, Facts]
) -> Iterator[Finding]:
    """What headers say that does not fit.

    Args:
        job: of the headers.
        records: of its repeats, by their folders.
        market: the facts of the splits as the data that is here has them, where it is.
    """
    settings = read_settings(job.path)
    asked: Content = {
        "configuration": hashes_of(settings),
        "agent": {"name": settings.get("name")},
        "model": settings.get("model"),
    }
    first: dict[str, Facts] = {}
    for number, path in enumerate(job.episodes):
        seeds = job.seeds[number]
        findings: list[Finding] = []
        for split, record in records.get(path, {}).items():
            header, file = record.header, record.path
            if header is None:
                continue
            found = header.to_json()
            found["agent"] = {"name": header.agent.get("name")}
            place: Content = {"split": split, "repeat": number, "seed": seeds.agent}
            if header.market_seed is not None:
                place["market_seed"] = seeds.market
            findings += differences(file, found, place, "its place asks for", "headers")
            findings += differences(file, found, asked, f"from {CONFIG} follows", "headers")
            if split in first and header.facts != first[split]:
                facts = {"facts": as_json(first[split].values())}
                findings += differences(file, found, facts, "a repeat before it has", "headers")
            elif split not in first and split in market:
                facts = {"facts": as_json(market[split].values())}
                whence = "the market data that is here has"
                yield from differences(file, found, facts, whence, "market", 2)
            first.setdefault(split, header.facts)
        yield from findings[:1]  # an episode in the wrong place differs in much


def verify_descriptions(job: RecordedJob) -> Iterator[Finding]:
    """What agents say of themselves, where that differs between repeats or from the settings."""
    described = {path: (read_figures(path) or {}).get("described") for path in job.episodes}
    known = {path: own for path, own in described.items() if isinstance(own, dict)}
    model = read_settings(job.path).get("model")
    for path, own in known.items():
        file, first = path / "metrics.json", next(iter(known.values()))
        alike = {name: part for name, part in first.items() if name not in OF_THE_REPEAT}
        yield from differences(
            file,
            {"described": {name: own.get(name) for name in {**alike, **own} if name in alike}},
            {"described": alike},
            "a repeat before it has",
        )
        if model is not None and isinstance(own.get("model"), dict):
            says = {"described.model": _without_server(own["model"])}
            whole = _known(_whole(model), own["model"], model)
            asked = {"described.model": _without_server(whole)}
            yield from differences(file, says, asked, f"from {CONFIG} follows")


def _whole(model: Mapping[str, Any]) -> Content:
    """The settings of a model with those that were left to their defaults."""
    try:
        return as_json(asdict(model_of(model)))
    except InvestorBenchError:
        return dict(model)


def _known(whole: Mapping[str, Any], *written: Mapping[str, Any]) -> Content:
    """The settings of which a record says something; the others are younger than it."""
    known: Content = {}
    for name, part in whole.items():
        said = [each[name] for each in written if name in each]
        tables = [each for each in said if isinstance(each, Mapping)]
        if said:
            known[name] = _known(part, *tables) if tables and isinstance(part, Mapping) else part
    return known


def _without_server(model: Mapping[str, Any]) -> Content:
    return {name: part for name, part in model.items() if name not in OF_THE_SERVER}
