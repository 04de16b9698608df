"""Run folders: a record of everything an agent decided, written as it happens.

A job is one agent on one task. Its folder holds ``config.yaml``, ``manifest.json`` and a folder for
each repeat with ``warmup.jsonl`` and ``decisions.jsonl`` (a line a step, each carrying the hash of
the one before) and ``metrics.json``.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from investorbench_env.errors import InvestorBenchError
from tasks.result import Result, Step

PACKAGES = ("investorbench_env", "agents", "tasks", "scripts")
DEPENDENCIES = ("investorbench", "gymnasium", "numpy", "pandas", "exchange_calendars")
FILES = {"warmup": "warmup.jsonl", "test": "decisions.jsonl"}
BEFORE_THE_FIRST = "0" * 64
"""What the first line of a file carries in place of the hash of the one before."""


class JobFolder:
    """Where one job is recorded; a context manager, and callable as ``watch`` of ``evaluate``.

    Args:
        path: the folder, which must not exist yet.
        config: the configuration of the job, as YAML.

    Raises:
        InvestorBenchError: the folder exists already.
    """

    def __init__(self, path: Path, config: str) -> None:
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise InvestorBenchError(
                f"{path} holds a run already; give another folder=..., or remove it"
            ) from None
        self.path = path
        self._lines: IO[str] | None = None
        self._hash = BEFORE_THE_FIRST
        write_atomically(path / "config.yaml", config)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        if error is not None and not list(self.path.glob("repeat-*")):
            # It failed before there was anything to record.
            (self.path / "config.yaml").unlink()
            self.path.rmdir()

    def __call__(self, step: Step) -> None:
        """Append a step to the record of its repeat and split."""
        if step.number == 0:
            self._close()
            folder = self.path / f"repeat-{step.repeat}"
            folder.mkdir(exist_ok=True)
            self._lines = (folder / FILES[step.split]).open("x", encoding="utf-8")
            self._hash = BEFORE_THE_FIRST
        assert self._lines is not None
        line = chained(decision_of(step), self._hash)
        self._hash = line["hash"]
        self._lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._lines.flush()

    def finish(self, result: Result) -> None:
        """Write what the job came to."""
        for number, episode in enumerate(result.episodes):
            path = self.path / f"repeat-{number}" / "metrics.json"
            write_json(path, {"seed": episode.seed, "metrics": episode.metrics})
        write_json(self.path / "manifest.json", manifest_of(result))

    def _close(self) -> None:
        if self._lines is not None:
            self._lines.close()
            self._lines = None


def decision_of(step: Step) -> dict[str, Any]:
    """What a line of ``decisions.jsonl`` says: what was known, done, and what came of it.

    The observation itself follows from the market, whose fingerprint is in the manifest.
    """
    return {
        "number": step.number,
        "session": step.info["session"],
        "time": step.info["time"],
        "documents": [document.id for document in step.info["documents"]],
        "action": np.asarray(step.action).tolist(),
        "reward": step.reward,
        **{
            name: step.outcome[name]
            for name in ("fill_price", "notional", "cost", "position", "cash", "equity")
        },
    }


def chained(line: Mapping[str, Any], before: str) -> dict[str, Any]:
    """A line with the hash of the one before it and its own, SHA-256 over both."""
    body = {**line, "before": before}
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return {**body, "hash": hashlib.sha256(text.encode()).hexdigest()}


def manifest_of(result: Result) -> dict[str, Any]:
    """What it takes to know where a result comes from, and its metrics."""
    return {
        "agent": result.agent,
        "task": result.task.id,
        "symbol": result.task.symbol,
        "protocol": result.protocol,
        "fills": result.fills,
        "window": list(result.window),
        "data_source": result.data_source,
        "simulated": result.simulated,
        "market_sha256": result.market_fingerprint,
        "findings": list(result.findings),
        "options": {name: str(value) for name, value in result.task.options.items()},
        "seeds": [episode.seed for episode in result.episodes],
        "metrics": result.metrics,
        "code_sha256": code_hash(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in DEPENDENCIES},
    }


def code_hash() -> str:
    """SHA-256 over the source files of our packages."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically; figures that are no number become null."""
    text = json.dumps(without_nan(content), ensure_ascii=False, indent=2, allow_nan=False)
    write_atomically(path, text + "\n")


def write_atomically(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def without_nan(value: Any) -> Any:
    """The same with None in place of every float that is no finite number."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
