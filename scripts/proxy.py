"""``investorbench proxy``: our cache, cap and counts for what asks by a client of its own."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import typer

from investorbench.agents.llm import Budget, Cache, Model
from investorbench.agents.llm.cache import MODES
from investorbench.agents.llm.proxy import Proxy, ProxyKey
from investorbench.scripts.key_values import given
from investorbench.scripts.proxy_output import print_figures
from investorbench.scripts.serving import stopping_on_signals, to_standard_error
from investorbench.tasks.record.kept_answers import ANSWERS
from investorbench.tasks.wording import usd
from investorbench_env.errors import InvestorBenchError, UnknownNameError

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
KINDS: Mapping[str, Callable[[str], Any]] = {
    "folder": Path, "cache": str, "cache_path": Path, "max_usd": float, "port": int, "sample": str,
}  # fmt: skip
FOLDER = Path("runs/proxy")
SPENDING = "spending.txt"
MAIN = "main"
"""What the key that is printed is called among those that are made of it."""
GRACE_S = 10.0
"""How long a program may take to end when asked to."""
VARIABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "anthropic": (("ANTHROPIC_BASE_URL",), ("ANTHROPIC_API_KEY",)),
    "": (("OPENAI_BASE_URL", "OPENAI_API_BASE"), ("OPENAI_API_KEY",)),
}
"""Variables from which clients read address and key, by the protocol they speak."""


def proxy(context: typer.Context) -> None:
    """Put a cache, a cap and counts before a model: model=… [max_usd=… folder=…] [-- PROGRAM …].

    A program after -- finds address and key in its environment, and the proxy ends with it. Else
    both are printed, and it runs until Ctrl-C. Other options: cache, cache_path, port, sample.
    """
    pairs, program = _split(context.args)
    model, options = given("proxy", pairs, KINDS)
    with stopping_on_signals():
        raise typer.Exit(_run(model, program, **options))


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The pairs, and a program with its arguments: what begins with the first that is no pair."""
    first = next((n for n, each in enumerate(arguments) if "=" not in each), len(arguments))
    return list(arguments[:first]), list(arguments[first:])


def _run(
    model: Model,
    program: Sequence[str],
    *,
    folder: Path = FOLDER,
    cache: str = "read_write",
    cache_path: Path | None = None,
    max_usd: float | None = None,
    port: int = 0,
    sample: str | None = None,
) -> int:
    """Serve until the program has ended, or for ever; its status."""
    if cache not in MODES:
        raise UnknownNameError("cache mode", cache, MODES)
    kept = folder / ANSWERS if cache_path is None else cache_path
    folder.mkdir(parents=True, exist_ok=True)
    budget = Budget(max_usd, ledger=folder / SPENDING)
    with ExitStack() as stack:
        answers = None if cache == "off" else stack.enter_context(Cache(kept, cache))
        serving = Proxy(model, cache=answers, budget=budget, port=port, say=to_standard_error)
        stack.callback(lambda: print_figures(serving.figures()))  # once nothing is in flight
        stack.enter_context(serving)
        key = serving.key(MAIN, sample, takes_labels=True)
        to_standard_error(f"asking {model.id}; {_kept(kept, cache)}; {_spent(budget)}")
        if program:
            return _status_of(program, environment(model, key))
        _show(model, key)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        return 0


def environment(model: Model, key: ProxyKey) -> dict[str, str]:
    """What clients read address and key from."""
    addresses, keys = VARIABLES.get(model.provider, VARIABLES[""])
    return dict.fromkeys(addresses, key.base_url) | dict.fromkeys(keys, key.api_key)


def _show(model: Model, key: ProxyKey) -> None:
    for name, value in environment(model, key).items():
        print(f"export {name}={value}", flush=True)
    to_standard_error(
        "the key followed by - and a name, such as -msft-1, is a key of its own, for each episode "
        "one: it counts apart, and equal questions with it are answered again. Ctrl-C stops it"
    )


def _status_of(program: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a program to its end, which comes no later than ours."""
    with _started(program, variables) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # which the program got, too
            return process.wait()


@contextmanager
def _started(
    program: Sequence[str], variables: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    try:
        process = subprocess.Popen([*program], env={**os.environ, **variables})
    except OSError as error:
        raise InvestorBenchError(f"cannot start {program[0]}: {error}") from None
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _kept(path: Path, cache: str) -> str:
    if cache == "off":
        return "nothing is kept"
    return f"answers {'are kept in' if cache == 'read_write' else 'come from'} {path}"


def _spent(budget: Budget) -> str:
    cap = "no cap" if budget.max_usd is None else f"at most {usd(budget.max_usd)}"
    return f"{usd(budget.spent_usd)} spent before, {cap}"
