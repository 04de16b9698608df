"""What the arena's agent asks: the rules, which never change, and what is observed now."""

import json
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from investorbench.agents.arena.past_signals import PastSignals
from investorbench.agents.arena.reply import THINKING, schema_of
from investorbench.agents.finmem.question import Question, fill, listed
from investorbench_env.facts import Facts

PACKAGE = "investorbench.agents.arena"


def system_message(facts: Facts, rules: Sequence[str], *, thinks: bool) -> str:
    """The part of a prompt that never changes in a repeat.

    Args:
        facts: of the environment.
        rules: of entries, in words.
        thinks: whether the reasons come before the signals.
    """
    return fill(
        "system",
        PACKAGE,
        coins=listed(facts.symbols),
        rules="\n".join(f"- {rule}" for rule in rules),
        cost=f"{100.0 * facts.cost_rate:.4g} %",
        thinking=fill("thinking", PACKAGE) if thinks else "",
        example=_example(thinks=thinks),
    )


def _example(*, thinks: bool) -> str:
    """A reply about a coin that there is not."""
    given = json.loads(_text("example.json"))
    return json.dumps(given if thinks else {k: v for k, v in given.items() if k != THINKING})


def ask(
    system: str,
    symbols: Sequence[str],
    text: str,
    events: Sequence[str],
    recent: Sequence[PastSignals],
    *,
    thinks: bool,
) -> Question:
    """The question of one decision.

    Args:
        system: the part that never changes.
        symbols: the coins.
        text: the market and the account as the environment words them.
        events: since the last question.
        recent: decisions to show again, oldest first.
        thinks: whether the reasons come before the signals.
    """
    past = "\n".join(each.line() for each in recent)
    user = fill(
        "question",
        PACKAGE,
        events="\n".join(f"- {event}" for event in events) or "Nothing.",
        recent=fill("recent", PACKAGE, decisions=past) + "\n\n" if recent else "",
        text=text.strip(),
    )
    return Question(system=system, user=user, schema=schema_of(symbols, thinks=thinks))


@cache
def prompts_sha256() -> str:
    """Of all files that questions are made of, by name and content."""
    folder = files(PACKAGE) / "prompts"
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith((".md", ".json")))
    return sha256("\0".join(f"{name}\0{_text(name)}" for name in names).encode()).hexdigest()


def _text(name: str) -> str:
    return (files(PACKAGE) / "prompts" / name).read_text(encoding="utf-8")
