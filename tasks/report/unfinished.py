"""Jobs of which no repeat came to its end: what they are, how far they came, and why."""

from collections.abc import Sequence

from investorbench.tasks.record.reading import RecordedJob
from investorbench.tasks.report.content import ReportContent
from investorbench.tasks.report.markup import Html, element
from investorbench.tasks.report.tables import Head, row_head, table, words
from investorbench.tasks.result import Failure
from investorbench.tasks.wording import count, listed

UNFINISHED = "unfinished"
HEADS = (
    Head("Agent", "as tables call it", text=True, names=True),
    Head("Task", text=True),
    Head("Repeats", "how many there should be", text=True),
    Head("Status", "whether they failed, or can go on", text=True),
    Head("Why", text=True),
    Head("Recorded in", "what investorbench inspect shows, as far as it came", text=True),
)


def unfinished_section(content: ReportContent) -> Html | None:
    """A row a job; None where every job has a repeat to be shown."""
    if not content.unfinished:
        return None
    jobs = count(len(content.unfinished), "agent")
    have = "has" if len(content.unfinished) == 1 else "have"
    text = f"{jobs} on a task {have} no finished repeat, and so no place in a table. The command "
    return element(
        "section",
        element("h2", "Not finished", id="unfinished-title"),
        element("p", text, "that began a run resumes it."),
        table("Without a finished repeat", HEADS, [_row(*each) for each in content.unfinished]),
        id="unfinished", aria_labelledby="unfinished-title",
    )  # fmt: skip


def _row(job: RecordedJob, failures: Sequence[Failure]) -> list[Html]:
    kinds = dict.fromkeys("unfinished" if f.kind == UNFINISHED else "failed" for f in failures)
    reasons: dict[str, list[str]] = {}
    for each in failures:
        kind = "" if each.kind == UNFINISHED else f"{each.kind}: "
        reasons.setdefault(f"{kind}{each.why}", []).append(str(each.repeat))
    is_one = len(reasons) == 1
    lines = [
        element("div", why if is_one else f"repeat {listed(own)}: {why}")
        for why, own in reasons.items()
    ]
    return [
        row_head(job.name, job.name),
        words(job.task.id.removeprefix("InvestorBench/")),
        words(str(job.repeats)),
        words(listed(list(kinds))),
        element("td", *lines, class_="words text"),
        words(job.place),
    ]
