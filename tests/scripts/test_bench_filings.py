"""`investorbench bench filings`: what it reads and prints. How fast anything is, is no test."""

from pathlib import Path

import pandas as pd

from tests.scripts.calling import Call

PAGE = (
    "<p>FORM 10-Q</p><p>Item 1. Financial Statements</p><p>Cash is cash.</p>"
    "<p>Item 2. Management’s Discussion and Analysis</p><p>Revenue rose by 12% in the quarter.</p>"
)


def test_the_filings_of_a_folder_are_measured_one_by_one(command: Call, tmp_path: Path) -> None:
    (tmp_path / "ACME-10-Q.html").write_text(PAGE, encoding="utf-8")
    rows = {"symbol": "ACME", "form": "10-Q", "filing_date": pd.Timestamp("2021-02-03")}
    texts = pd.DataFrame([{**rows, "item": item, "text": PAGE} for item in ("FULL", "Item 2")])
    texts.to_parquet(tmp_path / "texts.parquet")
    printed = command("bench", "filings", tmp_path)
    lines = [line.split() for line in printed.out.splitlines() if "ACME" in line]
    assert [line[:-3] for line in lines] == [
        ["ACME-10-Q", "0.00", "2", "0"], ["ACME", "10-Q", "2021-02-03", "0.00", "2", "0"],
    ]  # fmt: skip
    assert "2 filings" in printed.out and "asked 0 questions" in printed.out


def test_a_page_whose_name_has_no_form_is_refused(command: Call, tmp_path: Path) -> None:
    (tmp_path / "acme.html").write_text(PAGE, encoding="utf-8")
    printed = command("bench", "filings", tmp_path)
    assert printed.code == 1
    assert "acme.html: its name says no form; put one of 10-K" in printed.err.replace("\n", " ")
