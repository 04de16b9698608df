"""The client of language models beside a local server: how full it keeps it, what a call costs.

``python -m scripts.bench.llm`` starts a small server of its own in another process, so that only
the client's time is measured: 64 episodes at once against answers after 500 ms, and one alone.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time

from agents.llm import Client, Endpoints, connect, model_of

EPISODES = 64
LATENCY_S = 0.5
SCHEMA = {
    "type": "object",
    "properties": {
        "rationale": {"type": "string"},
        "decision": {"enum": ["SELL", "HOLD", "BUY"]},
        "memory_ids": {"type": "array", "items": {"enum": list(range(20))}},
    },
    "required": ["rationale", "decision", "memory_ids"],
    "additionalProperties": False,
}
PROMPT = "Prices, news and memories of the day, in some two thousand tokens of text. " * 110

# Reads a request, waits, answers: nothing else, so that it is never what is waited for.
SERVER = """
import asyncio, json, sys
latency = float(sys.argv[1])
text = json.dumps({"rationale": "Demand is up.", "decision": "BUY", "memory_ids": [1, 2]})
message = {"role": "assistant", "content": text}
usage = {"prompt_tokens": 2000, "completion_tokens": 30}
reply = {"model": "m", "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
body = json.dumps(reply).encode()
head = "HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: "
head += f"{len(body)}\\r\\n\\r\\n"
async def serve(reader, writer):
    try:
        while True:
            asked = (await reader.readuntil(b"\\r\\n\\r\\n")).lower()
            length = asked.partition(b"content-length:")[2].split(b"\\r\\n")[0]
            await reader.readexactly(int(length))
            await asyncio.sleep(latency)
            writer.write(head.encode() + body)
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
    for work_ms in (0.0, 2.0):
        busy = asyncio.run(_together(steps, work_ms))
        print(
            f"{EPISODES} episodes of {steps} calls, each answered after {LATENCY_S:g} s, "
            f"{work_ms:g} ms of an agent's work between them: {busy:.1f} calls/s, "
            f"{busy / (EPISODES / LATENCY_S):.1%} of the server's capacity"
        )
    alone_ms = asyncio.run(_alone(steps * 5))
    print(f"one episode alone: {alone_ms:.1f} ms of our own time a call (median)")


async def _together(steps: int, work_ms: float) -> float:
    """Calls a second of many episodes, each asking when its last answer is there."""
    async with _serving(LATENCY_S) as client:
        await asyncio.gather(*(_episode(client, -1, n) for n in range(EPISODES)))  # connects
        started = time.perf_counter()

        async def episode(number: int) -> None:
            for step in range(steps):
                _work(work_ms)
                await _episode(client, step, number)

        await asyncio.gather(*map(episode, range(EPISODES)))
        return EPISODES * steps / (time.perf_counter() - started)


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


def _work(milliseconds: float) -> None:
    """Keep the processor busy, as an agent's memory and prompt do."""
    end = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < end:
        pass


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
        model = model_of({"name": "bench", "provider": "vllm", "id": "m"})
        connected = connect(model, base_url=f"http://127.0.0.1:{port}/v1", endpoints=Endpoints())
        assert isinstance(connected, Client)
        return connected

    async def __aexit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.communicate()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20, help="calls of each episode")
    report(parser.parse_args().steps)


if __name__ == "__main__":
    main()
