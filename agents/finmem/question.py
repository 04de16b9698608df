"""The prompt: templates, and what goes into them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Any

from investorbench.agents.finmem.character import Appetite
from investorbench.agents.finmem.decision import word_of
from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.finmem.past_decisions import Lesson, PastDecision
from investorbench.agents.finmem.perception import Perception, signed_percent
from investorbench.agents.finmem.today import CITABLE, CUT, Arrived, NewsSheet, label_of
from investorbench.agents.horizons import over_horizon
from investorbench.agents.llm import Message
from investorbench.agents.llm.answer import Content
from investorbench.agents.llm.contents import image_part, text_part
from investorbench.agents.llm.tokens import Counter, count_prompt
from investorbench.memory import Profile, Recalled
from investorbench_env.market.documents import NEWS

OWN_PACKAGE = "investorbench.agents.finmem"
OLDER_NEWS = 400
"""Characters of older news that are shown: the rest was read on its day."""
HEADINGS = {
    "long": "Long-term memory",
    "mid": "Mid-term memory",
    "reflection": "Reflections",
    "short": "Short-term memory",
    "all": "All memories",
}
"""Layers in the order in which they are shown: what changes least comes first."""
CHART_WORDS = (
    "The chart shows the last bars up to today: a hollow candle closed above its open, a filled "
    "one below it; the bars beneath are volume."
)
CHART_TOKENS = 1_600
"""Of a small picture, by the models that we know, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked.

    Attributes:
        system: what never changes in a repeat.
        user: what does.
        schema: of the answer; it does not change either.
        chart: the file of a picture of the bars; empty where none is observed.
    """

    system: str
    user: str
    schema: Mapping[str, Any]
    chart: bytes = b""

    @property
    def messages(self) -> tuple[Message, ...]:
        """As a model takes them."""
        user: Content = self.user
        if self.chart:
            user = [text_part(CHART_WORDS), image_part(self.chart), text_part(self.user)]
        return ({"role": "system", "content": self.system}, {"role": "user", "content": user})

    @property
    def sha256(self) -> str:
        """Of the prompt's text, and of its chart."""
        text = f"{self.system}\0{self.user}".encode("utf-8", "replace")
        return sha256(text + b"\0" * bool(self.chart) + self.chart).hexdigest()

    @property
    def at_most_tokens(self) -> int:
        """More than any tokenizer makes of it: none makes more than one of a byte."""
        return self.tokens(lambda text: len(text.encode("utf-8", "replace")))

    def tokens(self, counter: Counter) -> int:
        """How many it takes, the schema included."""
        texts = (self.system, self.user, CHART_WORDS) if self.chart else (self.system, self.user)
        return count_prompt(counter, texts, self.schema) + CHART_TOKENS * bool(self.chart)

    def record(self) -> dict[str, Any]:
        """As plain JSON values, a chart by its hash alone."""
        chart = {"chart_sha256": sha256(self.chart).hexdigest()} if self.chart else {}
        said = {"system": self.system, "user": self.user, "schema": self.schema}
        return {**said, "sha256": self.sha256, **chart}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetBriefing:
    """What a question may be made of, beside what never changes.

    Attributes:
        perception: of the day.
        appetite: for risk.
        label: what the asset returns next; None outside the warm-up.
        recent: decisions, oldest first.
        reflects: whether to ask what these teach.
        lesson: what earlier ones taught; None before there was any.
        memories: of earlier days, in the order in which they are shown.
        news: what is new.
        chart: the file of a picture of the bars; empty where none is observed.
        horizon: that a decision is held for; None in an account.
    """

    perception: Perception
    appetite: Appetite
    label: float | None
    recent: Sequence[PastDecision]
    reflects: bool
    lesson: Lesson | None
    memories: tuple[Recalled, ...]
    news: Arrived
    chart: bytes = b""
    horizon: int | None = None


def ask(
    system: str,
    schema: Mapping[str, Any],
    day: AssetBriefing,
    memories: Sequence[Recalled],
    sheet: NewsSheet,
) -> Question:
    """The question about one day.

    Args:
        system: the part that never changes.
        schema: of the answer.
        day: all that may be shown of it.
        memories: those of its memories to show, in that order.
        sheet: what to show of its news.
    """
    values = {
        "symbol": day.perception.symbol,
        "memories": blocks(memories) or "None yet.",
        "recent": "\n".join(_recent(day, len(memories))) or "None yet.",
        "facts": str(day.perception),
        "news": news_of(day.news, sheet),
        "appetite": template(day.appetite).strip(),
        "reflect": template("reflect") if day.reflects else "",
    }
    if day.label is None:
        user = Template(over_horizon(template("test"), day.horizon)).substitute(values).strip()
    else:
        came = {"label": signed_percent(day.label), "decision": word_of(day.label)}
        user = fill("warmup", **came, **values)
    return Question(system=system, user=user, schema=schema, chart=day.chart)


def labels_for(profile: Profile, k: int | None) -> list[str]:
    """All labels that a prompt may hold: of memories by their place, then of what is new."""
    memories = (profile.retrieved if k is None else k) * len(profile.layers)
    return [memory_label(n) for n in range(memories)] + [label_of(n) for n in range(CITABLE)]


def shared_words(profile: Profile) -> dict[str, str]:
    """The parts of a system message that are the same for one asset and for several."""
    memories = fill("memories", layers=layers_in_words(profile))
    return {"memories": memories, "news": fill("news"), "weigh": fill("weigh")}


def layers_in_words(profile: Profile) -> str:
    """Under which heading a memory begins, and what becomes of it."""
    begins = {
        "annual reports": profile.place("long"),
        "other reports": profile.place("mid"),
        "news": profile.place("short"),
        "your own earlier conclusions": profile.reflections,
    }
    headings = {layer: HEADINGS.get(layer, layer) for layer in dict.fromkeys(begins.values())}
    if len(headings) == 1:
        where = f"They are {listed(begins)}."
    else:
        under = (
            f'{listed(what for what, own in begins.items() if own == layer)} under "{heading}"'
            for layer, heading in headings.items()
        )
        where = f"At first stand {listed(under)}."
    moves = any(layer.up_at is not None for layer in profile.layers)
    useful = "moves deeper and stays longer" if moves else "stays longer"
    return f"{where} A memory that proves useful {useful}; one that is never useful fades."


def listed(words: Iterable[str]) -> str:
    """As in "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def memory_label(place: int) -> str:
    """What an answer calls a memory by."""
    return f"M{place + 1}"


def in_order(memories: Sequence[Recalled]) -> tuple[Recalled, ...]:
    """Memories as they are shown: by layer, oldest first."""
    places = {layer: place for place, layer in enumerate(HEADINGS)}
    others = sorted({memory.layer for memory in memories} - {*HEADINGS})
    places |= {layer: len(HEADINGS) + place for place, layer in enumerate(others)}
    return tuple(sorted(memories, key=lambda memory: (places[memory.layer], memory.id)))


def blocks(memories: Sequence[Recalled], heading: str = "##") -> str:
    """Memories under the names of their layers, each in a block that its text cannot leave.

    Args:
        memories: in the order in which they are shown.
        heading: what the names of layers begin with.
    """
    return "\n".join(_lines(memories, heading))


def _lines(memories: Sequence[Recalled], heading: str) -> Iterator[str]:
    layer = None
    for place, memory in enumerate(memories):
        if memory.layer != layer:
            layer = memory.layer
            yield f"{heading} {HEADINGS.get(layer, layer)}"
        rating = memory.metadata.get("rating")
        text = shown_of(memory)
        yield block(memory_label(place), memory.time, text, f" ({rating})" * bool(rating))


def shown_of(memory: Recalled) -> str:
    """The text of a memory as it is shown: of older news no more than the beginning."""
    text = memory.text
    if len(text) <= OLDER_NEWS or memory.metadata.get("kind") != NEWS:
        return text
    return f"{text[:OLDER_NEWS].rpartition(' ')[0] or text[:OLDER_NEWS]}{CUT}"


def block(label: str, time: str, text: str, rating: str = "") -> str:
    """One memory in its block, and how its source rates it."""
    return f'<memory id="{label}" date="{time}">\n{neutral(text)}{rating}\n</memory>'


def _recent(day: AssetBriefing, place: int) -> Iterator[str]:
    """The last decisions, and below them what was last concluded from such."""
    yield from map(str, day.recent)
    if day.lesson is not None:
        yield "What you concluded last:"
        yield block(memory_label(place), day.lesson.time, day.lesson.text)


def news_of(news: Arrived, sheet: NewsSheet) -> str:
    """What is new: how much it is, and the lines that there is room for."""
    if not news.items:
        return "No news."
    left_out = len(news.items) - len(sheet.lines)
    more = f"\n{left_out} less important ones are not shown." if left_out else ""
    shown = "\n".join(sheet.lines)
    return f"{news.summary()}\n<news>\n{shown}\n</news>{more}" if shown else news.summary() + more


def fill(name: str, package: str = OWN_PACKAGE, **values: str) -> str:
    """A template with its values; ``$`` in a value means nothing."""
    return Template(template(name, package)).substitute(values).strip()


@cache
def template(name: str, package: str = OWN_PACKAGE) -> str:
    """The text of a template.

    Args:
        name: of its file.
        package: in whose folder ``prompts`` it is.
    """
    return (files(package) / "prompts" / f"{name}.md").read_text(encoding="utf-8")


@cache
def templates_sha256(*packages: str) -> str:
    """Of all templates, by name and content: it changes whenever a prompt would.

    Args:
        packages: that have them; FinMem's own where none is given.
    """
    texts = []
    for package in packages or (OWN_PACKAGE,):
        folder = files(package) / "prompts"
        names = sorted(path.name for path in folder.iterdir() if path.name.endswith(".md"))
        texts += [f"{name}\0{template(name.removesuffix('.md'), package)}" for name in names]
    return sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()
