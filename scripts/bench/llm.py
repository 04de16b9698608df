"""Agents and the client of language models beside a local server: how full they keep it.

``investorbench bench llm`` starts a small server in another process, so that only our own time is
measured: 64 episodes at once against answers after 500 ms, of the client alone and of FinMem with
its memory, prompts, cache and record; and what a call costs where there is one episode.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from investorbench.agents.agent import as_agent
from investorbench.agents.finmem import FinMem
from investorbench.agents.llm import Cache, Client, Endpoints, connect, model_of
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks.record.episode_folder import EpisodeFolder
from investorbench.tasks.running.episode import live
from investorbench.tasks.running.garbage import fewer_collections
from investorbench.tasks.seeds import Seeds
from investorbench.tasks.task import Task

EPISODES = 64
LATENCIES_S = (0.5, 0.2)
SCHEMA = {
    "type": "object",
    "properties": {
        "rationale": {"type": "string"},
        "decision": {"enum": ["sell", "hold", "buy"]},
        "memory_ids": {"type": "array", "items": {"enum": list(range(20))}},
    },
    "required": ["rationale", "decision", "memory_ids"],
    "additionalProperties": False,
}
PROMPT = "Prices, news and memories of the day, in some two thousand tokens of text. " * 110

# Reads a request, waits, answers with the plainest object of its schema: nothing else, so that it
# is never what is waited for.
SERVER = """
import asyncio, functools, json, sys
latency = float(sys.argv[1])
usage = {"prompt_tokens": 2000, "completion_tokens": 30}
def fill(schema):
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {key: fill(part) for key, part in schema.get("properties", {}).items()}
    plain = {"array": [], "number": schema.get("minimum", 0), "integer": schema.get("minimum", 0)}
    return plain.get(kind, "Demand is up.")
@functools.lru_cache
def reply(schema):
    message = {"role": "assistant", "content": json.dumps(fill(json.loads(schema)))}
    choices = [{"message": message, "finish_reason": "stop"}]
    body = json.dumps({"model": "m", "choices": choices, "usage": usage}).encode()
    head = "HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: "
    return f"{head}{len(body)}\\r\\n\\r\\n".encode() + body
async def serve(reader, writer):
    try:
        while True:
            asked = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            if asked.startswith(b"get "):  # it has no version
                writer.write(b"HTTP/1.1 404 X\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
                continue
            length = asked.partition(b"content-length:")[2].split(b"\\r\\n")[0]
            body = await reader.readexactly(int(length))
            await asyncio.sleep(latency)
            form = json.loads(body)["response_format"]["json_schema"]["schema"]
            writer.write(reply(json.dumps(form)))
    except asyncio.IncompleteReadError:
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def report(steps: int) -> None:
    """Measure, and print the figures."""
    alone, agents = f"the client alone, {steps} calls an episode", "FinMem on Stock-SIM"
    for latency_s, what, measured in (
        (LATENCIES_S[0], alone, _clients(steps, LATENCIES_S[0])),
        *((latency_s, agents, _agents(latency_s)) for latency_s in LATENCIES_S),
    ):
        rate = asyncio.run(measured)
        print(
            f"{EPISODES} episodes at once, each call answered after {latency_s:g} s, {what}: "
            f"{rate:.1f} calls/s, {rate / (EPISODES / latency_s):.1%} of the server's capacity"
        )
    alone_ms = asyncio.run(_alone(steps * 5))
    print(f"one episode alone: {alone_ms:.1f} ms of the client's own time a call (median)")
    alone_ms = asyncio.run(_agent_alone())
    print(f"the same with FinMem: {alone_ms:.1f} ms of our own time a call (mean)")


async def _clients(steps: int, latency_s: float) -> float:
    """Calls a second of many episodes, each asking when its last answer is there."""
    async with _serving(latency_s) as client:
        await asyncio.gather(*(_episode(client, -1, n) for n in range(EPISODES)))  # connects
        started = time.perf_counter()

        async def episode(number: int) -> None:
            for step in range(steps):
                await _episode(client, step, number)

        await asyncio.gather(*map(episode, range(EPISODES)))
        return EPISODES * steps / (time.perf_counter() - started)


async def _agents(latency_s: float) -> float:
    """The same of whole agents on the simulated market, kept answers and records included."""
    async with _serving(latency_s) as client:
        await asyncio.gather(*(_episode(client, -1, n) for n in range(EPISODES)))
        took, calls = await _played(client, EPISODES)
        return calls / took


async def _agent_alone() -> float:
    """Milliseconds a call beyond the server's, of one agent."""
    async with _serving(0.0) as client:
        await _episode(client, -1, 0)
        took, calls = await _played(client, 1)
        return 1000 * took / calls


async def _played(client: Client, episodes: int) -> tuple[float, int]:
    """Seconds and calls of that many episodes of FinMem."""
    task = Task.of("stock/sim")
    task.make("test")  # the market
    with tempfile.TemporaryDirectory() as folder, Cache(Path(folder, "answers.sqlite")) as cache:
        kept = connect(client.model, cache=cache)
        embedder = HashedNgrams()

        def agent() -> FinMem:
            return FinMem(
                kept, lambda seed: LayeredMemory("layered", Arrays(), embedder, seed=seed)
            )

        started = time.perf_counter()
        with fewer_collections():  # as a run does
            played = await asyncio.gather(
                *(
                    live(
                        as_agent(agent()), task, seeds=Seeds(0, seed), warmup=False,
                        folder=EpisodeFolder(Path(folder, str(seed)), ahead=seed),
                    )
                    for seed in range(episodes)
                )
            )  # fmt: skip
        return time.perf_counter() - started, sum(len(each.actions) for each in played)


async def _alone(steps: int) -> float:
    """Milliseconds a call beyond the server's, in the median; its sleep is none here."""
    async with _serving(0.0) as client:
        await _episode(client, -1, 0)
        took = []
        for step in range(steps):
            started = time.perf_counter()
            await _episode(client, step, 0)
            took.append(time.perf_counter() - started)
        return 1000 * statistics.median(took)


async def _episode(client: Client, step: int, number: int) -> None:
    prompt = [
        {"role": "system", "content": "You trade one asset."},
        {"role": "user", "content": f"{PROMPT} Day {step} of episode {number}."},
    ]
    answer = await client.decide(prompt, SCHEMA)
    if answer.status != "ok":
        raise AssertionError(answer)


class _serving:  # noqa: N801 - a context manager, used like a function
    """A server in a process of its own, and a client of it."""

    def __init__(self, latency_s: float) -> None:
        self._line = [sys.executable, "-c", SERVER, str(latency_s)]

    async def __aenter__(self) -> Client:
        self._process = subprocess.Popen(self._line, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        port = json.loads(self._process.stdout.readline())
        url = f"http://127.0.0.1:{port}/v1"
        settings = {"name": "bench", "provider": "vllm", "id": "m", "context_length": 131_072}
        model = model_of({**settings, "base_url": url})
        connected = connect(model, endpoints=Endpoints())
        assert isinstance(connected, Client)
        return connected

    async def __aexit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.communicate()
