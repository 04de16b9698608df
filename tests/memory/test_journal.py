"""What an archive is worth after breaking off at any instant; over a dict in Chroma's place."""

import contextlib

import pytest

from investorbench.memory import PROFILES, ArchiveError, Arrays, LayeredMemory
from investorbench.memory.journal import PAGE
from tests.covering import some_quickly
from tests.memory.plain_collection import BrokenOffError, PlainDatabase, archived
from tests.memory.small_memories import (
    empty,
    everything,
    live_a_day,
    run_beside_the_plain_model,
)

DAYS = 35


def lives(profile="investorbench", days=DAYS) -> list[list[tuple]]:
    """The whole memory after each day, from 0, of one that is never killed."""
    memory = empty(profile)
    states = [everything(memory)]
    for day in range(days):
        live_a_day(memory, day)
        states.append(everything(memory))
    return states


@pytest.mark.heavy
def test_a_kill_between_any_two_rows_costs_only_the_step_in_progress() -> None:
    undisturbed, killed_at = lives(), 0
    while True:
        database = PlainDatabase()
        database.breaks_off_at = killed_at
        memory = archived(database, "investorbench")
        try:
            for day in range(DAYS):
                live_a_day(memory, day)
        except BrokenOffError:
            pass
        else:
            break
        database.breaks_off_at = None
        reopened = archived(database, "investorbench")
        assert reopened.steps in (day, day + 1)
        assert everything(reopened) == undisturbed[reopened.steps]
        if killed_at % 7 == 0:  # and it goes on as if nothing had been
            for later in range(reopened.steps, DAYS):
                live_a_day(reopened, later)
            assert everything(reopened) == undisturbed[DAYS]
        killed_at += 1
    assert killed_at > 200


@pytest.mark.heavy
def test_a_second_kill_while_the_first_is_mended_costs_nothing_more() -> None:
    undisturbed = lives()
    for first in range(20, 160, 9):
        for second in range(8):
            database = PlainDatabase()
            database.breaks_off_at = first
            memory = archived(database, "investorbench")
            live_until_broken_off(memory)
            database.breaks_off_at = database.writes + second
            try:
                reopened = archived(database, "investorbench")
                live_a_day(reopened, reopened.steps)
            except BrokenOffError:
                database.breaks_off_at = None
                reopened = archived(database, "investorbench")
            assert everything(reopened) == undisturbed[reopened.steps]


def live_until_broken_off(memory: LayeredMemory) -> None:
    with contextlib.suppress(BrokenOffError):
        for day in range(DAYS):
            live_a_day(memory, day)
        pytest.fail("it was to break off")


@pytest.mark.parametrize("back", [1, 2, 3])
def test_an_archive_goes_back_by_as_many_steps_as_it_keeps(back) -> None:
    undisturbed, database = lives(), PlainDatabase()
    memory = archived(database, "investorbench", kept=3)
    for day in range(23):
        live_a_day(memory, day)
    memory.rewind(23 - back)
    assert everything(memory) == undisturbed[23 - back]
    assert everything(archived(database, "investorbench")) == undisturbed[23 - back]
    for day in range(memory.steps, DAYS):
        live_a_day(memory, day)
    assert everything(memory) == undisturbed[DAYS]
    assert everything(archived(database, "investorbench")) == undisturbed[DAYS]


def test_going_back_can_be_killed_too() -> None:
    undisturbed = lives(days=19)
    for instant in range(60):
        database = PlainDatabase()
        memory = archived(database, "investorbench", kept=3)
        for day in range(19):
            live_a_day(memory, day)
        database.breaks_off_at = database.writes + instant
        try:
            memory.rewind(16)
        except BrokenOffError:
            database.breaks_off_at = None
            memory = archived(database, "investorbench")
        assert everything(memory) == undisturbed[memory.steps]
        assert 16 <= memory.steps <= 19


def test_going_back_too_far_says_how_far_it_goes() -> None:
    database = PlainDatabase()
    memory = archived(database, kept=3)
    for day in range(20):
        live_a_day(memory, day)
    before = everything(memory)
    with pytest.raises(ArchiveError, match=r"cannot go back to step 2; it can to \[.*19, 20\]"):
        memory.rewind(2)
    assert everything(memory) == before
    with pytest.raises(ArchiveError, match="keeps no past"):
        empty().rewind(0)


def test_a_young_archive_goes_back_to_its_beginning() -> None:
    memory = archived(PlainDatabase())
    live_a_day(memory, 1)
    memory.rewind(0)
    assert (memory.steps, len(memory)) == (0, 0)
    assert memory.add("a text", "short", "day 0") == [0]


@pytest.mark.parametrize("arrived", [False, True])
def test_a_step_that_the_archive_refused_can_be_flushed_again(arrived, monkeypatch) -> None:
    undisturbed, database = lives(), PlainDatabase()
    memory = archived(database, "investorbench")
    for day in range(9):
        live_a_day(memory, day)
    write = database.entries.upsert

    def breaks_down(**columns):
        if arrived:
            write(**columns)
        raise BrokenOffError

    monkeypatch.setattr(database.entries, "upsert", breaks_down)
    with pytest.raises(BrokenOffError):
        live_a_day(memory, 9)
    monkeypatch.undo()
    memory.flush()
    reopened = archived(database, "investorbench")
    assert everything(memory) == undisturbed[10] == everything(reopened)
    for day in range(10, DAYS):
        live_a_day(memory, day)
    assert everything(archived(database, "investorbench")) == undisturbed[DAYS]


def test_a_memory_that_dies_before_a_refused_step_is_flushed_stays_dead(monkeypatch) -> None:
    database = PlainDatabase()
    memory = archived(database)
    memory.add("a text", "short", "day 0")
    write = database.rows.upsert
    monkeypatch.setattr(database.rows, "upsert", lambda **columns: (write(**columns), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        memory.step()
    monkeypatch.undo()
    memory.reinforce([0], -1)
    memory.reinforce([0], -1)
    memory.reinforce([0], -1)
    memory.step()
    assert len(memory) == 0 == len(archived(database))


def test_a_checkpoint_within_a_step_is_kept() -> None:
    database = PlainDatabase()
    memory = archived(database)
    memory.add("a text", "short", "day 0")
    assert len(archived(database)) == 0
    memory.flush()
    assert everything(archived(database)) == everything(memory)


def test_the_archive_of_a_loaded_file_holds_that_and_nothing_else(tmp_path) -> None:
    database = PlainDatabase()
    memory = archived(database)
    for day in range(5):
        live_a_day(memory, day)
    memory.save(tmp_path / "memory.npz")
    saved = everything(memory)
    for day in range(5, 12):
        live_a_day(memory, day)
    memory.load(tmp_path / "memory.npz")
    assert saved == everything(memory) == everything(archived(database))
    for day in range(5, 15):
        live_a_day(memory, day)
    assert everything(archived(database)) == everything(memory) == lives("layered", 15)[15]


def test_remains_do_not_pile_up() -> None:
    database, memory = PlainDatabase(), None
    for day in range(200):
        if day % 20 == 0:
            memory = archived(database, "investorbench", kept=4)
        live_a_day(memory, day)
    assert len(database.rows.rows) < len(memory) + 12 * 8
    assert len(database.entries.rows) <= 12


def test_more_memories_than_fit_in_one_call_are_written_and_read_in_pages() -> None:
    database = PlainDatabase()
    memory = archived(database)
    count = 2 * PAGE + 10
    memory.add([f"text {number % 50}" for number in range(count)], "short", "day 0")
    memory.step()
    memory.reinforce(range(count), 1)
    memory.step()
    reopened = archived(database)
    assert everything(reopened) == everything(memory)
    assert len(reopened) == count
    for _ in range(30):  # all are forgotten, and folded away
        memory.step()
    assert len(archived(database)) == 0


def test_lost_rows_are_said_to_be_lost() -> None:
    database = PlainDatabase()
    memory = archived(database)
    memory.add(["one", "other"], "short", "day 0")
    memory.step()
    del database.rows.rows["memory-0000000.1"]
    with pytest.raises(ArchiveError, match="lost memories: it holds 1, its last step left 2"):
        archived(database)


@pytest.mark.parametrize("profile", some_quickly(PROFILES, 1))
def test_random_operations_over_an_archive_agree_with_the_plain_model(profile, tmp_path) -> None:
    database = PlainDatabase()

    def reopen(_: LayeredMemory | None) -> LayeredMemory:
        return archived(database, profile, kept=5, seed=7)

    run_beside_the_plain_model(profile, 3_000, 7, tmp_path, reopen)


def test_an_archive_changes_nothing_about_a_memory() -> None:
    with_archive, without = archived(PlainDatabase()), empty(store=Arrays())
    for day in range(30):
        live_a_day(with_archive, day)
        live_a_day(without, day)
    assert everything(with_archive) == everything(without)
