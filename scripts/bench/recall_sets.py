"""Texts of which it is known what each is about: what a query should bring up from a memory.

A set is put together before anything is recalled. Every query is a text of a day, as it came, and
what it should bring up are the texts of earlier days with the same label.
"""

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from investorbench_env.market.asset_classes import ASSET_CLASSES
from investorbench_env.market.sessions import ends_of_days, sessions_between
from investorbench_env.market.simulated import dynamics_of, simulate_many
from investorbench_env.market.simulated.bands import ONE, Origin
from investorbench_env.market.simulated.dynamics import TOPICS
from investorbench_env.market.simulated.grammar import subject
from investorbench_env.market.simulated.news import OWN, plan_news
from investorbench_env.market.simulated.news_texts import NewsTexts, word_numbers
from investorbench_env.market.simulated.profiles import profile_of

WARMUP, TEST, END = "2020-07-01", "2020-10-01", "2021-05-06"
"""The windows of the stock tasks; queries are texts of the test split."""
ABBREVIATION = re.compile(r"\s*\(([A-Z][A-Z0-9]{1,4})\)")
FEWEST, MOST = 3, 60
"""Texts that bear an abbreviation, for it to be a tag: not one alone, and not all."""
LABEL = re.compile(r"\s*\(\s*sentiment:\s*(\w+)\s*\)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallSet:
    """Texts in order of time, and what they are about.

    Attributes:
        texts: N of them.
        query: which texts are asked with [Q].
        earlier: how many texts came before the day of each query [Q].
        relevant: which of them it should bring up, for each query at least one.
        unit: what queries are averaged over first, such as one topic [Q].
    """

    texts: Sequence[str]
    query: Sequence[int]
    earlier: Sequence[int]
    relevant: Sequence[NDArray[np.intp]]
    unit: Sequence[str]


def simulated(seed: int) -> dict[str, RecallSet]:
    """The news of one simulated company over warm-up and test, by subject and by component.

    A subject is what a text about the company reports on ("orders", "tariff"), of some fifty; a
    component is the part of the hidden state behind it, of three. News on others, trifles and
    repeats lie between; a repeat is about what its original is about.
    """
    sessions = sessions_between("stock", WARMUP, END)
    row, origin = ASSET_CLASSES["stock"], Origin("stock", "SIM", ONE, seed)
    vocabulary = profile_of(origin.symbol, row).vocabulary
    dynamics = dynamics_of()
    paths = simulate_many([seed], len(sessions), dynamics)
    times = ends_of_days(sessions, row.timezone)
    news = plan_news(dynamics, paths, sessions, times, row, [origin])
    originals = news.original.tolist()
    topics = [TOPICS[topic] for topic in news.topic.tolist()]
    own = (news.about == OWN).tolist()
    components: list[str | None] = []
    subjects: list[str | None] = []
    for n, number in enumerate(word_numbers(len(own), origin)):
        source = originals[n]
        if source >= 0:
            components.append(components[source])
            subjects.append(subjects[source])
        else:
            components.append(topics[n] if own[n] else None)
            named = subject(origin.symbol, vocabulary, topics[n], number) if own[n] else None
            subjects.append(named)
    first = int(np.searchsorted(sessions, np.datetime64(TEST)))
    asked = [n for n, session in enumerate(news.session.tolist()) if own[n] and session >= first]
    written = NewsTexts(news, vocabulary, origin)
    texts = [written.document(n).text for n in range(len(own))]
    days = news.session.tolist()
    unit = f"market {seed}"
    return {
        "subject": _one_label(texts, days, asked, subjects, unit),
        "component": _one_label(texts, days, asked, components, unit),
    }


def released(path: Path) -> dict[str, RecallSet]:
    """The released news of one company, by tags that the texts bear themselves.

    Abbreviations are what a text puts in brackets behind what it stands for, "single sign-on
    (SSO)"; they are taken out of all texts, so that the words must do. Sentiment is the label at
    the end of a text; of the labels, those that few texts bear are asked for.
    """
    days = json.loads(path.read_text(encoding="utf-8"))
    dated = [(day, text) for day in sorted(days) for text in days[day].get("news", ())]
    labels = [found[1].lower() if (found := LABEL.search(text)) else None for _, text in dated]
    plain = [LABEL.sub("", text) for _, text in dated]
    bearers = Counter(tag for text in plain for tag in {*ABBREVIATION.findall(text)})
    tags = {tag for tag, count in bearers.items() if FEWEST <= count <= MOST}
    bare = re.compile(rf"\s*\(?\b(?:{'|'.join(sorted(tags)) or 'none'})s?\b\)?")
    texts = [bare.sub("", text) for text in plain]
    own_tags = [tags & {*ABBREVIATION.findall(text)} for text in plain]
    dates = [day for day, _ in dated]
    asked = [n for n, day in enumerate(dates) if day >= TEST]
    common = Counter(labels).most_common(1)[0][0]
    rare = [None if label == common else label for label in labels]
    return {
        "abbreviation": _labelled(
            texts, dates, [(n, tag, tag) for n in asked for tag in sorted(own_tags[n])], own_tags
        ),
        "sentiment": _labelled(
            texts, dates, [(n, label, str(n)) for n in asked if (label := rare[n])],
            [{label} if label else set() for label in rare],
        ),
    }  # fmt: skip


def _one_label(
    texts: Sequence[str],
    days: Sequence[Any],
    asked: Iterable[int],
    labels: Sequence[str | None],
    unit: str,
) -> RecallSet:
    queries = [(n, label, unit) for n in asked if (label := labels[n])]
    return _labelled(texts, days, queries, [{label} if label else set() for label in labels])


def _labelled(
    texts: Sequence[str],
    days: Sequence[Any],
    queries: Iterable[tuple[int, str, str]],
    labels: Sequence[Collection[str]],
) -> RecallSet:
    """A set of texts with labels; queries are texts, what is asked of them, and their unit."""
    kept = []
    for n, label, unit in queries:
        earlier = bisect_left(days, days[n])
        relevant = np.array([k for k in range(earlier) if label in labels[k]], np.intp)
        if relevant.size:
            kept.append((n, earlier, relevant, unit))
    query, before, found, units = zip(*kept, strict=True) if kept else ((), (), (), ())
    return RecallSet(texts=texts, query=query, earlier=before, relevant=found, unit=units)
