"""How a run differs from what was sealed: which job, which part, which file."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from investorbench.tasks.record.digests import MANIFEST
from investorbench.tasks.record.kept_answers import ANSWERS
from investorbench.tasks.record.run_files import FILES, ROWS, THE_RUN
from investorbench.tasks.record.sealing.plans import (
    CODE,
    DATA,
    FINISHED,
    NUMBER,
    PARTS,
    SEEDS,
    planned_of,
    record_parts,
)
from investorbench.tasks.record.sealing.seals import Seal
from investorbench.tasks.record.verifying.findings import Finding

LONGEST = 64
"""Characters of a value that a finding quotes."""
ABSENT = "nothing"
misfit = partial(Finding, kind="seal")


def misfits(run: Path, seal: Seal) -> Iterator[Finding]:
    """How a run differs from what was sealed."""
    if seal.content is None or not seal.is_open:
        kept = "the nonce" if seal.content is not None else "what it was made of"
        what = f"could not be compared with {seal.line}: {kept} is not in its file"
        yield misfit(path=run, what=what, is_wrong=False)
        return
    found = planned_of(run) if seal.kind == "plan" else record_parts(run)
    content = {**({THE_RUN: {}} if THE_RUN in found else {}), **seal.content}
    for place, sealed in content.items():
        own = found.get(place, {})
        if not (run / place).is_dir():
            what = f"is missing, and is in the {seal.kind} that was sealed"
            yield misfit(path=run / place, what=what)
            continue
        for part in dict.fromkeys([*sealed, *own]):
            if sealed.get(part) != own.get(part):
                is_file = part not in PARTS and (place, part) != (THE_RUN, ROWS)
                compare = _files if is_file else _values
                yield from compare(run, place, part, sealed.get(part), own.get(part))
    for place in found:
        if place not in content:
            yield misfit(path=run / place, what=f"is not in the {seal.kind} that was sealed")


def _files(run: Path, place: str, part: str, sealed: Any, found: Any) -> Iterator[Finding]:
    """Which files of a part are others."""
    folder = run / place if part == FILES else run / place / part
    sealed, found = sealed or {}, found or {}
    for name in dict.fromkeys([*sealed, *found]):
        if sealed.get(name) != found.get(name):
            how = "was changed" if name in sealed and name in found else "was removed"
            how = "was added" if name not in sealed else how
            what = f"{how} after the record was sealed ({part} of {place})"
            yield misfit(path=folder / name, what=what)


def _values(run: Path, place: str, part: str, sealed: Any, found: Any) -> Iterator[Finding]:
    """Which values of a part are others; what a run has not come to yet is none."""
    is_finished = place == THE_RUN or (run / place / MANIFEST).exists()
    path = run / ANSWERS if part == ROWS else run / place
    if found is None:
        what = f"{part} could not be compared with what was sealed: the record has none"
        yield misfit(path=path, what=what, is_wrong=is_finished)
        return
    was, now = _flat(sealed or {}), _flat(found)
    if part == SEEDS or (part in (CODE, DATA) and not is_finished):
        was = {name: value for name, value in was.items() if name in now}
    names = [n for n in dict.fromkeys([*was, *now]) if was.get(n, ABSENT) != now.get(n, ABSENT)]
    if not names:
        return
    if names == [FINISHED]:
        finished, planned = now.get(FINISHED, now[NUMBER]), now[NUMBER]
        what = f"{part}: {finished} of {planned} are finished"
        yield misfit(path=path, what=what, is_wrong=is_finished)
        return
    first, *rest = names
    values = [f"{each.get(first, ABSENT)!s:.{LONGEST}}" for each in (was, now)]
    also = f"; also {', '.join(rest)}" if rest else ""
    what = f"{part}: {first} was sealed as {values[0]} and is {values[1]}{also}"
    yield misfit(path=path, what=what)


def _flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """Parts of parts by their names, such as ``task.end``."""
    flat: dict[str, Any] = {}
    rest = [*value.items()][::-1]
    while rest:
        name, part = rest.pop()
        if isinstance(part, dict) and part:
            rest += [(f"{name}.{inner}", each) for inner, each in [*part.items()][::-1]]
        else:
            flat[name] = part
    return flat
