"""Files of decisions that grow: each byte is read once, and what was replaced is read again."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from investorbench.tasks.view import grown
from investorbench.tasks.view.grown import GrownFile, last_line
from tests.view.following import (
    DECISIONS,
    RECORD,
    episodes_of,
)


def test_a_record_that_was_cut_or_replaced_is_counted_from_its_beginning(run: Path) -> None:
    path = episodes_of(run)[0] / RECORD
    whole = path.read_bytes()
    file = GrownFile(path)
    assert file.look(path.stat()) and file.sums.decisions == DECISIONS
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    assert file.look(path.stat()) and file.sums.decisions == 2
    path.unlink()
    path.write_bytes(b"".join(lines[:5]))
    assert file.look(path.stat()) and file.sums.decisions == 4
    assert not file.look(path.stat())


@given(st.lists(st.tuples(st.integers(1, DECISIONS), st.booleans()), min_size=1, max_size=6))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_record_in_the_place_of_another_is_counted_whatever_number_the_system_gives_it(
    run: Path, grown_to: list[tuple[int, bool]]
) -> None:
    path = run / "followed.jsonl"
    records = [(each / RECORD).read_bytes().splitlines(keepends=True) for each in episodes_of(run)]
    path.write_bytes(b"")
    file, own = GrownFile(path), 0
    for number, (lines, is_other) in enumerate(grown_to):
        own = (own + is_other) % len(records)
        text = b"".join(records[own][: lines + 1])
        path.write_bytes(text)  # in place, so that nothing but what it holds tells it apart
        os.utime(path, ns=(number, number))
        file.look(path.stat())
        written = [json.loads(line) for line in text.splitlines()[1:]]
        assert [*file.sums.equity] == [line["account"]["equity"] for line in written]
        assert file.sums.ended == written[-1]["written_at"] and not file.sums.problem


def test_a_line_that_cannot_be_read_is_said_and_the_others_are_counted(run: Path) -> None:
    path = episodes_of(run)[0] / RECORD
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"null\n", b'{"number": 7}\n', *lines[3:]]))
    file = GrownFile(path)
    file.look(path.stat())
    assert file.sums.decisions == DECISIONS and "cannot be read" in file.sums.problem


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=12), st.integers(0, 30), st.integers(1, 40)
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_last_line_is_found_from_behind_wherever_blocks_end(
    tmp_path: Path, sizes: list[int], rest: int, block: int
) -> None:
    path = tmp_path / "lines"
    lines = [json.dumps({"number": n, "text": "x" * size}) for n, size in enumerate(sizes)]
    path.write_text("".join(f"{line}\n" for line in lines) + "y" * rest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grown, "BLOCK_BYTES", block)
        found = last_line(path)
    assert found == json.loads(lines[-1])
