"""A model's server: started, waited for, and stopped with all its children.

It knows processes and addresses; what is asked of the server is the business of ``agents.llm``.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from investorbench.agents.llm.models import Model
from investorbench.scripts.serving.command import ServeError, command_of
from investorbench.scripts.serving.probing import (
    free_port,
    is_healthy,
    is_taken,
    models_at,
    require_model,
)

HOST, PORT = "127.0.0.1", 8000
TIMEOUT_S = 1800.0
"""Weights of 140 GB take their time to load, and longer to download."""
POLL_S = 0.5
SAY_EVERY_S = 10.0
GRACE_S = 20.0
"""How long a server may take to stop before it is killed."""
LAST_LINES = 20
Say = Callable[[str], None]


@contextlib.contextmanager
def served(
    model: Model,
    *,
    host: str = HOST,
    port: int = PORT,
    timeout_s: float = TIMEOUT_S,
    command: str | None = None,
    say: Say | None = None,
) -> Iterator[str]:
    """A model's server while the block runs.

    Args:
        model: one with ``provider: vllm``.
        host: the address it listens on.
        port: the port it listens on; 0 for any that is free.
        timeout_s: how long it may take to get ready.
        command: what to start in place of ``vllm serve``; ``{port}`` in it is the port.
        say: called with what happens; None prints it to standard error.

    Yields:
        Its address, such as ``"http://127.0.0.1:8000/v1"``. A server that is there already, with
        this model, is used and left running.

    Raises:
        ServeError: it does not get ready, or the port belongs to something else.
    """
    with started(
        model,
        host=host,
        port=port,
        timeout_s=timeout_s,
        command=command,
        say=say or to_standard_error,
    ) as server:
        yield server.url


class RunningServer:
    """A server, ours to stop if there is a process.

    Args:
        url: its address.
        process: the one we started; None for a server that was there.
        log: where the process writes.
    """

    def __init__(
        self, url: str, process: "subprocess.Popen[bytes] | None" = None, log: Path | None = None
    ) -> None:
        self.url, self.process, self.log = url, process, log

    def last_words(self) -> str:
        """The end of its log, for a message."""
        if self.log is None:
            return ""
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        return f"; the end of its log {self.log}:\n" + "\n".join(lines or ["(empty)"])

    def stop(self) -> None:
        """Stop the process and all that it started: first kindly, then not."""
        if self.process is None:
            return
        for sign, patience_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, sign)
            deadline = time.monotonic() + patience_s
            while time.monotonic() < deadline:
                ended = self.process.poll() is not None
                if ended and not _group_lives(self.process.pid):
                    return
                time.sleep(0.05)


@contextlib.contextmanager
def started(
    model: Model,
    *,
    say: Say,
    host: str = HOST,
    port: int = PORT,
    timeout_s: float = TIMEOUT_S,
    command: str | None = None,
) -> Iterator[RunningServer]:
    """The same as :func:`served`, with the process in hand."""
    if model.provider != "vllm":
        raise ServeError(f"model {model.name} is served by {model.provider}, not by this machine")
    port = port or free_port(host)
    url = f"http://{host}:{port}/v1"
    if is_taken(host, port):
        require_model(url, model)
        say(f"{url} serves {model.id} already: used as it is, and left running")
        yield RunningServer(url)
        return
    line = command_of(model, host, port, command)
    with tempfile.NamedTemporaryFile(
        prefix=f"investorbench-{model.name}-", suffix=".log", delete=False
    ) as file:
        log = Path(file.name)
    say(f"starting: {shlex.join(line)}\nits log: {log}")
    server = RunningServer(url, log=log)
    with stopping_on_signals():
        try:
            with log.open("ab") as written:
                server.process = _spawn(line, written)
            _wait_until_ready(server, model, timeout_s, say)
            yield server
        finally:
            say(f"stopping the server of {model.id}")
            server.stop()


def _spawn(line: list[str], log: Any) -> "subprocess.Popen[bytes]":
    try:
        # A session of its own: Ctrl-C reaches us alone, and its whole group can be stopped.
        return subprocess.Popen(
            line, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise ServeError(f"cannot start {line[0]}: {error}") from None


def _wait_until_ready(server: RunningServer, model: Model, timeout_s: float, say: Say) -> None:
    started = reported = time.monotonic()
    assert server.process is not None
    while True:
        if server.process.poll() is not None:
            code = server.process.returncode
            raise ServeError(f"the server of {model.id} ended with {code}{server.last_words()}")
        if models_at(server.url) is not None and is_healthy(server.url):
            require_model(server.url, model)
            return
        now = time.monotonic()
        if now - started > timeout_s:
            raise ServeError(
                f"the server of {model.id} was not ready after {timeout_s:g} s (timeout_s=… gives "
                f"it longer){server.last_words()}"
            )
        if now - reported > SAY_EVERY_S:
            reported = now
            say(f"waiting for {server.url}, {now - started:.0f} s so far: {_last_line(server.log)}")
        time.sleep(POLL_S)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Let a termination end the block like an exception, so that what it started is stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signals = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, end) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _last_line(log: Path | None) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log else []
    return lines[-1][:200] if lines else "(empty so far)"


def to_standard_error(text: str) -> None:
    """Tell the user what happens."""
    # A console that a signal interrupts keeps to itself all that it is to print later.
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)
