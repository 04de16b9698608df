"""`investorbench bench tables`: what it measures. How fast anything is, is no test."""

from pathlib import Path

import pytest
from rich.console import Console

from investorbench.scripts.bench.big_run import write_big_run
from investorbench.scripts.bench.tables import measure
from investorbench.scripts.main import main


@pytest.mark.heavy
def test_every_table_has_a_row_for_each_of_what_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_big_run(tmp_path / "run", 2, 5, 300, repeats=2)
    rows = {"equity": 12, "answers": 10, "decisions": 10}
    costs = measure(run, tmp_path, Console())
    assert {(each.table, each.ending): each.rows for each in costs} == {
        (table, ending): number for table, number in rows.items() for ending in (".csv", ".parquet")
    }
    with pytest.raises(SystemExit) as ended:
        main(["bench", "tables", str(run)])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(f"{table}{ending}" in shown for table in rows for ending in (".csv", ".parquet"))
