"""What the rewards of a thesis and its briefing cost, beside what they are made of or stand for."""

import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import gymnasium as gym
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.rewards import rewards
from investorbench_env.registration import facts_in
from investorbench_env.wrappers import BriefingForm, TextObservation, brief

WORDS, BULLETS, LENGTH = 1_500, 5, 1_000_000
ROUNDS = 7
MARKET = "InvestorBench/Stock-SIM"
BRIEFING_WORDS = 5_000
_STEMS = ("order", "margin", "cash", "price", "demand", "debt", "sale", "cost", "rate", "share")
_ENDS = ("s", "", "ing", "ed", "s,", "s.")


def briefing_of(rng: random.Random) -> str:
    """Words at random with an id in front of each paragraph."""
    words = prose(rng, BRIEFING_WORDS).split()
    parts = [" ".join(words[n : n + 50]) for n in range(0, len(words), 50)]
    return "\n".join(f"[n{number}] {part}" for number, part in enumerate(parts))


def prose(rng: random.Random, count: int) -> str:
    """Words at random."""
    return " ".join(f"{rng.choice(_STEMS)}{rng.choice(_ENDS)}" for _ in range(count))


def thesis_of(rng: random.Random, briefing: str) -> str:
    """Six sections whose bullets quote the briefing, and a conclusion: ``WORDS`` in all."""
    parts = briefing.split("\n")

    def bullet() -> str:
        number = rng.randrange(len(parts))
        quote = " ".join(parts[number].split()[9:17])
        return f"- {prose(rng, 30)} *{quote}* `n{number}`"

    sections = ["\n".join(["## Findings", *(bullet() for _ in range(BULLETS))]) for _ in range(6)]
    rest = WORDS - sum(len(section.split()) for section in sections)
    named = [f"<part_{n}>\n{section}\n</part_{n}>" for n, section in enumerate(sections)]
    return "\n".join([*named, f"<conclusion>{prose(rng, rest)}</conclusion>", "[[[BUY]]]"])


def long_texts(rng: random.Random, briefing: str) -> Mapping[str, str]:
    """Texts of a megabyte: an ordinary one, and what is written to take time."""
    pieces = {
        "theses": thesis_of(rng, briefing) + "\n",
        "prose": prose(rng, 1_000) + "\n",
        "open tags": "<part> ",
        "tags within tags": "<a> <b> </a> ",
        "thinking": "<think> </think> ",
        "stars": "*a ",
        "bullets with claims": "- prices rose *orders rose by a third* `n1`\n",
        "bars": "| a |\n|---|\n",
        "brackets": "[[[ ",
        "emoji": "🙂 ",
        "right to left": "שלום עולם ",
        "blank lines": "\n",
    }
    texts = {name: piece * (LENGTH // len(piece)) for name, piece in pieces.items()}
    return {name: f"<news>\n{text}</news>\n[[[BUY]]]" for name, text in texts.items()}


def fastest(*calls: Callable[[], object], repeats: int = 1) -> list[float]:
    """Seconds of each call, the best of rounds in which they take turns."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            begin = time.perf_counter()
            for _ in range(repeats):
                call()
            best[number] = min(best[number], (time.perf_counter() - begin) / repeats)
    return best


class BriefingCost(NamedTuple):
    """What a briefing takes, and a step of ``TextObservation`` on the same market.

    Attributes:
        words: of a briefing, in the mean.
        briefing: seconds.
        step: seconds.
    """

    words: float
    briefing: float
    step: float


def briefing_cost() -> BriefingCost:
    """Whole briefings of an episode against the steps of it."""
    env: Any = TextObservation(gym.make(MARKET, markets="one"))
    facts, form = facts_in(env), BriefingForm(drop=0.0)

    def steps() -> list[Any]:
        env.reset(seed=0)
        return [env.step(2)[-1]["history"] for _ in range(facts.steps)]

    def briefings() -> list[str]:
        return [brief(past, facts, seed=1, form=form).text for past in pasts]

    pasts = steps()
    words = sum(len(text.split()) for text in briefings())
    step, briefing = fastest(steps, briefings)
    return BriefingCost(words / len(pasts), briefing / len(pasts), step / len(pasts))


def report() -> None:
    """Measure and print."""
    console, rng = Console(), random.Random(1)
    briefing = briefing_of(rng)
    ids = [f"n{number}" for number in range(BRIEFING_WORDS // 50)]
    citable, text = Citable.of(briefing, ids), thesis_of(rng, briefing)
    split, paid, ready = fastest(
        text.split,
        lambda: rewards(text, citable, "BUY"),
        lambda: Citable.of(briefing, ids),
        repeats=20,
    )
    console.print(
        f"a thesis of {len(text.split()):,} words, all three rewards: {paid * 1e3:.2f} ms, "
        f"[bold]{paid / split:.1f} × its split()[/]"
    )
    console.print(
        f"a briefing of {len(briefing.split()):,} words, made ready once: {ready * 1e3:.2f} ms"
    )
    cost = briefing_cost()
    console.print(
        f"a briefing of {cost.words:,.0f} words made: {cost.briefing * 1e3:.2f} ms, "
        f"[bold]{cost.briefing / cost.step:.1f} × a step of TextObservation[/]"
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("a megabyte of")
    for name in ("split, ms", "rewards, ms", "× split"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, long in long_texts(rng, briefing).items():
        split, paid = fastest(long.split, partial(rewards, long, citable, "BUY"))
        table.add_row(name, f"{split * 1e3:,.1f}", f"{paid * 1e3:,.1f}", f"{paid / split:,.1f}")
    console.print(table)
