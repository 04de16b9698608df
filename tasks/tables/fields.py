"""What columns of tidy tables are, and those that every table begins with: which episode it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from investorbench.tasks.described import job_words
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.record.schema import Header
from investorbench.tasks.record.settings import CONFIG, text_hash
from investorbench_env.regular_files import read_text

Storage = Literal["string", "Int64", "Float64", "boolean"]
"""What a column is kept as, in the words of pandas: each may be missing."""
TidyRow = dict[str, Any]


@dataclass(frozen=True)
class Block:
    """Rows that have much in common, such as those of an episode.

    Attributes:
        known: what all rows say alike, unless a row says otherwise.
        rows: what each of them says itself.
    """

    known: TidyRow
    rows: Sequence[TidyRow]

    @cached_property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        """Those that any row says itself, by name, each with what all rows have in it."""
        if not self.rows:
            return {}
        names = list(self.rows[0])
        if all(list(row) == names for row in self.rows):  # as almost always, and much quicker
            values = zip(*(row.values() for row in self.rows), strict=True)
            return dict(zip(names, values, strict=True))
        defaults = {name: self.known.get(name) for row in self.rows for name in row}
        return {
            name: [row.get(name, default) for row in self.rows]
            for name, default in defaults.items()
        }

    def values(self, name: str) -> Sequence[Any]:
        """What is in a column: one value where all rows have it alike, else one for each."""
        return self.columns[name] if name in self.columns else (self.known.get(name),)


class Field(NamedTuple):
    """A column.

    Attributes:
        name: its name.
        storage: what it is kept as.
        doc: what it is.
    """

    name: str
    storage: Storage
    doc: str


KEPT_IN: Mapping[Storage, tuple[type, ...]] = {
    "string": (str,),
    "Int64": (int,),
    "Float64": (int, float),
    "boolean": (bool,),
}
"""What values may be of, in a column; the truth of something is no number."""
MOST = 2**63 - 1


def require_kept(fields: Sequence[Field], block: Block) -> None:
    """See that every value can be kept in its column, so that a table of any format can.

    Args:
        fields: the columns.
        block: rows as they are read from lines that anything may have written.

    Raises:
        ValueError: one cannot, and which.
    """
    for name, storage, _ in fields:
        _require(name, storage, block.values(name))


def _require(name: str, storage: Storage, values: Sequence[Any]) -> None:
    kinds = set(map(type, values)) - {type(None)}
    for kind in kinds:
        is_truth = issubclass(kind, bool)
        if not issubclass(kind, KEPT_IN[storage]) or is_truth != (storage == "boolean"):
            raise ValueError(f"{name} of {kind.__name__}")
    if storage != "string" and int in kinds:
        whole = [value for value in values if type(value) is int]
        if max(whole) > MOST or min(whole) < -MOST:
            raise ValueError(f"{name} of more than 2^63")


JOB = (
    Field("run", "string", "the name of the run folder, with its path where others have the same"),
    Field("job", "string", "the folder of the agent on the task, from the run's on"),
    Field("task", "string", "the environment's id"),
    Field("symbols", "string", "the assets, joined by commas"),
    Field("agent", "string", "what tables call the agent, with its model"),
    Field("configuration", "string", "the same without its model and the settings of a sweep"),
    Field("model", "string", "the language model that it asks, by the name of its file"),
    Field("model_id", "string", "the same as its server calls it"),
    Field("memory", "string", "the profile of its memory"),
    Field("temperature", "Float64", "that the model samples at"),
    Field("cutoff", "string", "until when the model's knowledge reaches, as configured"),
    Field("released", "string", "when the model was"),
    Field("protocol", "string", "fills, costs and conventions, by name"),
    Field("seed", "string", "of the run; all seeds are texts, for they have up to 128 bits"),
    Field("config_sha256", "string", "of config.yaml"),
)
EPISODE = (
    *JOB,
    Field("start", "string", "first session of the window"),
    Field("end", "string", "its last session"),
    Field("simulated", "boolean", "whether prices or texts are"),
    Field("market_sha256", "string", "of all that an agent or an account can meet"),
    Field("code_sha256", "string", "of the code that ran"),
    Field("repeat", "Int64", "the number of the episode among those of its job"),
    Field("agent_seed", "string", "what the agent began with"),
    Field("market_seed", "string", "what the environment began with; of a snapshot, its own"),
)


def job_values(job: RecordedJob, run: str) -> TidyRow:
    """What is known of a job, in the columns ``JOB``."""
    return {
        "run": run,
        "job": job.place,
        "task": job.task.id,
        "symbols": job.task.symbol,
        "agent": job.name,
        "configuration": job.configuration_of,
        **job_words(job.settings)._asdict(),
        "protocol": job.task.protocol,
        "seed": str(job.seed),
        "config_sha256": text_hash(read_text(job.path / CONFIG)),
    }


def episode_values(
    job: RecordedJob, of_job: TidyRow, number: int, header: Header | None
) -> TidyRow:
    """What is known of a repeat, in the columns ``EPISODE``, as far as a header says it."""
    seeds = job.seeds[number]
    of_header: TidyRow = {}
    if header is not None:
        start, end = header.facts.window
        of_header = {
            "symbols": header.facts.symbol,
            "start": start,
            "end": end,
            "simulated": header.facts.simulated,
            "market_sha256": header.facts.fingerprint,
            "code_sha256": header.code.get("sha256") or _code_in_manifest(job),
        }
    return {
        **of_job,
        **of_header,
        "repeat": number,
        "agent_seed": str(seeds.agent),
        "market_seed": str(seeds.market),
    }


def _code_in_manifest(job: RecordedJob) -> str | None:
    """Where records of version 1 have it."""
    code = (job.manifest or {}).get("code_sha256")
    return None if code is None else str(code)
