"""Names of agents where many stand together: what they share is said once, beside the table."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from investorbench.tasks.wording import listed

MODEL = "model"
"""The setting whose values say enough without its name."""


def short_names(agents: Iterable[str]) -> dict[str, str]:
    """What each agent is called where all of them are: ``gpt-4`` of ``finmem model=gpt-4``.

    Settings that all agents of a name have alike are left out, and the name where what is left
    says enough. Whatever two of them would be called stays whole.
    """
    names = list(dict.fromkeys(agents))
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[name.partition(" ")[0]].append(name)
    found = {name: name for name in names}
    for group in alike.values():
        if len(group) > 1:
            found |= _without_shared(group)
    counted = Counter(found.values())
    return {name: short if counted[short] == 1 else name for name, short in found.items()}


def shared_words(names: Mapping[str, str]) -> str | None:
    """What was left out of names, in words; None where nothing was.

    Args:
        names: as :func:`short_names` gives them.
    """
    left: Counter[str] = Counter()
    for name, short in names.items():
        if short != name:
            left[_pattern(name, short)] += 1
    said = [f"{words} ({number} agents)" for words, number in left.items()]
    return f"Names are short for {listed(said)}" if said else None


def _pattern(name: str, short: str) -> str:
    """A name with an ellipsis in the places of what its short form says."""
    first, *settings = name.split(" ")
    kept = short.split(" ")
    parts = (
        f"{each.partition('=')[0]}=…" if each in kept or each == f"{MODEL}={short}" else each
        for each in settings
    )
    return " ".join([first, *parts])


def _without_shared(group: list[str]) -> dict[str, str]:
    settings = {name: name.split(" ")[1:] for name in group}
    common = set.intersection(*(set(own) for own in settings.values()))
    left = {name: [each for each in own if each not in common] for name, own in settings.items()}
    if not all(left.values()):
        return {}
    keys = {each.partition("=")[0] for own in left.values() for each in own}
    if keys == {MODEL}:
        return {name: own[0].removeprefix(f"{MODEL}=") for name, own in left.items()}
    return {name: " ".join(own) for name, own in left.items()}
