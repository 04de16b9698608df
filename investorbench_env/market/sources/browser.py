"""What yfinance asks Yahoo with: a browser's handshake, at our pace, and all of it written down.

Yahoo turns away what does not shake hands as a browser does, whatever it calls itself; curl_cffi
does.
"""

import time
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from investorbench_env.market.sources.http import Politeness, Response

MOST_BYTES = 1 << 26
"""Of one answer; a chart of all days has some three million."""
CHART = "/v8/finance/chart/"
"""Behind this are the answers that hold data; the others are cookies and the like."""


class Browser:
    """The session that yfinance would make itself, which keeps what came.

    Attributes:
        address: of a server that stands for every host of Yahoo's, or empty for Yahoo's own.
        politeness: its pace and patience.
        session: to be handed to yfinance.
        records: of every answer with data: address, time, size and checksum.
        last: the last of those answers.
    """

    def __init__(self, address: str, politeness: Politeness) -> None:
        from curl_cffi import CurlOpt, requests

        self.address = address
        self.politeness = politeness
        self.records: list[dict[str, Any]] = []
        self.last = Response(url="")
        self._asked_at = float("-inf")
        # yfinance takes no other class of sessions, and all that this one asks goes through here.
        largest = {CurlOpt.MAXFILESIZE_LARGE: MOST_BYTES}
        self.session = cast(Any, requests.Session(impersonate="chrome", curl_options=largest))
        self._ask = self.session.request
        self.session.request = self._request

    def _request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """Ask as yfinance wants it, but for the host and the patience."""
        if (ahead := self._asked_at + self.politeness.interval_s - time.monotonic()) > 0:
            time.sleep(ahead)
        self._asked_at = time.monotonic()
        options["timeout"] = self.politeness.timeout_s
        answer = self._ask(method, self._at_address(url), *args, **options)
        if CHART in url:
            self.last = Response(
                url=answer.url.split("&crumb=")[0],
                status=answer.status_code,
                headers={name.lower(): value or "" for name, value in answer.headers.items()},
                content=answer.content,
                retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self.records.append(self.last.record())
        return answer

    def _at_address(self, url: str) -> str:
        if not self.address:
            return url
        there = urlsplit(self.address)
        return urlunsplit(urlsplit(url)._replace(scheme=there.scheme, netloc=there.netloc))
