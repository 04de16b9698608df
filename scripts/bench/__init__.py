"""``investorbench bench``: speed, always as a ratio to a named yardstick in the same run."""

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure speed beside named yardsticks."""


@app.command("env")
def env(seconds: float = typer.Option(0.5, help="Seconds to spend on each measurement.")) -> None:
    """Steps per second of the environments, beside CartPole-v1 and others."""
    from scripts.bench.environment import report

    report(seconds)


@app.command("memory")
def memory() -> None:
    """Recall and forgetting of 10,000 memories, beside FAISS and Chroma; needs [bench,chroma]."""
    from scripts.bench.memory import report

    report()


@app.command("llm")
def llm(steps: int = typer.Option(10, help="Calls an episode.")) -> None:
    """How full the client of language models keeps a local server, and what a call costs."""
    from scripts.bench.llm import report

    report(steps)
