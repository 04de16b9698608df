"""``investorbench view``: runs in a browser, while they go on and afterwards."""

import contextlib
import os
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from investorbench.scripts.serving import stopping_on_signals, to_standard_error
from investorbench.tasks.record.bundling import opened
from investorbench.tasks.view import ViewServer
from investorbench_env.whole_files import write_atomically

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
SSH = "SSH_CONNECTION"


def view(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or of agents in them; or bundles.")
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of this machine; 0 for any that is free.")
    ] = 0,
    browser: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open", help="Open a browser; otherwise where there is a screen for it."
        ),
    ] = None,
) -> None:
    """Show runs in a browser, and follow those that go on: the page of a report, always as it is.

    The page is served to this machine alone, at an address with a token. Nothing is written into
    the runs. Ctrl-C ends it.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(stopping_on_signals())
        folders = stack.enter_context(opened(runs, to_standard_error))
        server = stack.enter_context(ViewServer(folders, port))
        print(server.address, flush=True)
        if tunnel := tunnel_to(server.port):
            to_standard_error(tunnel)
        if browser or (browser is None and has_screen()):
            page = stack.enter_context(leading_to(server.address))
            webbrowser.open(page.as_uri())
        to_standard_error("shown on this machine alone; Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


def has_screen() -> bool:
    """Whether who began this sits before a screen where a browser can open."""
    if not sys.stdout.isatty() or os.environ.get(SSH):
        return False
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, DISPLAYS))


def tunnel_to(port: int) -> str:
    """How to see the page from the machine one sits at; empty where that is this one."""
    connection = os.environ.get(SSH, "").split()
    if not connection:
        return ""
    host = connection[2] if len(connection) == 4 else socket.gethostname()
    user = os.environ.get("USER", "")
    at = f"{user}@{host}" if user else host
    return (
        f"on the machine you sit at: ssh -N -L {port}:127.0.0.1:{port} {at}, then open the address"
    )


@contextlib.contextmanager
def leading_to(address: str) -> Iterator[Path]:
    """A file for this user alone that leads to an address.

    The command line of a browser can be read by everyone on a machine, and the token is in the
    address.
    """
    with tempfile.TemporaryDirectory(prefix="investorbench-view-") as folder:
        file = Path(folder, "view.html")
        refresh = f'<meta http-equiv="refresh" content="0; url={escape(address)}">'
        write_atomically(file, f"<!doctype html><title>InvestorBench</title>{refresh}\n")
        yield file
