"""``investorbench models``: which models there are, and what a server takes of one."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from investorbench.agents.llm.connect import DIALECTS
from investorbench.agents.llm.errors import MissingKeyError, ModelError
from investorbench.agents.llm.models import Model, load_model
from investorbench.agents.llm.probing import MAX_USD, ServerCheck, probe
from investorbench.agents.llm.providers.sdk import SdkProvider, key_of
from investorbench.scripts.choices import CONF, Choices
from investorbench.scripts.model_rows import GROUP, rows
from investorbench.scripts.model_settings import PREFIX, nested
from investorbench.scripts.models_output import print_models, print_probe
from investorbench.scripts.terminal import Console
from investorbench_env.errors import UnknownNameError

LIST = "list"
TIMEOUT_S = 60.0
"""For each request."""
today = date.today
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON a model.")]


class ListUnlessToldOtherwise(TyperGroup):
    """The commands of ``investorbench models``, of which ``list`` need not be named."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [LIST, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=ListUnlessToldOtherwise)


@app.command(LIST)
def list_models(
    wanted: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|GLOB]", help="Such as gpt-4o, paper or 'claude-*'."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show models, their dates, context, price and key; all, or some: [list] [NAME|GLOB]."""
    found = rows(wanted, _choices(), today())
    if as_json:
        for each in found:
            print(json.dumps(each.record(), ensure_ascii=False))
        return
    print_models(Console(highlight=False), found)


@app.command("check", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def check_model(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Such as gpt-6-luna, or local with model.id=….")],
    max_usd: Annotated[float, typer.Option(help="What it may cost at most.")] = MAX_USD,
    as_json: AsJson = False,
) -> None:
    """Ask a model one small question, and say what its server takes: NAME [model.…=…]."""
    model = _model(name, context.args)
    address, found = _probed(model, max_usd)
    if as_json:
        print(json.dumps({"name": model.name, "address": address, **asdict(found)}))
    else:
        print_probe(Console(highlight=False), model, address, found, max_usd)
    if found.is_fault:
        raise typer.Exit(1)


def _probed(model: Model, max_usd: float) -> tuple[str, ServerCheck]:
    """The address of a model's server, and how it stands.

    Raises:
        ModelError: the model has no server.
    """
    if model.provider not in DIALECTS:
        raise ModelError(f"model {model.name} has no server to ask: it answers in this process")
    dialect = DIALECTS[model.provider]
    timeout_s = min(model.patience.attempt_timeout_s, TIMEOUT_S)
    model = replace(model, patience=replace(model.patience, attempt_timeout_s=timeout_s))
    try:
        server = SdkProvider(model, dialect, key_of(model))
    except MissingKeyError as error:
        return SdkProvider(model, dialect).address, ServerCheck(
            state="wants a key", says=str(error)
        )
    return server.address, asyncio.run(probe(model, server, max_usd))


def _model(name: str, changes: Sequence[str]) -> Model:
    for each in changes:
        if not each.startswith(PREFIX) or "=" not in each:
            raise UnknownNameError("option of models check", each, ["model.…=…", "--max-usd"])
    settings = nested(each.removeprefix(PREFIX) for each in changes)
    choices = _choices()
    own = [known for known in choices.not_ours(GROUP) if known == name]
    return load_model(str(choices.file(GROUP, own[0])) if own else name, settings)


def _choices() -> Choices:
    """What this folder's own ``conf/`` has, too."""
    here = Path("conf")
    is_other = here.is_dir() and here.resolve() != CONF
    return Choices(folders=(CONF, here) if is_other else (CONF,))
