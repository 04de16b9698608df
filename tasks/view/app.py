"""What answers a browser: who may ask, what there is to ask for, and nothing else.

No path of a request leads to a file: whatever may be asked for is looked up by its name among what
was found in the runs.
"""

import asyncio
import hmac
import json
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from investorbench.tasks.record.schema import without_nan
from investorbench.tasks.view.follower import Follower
from investorbench.tasks.view.maker import ReportMaker
from investorbench_env.errors import InvestorBenchError

HOSTS = frozenset({"127.0.0.1", "localhost"})
"""Names by which a browser may ask, with whatever port a tunnel has: a name that another one leads
to 127.0.0.1 is none of them."""
WAIT_S = 2.0
"""How long who asks for the page waits for a newer report."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
METHODS = ("GET", "HEAD")


class ViewApp:
    """Answers requests.

    Args:
        follower: of the runs.
        maker: of their report.
        token: what an address begins with; None for one that is drawn.
    """

    def __init__(self, follower: Follower, maker: ReportMaker, token: str | None = None) -> None:
        self._follower, self._maker = follower, maker
        self.token = secrets.token_urlsafe(24) if token is None else token

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._response(request)
        response.headers.update(HEADERS)
        await response(scope, receive, send)

    def break_off(self) -> None:
        """Nothing that is in flight takes long."""

    async def _response(self, request: Request) -> Response:
        if _host(request) not in HOSTS:
            return _refusal(403, "this page is asked for as 127.0.0.1 or localhost alone")
        if request.method not in METHODS:
            return _refusal(405, "nothing can be sent to this page", Allow=", ".join(METHODS))
        token, slash, path = request.url.path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            return _refusal(
                403, "this address lacks its token: the terminal of investorbench view has it whole"
            )
        if not slash:
            return RedirectResponse(f"/{self.token}/", status_code=307)
        try:
            return await asyncio.to_thread(self._found, path, dict(request.query_params))
        except Exception as error:  # noqa: BLE001 - whatever is in a run, the others are shown
            known = isinstance(error, InvestorBenchError)
            return _refusal(500, str(error) if known else f"{type(error).__name__}: {error}")

    def _found(self, path: str, asked: dict[str, str]) -> Response:
        match path:
            case "":
                return self._page()
            case "live":
                return self._live(_whole(asked, "since"), _whole(asked, "made"))
            case "live/decision":
                job, repeat = _whole(asked, "job"), _whole(asked, "repeat")
                found = self._follower.decision(job, repeat)
                return _nothing() if found is None else _json(found)
        folder, _, name = path.partition("/")
        if folder != "parts" or not name.endswith(".js"):
            return _nothing()
        part = self._maker.part(name.removesuffix(".js"))
        return _nothing() if part is None else Response(part, media_type="text/javascript")

    def _page(self) -> Response:
        self._follower.look()
        self._maker.renew(WAIT_S)
        page = self._maker.made.page.encode("utf-8", "replace")
        return Response(page, media_type="text/html; charset=utf-8")

    def _live(self, since: int, made: int) -> Response:
        """How far the runs came, and whether another report than the page's own is there or due."""
        self._follower.look()
        maker = self._maker
        state = self._follower.state(since)
        report = maker.made
        if report.number == 0 and not maker.is_at_work:
            maker.renew()  # the first one comes by itself
        return _json(
            {
                **state,
                "made": report.number,
                "making": [maker.read, maker.of] if maker.is_at_work else None,
                "unseen": len(maker.finished() - report.finished) if made else 0,
                "problem": maker.problem,
            }
        )


def _host(request: Request) -> str:
    """The name that a browser asks by, without its port."""
    return request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")


def _whole(asked: dict[str, str], name: str) -> int:
    """A number of an address; −1 for what is none."""
    text = asked.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _json(content: Any) -> Response:
    text = json.dumps(
        without_nan(content), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return Response(text.encode("utf-8", "replace"), media_type="application/json")


def _nothing() -> Response:
    return _refusal(404, "there is nothing of this name")


def _refusal(status: int, why: str, **headers: str) -> Response:
    return PlainTextResponse(f"{why}\n", status_code=status, headers=headers)
