"""What anybody with the code can do to a finished record: change it, and make every hash again."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from investorbench.tasks.actions import action_of
from investorbench.tasks.record.digests import write_manifest
from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.record.job_folder import manifest_of, references_hash
from investorbench.tasks.record.lines import BEFORE_THE_FIRST, chained, hash_of, read_record
from investorbench.tasks.record.observed import observed_hash
from investorbench.tasks.record.reading import recorded_entry
from investorbench.tasks.record.references import read_references, write_references
from investorbench.tasks.record.run_folder import job_in
from investorbench.tasks.record.schema import Line
from investorbench.tasks.record.settings import hashes_of, text_hash
from investorbench.tasks.running.matched import MATCHED, matched_policies
from investorbench.tasks.step import Step
from investorbench_env.registration import facts_in
from tests.tasks.plain_records import Content, contents_of

FILES = {"warmup": "warmup.jsonl", "test": "decisions.jsonl"}
Change = Callable[[Content], None]


def rewrite(path: Path, contents: Sequence[Content]) -> None:
    """Write lines with the chain made again."""
    before, lines = BEFORE_THE_FIRST, []
    for content in contents:
        rest = {name: part for name, part in content.items() if name != "before"}
        lines.append(chained(rest, before))
        before = hash_of(lines[-1])
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def each_line(job: Path, split: str, change: Change, repeats: Sequence[int] = (0, 1)) -> None:
    """Change every decision of a split, and redo the chain."""
    for number in repeats:
        path = job / f"repeat-{number}" / FILES[split]
        header, *lines = contents_of(path)
        for line in lines:
            change(line)
        rewrite(path, [header, *lines])


def configure(job: Path, change: Change) -> None:
    """Change the configuration, and what headers say of it."""
    path = job / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    change(settings)
    path.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
    for file in files(job):
        header, *lines = contents_of(file)
        header["configuration"] = hashes_of(settings)
        header["model"] = settings.get("model")
        rewrite(file, [header, *lines])


def files(job: Path) -> Iterator[Path]:
    """All files of decisions of a job."""
    yield from sorted(job.glob("repeat-*/*.jsonl"))


def redo(job: Path) -> None:
    """Make figures, heads, manifest and digest again, as the program does at the end of a run."""
    recorded = job_in(job)
    for path in recorded.episodes:
        records = {split: read_record(path / name) for split, name in FILES.items()}
        heads = {split: own.bound for split, own in records.items() if own.bound}
        write_json(path / "metrics.json", {**read_json(path / "metrics.json"), "records": heads})
    with np.errstate(all="ignore"):
        result = recorded_entry(recorded).result
    for path, episode in zip(recorded.episodes, result.episodes, strict=True):
        figures = {**read_json(path / "metrics.json"), "metrics": episode.metrics}
        if episode.answers is not None:
            figures["answers"] = episode.answers
        write_json(path / "metrics.json", figures)
    others = [each for each in read_references(job) or () if each.kind != MATCHED]
    write_references(job, [*others, *matched_policies(recorded.task, result.episodes)])
    kept = read_json(job / "manifest.json")
    made = {name: part for name, part in manifest_of(result).items() if name in kept}
    made |= {name: kept[name] for name in ("code_sha256", "python", "versions")}
    made["config_sha256"] = text_hash((job / "config.yaml").read_text())
    made["references_sha256"] = references_hash(job)
    made["records"] = [read_json(path / "metrics.json")["records"] for path in recorded.episodes]
    described = read_json(recorded.episodes[0] / "metrics.json").get("described")
    write_manifest(job, {**kept, **made, "described": described})


def relive(job: Path, number: int, actions: Sequence[int], split: str = "test") -> None:
    """Take other actions in the environment, under the thoughts that were recorded."""
    recorded = job_in(job)
    path = recorded.episodes[number] / FILES[split]
    record = read_record(path)
    assert record.header is not None
    env = recorded.task.make(split)  # type: ignore[arg-type]
    observation, info = env.reset(seed=record.header.seeds.market)
    header, *olds = contents_of(path)
    lines = []
    for line, old, action in zip(record.lines, olds, actions, strict=False):
        observed = observed_hash(observation, info)
        observation, reward, terminated, truncated, outcome = env.step(
            action_of(env.action_space, action)
        )
        step = Step(
            repeat=number, seed=record.header.seed, market_seed=record.header.seeds.market,
            split=split, facts=facts_in(env), number=line.number, info=info, action=action,
            reward=float(reward), outcome=outcome, is_last=terminated or truncated,
            observed=observed,
        )  # fmt: skip
        own = Line.of(step, old["written_at"]).to_json()
        lines.append(own | {"thought": old["thought"], "answers": old["answers"]})
        info = outcome
        if terminated:
            break
    rewrite(path, [header, *lines])


def set_in(content: Any, *keys: Any, to: Any) -> None:
    """Put a value at its place in nested content."""
    for key in keys[:-1]:
        content = content[key]
    content[keys[-1]] = to


def edit_json(path: Path, *keys: Any, to: Any) -> None:
    """Change one value of a file of JSON, and nothing else."""
    content = json.loads(path.read_text())
    set_in(content, *keys, to=to)
    write_json(path, content)
