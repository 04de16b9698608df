"""What listens at an address: nothing, a model's server, or something else."""

import os
import socket

from investorbench.agents.llm.models import Model
from investorbench.scripts.serving.command import ServeError


def require_model(url: str, model: Model) -> None:
    """Check that an address serves a model.

    Raises:
        ServeError: it serves another, or is no such server.
    """
    names = models_at(url)
    if names is None:
        raise ServeError(f"{url}: the port is in use by something else; give another: port=…")
    if model.id not in names:
        raise ServeError(
            f"{url} serves {', '.join(names) or 'nothing'}, not {model.id}: give another port=…"
        )


def models_at(url: str) -> list[str] | None:
    """The models that a server lists; None if it is no such server, or not yet."""
    import httpx

    try:
        reply = httpx.get(f"{url}/models", timeout=5.0, headers=_headers(), trust_env=False)
        return [str(item["id"]) for item in reply.raise_for_status().json()["data"]]
    except (httpx.HTTPError, ValueError, LookupError, TypeError):
        return None


def is_healthy(url: str) -> bool:
    """Whether a server says that it can answer."""
    import httpx

    try:
        address = url.removesuffix("/v1") + "/health"
        return httpx.get(address, timeout=5.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _headers() -> dict[str, str]:
    """The key of vLLM, where one is set: the server that we start takes it from there too."""
    key = os.environ.get("VLLM_API_KEY", "")
    return {"Authorization": f"Bearer {key}"} if key else {}


def is_taken(host: str, port: int) -> bool:
    """Whether anything listens there."""
    with socket.socket() as probe:
        probe.settimeout(2.0)
        return probe.connect_ex((host, port)) == 0


def free_port(host: str) -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
