"""Whether the manifest of a job says what its other files say."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from investorbench.tasks.handed import knowledge
from investorbench.tasks.judging import performance_of
from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.files import folder_name
from investorbench.tasks.record.job_folder import references_hash, summed_up
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.references import REFERENCES, read_references
from investorbench.tasks.record.schema import SCHEMA, Content, without_nan
from investorbench.tasks.record.settings import CONFIG, text_hash
from investorbench.tasks.record.verifying.episode import Records, read_figures
from investorbench.tasks.record.verifying.findings import Finding, differences, without_place
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.regular_files import read_text


def verify_manifest(
    job: RecordedJob, manifest: Content, records: Mapping[Path, Records], market: Facts | None
) -> Iterator[Finding]:
    """What a manifest says that does not follow.

    Args:
        job: of the manifest.
        manifest: what it says.
        records: of the repeats of the job, by their folders.
        market: the facts of the test split as the data that is here has them, where it is.
    """
    path = job.path / MANIFEST
    yield from _configuration(job, manifest)
    yield from _repeats(job, manifest, records)
    headers = [own["test"].header for own in records.values() if own["test"].header is not None]
    if headers:
        facts = headers[0].facts
        expected = {"schema": SCHEMA, **_of_facts(facts)}
        if job.handed:
            expected["knows"] = knowledge(job.handed, facts)
        yield from differences(path, manifest, expected, "in the headers is", "manifest")
        yield from _references(job.path / REFERENCES, manifest, facts)
    elif market is not None:
        expected = _of_facts(market)
        recorded = str(manifest.get("market_sha256"))
        if not market.draws_markets and job.task.market().is_the_one_recorded(recorded):
            expected["market_sha256"] = recorded
        whence = "the market data that is here has"
        yield from differences(path, manifest, expected, whence, "market", 2)


def _configuration(job: RecordedJob, manifest: Content) -> Iterator[Finding]:
    path, task = job.path / MANIFEST, job.task
    config = read_text(job.path / CONFIG)
    expected: Content = {
        "config_sha256": text_hash(config),
        "task": task.id,
        **({"protocol": task.protocol} if task.protocol else {}),
        "options": {name: str(value) for name, value in task.options.items()},
    }
    yield from differences(path, manifest, expected, f"from {CONFIG} follows", "manifest")
    if folder_name(str(manifest.get("agent"))) != job.path.name:
        what = f"is that of {manifest.get('agent')}, not of this folder"
        yield Finding(path=path, what=what, kind="manifest")


def _repeats(
    job: RecordedJob, manifest: Content, records: Mapping[Path, Records]
) -> Iterator[Finding]:
    found = [read_figures(path) for path in job.episodes]
    figures = [each for each in found if each is not None]
    if len(figures) < job.repeats:
        return
    expected: Content = {
        "seeds": [each.get("seed") for each in figures],
        "records": [each.get("records") for each in figures],
        "metrics": dict(summed_up([_metrics_in(each) for each in figures], manifest)),
        "answers": [each.get("answers") for each in figures],
        "described": figures[0].get("described"),
    }
    heads = [own["test"].header for own in records.values()]
    if all(head is not None and head.market_seed is not None for head in heads):
        expected["market_seeds"] = [seeds.market for seeds in job.seeds]
    path, whence = job.path / MANIFEST, "from the repeats follows"
    yield from differences(path, manifest, expected, whence, "manifest")


def _references(path: Path, manifest: Content, facts: Facts) -> Iterator[Finding]:
    """Whether references are those of the manifest, and their figures follow from their returns."""
    try:
        expected: Content = {"references_sha256": references_hash(path.parent)}
        whence = f"of {REFERENCES} is"
        yield from differences(path.parent / MANIFEST, manifest, expected, whence, "manifest")
        references = read_references(path.parent) or ()
    except InvestorBenchError as error:
        yield Finding(path=path, what=without_place(error, path), kind="figures")
        return
    for reference in references:
        if reference.returns is None:
            continue
        with np.errstate(all="ignore"):
            expected = performance_of(reference.returns, facts)
        known = {name: reference.figures[name] for name in expected if name in reference.figures}
        name = f"figures of {reference.name}"
        expected = {each: expected[each] for each in known}
        whence = "from its returns follows"
        yield from differences(path, without_nan({name: known}), {name: expected}, whence)


def _of_facts(facts: Facts) -> Content:
    """What a manifest says of them."""
    return {
        "symbol": facts.symbol,
        "market_sha256": facts.fingerprint,
        "data_source": facts.source,
        "simulated": facts.simulated,
        **({"markets": facts.markets} if facts.markets else {}),
        "findings": list(facts.findings),
        "window": list(facts.window),
        "fills": facts.fills,
    }


def _metrics_in(figures: Content) -> dict[str, float]:
    metrics = figures.get("metrics")
    return {
        str(name): float(value) if isinstance(value, int | float) else math.nan
        for name, value in (metrics if isinstance(metrics, dict) else {}).items()
    }
