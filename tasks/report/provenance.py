"""Where figures come from: data, code, models, what is missing, and what a model may have read."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from investorbench.tasks.leaderboard import Leaderboard
from investorbench.tasks.leaderboard.knowledge import (
    WITHIN,
    asks_model,
    knowledge_of,
    model_of,
)
from investorbench.tasks.leaderboard.notes import drawn_by
from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.report.content import SIMULATED, RecordedRow, board_name, span_of
from investorbench.tasks.report.leaderboard_tables import agent_name, agents_of
from investorbench.tasks.report.markup import Html, element, join
from investorbench.tasks.report.tables import Head, empty, row_head, table, words
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError

HASH = 12
"""Characters of a hash that are shown; the others stand in its title."""
HEADS = (
    Head("Agent", text=True, names=True),
    Head("Run", "", True),
    Head("Repeats", "finished of planned", True),
    Head("Seeds", "", True),
    Head("Model", "", True),
    Head("Revision", "", True),
    Head("Knowledge to", "the model's knowledge cutoff, as configured; ≤ its release", True),
    Head("Prompts", "SHA-256 of the prompt templates", True),
    Head("Configuration", "SHA-256 of config.yaml", True),
    Head("Code", "SHA-256 of the code that ran", True),
)


def facts_of(board: Leaderboard) -> Html:
    """What all agents of a leaderboard have in common, as a list of terms."""
    setting = board.setting
    comparison = board.comparison
    drawn = comparison.bootstrap
    source = f"{SIMULATED}: {setting.data_source}" if setting.simulated else setting.data_source
    facts = {
        "Task": f"{setting.task}, {', '.join(setting.symbols)}",
        "Window": f"{setting.start} to {setting.end}, {span_of(board)}",
        "Protocol": f"{setting.protocol}; orders fill at the {board.facts.fills.replace('_', ' ')}",
        "Options": setting.options or "none",
        "Data": source,
        "Markets": setting.markets or "one",
        "Market, SHA-256": board.facts.fingerprint,
        "Bootstrap": f"{drawn_by(comparison, board.facts)} ({drawn.block.rule}), seed {drawn.seed}",
        "Families": "alpha: that of each agent over the benchmark is 0; pairs: two Sharpe ratios "
        "are equal, from which the ranks; each adjusted by Romano and Wolf's step-down",
        "Smallest p": f"{comparison.smallest_p:.2g}",
        "Trials counted": str(comparison.luck.trials),
    }
    terms = (join(element("dt", name), element("dd", text)) for name, text in facts.items())
    return element("dl", *terms)


def agents_table(board: Leaderboard, records: Sequence[RecordedRow]) -> Html:
    """A row for each recorded agent: its run, its model, its hashes."""
    caption = f"Provenance of {board_name(board)}"
    return table(caption, HEADS, [list(_agent(each, agents_of(board))) for each in records])


def details_of(records: Sequence[RecordedRow]) -> Iterator[Html]:
    """What determines each agent, whole, as it says so itself."""
    for agent, job, entry, _ in records:
        manifest = _manifest(job)
        known = {
            "agent": entry.result.described,
            "versions": manifest.get("versions"),
            "python": manifest.get("python"),
            "path": job.place,
        }
        text = json.dumps(known, indent=1, ensure_ascii=False, default=str)
        yield element("details", element("summary", agent_name(agent)), element("pre", text))


def missing_of(records: Sequence[RecordedRow]) -> Html | None:
    """Repeats that failed or are not finished, with reasons and traces."""
    items = [
        element("li", element("strong", agent_name(agent), f", repeat {each.repeat}"),
                f" ({each.kind}): {each.why}",
                element("details", element("summary", "Trace"), element("pre", each.trace))
                if each.trace else None)
        for agent, _, entry, _ in records for each in entry.failures
    ]  # fmt: skip
    return element("ul", *items, class_="failures") if items else None


def cutoff_warning(board: Leaderboard) -> str | None:
    """A plain sentence where models may have read of the window before they traded in it."""
    if board.setting.simulated:
        return None
    asking = [row for row in board.rows if row.result and asks_model(row.result)]
    known = [knowledge_of(model_of(row.entry)) for row in asking]
    early = sum(each is not None and each.covers(board.setting.start) for each in known)
    unknown = sum(each is None for each in known)
    sentences = []
    if early:
        sentences.append(
            f"The window begins before the knowledge cutoff of {early} of "
            f"{count(len(asking), 'model')} ({WITHIN} under Knowledge to): what such a model earns "
            "here it may remember rather than know."
        )
    if unknown:
        sentences.append(f"The knowledge cutoff of {count(unknown, 'model')} is not known.")
    return " ".join(sentences) or None


def _agent(record: RecordedRow, among: Sequence[str]) -> Iterator[Html]:
    entry, job = record.entry, record.job
    result, manifest, model = entry.result, _manifest(job), model_of(entry)
    yield row_head(agent_name(record.agent, among), record.agent)
    yield words(entry.run or job.path.name)
    yield words(f"{len(result.episodes)} of {entry.planned}")
    yield words(", ".join(str(episode.seed) for episode in result.episodes))
    asks_none = "it asks no language model"
    for value in (model.get("id"), model.get("revision"), knowledge_of(model)):
        if value is None:
            yield empty("not given in the configuration" if model else asks_none, class_="words")
        else:
            yield words(value)
    prompts = (result.described or {}).get("prompts_sha256")
    yield _hash(prompts, "it has no prompt templates")
    for name in ("config_sha256", "code_sha256"):
        yield _hash(manifest.get(name), "the run is not finished")


def _manifest(job: RecordedJob) -> dict[str, Any]:
    """What was written at the end; empty before that, and where it cannot be read."""
    try:
        return job.manifest or {}
    except InvestorBenchError:
        return {}  # the report says so already, under what is left out


def _hash(value: object, otherwise: str) -> Html:
    if value is None:
        return empty(otherwise, class_="words")
    text = str(value)
    return words(element("code", text[:HASH], title=text), text)
