"""What is recalled of earlier days for what is new today, nothing of it twice."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from investorbench.agents.finmem.past_decisions import Lesson
from investorbench.agents.finmem.question import in_order
from investorbench.agents.finmem.stories import stories
from investorbench.agents.finmem.today import NewsItem
from investorbench.memory import LayeredMemory, Recalled

SPARE = 2
"""How many more memories of a layer are looked at than are shown: some say what others say."""
ASKED = 3
"""Stories of today about which memory is asked."""


class Memories(NamedTuple):
    """What memory holds for a day.

    Attributes:
        shown: in the order in which they are shown.
        known_since: of what is new, by its place, since when memory holds the same.
    """

    shown: tuple[Recalled, ...]
    known_since: Mapping[int, str]


def recall(
    memory: LayeredMemory,
    items: Sequence[NewsItem],
    vectors: NDArray[np.float32],
    question: str,
    lesson: Lesson | None,
    k: int | None,
) -> Memories:
    """The best of each layer for the most important stories of today and a question.

    What is new is not in memory yet, so all that comes up is older. What says the same as
    something new, as the lesson, or as what scores higher is not shown.

    Args:
        memory: to be asked.
        items: what is new.
        vectors: of their texts [N, D].
        question: in words.
        lesson: what is shown anyway; it counts as one of its layer.
        k: how many of each layer; None: as many as its profile says.
    """
    queries = [place for place, item in enumerate(items) if item.is_story] or range(len(items))
    asked = np.concatenate([vectors[[*queries][:ASKED]], memory.embed([question])])
    k = memory.profile.retrieved if k is None else k
    found = memory.recall(asked, k + SPARE)
    ranked = sorted(
        (each for layer in found.values() for each in layer),
        key=lambda each: (-each.score, each.id),
    )
    said = [item.part.text for item in items] + ([lesson.text] if lesson else [])
    first, known_since = set[int](), dict[int, str]()
    for group in stories([*said, *(each.text for each in ranked)]):
        of_memory = [ranked[place - len(said)] for place in group if place >= len(said)]
        if group[0] >= len(said):
            first.add(of_memory[0].id)
        elif of_memory and group[0] < len(items):
            known_since[group[0]] = min(each.time for each in of_memory)
    room = dict.fromkeys(found, k)
    if lesson is not None:
        room[memory.profile.reflections] -= 1
    chosen = []
    for each in ranked:
        if each.id in first and room[each.layer]:
            room[each.layer] -= 1
            chosen.append(each)
    return Memories(in_order(chosen), known_since)
