"""``investorbench live``: accounts that only go forward, from the prices of each day."""

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from investorbench.agents.settings_files import read_settings
from investorbench.scripts.choices import Choices
from investorbench.scripts.live_agents import agent_named, agents_made, require_agents
from investorbench.scripts.live_output import print_status
from investorbench.scripts.terminal import Console
from investorbench.tasks.live.experiment import (
    ExperimentSettings,
    LiveStep,
    NotDueError,
    check,
    report,
    start,
    status,
    step,
)
from investorbench.tasks.live.experiment.vendors import price_sources
from investorbench.tasks.wording import count, listed
from investorbench_env.accounting.settings import constraints_of, terms_of
from investorbench_env.errors import InvestorBenchError
from investorbench_env.whole_files import write_atomically

app = typer.Typer(
    name="live", help="Accounts that only go forward: begin, step, look, audit, report.",
    no_args_is_help=True,
)  # fmt: skip
Folder = Annotated[Path, typer.Argument(help="Of the experiment.")]


def rules_of(profile: str) -> dict[str, Any]:
    """Settings of a profile of ``conf/portfolio``; none without one.

    Raises:
        UnknownNameError: there is no such profile.
    """
    if not profile:
        return {}
    given = read_settings(Choices().file("portfolio", profile))
    costs = {name: given[name] for name in ("commission_bps", "slippage_bps") if name in given}
    cash = {"initial_cash": given["initial_cash"]} if "initial_cash" in given else {}
    return cash | {
        "terms": terms_of(given.get("terms"), **costs),
        "constraints": constraints_of(given.get("constraints")),
    }


def clock() -> datetime:
    """The time; nothing else of an experiment reads a clock."""
    return datetime.now(UTC)


@app.command("init")
def init(
    folder: Folder,
    symbols: Annotated[str, typer.Option(help="Assets that may be traded: NVDA,MSFT,JNJ.")],
    agent: Annotated[
        list[str],
        typer.Option(
            help="[NAME=]AGENT [SETTING=VALUE …], once for each: a configuration, "
            "./mine.py:MyAgent, or `file` for a person or a chat window."
        ),
    ],
    cash: Annotated[
        float | None, typer.Option(help="Of each account; that of the profile, or 10,000.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Costs and constraints: lab, or another of conf/portfolio.")
    ] = "",
) -> None:
    """Begin an experiment in a folder; its settings are the first entry of its ledger."""
    given = rules_of(profile) | ({} if cash is None else {"initial_cash": cash})
    settings = ExperimentSettings(
        symbols=tuple(name.upper() for name in re.split(r"[\s,]+", symbols.strip(", "))),
        agents=tuple(map(agent_named, agent)),
        profile=profile,
        **given,
    )
    require_agents(settings.agents)
    start(folder, settings, clock())
    names = listed([each.name for each in settings.agents])
    print(f"began {folder} with {count(len(settings.symbols), 'asset')}; agents: {names}")


@app.command("step")
def take_step(folder: Folder) -> None:
    """Take the session that has closed: prices, fills, marks, and the agents' next orders.

    To be called once between each close and the next open; called again it changes nothing.
    """
    now, settings = clock(), status(folder).settings
    try:
        with price_sources() as sources:
            done = step(folder, now, sources, agents_made(folder, settings.agents), clock)
    except NotDueError as error:
        print(error)
        return
    for problem in done.problems:
        Console(stderr=True).print(problem, highlight=False, markup=False, soft_wrap=True)
    if done.decided and not done.sessions:
        _print_decided(done)
    if not done.sessions:
        return
    *missed, last = done.sessions
    more = f", after {count(len(missed), 'missed session')}" if missed else ""
    print(f"took the session of {last}{more}; orders meet that of {done.next}")


def _print_decided(done: LiveStep) -> None:
    print(f"took the orders of {listed(done.decided)}, which meet the session of {done.next}")


@app.command("status")
def show_status(folder: Folder) -> None:
    """Show each account, and the hash that stands for the whole ledger."""
    print_status(status(folder), Console())


@app.command("audit")
def audit_ledger(
    folder: Folder,
    head: Annotated[
        str | None, typer.Option(help="A hash that status showed before, of an entry in there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON a finding.")] = False,
) -> None:
    """Take every account again from the ledger's prices and orders, and compare.

    Says nothing, with status 0, of a ledger that is right; status 1 otherwise.
    """
    findings = check(folder, head)
    for finding in findings:
        print(json.dumps(asdict(finding)) if as_json else finding)
    if findings:
        raise typer.Exit(1)


@app.command("report")
def write_report(
    folder: Folder,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; otherwise one in the folder.")
    ] = None,
) -> None:
    """Write accounts, orders, lots and what was odd about prices as one page of HTML."""
    file = output or folder / "report.html"
    content = report(folder)
    try:
        write_atomically(file, content)
    except OSError as error:
        raise InvestorBenchError(
            f"{file} cannot be written: {error.strerror}; name another file with --output"
        ) from None
    print(f"wrote {file}")
