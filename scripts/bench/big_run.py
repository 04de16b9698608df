"""Run folders of any size, for what reads them to be measured on: prompts, answers and all.

The run itself writes them, so what holds for a record holds for these; agents decide at random,
and what their models would have been asked and would have answered is made up. Markets are
simulated, one an asset, a portfolio or a venue.
"""

import random
from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from investorbench.agents.agent import Info, Observation
from investorbench.agents.llm.models import OF_THE_SERVER, Model, model_of
from investorbench.tasks import Job, Task, run
from investorbench.tasks.record.schema import Content, as_json
from investorbench.tasks.wording import count
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.facts import Facts

ASSETS = (
    "stock/hon", "stock/jnj", "stock/uvv", "stock/msft", "stock/tsla",
    "stock/aapl", "stock/nio", "crypto/btc", "crypto/eth", "etf/spy",
)  # fmt: skip
"""Those of InvestorBench (Li et al., 2025), on simulated markets."""
CLASSES = ("STRONG_BUY", "BUY", "HOLD", "SELL", "STRONG_SELL")
"""What a thesis ends with."""
CLAIMS = ("- {view} *{quote}* `n1`", "- {view} *never said* `n1`", "- {view}")
"""One of each kind: true, unfounded, uncited."""
LEVERAGE, CASH_SHARE = 5, 0.9  # of an entry: what a venue takes for margin is a fifth of it
REPEATS = 5
LONGEST_DAYS = 3650
"""Of a window that is looked for."""
INVALID = 0.02
"""Share of answers that cannot be used."""
SYSTEM_SHARE, REASONING_CHARS, SENTENCE_WORDS = 0.15, 600, 24
WORDS = (
    "revenue margin guidance analyst upgrade downgrade quarter demand supply inventory buyback "
    "dividend regulator lawsuit merger outlook factory delivery battery oil rates inflation "
    "payrolls yield curve hedge volume momentum breakout support resistance sentiment shares "
    "investors reported expects announced fell rose beat missed raised cut the a of in for and "
    "after before amid below above its their this week month year strong weak flat record"
).split()


def write_big_run(
    folder: str | Path,
    episodes: int = 650,
    decisions: int = 150,
    prompt_chars: int = 10_000,
    *,
    kind: str = "assets",
    repeats: int = REPEATS,
    processes: int = 1,
) -> Path:
    """Write a run folder: jobs of the paper's 13 models on its 10 assets, asset after asset.

    Other kinds are a portfolio of ten stocks, the arena of perpetuals, and theses on a stock.

    What it holds is the same at every call but for wall-clock times; what is there already is left
    as it is.

    Args:
        folder: of the run.
        episodes: of all jobs together, at most ``13 × 10 × repeats`` on assets, else
            ``13 × repeats``.
        decisions: of an episode; one an hour in the arena, where 24 times n − 1 can be had.
        prompt_chars: about how long each prompt is.
        kind: one of ``KINDS``.
        repeats: of each job; the last one may have fewer.
        processes: that write at once.

    Returns:
        The folder.

    Raises:
        InvestorBenchError: there are not as many episodes, or windows as long, or no such kind.
    """
    folder = Path(folder)
    jobs = _jobs(kind, episodes, decisions, prompt_chars, repeats)
    parts = [each for n in range(processes) if (each := jobs[n::processes])]
    if len(parts) == 1:
        _write(parts[0], folder)
        return folder
    with ProcessPoolExecutor(len(parts), get_context("spawn")) as pool:
        list(pool.map(partial(_write, folder=folder), parts))
    return folder


class Spec(NamedTuple):
    """A job: whose decisions are how many and how long."""

    kind: str
    task: str
    model: str
    settings: Content
    repeats: int
    decisions: int
    prompt_chars: int


class WordyAgent:
    """Decides at random, and records a long prompt and an answer as FinMem does.

    Args:
        settings: of the model that it says it asks.
        prompt_chars: about how long a prompt is.
    """

    name = "finmem"

    def __init__(self, settings: Content, prompt_chars: int) -> None:
        self._model = model_of(settings)
        self._prompt_chars = prompt_chars
        self._number = 0

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        self._symbol, self._seed, self._split = facts.symbols[0], seed, split
        self._system = _text(random.Random(0), int(self._prompt_chars * SYSTEM_SHARE))
        self._number = 0

    def act(self, observation: Observation, info: Info) -> Any:
        """What a kind of environment takes; nothing where the answer cannot be used."""
        own = random.Random(f"{self._seed} {self._number}")
        shown = random.Random(f"{self._symbol} {self._number}")  # the same to every agent
        is_valid = own.random() >= INVALID
        day = info.get("session", self._number)
        user = f"[n1] {self._symbol}, {day}\n"
        user += _text(shown, int(self._prompt_chars * (1.0 - SYSTEM_SHARE)))
        word, action = self.decided(own, info) if is_valid else ("hold", self.nothing)
        self._record = {
            "split": self._split,
            "step": self._number,
            "perception": {"symbol": self._symbol, "session": str(day)},
            "recalled": [_memory(shown, n) for n in range(5)],
            "question": {"system": self._system, "user": user},
            "decision": {
                "word": word,
                "valid": is_valid,
                "rationale": _text(own, REASONING_CHARS // 3),
                "cited": [1, 3] if is_valid else [],
                "dropped": 0,
            },
            "answers": [_answer(self._model, own, self._system + user, word, is_valid)],
            **self.more(own, user, word),
        }
        self._number += 1
        return action

    nothing: Any = 1
    """The action that holds."""

    def decided(self, own: random.Random, info: Info) -> tuple[str, Any]:
        """A word and an action, by chance."""
        action = own.randrange(3)
        return ("sell", "hold", "buy")[action], action

    def more(self, own: random.Random, user: str, word: str) -> Content:
        """What else a record of this kind has."""
        return {}

    def record(self) -> Content:
        return self._record

    def describe(self) -> Content:
        prompts = sha256(str(self._prompt_chars).encode()).hexdigest()
        return as_json(
            {
                "agent": self.name,
                "model": _kept(asdict(self._model)),
                "is_language_model": True,
                "prompts_sha256": prompts,
            }
        )


class OrdersAgent(WordyAgent):
    """Buys and sells some of a portfolio's assets, some of them beyond what there is."""

    nothing = ()

    def decided(self, own: random.Random, info: Info) -> tuple[str, Any]:
        account = info["account"]
        orders = []
        for symbol in own.sample(list(info["symbols"]), own.randrange(3)):
            price = account.marks[symbol]
            side = own.choice(("buy", "buy", "sell"))
            quantity = round(info["equity"] * own.uniform(0.02, 0.3) / price)
            order = {"symbol": symbol, "side": side, "quantity": max(1, quantity)}
            if side == "buy" and own.random() < 0.5:
                order["stop"] = round(0.93 * price, 2)
            orders.append(order)
        return ("trade" if orders else "hold"), orders


class SignalsAgent(WordyAgent):
    """Enters and closes positions of perpetuals with a plan and reasons."""

    often = 0.1

    @property
    def nothing(self) -> Any:
        return {}

    def decided(self, own: random.Random, info: Info) -> tuple[str, Any]:
        held, marks = {each.symbol for each in info["positions"]}, info["account"].marks
        signals: dict[str, Any] = {}
        for symbol in info["symbols"]:
            if own.random() >= self.often:
                continue
            reason = _text(own, REASONING_CHARS // 3)
            if symbol in held:
                signals[symbol] = {"signal": "close_position", "justification": reason}
                continue
            price, side = marks[symbol], own.choice((1, -1))
            signals[symbol] = {
                "signal": "buy_to_enter" if side > 0 else "sell_to_enter",
                "leverage": LEVERAGE,
                "quantity": max(0.0, info["cash"]) * CASH_SHARE / price,
                "stop_loss": price * (1 - side * 0.02),
                "profit_target": price * (1 + side * 0.03),
                "confidence": 0.6,
                "invalidation_condition": f"a close beyond {price * (1 - side * 0.015):.4g}",
                "justification": reason,
            }
        return ("trade" if signals else "hold"), signals


class ThesisWriter(WordyAgent):
    """Writes a thesis with a claim of each kind, and trades by the class that it ends with."""

    nothing = 0.0

    def decided(self, own: random.Random, info: Info) -> tuple[str, Any]:
        place = own.randrange(len(CLASSES))
        return CLASSES[place], (1.0, 0.5, 0.0, -0.5, -1.0)[place]

    def more(self, own: random.Random, user: str, word: str) -> Content:
        quote = user.splitlines()[1][:60].strip()
        claims = (each.format(view=_text(own, 90), quote=quote) for each in CLAIMS)
        decision = f"[[[{word}]]]" if word in CLASSES else "I cannot."
        text = "\n".join(["<news>", *claims, "</news>", decision])
        digest = sha256(user.encode()).hexdigest()
        briefing = {"ids": ["n1"], "cut": [], "seed": 0, "sha256": digest}
        return {"thesis": {"text": text}, "briefing": briefing}


class RunKind(NamedTuple):
    """Which tasks a kind of run has, with what options, and who decides in them."""

    tasks: tuple[str, ...]
    agent: type[WordyAgent]
    options: Content


KINDS = {
    "assets": RunKind(ASSETS, WordyAgent, {"markets": "one"}),
    "portfolio": RunKind(("portfolio/sim",), OrdersAgent, {"markets": "one", "action": "orders"}),
    "arena": RunKind(("perpetuals/sim",), SignalsAgent, {"markets": "one", "every": 20}),
    "theses": RunKind(("trading_r1/sim",), ThesisWriter, {"markets": "one", "long_only": False}),
}


def _jobs(kind: str, episodes: int, decisions: int, prompt_chars: int, repeats: int) -> list[Spec]:
    if kind not in KINDS:
        raise UnknownNameError("kind of run", kind, KINDS)
    models, tasks = _models(), KINDS[kind].tasks
    most = len(models) * len(tasks) * repeats
    if not 1 <= episodes <= most:
        raise InvestorBenchError(
            f"episodes={episodes} is not from 1 to {most:,}: {len(models)} models on "
            f"{count(len(tasks), 'task')}, {repeats} repeats each"
        )
    left, jobs = episodes, []
    for task in tasks:
        for name, settings in models.items():
            if left > 0:
                own = min(repeats, left)
                jobs.append(Spec(kind, task, name, settings, own, decisions, prompt_chars))
                left -= repeats
    return jobs


def _write(jobs: Sequence[Spec], folder: Path) -> None:
    outcome = run([_job(each) for each in jobs], folder=folder, shows="nothing")
    for failed in outcome.failed:
        raise InvestorBenchError(failed.why)


def _job(spec: Spec) -> Job:
    kind = KINDS[spec.kind]
    task = Task.of(spec.task, data="simulated")
    task = _of_length(replace(task, options={**task.options, **kind.options}), spec.decisions)
    job = Job.of(
        partial(kind.agent, settings=spec.settings, prompt_chars=spec.prompt_chars),
        task,
        spec.repeats,
        name=f"{WordyAgent.name} model={spec.model}",
        seed=0,
        warmup=False,
    )
    settings = {**job.settings, "model": _kept(spec.settings), "memory": {"profile": "paper"}}
    return replace(job, settings=settings)


def _of_length(task: Task, decisions: int) -> Task:
    """The task on a window in which so many decisions are taken."""
    first = date.fromisoformat(task.facts("test").window[0])

    def until(days: int) -> Task:
        return Task.of(task, end=str(first + timedelta(days=days)))

    days = 1 + bisect_left(
        range(1, LONGEST_DAYS), decisions, key=lambda days: until(days).facts("test").steps
    )
    found = until(days)
    if found.facts("test").steps != decisions:
        raise InvestorBenchError(f"{task.id} has no window of {decisions} decisions")
    return found


def _models() -> dict[str, Content]:
    """The settings of the paper's models by their names."""
    folder = files("investorbench.conf") / "model" / "paper"
    found = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in folder.iterdir())
    return {each["name"]: each for each in sorted(found, key=lambda each: str(each["name"]))}


def _kept(model: Content) -> Content:
    """What of a model's settings a record holds."""
    return {name: part for name, part in model.items() if name not in OF_THE_SERVER}


def _text(rng: random.Random, chars: int) -> str:
    """Lines of words that are none of a language, and look like one's."""
    lines: list[str] = []
    length = 0
    while length < chars:
        line = " ".join(rng.choices(WORDS, k=SENTENCE_WORDS)).capitalize() + "."
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)[:chars]


def _memory(rng: random.Random, number: int) -> Content:
    return {
        "label": f"M{number}",
        "id": number,
        "layer": "short",
        "time": "2020-10-01",
        "score": 1.0 + rng.random(),
        "similarity": rng.random(),
        "recency": rng.random(),
        "importance": 50.0,
    }


def _answer(model: Model, rng: random.Random, prompt: str, word: str, is_valid: bool) -> Content:
    text = f'{{"rationale": "{_text(rng, 80)}", "decision": "{word}"}}' if is_valid else "I cannot."
    reasoning = _text(rng, REASONING_CHARS)
    read, written = len(prompt) // 4, (len(text) + len(reasoning)) // 4
    price = model.price
    cost = None if price is None else (read * price.input + written * price.output) / 1e6
    return {
        "role": "decision",
        "status": "ok" if is_valid else "refused",
        "value": {"decision": word} if is_valid else None,
        "usage": {"input": read, "output": written, "cached": 0, "reasoning": 0, "known": True},
        "text": text,
        "reasoning": reasoning,
        "rung": "json_schema",
        "model": model.id,
        "request_hash": sha256(prompt.encode()).hexdigest(),
        "problem": "" if is_valid else "refusal",
        "cost_usd": cost,
        "latency_s": round(0.5 + rng.random(), 3),
        "attempts": 1,
        "is_language_model": True,
    }
