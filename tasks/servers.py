"""What answered, by what servers say of themselves; an agent whose answers have several is named.

It knows answers as they are recorded, and their tallies.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from investorbench.tasks.wording import count

NAMES = {
    "model": "model",
    "system_fingerprint": "system_fingerprint",
    "server": "server version",
}
"""Fields of an answer that say what gave it, with the words for each."""
LISTED = 4


def servers_of(answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What gave some answers, each with how many it gave, and how many of those were replayed.

    Answers of older records say only their model.
    """
    found: Counter[tuple[str, ...]] = Counter()
    replayed: Counter[tuple[str, ...]] = Counter()
    for answer in answers:
        server = tuple(str(answer.get(name) or "") for name in NAMES)
        found[server] += 1
        replayed[server] += bool(answer.get("cached"))
    return [
        dict(zip(NAMES, server, strict=True)) | {"answers": number, "cached": replayed[server]}
        for server, number in found.items()
    ]


def changes_of_server(agent: str, tallies: Iterable[Mapping[str, Any] | None]) -> Iterator[str]:
    """A finding for each thing that servers said of themselves in several ways within a run.

    What a server left out is no change, and fingerprints are compared within one model.

    Args:
        agent: whose answers they are.
        tallies: of its episodes and splits, see :func:`investorbench.tasks.answers.tally`.
    """
    servers = [server for tallied in tallies if tallied for server in tallied.get("servers", ())]
    yield from _changes(agent, servers, "model")
    for model in dict.fromkeys(server["model"] for server in servers):
        own = [server for server in servers if server["model"] == model]
        yield from _changes(agent, own, "system_fingerprint", f" of {model}" * bool(model))
    yield from _changes(agent, servers, "server")


class Asking(NamedTuple):
    """An agent, the model that its configuration asks for, and tallies of what it was answered."""

    agent: str
    model: str
    tallies: Sequence[Mapping[str, Any] | None]


def differences_of_servers(asking: Iterable[Asking]) -> Iterator[str]:
    """A finding for each model that answered one agent as something else than another one."""
    by_model: dict[str, dict[str, tuple[str, ...]]] = {}
    for agent, model, tallies in asking:
        servers = [
            server for tallied in tallies if tallied for server in tallied.get("servers", ())
        ]
        names = tuple(sorted({server["model"] for server in servers} - {""}))
        if model and names:
            by_model.setdefault(model, {})[agent] = names
    for model, found in by_model.items():
        if len(set(found.values())) > 1:
            listed = "; ".join(f"{agent} by {', '.join(names)}" for agent, names in found.items())
            yield f"{model} is not one model here: answered were {listed}"


def asked_model(described: Mapping[str, Any] | None) -> str:
    """The id of the model that a configuration asks for; empty where it is not known."""
    model = (described or {}).get("model")
    return str(model.get("id") or "") if isinstance(model, Mapping) else ""


def _changes(
    agent: str, servers: Sequence[Mapping[str, Any]], name: str, whose: str = ""
) -> Iterator[str]:
    given: Counter[str] = Counter()
    replayed: Counter[str] = Counter()
    for server in servers:
        given[server[name]] += server["answers"]
        replayed[server[name]] += server["cached"]
    del given[""]
    if len(given) < 2:
        return
    shown = [_words(each, given[each], replayed[each]) for each in list(given)[:LISTED]]
    more = len(given) - LISTED
    listed = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    yield (f"{agent}: the {NAMES[name]}{whose} changed within the run, so its figures mix {listed}")


def _words(value: str, answers: int, replayed: int) -> str:
    of_those = (
        ""
        if not replayed
        else "; from the cache"
        if replayed == answers
        else (f"; {replayed} of them from the cache")
    )
    return f"{value} ({count(answers, 'answer')}{of_those})"
