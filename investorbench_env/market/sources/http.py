"""Asking a server politely: who we are, not too often, again after a fault, and never half.

It knows HTTP and nothing of what comes back.
"""

import json
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.files.store import sha256

if TYPE_CHECKING:
    import httpx

    from investorbench_env.market.sources.contracts import Contract, Refusal

USER_AGENT = "Mozilla/5.0 (compatible; investorbench/0.1)"
"""Some servers turn away whatever does not begin so."""

FIRST_LINE = 80
"""Letters that are shown of what came instead of data."""
LONGEST_LINE = 400
"""Letters of what is said of a fault, of which a server may have written a part."""
BUSY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
MOST_BYTES = 1 << 29
"""Of one answer; the largest that is asked for have some 200 million."""
SLOWEST = 1000
"""Bytes a second: an answer that is slower on the whole is given up."""
MOST_REDIRECTS = 10


class DownloadError(InvestorBenchError):
    """A server did not give what was asked for; the message has what it did instead.

    Whatever the server wrote, it is one line that any terminal can show.
    """

    def __init__(self, said: str) -> None:
        shown = "".join(letter if letter.isprintable() else " " for letter in said)
        line = " ".join(shown.split())
        super().__init__(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…")


class NotThereError(DownloadError):
    """The server has no such thing."""


class NotReachedError(DownloadError):
    """No answer came: there is no network, or no such server, or something stands between."""


class OutOfReachError(NotReachedError):
    """No answer came, and none will before something is mended here: it is not asked again."""


class RefusedError(DownloadError):
    """A source said no in a way that is known."""

    def __init__(self, source: str, refusal: "Refusal") -> None:
        self.refusal = refusal
        super().__init__(f"{source}: {refusal.says}; {refusal.then}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Politeness:
    """How often and how long to ask.

    Attributes:
        interval_s: least time between two requests to one host.
        tries: how often one request is made before it fails.
        backoff_s: wait after the first failure, doubled after each further one.
        longest_wait_s: a server that asks for more patience than this is given up for now.
        timeout_s: for one answer.
    """

    interval_s: float = 0.5
    tries: int = 5
    backoff_s: float = 1.0
    longest_wait_s: float = 120.0
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a server sent, and when.

    Attributes:
        url: what was asked, with the names of keys in place of their values.
        status: of HTTP.
        headers: by their names in lower case.
        content: what it sent.
        retrieved_at: when.
        is_measured: whether it said how long it is, so that one that is cut off is known as such.
    """

    url: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    retrieved_at: str = ""
    is_measured: bool = True

    def record(self) -> dict[str, Any]:
        """This request as a line of provenance."""
        return {
            "url": self.url,
            "retrieved_at": self.retrieved_at,
            "bytes": len(self.content),
            "sha256": sha256(self.content),
        }

    @property
    def text(self) -> str:
        """All of it as text."""
        return self.content.decode("utf-8", errors="replace")

    @property
    def first_line(self) -> str:
        """The beginning of what came, to be shown."""
        lines = self.content[:400].decode("utf-8", errors="replace").split("\n")
        return next((line.strip()[:FIRST_LINE] for line in lines if line.strip()), "")


@dataclass(slots=True, kw_only=True)
class Downloader:
    """Requests to any number of hosts, each at its pace; close it, or use it in a ``with``.

    Attributes:
        user_agent: who asks; EDGAR wants a name and an address in it.
        politeness: pace and patience.
        contract: how the source is known to refuse.
        keys: the values of the source's keys by their names, which take their places in records.
        headers: sent with every request, where ``{NAME}`` is a key; such a one to the source alone.
        home: an address of the source, or empty where that of each request is one.
        sleep: how to wait; tests pass their own.
        records: of every answer so far: address, time, size and checksum.
    """

    user_agent: str = USER_AGENT
    politeness: Politeness = field(default_factory=Politeness)
    contract: "Contract | None" = None
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    home: str = ""
    sleep: Callable[[float], None] = time.sleep
    records: list[dict[str, Any]] = field(default_factory=list)
    _client: "httpx.Client | None" = field(default=None, init=False, repr=False)
    _last: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __enter__(self) -> "Downloader":
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def json(self, url: str, parameters: Mapping[str, str] | None = None) -> Any:
        """A JSON answer; one that is cut off is asked for again."""
        return json.loads(self.get(url, parameters, check_json).content)

    def text(self, url: str, parameters: Mapping[str, str] | None = None) -> str:
        """An answer of text, web pages included."""
        return self.get(url, parameters).text

    def table(self, url: str, parameters: Mapping[str, str] | None = None) -> str:
        """A CSV answer; a web page in its place is an error."""
        return self.get(url, parameters, _check_not_a_page).text

    def content(self, url: str, parameters: Mapping[str, str] | None = None) -> bytes:
        """The bytes of a file; a web page in its place is an error."""
        return self.get(url, parameters, _check_not_a_page).content

    def get(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        check: Callable[[str, bytes], str | None] = lambda url, content: None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Response:
        """One request with its repetitions.

        Args:
            url: the address.
            parameters: of the address; ``{NAME}`` stands for a key.
            check: what is wrong with an answer, such that a second one may be right.
            headers: of this request, besides those of all.
            body: what is sent as JSON, by POST; None for GET.

        Raises:
            RefusedError: the source said no in a way that is known.
            NotReachedError: no answer came.
            DownloadError: another one than was wanted.
        """
        for attempt in range(1, self.politeness.tries + 1):
            found = self._once(url, parameters, check, headers or {}, body)
            if isinstance(found, Response):
                self.records.append(found.record())
                return found
            asked = found.wait_s
            longest = self.politeness.longest_wait_s
            if asked is not None and asked > longest:
                raise DownloadError(f"{found.error}: asks to wait {asked:.0f} s; try again later")
            own = min(longest, self.politeness.backoff_s * 2 ** (attempt - 1))
            fault = found.error
            if attempt < self.politeness.tries:
                self.sleep(own if asked is None else asked)
        if isinstance(fault, RefusedError):
            raise fault
        often = f", {self.politeness.tries} times" if self.politeness.tries > 1 else ""
        raise type(fault)(f"{fault}{often}; try again later")

    def _once(
        self,
        url: str,
        parameters: Mapping[str, str] | None,
        check: Callable[[str, bytes], str | None],
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> "Response | _Passing":
        """An answer, or a fault that may pass."""
        import httpx

        self._keep_pace(url)
        plain = self._without_keys(url.split("?")[0])
        try:
            answer = self._ask(url, parameters or {}, headers, body, plain)
        except httpx.TransportError as error:
            return _passing(plain, error)
        except httpx.DecodingError as error:
            return _Passing(DownloadError(f"{plain}: not compressed as it says ({error})"), None)
        except httpx.InvalidURL as error:
            raise DownloadError(f"{plain}: no address ({error})") from error
        except NotReachedError as error:
            if isinstance(error, OutOfReachError):
                raise
            return _Passing(error, None)
        patience = _patience(answer.headers.get("retry-after"))
        if self.contract is not None:
            try:
                self.contract.read(answer)
            except RefusedError as error:
                if not error.refusal.passes:
                    raise
                return _Passing(error, patience)
        if answer.status in BUSY_STATUSES:
            return _Passing(DownloadError(f"{plain}: HTTP {answer.status}"), patience)
        if answer.status in (404, 410):
            raise NotThereError(f"{plain}: not there (HTTP {answer.status})")
        if answer.status >= 400:
            said = "" if _looks_like_a_page(answer.content) else answer.first_line
            raise DownloadError(
                f"{plain}: refused with HTTP {answer.status}{f' ({said})' if said else ''}; the "
                "source may block automatic access or ask for a name and e-mail (--contact)"
            )
        if answer.status not in (200, 203, 206):
            raise DownloadError(f"{plain}: no answer, but HTTP {answer.status}")
        if fault := _other_part(plain, headers.get("Range"), answer) or check(
            plain, answer.content
        ):
            return _Passing(DownloadError(fault), None)
        return answer

    def _ask(
        self,
        url: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        plain: str,
    ) -> Response:
        """What comes of one request, by way of those to which it leads."""
        client = self._open()
        sent = self._with_keys({**self.headers, **headers})
        request = client.build_request(
            "GET" if body is None else "POST",
            url,
            params=self._with_keys(parameters) or None,
            headers=sent,
            json=body,
        )
        # Where another host stores what was asked for, its address is of the moment, and signed.
        asked = self._without_keys(str(request.url))
        if body is not None:
            asked += f" {json.dumps(body)}"
        home = _origin(self.home or url)
        for _ in range(MOST_REDIRECTS):
            if _origin(str(request.url)) != home:
                for name in (name for name, text in self.headers.items() if text != sent[name]):
                    request.headers.pop(name, None)
            response = client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return Response(
                        url=asked,
                        status=response.status_code,
                        headers={name.lower(): value for name, value in response.headers.items()},
                        content=self._content_of(response, plain),
                        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
                        is_measured=bool(
                            {"content-length", "transfer-encoding"} & set(response.headers)
                        ),
                    )
                request = response.next_request
            finally:
                response.close()
        raise DownloadError(f"{plain}: leads on to other addresses {MOST_REDIRECTS} times")

    def _content_of(self, response: "httpx.Response", plain: str) -> bytes:
        """All of an answer, unless it has no end.

        Raises:
            DownloadError: it is larger than any that is asked for.
            NotReachedError: it comes too slowly.
        """
        parts, size, began = [], 0, time.monotonic()
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise DownloadError(f"{plain}: it goes on after {MOST_BYTES / 1e6:,.0f} MB")
            taken = time.monotonic() - began
            if taken > self.politeness.timeout_s and size < SLOWEST * taken:
                raise NotReachedError(f"{plain}: only {size:,} bytes in {taken:.0f} s")
        return b"".join(parts)

    def _with_keys(self, templates: Mapping[str, str]) -> dict[str, str]:
        """Parameters or headers with the values of keys in their places."""
        filled = dict(templates)
        for name, value in self.keys.items():
            filled = {each: text.replace(f"{{{name}}}", value) for each, text in filled.items()}
        return filled

    def _without_keys(self, url: str) -> str:
        """An address that may be shown and recorded."""
        for name, value in self.keys.items():
            url = url.replace(quote(value, safe=""), f"{{{name}}}").replace(value, f"{{{name}}}")
        return url

    def _keep_pace(self, url: str) -> None:
        host = urlsplit(url).netloc
        due = self._last.get(host, float("-inf")) + self.politeness.interval_s
        if (ahead := due - time.monotonic()) > 0:
            self.sleep(ahead)
        self._last[host] = time.monotonic()

    def _open(self) -> "httpx.Client":
        if self._client is None:
            import httpx

            try:
                self._client = httpx.Client(
                    headers={"User-Agent": self.user_agent}, timeout=self.politeness.timeout_s
                )
            except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
                raise _not_set_up(error) from error
        return self._client


def base_url(source: str, address: str) -> str:
    """A source's address, or what ``$INVESTORBENCH_<SOURCE>_URL`` puts in its place."""
    return os.environ.get(f"INVESTORBENCH_{source.upper()}_URL", address).rstrip("/")


def _origin(url: str) -> tuple[str, str]:
    address = urlsplit(url)
    return address.scheme, address.netloc


def _other_part(url: str, asked: str | None, answer: Response) -> str | None:
    """What is wrong with a part of a file: it is not the one that was asked for."""
    if answer.status != 206:
        return None
    wanted = re.fullmatch(r"bytes=(\d*)-(\d+)", asked or "")
    came = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("content-range", ""))
    if wanted is None or came is None:
        return f"{url}: a part that was not asked for"
    first, last, total = (int(number) for number in came.groups())
    end = min(int(wanted[2]), total - 1) if wanted[1] else total - 1
    start = int(wanted[1]) if wanted[1] else max(0, total - int(wanted[2]))
    if (first, last, len(answer.content)) == (start, end, end - start + 1):
        return None
    return f"{url}: bytes {first} to {last} in place of {start} to {end}"


def _not_set_up(error: Exception) -> OutOfReachError:
    """What of this machine's settings keeps every request from being made."""
    if isinstance(error, OSError):
        names = "SSL_CERT_FILE and SSL_CERT_DIR name no certificates that can be read"
        return OutOfReachError(f"{names} ({error}): set them right, or unset them")
    if isinstance(error, ImportError):
        return OutOfReachError(
            "the proxy that is set is a SOCKS one, which needs pip install 'httpx[socks]'; or set "
            "HTTPS_PROXY to one of http:// and unset ALL_PROXY"
        )
    return OutOfReachError(
        f"a proxy is set by an address that is none ({error}): set HTTP_PROXY, HTTPS_PROXY and "
        "ALL_PROXY right, or unset them"
    )


class _Passing(NamedTuple):
    """A fault that may pass, and how long the server asks to wait."""

    error: DownloadError
    wait_s: float | None


def _passing(url: str, error: "httpx.TransportError") -> _Passing:
    """What a connection that failed may be mended by.

    Raises:
        OutOfReachError: it will not pass by itself.
    """
    said = f"{url}: {type(error).__name__} ({error})"
    if "CERTIFICATE_VERIFY_FAILED" in said:
        raise not_trusted(url) from error
    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, socket.gaierror):
        reason = reason.__cause__ or reason.__context__
    if reason is not None:
        raise no_such_name(url) from error
    return _Passing(NotReachedError(said), None)


def not_trusted(url: str) -> OutOfReachError:
    """What a certificate stands for that no authority known here has signed."""
    return OutOfReachError(
        f"{url}: its certificate is not trusted here; where a company's proxy signs it, set "
        "SSL_CERT_FILE to that proxy's certificate"
    )


def no_such_name(url: str) -> OutOfReachError:
    """What a host stands for that nothing here knows."""
    return OutOfReachError(f"{urlsplit(url).netloc}: no such name; is there a network?")


def _patience(header: str | None) -> float | None:
    """Seconds that a Retry-After asks for, written as a number or as a date."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (OverflowError, TypeError, ValueError):
        return None


def _looks_like_a_page(content: bytes) -> bool:
    start = content[:400].lstrip().lower()
    return start.startswith((b"<!doctype", b"<html", b"<head"))


def _check_not_a_page(url: str, content: bytes) -> str | None:
    if _looks_like_a_page(content):
        raise DownloadError(
            f"{url}: answered with a web page instead of data; it may be blocking automatic access"
        )
    return None if content.strip() else f"{url}: an empty answer"


def check_json(url: str, content: bytes) -> str | None:
    """What is wrong with an answer that should be JSON, such that a second one may be right."""
    if (fault := _check_not_a_page(url, content)) is not None:
        return fault
    try:
        json.loads(content)
    except (RecursionError, ValueError) as error:
        return f"{url}: not JSON, cut off? ({error})"
    return None
