"""A game as tools of the Model Context Protocol; this module alone needs the package ``mcp``."""

import importlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from investorbench import __version__
from investorbench.agents.llm import Tool
from investorbench.agents.llm.fitting import fit
from investorbench.agents.tool_user.tool_user import SCHEMA
from investorbench.agents.tool_user.verbs import VERBS, CallOutcome
from investorbench.scripts.playing.game import Game
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

INSTRUCTIONS = (
    "You trade one asset over an episode of decisions. reset begins it and shows what is known; "
    "bars, documents, search and read look up the past, which ends at the decision that is due; "
    "act decides and shows what comes next. No decision can be taken back."
)
LONGEST_ARGUMENTS = 20_000
"""Characters, as JSON."""
NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
MOVES: tuple[Tool, ...] = (
    Tool(name="reset", description="Begin the next episode.", parameters=NOTHING),
    Tool(
        name="observe", description="What is known at the decision that is due.", parameters=NOTHING
    ),
    Tool(
        name="act",
        description="Decide: buy, hold or sell. It cannot be taken back.",
        parameters={**SCHEMA, "required": ["decision"]},
    ),
)
TOOLS: Mapping[str, Tool] = {
    tool.name: tool for tool in (*MOVES, *(verb.tool for verb in VERBS.values()))
}


async def call(game: Game, name: str, arguments: Mapping[str, Any]) -> CallOutcome:
    """Carry out a call of a client."""
    if problem := _unusable(arguments):
        return CallOutcome(f"Error: {problem}.", "arguments")
    if name in VERBS:
        return await game.look_up(name, arguments)
    if name not in TOOLS:
        return CallOutcome(f"Error: there is no tool {name[:100]!r}.", "unknown_tool")
    fitted = fit(dict(arguments), TOOLS[name].parameters)
    if fitted.problem:
        return CallOutcome(f"Error: {fitted.problem}.", "arguments")
    if name == "act":
        return await game.act(fitted.value["decision"], fitted.value.get("rationale", ""))
    return await (game.reset() if name == "reset" else game.observe())


def _unusable(arguments: Mapping[str, Any]) -> str:
    """What is wrong with arguments that no record could hold; empty where nothing is."""
    try:
        length = len(json.dumps(arguments, allow_nan=False))
    except RecursionError:
        return "the arguments are nested too deeply"
    except ValueError:
        return "the arguments hold a number that is none, or has too many digits"
    if length > LONGEST_ARGUMENTS:
        return f"the arguments have {length:,} characters, at most {LONGEST_ARGUMENTS:,} fit"
    return ""


def server_of(game: Game) -> "Server[Any]":
    """The server of a game.

    Raises:
        MissingDependencyError: the package ``mcp`` is not installed.
    """
    try:
        types = importlib.import_module("mcp_types")
        lowlevel = importlib.import_module("mcp.server.lowlevel")
    except ImportError:
        raise MissingDependencyError("mcp", "mcp", "playing over MCP") from None

    async def listed(context: Any, parameters: Any) -> Any:
        tools = [
            types.Tool(
                name=tool.name,
                description=tool.description,
                input_schema=dict(tool.parameters),
            )
            for tool in TOOLS.values()
        ]
        return types.ListToolsResult(tools=tools)

    async def called(context: Any, parameters: Any) -> Any:
        outcome = await call(game, parameters.name, parameters.arguments or {})
        content = [types.TextContent(type="text", text=outcome.text)]
        return types.CallToolResult(content=content, is_error=outcome.error is not None)

    server: Server[Any] = lowlevel.Server(
        "investorbench",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )
    return server


async def serve_stdio(game: Game) -> None:
    """Serve one client over standard input and output, until it leaves."""
    server = server_of(game)
    stdio = importlib.import_module("mcp.server.stdio")
    async with stdio.stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def serve_http(game: Game, port: int) -> None:
    """Serve clients on this machine over streamable HTTP, until Ctrl-C."""
    app = server_of(game).streamable_http_app()
    uvicorn = importlib.import_module("uvicorn")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
