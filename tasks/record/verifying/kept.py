"""Whether recorded answers are the replies that ``answers.sqlite`` has kept."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.kept_answers import (
    KeptRow,
    answers_near,
    kept_rows,
    open_at_rest,
    request_hashes,
    rows_bound,
)
from investorbench.tasks.record.lines import RecordFile
from investorbench.tasks.record.schema import Content
from investorbench.tasks.record.verifying.findings import Finding, brief, without_place
from investorbench_env.errors import InvestorBenchError

BOUND = "kept_answers"
"""What a manifest says of the rows that its job rests on."""
SAME = ("text", "reasoning", "finish_reason", "model", "system_fingerprint", "response_id")
"""What of the last reply stands in an answer as it came."""


def not_as_kept(
    job: Path, records: Sequence[RecordFile], manifest: Content | None
) -> Iterator[Finding]:
    """Answers that are not the replies that were kept, and rows that were removed or changed."""
    bound = (manifest or {}).get(BOUND)
    asked = [answer for record in records for line in record.lines for answer in line.answers]
    keys = set(request_hashes(asked))
    if not keys:
        return
    path = answers_near(job)
    if path is None:
        if isinstance(bound, dict) and bound.get("rows"):
            what = "its answers.sqlite is not here: answers were not compared with what was kept"
            yield Finding(path=job, what=what, is_wrong=False, kind="answers")
        return
    try:
        with open_at_rest(path) as db:
            rows = kept_rows(db, keys)
    except InvestorBenchError as error:
        yield Finding(path=path, what=without_place(error, path), kind="answers")
        return
    if isinstance(bound, dict) and bound.get("rows", 0) > len(rows):
        missing = bound["rows"] - len(rows)
        what = f"{missing} of {bound['rows']} rows that {job.name} rests on are missing"
        yield Finding(path=path, what=what, kind="answers")
    elif isinstance(bound, dict) and bound != rows_bound(rows):
        what = f"rows that {job.name} rests on are not those that its {MANIFEST} was written for"
        yield Finding(path=path, what=what, kind="answers")
    for record in records:
        yield from _first_other(record, rows)


def _first_other(record: RecordFile, rows: Mapping[str, KeptRow]) -> Iterator[Finding]:
    """The first answer of a file that is not what was kept, and how many more are not."""
    others = [
        (line.session, number, why)
        for number, line in enumerate(record.lines)
        for answer in line.answers
        if (row := rows.get(str(answer.get("request_hash")))) is not None
        and (why := _why(answer, row.content))
    ]
    if others:
        session, number, why = others[0]
        rest = f"; so are {len(others) - 1} more answers" if len(others) > 1 else ""
        what = f"line {number + 2} ({session}): its answer is not the reply that was kept: {why}"
        yield Finding(path=record.path, what=f"{what}{rest}", kind="answers")


def _why(answer: Mapping[str, Any], kept: Content) -> str | None:
    """How an answer differs from the last reply that it rests on; None where it does not."""
    for name in SAME:
        given = name in answer and kept.get(name) not in (None, "")
        if given and answer[name] != kept[name]:
            return f"{name} is {brief(answer[name])}, kept as {brief(kept[name])}"
    if answer.get("tool_calls") and answer["tool_calls"] != kept.get("tool_calls"):
        return "the calls of tools are not those that were kept"
    turns = len(answer.get("defects", ())) + (answer["status"] in ("ok", "repaired"))
    usage = kept.get("usage")
    if turns != 1 or not isinstance(usage, dict):
        return None  # what a repaired answer took, two replies took together
    for name, count in usage.items():
        own = answer["tokens"].get(name, count)
        if own != count:
            return f"tokens.{name} is {own}, kept as {count}"
    took = kept.get("latency_s")
    if isinstance(took, float) and not math.isclose(answer["latency_s"], took, abs_tol=1e-9):
        return f"latency_s is {answer['latency_s']}, kept as {took}"
    return None
