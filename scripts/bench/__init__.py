"""``investorbench bench``: speed beside named yardsticks in the same run, and memory's worth."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure speed beside named yardsticks."""


@app.command("env")
def env(seconds: float = typer.Option(2.0, help="Seconds to spend on each measurement.")) -> None:
    """Steps per second of the environments, beside CartPole-v1 and others."""
    from investorbench.scripts.bench.environment import report

    report(seconds)


@app.command("market")
def measure_markets() -> None:
    """What six coins in bars of three minutes cost to make, to keep and to read."""
    from investorbench.scripts.bench.market import report

    report()


@app.command("portfolio")
def measure_portfolios(
    seconds: float = typer.Option(2.0, help="Seconds to spend on each measurement."),
) -> None:
    """Steps of 30 assets by weights, alone and 1,024 at once, beside CartPole-v1 and FinRL."""
    from investorbench.scripts.bench.portfolio import report

    report(seconds)


@app.command("perpetuals")
def measure_perpetuals(
    seconds: float = typer.Option(2.0, help="Seconds to spend on each measurement."),
) -> None:
    """Steps of six leveraged perpetuals, alone and 1,024 at once, beside CartPole-v1."""
    from investorbench.scripts.bench.perpetuals import report

    report(seconds)


@app.command("snapshots")
def measure_snapshots(
    seconds: float = typer.Option(2.0, help="Seconds to spend on each measurement."),
) -> None:
    """Snapshots of simulated markets, 1,024 at once beside CartPole-v1, and 1,000 with texts."""
    from investorbench.scripts.bench.snapshots import report

    report(seconds)


@app.command("memory")
def memory() -> None:
    """Recall and forgetting of 10,000 memories, beside FAISS and Chroma; needs [bench,chroma]."""
    from investorbench.scripts.bench.memory import report

    report()


@app.command("recall")
def measure_recall(
    seeds: int = typer.Option(40, min=2, help="Simulated markets."),
    first: int = typer.Option(70_000, min=0, help="The first market's seed."),
) -> None:
    """What embedders bring up of the texts on a topic; MiniLM where [embed] is installed."""
    from investorbench.scripts.bench.recall import report

    report(seeds, first)


@app.command("prompts")
def measure_prompts(
    tasks: Annotated[
        list[str] | None, typer.Argument(help="Tasks; TSLA, MSFT and BTC where there are none.")
    ] = None,
    tokenizer: str = typer.Option("o200k_base", help="Counts tokens; needs [tokens]."),
) -> None:
    """What FinMem's prompts show of the news, how long they are, and what a server caches."""
    from investorbench.scripts.bench.prompts import report

    report(tasks or ["stock/tsla", "stock/msft", "crypto/btc"], tokenizer)


@app.command("filings")
def measure_filings(
    paths: Annotated[list[Path], typer.Argument(help="Pages with a form in their names, or data.")],
) -> None:
    """What cutting filings costs a megabyte, beside Python's HTML parser alone."""
    from investorbench.scripts.bench.filings import report

    report(paths)


@app.command("llm")
def llm(steps: int = typer.Option(40, help="Calls an episode.")) -> None:
    """How full the client of language models keeps a local server, and what a call costs."""
    from investorbench.scripts.bench.llm import report

    report(steps)


@app.command("view")
def measure_view(
    seconds: float = typer.Option(60.0, min=1.0, help="How long a sweep is followed."),
) -> None:
    """What following a run in a browser costs, beside the sweep that writes it."""
    from investorbench.scripts.bench.following import report

    report(seconds)


@app.command("score")
def score() -> None:
    """Metrics of 1,000 equity curves, beside quantstats; needs [bench]."""
    from investorbench.scripts.bench.scoring import report

    report()


@app.command("tables")
def measure_tables(
    run: Annotated[
        Path | None, typer.Argument(help="The folder of a run; else one is written.")
    ] = None,
    episodes: int = typer.Option(26, min=1, help="Of the run that is written."),
) -> None:
    """What `score --table` takes, beside reading the JSON of the same lines."""
    from investorbench.scripts.bench.tables import report

    report(run, episodes)


@app.command("rewards")
def measure_rewards() -> None:
    """What the rewards of a thesis cost, and of a megabyte of anything, beside splitting it."""
    from investorbench.scripts.bench.rewards import report

    report()


@app.command("ablation")
def compare_memories(
    seeds: int = typer.Option(40, min=2, help="Simulated markets."),
    first: int = typer.Option(81_000, min=0, help="The first market's seed."),
    processes: int = typer.Option(2, min=1, help="Processes to run them in."),
) -> None:
    """What memories are worth on markets that memory pays for, between none and one that knows."""
    from investorbench.scripts.bench.ablation_tables import report

    report(seeds, first, processes)
