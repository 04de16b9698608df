"""``investorbench audit``: silence for a log that is right, else a line a fault and status 1."""

import json
from pathlib import Path

import pytest

from investorbench.scripts.main import main
from tests.tasks.live_logs import Account


def test_a_log_that_is_right_is_passed_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["audit", *map(str, Account(1).run().write(tmp_path))])
    assert left.value.code == 0 and capsys.readouterr() == ("", "")


def test_each_fault_is_a_line_and_the_status_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account(1).run()
    account.daily[1]["Cash Balance"] = "none of your business"
    daily, trades = account.write(tmp_path)
    for option in ([], ["--json"]):
        with pytest.raises(SystemExit) as left:
            main(["audit", str(daily), str(trades), *option])
        assert left.value.code == 1
    plain, as_json = capsys.readouterr().out.splitlines()
    assert plain == f"{daily}, row 3, Cash Balance: 'none of your business' is no number"
    finding = json.loads(as_json)
    assert finding["row"] == 3 and finding["kind"] == "not_a_number"
