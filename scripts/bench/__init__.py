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
