"""The ``investorbench`` command: what there is to call, and how an error looks."""

import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer
from rich.markup import escape

from investorbench import __version__
from investorbench.memory import LayeredMemoryError
from investorbench.scripts import (
    audit,
    baselines,
    bench,
    bundle,
    compare,
    corpus,
    data,
    exporting,
    inspecting,
    live,
    models,
    plan,
    probe,
    proxy,
    replay,
    report,
    run,
    score,
    seal,
    serve,
    train,
    verify,
    view,
)
from investorbench.scripts.bundle import reads_bundles
from investorbench.scripts.playing.command import mcp
from investorbench.scripts.terminal import Console
from investorbench_env.errors import InvestorBenchError

formatted = warnings.formatwarning
app = typer.Typer(
    name="investorbench",
    help="Environments and a benchmark for agents that make financial decisions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data.app, name="data", help="Find, fetch, check and describe market data.")
app.add_typer(
    bench.app, name="bench", help="Measure speed beside yardsticks, and what memory is worth."
)
app.add_typer(
    models.app, name="models", help="List language models; check what a server takes of one."
)
app.add_typer(probe.app, name="probe", help="Ask a model the same thing in other ways.")
app.add_typer(corpus.app, name="corpus", help="Briefings with labels and theses, to train on.")
app.add_typer(live.app, name="live", help="Accounts that only go forward, day by day.")
app.command("audit")(audit.audit_command)
app.command("baselines")(baselines.baselines)
app.command("bundle")(bundle.bundle)
app.command("inspect", context_settings=inspecting.CONTEXT)(reads_bundles(inspecting.inspect))
app.command("verify")(verify.verify)
app.command("score")(reads_bundles(score.score))
app.command("compare")(reads_bundles(compare.compare))
app.command("replay")(reads_bundles(replay.replay))
app.command("mcp")(mcp)
app.command("export")(exporting.export)
app.command("report")(report.report)
app.command("view")(view.view)
app.command("plan", context_settings=plan.CONTEXT)(plan.plan)
app.command("seal", context_settings=seal.CONTEXT)(seal.seal)
app.command("proxy", context_settings=proxy.CONTEXT)(proxy.proxy)
app.command("serve", context_settings=serve.CONTEXT)(serve.serve)
app.command("train", context_settings=train.CONTEXT)(train.train)
app.command("run", context_settings=run.CONTEXT, add_help_option=False)(run.run)


def show_version(is_wanted: bool) -> None:
    """Print the version and leave, where that is wanted."""
    if is_wanted:
        print(f"investorbench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=show_version, is_eager=True),
    ] = False,
) -> None:
    """Options of ``investorbench`` itself, before the name of a command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; our own errors end it with one message and status 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal of ASCII alone shows ? in their place
    before, warnings.formatwarning = warnings.formatwarning, plainly
    try:
        app(None if arguments is None else list(arguments))
    except (InvestorBenchError, LayeredMemoryError) as error:
        message = f"[red]error:[/] {escape(str(error))}"
        Console(stderr=True).print(message, highlight=False, soft_wrap=True)
        sys.exit(1)
    finally:
        warnings.formatwarning = before


def plainly(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """A warning of ours in one line; of others, with the line of code that gave it."""
    if category.__module__.startswith("investorbench"):
        return f"warning: {message}\n"
    return formatted(message, category, filename, lineno, line)


if __name__ == "__main__":
    main()
