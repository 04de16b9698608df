"""The rows of ``answers.sqlite`` as lines of text, whatever bytes the database has for them."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from investorbench.agents.llm.cache import Cache
from investorbench.agents.llm.canonical import canonical
from investorbench.tasks.record.kept_answers import open_at_rest
from investorbench_env.errors import InvestorBenchError


def answer_rows(path: Path) -> list[str]:
    """The rows of a file of answers as lines of JSON, below a line with the names of the columns.

    Raises:
        InvestorBenchError: it cannot be read.
    """
    with open_at_rest(path) as db:
        found = db.execute("SELECT * FROM answers ORDER BY key")
        columns = [column for column, *_ in found.description]
        return [f"{canonical(row)}\n" for row in (columns, *found)]


def restore_answers(path: Path, lines: Iterable[str]) -> None:
    """Make a file of answers from its rows.

    Args:
        path: of the file, which is not there yet.
        lines: as :func:`answer_rows` gives them.

    Raises:
        InvestorBenchError: they are no rows, or have other columns than this version writes.
    """
    with Cache(path):
        pass  # the file, with its table
    with contextlib.closing(sqlite3.connect(path)) as db:
        try:
            columns, *rows = map(json.loads, lines)
            own = [name for _, name, *_ in db.execute("PRAGMA table_info(answers)")]
            if columns != own:
                raise InvestorBenchError(
                    f"{path.name} has the columns {columns}, and this version writes {own}"
                )
            marks = ",".join("?" * len(own))
            with db:
                db.executemany(f"INSERT INTO answers VALUES ({marks})", rows)
        except (ValueError, TypeError, RecursionError, OverflowError, sqlite3.Error) as error:
            raise InvestorBenchError(f"{path.name} cannot be made of its rows: {error}") from None
