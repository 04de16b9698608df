"""Run folders of any size, for what reads them to be measured on: prompts, answers and all.

The run itself writes them, so what holds for a record holds for these; agents decide at random,
and what their models would have been asked and would have answered is made up. Markets are
simulated, one an asset.
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

import yaml

from investorbench.agents.agent import Info, Observation
from investorbench.agents.llm.models import OF_THE_SERVER, Model, model_of
from investorbench.tasks import Job, Task, run
from investorbench.tasks.record.schema import Content, as_json
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts

ASSETS = (
    "stock/hon", "stock/jnj", "stock/uvv", "stock/msft", "stock/tsla",
    "stock/aapl", "stock/nio", "crypto/btc", "crypto/eth", "etf/spy",
)  # fmt: skip
"""Those of InvestorBench (Li et al., 2025), on simulated markets."""
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
    repeats: int = REPEATS,
    processes: int = 1,
) -> Path:
    """Write a run folder: jobs of the paper's 13 models on its 10 assets, asset after asset.

    What it holds is the same at every call but for wall-clock times; what is there already is left
    as it is.

    Args:
        folder: of the run.
        episodes: of all jobs together, at most ``13 × 10 × repeats``.
        decisions: of an episode.
        prompt_chars: about how long each prompt is.
        repeats: of each job; the last one may have fewer.
        processes: that write at once.

    Returns:
        The folder.

    Raises:
        InvestorBenchError: there are not as many episodes, or windows as long.
    """
    folder = Path(folder)
    jobs = _jobs(episodes, decisions, prompt_chars, repeats)
    parts = [each for n in range(processes) if (each := jobs[n::processes])]
    if len(parts) == 1:
        _write(parts[0], folder)
        return folder
    with ProcessPoolExecutor(len(parts), get_context("spawn")) as pool:
        list(pool.map(partial(_write, folder=folder), parts))
    return folder


Spec = tuple[str, str, Content, int, int, int]
"""A job: asset, model and its settings, repeats, decisions, characters of a prompt."""


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
        self._symbol, self._seed, self._split = facts.symbol, seed, split
        self._system = _text(random.Random(0), int(self._prompt_chars * SYSTEM_SHARE))
        self._number = 0

    def act(self, observation: Observation, info: Info) -> int:
        """Sell, hold or buy."""
        own = random.Random(f"{self._seed} {self._number}")
        shown = random.Random(f"{self._symbol} {self._number}")  # the same to every agent
        action = own.randrange(3)
        is_valid = own.random() >= INVALID
        user = f"{self._symbol}, {info['session']}\n"
        user += _text(shown, int(self._prompt_chars * (1.0 - SYSTEM_SHARE)))
        self._record = {
            "split": self._split,
            "step": self._number,
            "perception": {"symbol": self._symbol, "session": info["session"]},
            "recalled": [_memory(shown, n) for n in range(5)],
            "question": {"system": self._system, "user": user},
            "decision": {
                "word": ("sell", "hold", "buy")[action] if is_valid else "hold",
                "valid": is_valid,
                "rationale": _text(own, REASONING_CHARS // 3),
                "cited": [1, 3] if is_valid else [],
                "dropped": 0,
            },
            "answers": [_answer(self._model, own, self._system + user, action, is_valid)],
        }
        self._number += 1
        return action if is_valid else 1

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


def _jobs(episodes: int, decisions: int, prompt_chars: int, repeats: int) -> list[Spec]:
    models = _models()
    most = len(models) * len(ASSETS) * repeats
    if not 1 <= episodes <= most:
        raise InvestorBenchError(
            f"episodes={episodes} is not from 1 to {most:,}: {len(models)} models on "
            f"{len(ASSETS)} assets, {repeats} repeats each"
        )
    left, jobs = episodes, []
    for asset in ASSETS:
        for name, settings in models.items():
            if left > 0:
                jobs.append((asset, name, settings, min(repeats, left), decisions, prompt_chars))
                left -= repeats
    return jobs


def _write(jobs: Sequence[Spec], folder: Path) -> None:
    outcome = run([_job(*each) for each in jobs], folder=folder, shows="nothing")
    for failed in outcome.failed:
        raise InvestorBenchError(failed.why)


def _job(
    asset: str, name: str, model: Content, repeats: int, decisions: int, prompt_chars: int
) -> Job:
    task = _of_length(Task.of(asset, data="simulated", options={"markets": "one"}), decisions)
    job = Job.of(
        partial(WordyAgent, settings=model, prompt_chars=prompt_chars),
        task,
        repeats,
        name=f"{WordyAgent.name} model={name}",
        seed=0,
        warmup=False,
    )
    memory = {"profile": "paper"}
    return replace(job, settings={**job.settings, "model": _kept(model), "memory": memory})


def _of_length(task: Task, decisions: int) -> Task:
    """The task on a window in which so many decisions are taken."""
    first = date.fromisoformat(task.facts("test").window[0])

    def until(days: int) -> Task:
        return Task.of(task, end=str(first + timedelta(days=days)))

    least = decisions  # no market has more than one session a day
    days = least + bisect_left(
        range(least, LONGEST_DAYS), decisions, key=lambda days: until(days).facts("test").steps
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


def _answer(model: Model, rng: random.Random, prompt: str, action: int, is_valid: bool) -> Content:
    word = ("sell", "hold", "buy")[action]
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
