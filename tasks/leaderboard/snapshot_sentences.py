"""What a reader may quote of a table of snapshots, and what its figures are."""

from collections.abc import Callable, Iterable, Iterator

from investorbench.agents.simulated.snapshots import AVERSION
from investorbench.tasks.leaderboard.sentences import with_interval
from investorbench.tasks.leaderboard.snapshot_rows import NO_MODEL, SnapshotBoard, SnapshotRow
from investorbench.tasks.statistics import Estimate
from investorbench.tasks.wording import count, listed, number

BASIS_POINTS = " basis points a decision"
FEW, MOST_FINDINGS = 4, 10
"""Assets that are named one by one, and findings that stand below a table."""
REASONED: dict[str, Callable[[SnapshotRow], Estimate]] = {
    "edge": lambda row: row.figures.edge,
    "skill": lambda row: row.figures.skill,
    "Brier score": lambda row: row.brier,
    "spread of wordings": lambda row: row.spread,
}
"""Figures that an agent may be without, by what they are called."""


def snapshot_sentence(board: SnapshotBoard) -> str:
    """Where, who, who is best and by how much, and what can be distinguished."""
    setting, first = board.setting, board.rows[0]
    suite = f"suite {board.suite}, " if board.suite else ""
    agents = count(len(board.rows), "agent")
    were = "was" if len(board.rows) == 1 else "were"
    where = f"On {setting.name} ({suite}{setting.protocol} protocol"
    parts = [
        f"{where}, held for {count(board.facts.horizon or 0, 'session')}), {agents} {were} scored.",
        f"{_best(board, first)}.",
        *_distinguished(board),
    ]
    return " ".join(parts)


def snapshot_notes(board: SnapshotBoard) -> Iterator[str]:
    """What figures are of, and what else is to be known of a table."""
    yield f"{count(board.observations, 'observation')} that all agents have, {_unit(board)}"
    if board.facts.simulated:
        if board.facts.action == "weight":
            yield (
                f"edge: w·μ − ½·{AVERSION:g}·w²·σ² − costs, given the hidden state; linear: "
                "without the risk; basis points a decision"
            )
        else:
            yield "edge: what was to be expected given the hidden state, costs paid, basis points"
        yield "skill: 0 the best constant weight, 1 the filter, of markets that no suite plays"
    yield "realised: what came, costs paid, basis points a decision"
    yield from _forecasts(board)
    if any(row.spread.value is not None for row in board.rows):
        yield "wordings: the largest edge by one wording of the prompt less the smallest"
    yield from _reasons(board)
    knowing = {row.entry.result.knows for row in board.rows} - {""}
    for what in sorted(knowing):
        names = [row.agent for row in board.rows if row.entry.result.knows == what]
        yield f"‡ {listed(names)} {what if len(names) == 1 else what.replace('knows', 'know')}"
    yield from board.notes


def findings_in_short(findings: Iterable[str]) -> Iterator[str]:
    """What is wrong or missing in the data, once where it is said of several assets.

    A universe has a finding or two of each asset; all of them are in a record.
    """
    said: dict[str, list[str]] = {}
    for finding in findings:
        name, colon, what = finding.partition(": ")
        is_of_asset = colon and " " not in name
        said.setdefault(what if is_of_asset else finding, []).append(name if is_of_asset else "")
    lines = sorted(said.items(), key=lambda line: line[1][0] != "")  # of the universe first
    for what, names in lines[:MOST_FINDINGS]:
        several = f"{number(len(names))} assets, {names[0]} among them"
        whose = listed(names) if len(names) <= FEW else several
        yield f"{whose}: {what}" if names[0] else what
    if (left := sum(len(names) for _, names in lines[MOST_FINDINGS:])) > 0:
        yield f"and {count(left, 'finding')} more, in the manifest of each agent"


def _forecasts(board: SnapshotBoard) -> Iterator[str]:
    """What a Brier score is of, and who left out some forecasts."""
    if not any(row.forecasts.given for row in board.rows):
        return
    yield "Brier: of stated probabilities of a return above 0, 0 at best, .25 for always one half"
    for row in board.rows:
        if 0 < row.forecasts.given < row.forecasts.decisions:
            yield (
                f"{row.agent}: {number(row.forecasts.given)} of "
                f"{count(row.forecasts.decisions, 'decision')} have a forecast; the others count "
                "as one half"
            )


def is_marked(row: SnapshotRow) -> bool:
    """Whether an agent knows what others cannot."""
    return bool(row.entry.result.knows)


def _best(board: SnapshotBoard, first: SnapshotRow) -> str:
    article, what = ("an", "edge") if board.facts.simulated else ("a", "mean return")
    has = f"has {article} {what} of" if len(board.rows) == 1 else f"has the highest {what},"
    figure = with_interval(first.headline, lambda value: number(value, 1))
    return f"{first.agent} {has} {figure}{BASIS_POINTS}"


def _distinguished(board: SnapshotBoard) -> Iterator[str]:
    if len(board.rows) < 2:
        return
    if board.look is None:
        yield f"{count(board.observations, 'observation')} are too few to compare agents."
        return
    pairs = board.look.pairs
    settled = sum(pair.worse is not None for pair in pairs)
    yield (
        f"{number(settled)} of {count(len(pairs), 'pair')} can be distinguished, all of them "
        "tested at once at 5 %."
    )


def _unit(board: SnapshotBoard) -> str:
    if not board.facts.simulated:
        return "a day over all assets each"
    is_paired = any(row.entry.result.task.options.get("antithetic") for row in board.rows)
    return "an antithetic pair of markets each" if is_paired else "a market each"


def _reasons(board: SnapshotBoard) -> Iterator[str]:
    """Why agents have no figure of a column that others have, or might have."""
    for head, of in REASONED.items():
        cells = {row.agent: of(row) for row in board.rows}
        missing = {name: cell.reason for name, cell in cells.items() if cell.value is None}
        for reason in dict.fromkeys(filter(None, missing.values())):
            names = [name for name, own in missing.items() if own == reason]
            if reason == NO_MODEL and len(names) == len(cells):
                continue  # a column of questions is not missed where none is put
            whose = "" if len(names) == len(cells) else f" for {listed(names)}"
            yield f"no {head}{whose}: {reason}"
