"""``investorbench audit``: what does not follow in the published log of an account."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from investorbench.scripts.live import audit_ledger
from investorbench.scripts.terminal import Console
from investorbench.tasks.live import Audited, audit
from investorbench.tasks.live.experiment.stepping import LEDGER
from investorbench.tasks.wording import count, listed
from investorbench_env.errors import InvestorBenchError


def audit_command(
    daily: Annotated[
        Path | None,
        typer.Argument(help="The log of every day, CSV; without logs, the ledger that is here."),
    ] = None,
    trades: Annotated[Path | None, typer.Argument(help="The log of trades, CSV.")] = None,
    against: Annotated[Path | None, typer.Option(help="An older copy of either log.")] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A folder of market data, for the range of each fill.")
    ] = None,
    calendar: Annotated[str, typer.Option(help="Of the exchange.")] = "XNYS",
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a finding.")] = False,
) -> None:
    """Find what does not follow in the logs of an account, each fault at its row.

    Says nothing, with status 0, of logs that are right; status 1 otherwise.
    """
    if daily is None or trades is None:
        if daily is not None or not Path(LEDGER).is_file():
            raise InvestorBenchError(
                "an audit takes DAILY.csv and TRADES.csv, or none of them in the folder of a live "
                "experiment"
            )
        audit_ledger(Path(), as_json=as_json)
        return
    audited = audit(daily, trades, against=against, prices=prices, calendar=calendar)
    for finding in audited.findings:
        print(json.dumps(asdict(finding)) if as_json else finding)
    errors = Console(stderr=True)
    if audited.unpriced:
        errors.print(
            f"no prices in {prices} of {listed(audited.unpriced)}: their fills are not compared",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if audited.findings:
        errors.print(summary(audited), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1)


def summary(audited: Audited) -> str:
    """How many faults of which kind, in one sentence."""
    kinds = Counter(finding.kind for finding in audited.findings)
    by_kind = ", ".join(f"{kinds[kind]} {kind.replace('_', ' ')}" for kind in sorted(kinds))
    where = f"{count(audited.sessions, 'session')} and {count(audited.trades, 'trade')}"
    return f"{count(len(audited.findings), 'fault')} in {where}: {by_kind}"
