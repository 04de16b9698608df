"""``investorbench mcp``: the command line of a game over the Model Context Protocol."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from investorbench.scripts.playing.game import Game, require_episodes
from investorbench.scripts.playing.server import serve_http, serve_stdio
from investorbench.scripts.serving import to_standard_error
from investorbench.tasks.task import Task


def mcp(
    task: Annotated[str, typer.Argument(help="What is played, such as stock/tsla or stock/sim.")],
    folder: Annotated[
        Path | None, typer.Option(help="Of the run; named again, it goes on. Default: one by date.")
    ] = None,
    name: Annotated[str, typer.Option(help="Of who plays, for tables and records.")] = "mcp",
    repeats: Annotated[int, typer.Option(help="How many episodes.")] = 1,
    seed: Annotated[
        int | None, typer.Option(help="Of the run; drawn where it is left out.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="real, simulated, a folder or a file; the task's own if not.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="standard or paper.")] = None,
    start: Annotated[str | None, typer.Option(help="First date, in place of the task's.")] = None,
    end: Annotated[str | None, typer.Option(help="Last date, likewise.")] = None,
    http: Annotated[
        int | None, typer.Option(help="A port for streamable HTTP, in place of standard output.")
    ] = None,
) -> None:
    """Let a client of the Model Context Protocol play a task, and record it as a run."""
    played = Task.of(task, protocol=protocol, data=data, start=start, end=end)
    where = folder or Path(f"runs/mcp-{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    game = Game(played, where, name=name, repeats=require_episodes(repeats), seed=seed)
    to_standard_error(f"{played.id} for {name}, recorded in {where}")
    try:
        if http is None:
            asyncio.run(serve_stdio(game))
        else:
            to_standard_error(f"http://127.0.0.1:{http}/mcp: Ctrl-C stops it")
            serve_http(game, http)
    finally:
        game.close()
