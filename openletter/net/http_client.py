"""Asking a stranger's web server for one document, with every limit there is. The only httpx.

Owns: one GET at a time. Limits: seconds in all, to connect and between two bytes; bytes as they
come and as they unpack; hops; content types. Every host of every hop is resolved, judged and
pinned (`reach`). Plain http, other ports, addresses with a user name, loops and steps down from
https are refused. No cookies, no proxies of the environment, no credentials, certificates
verified. Whatever a server does is a value: `Page`, `Moved` or `Trouble`; nothing hangs.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx

from openletter.net.reach import PUBLIC, NoWayError, Reach

REDIRECTS = frozenset({301, 302, 303, 307, 308})
LONGEST_URL = 2_000
_SLICE = 64 * 1024
logging.getLogger("httpx").setLevel(logging.WARNING)  # it writes down what was asked about whom


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds, bytes and hops of one document, all its hops together."""

    total: float = 30.0
    connect: float = 8.0
    read: float = 12.0
    size: int = 4 * 1024 * 1024
    hops: int = 5


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole answer, of whatever status."""

    url: str
    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Another host answers for it; asking it is the caller's business."""

    url: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """No answer that can be used: a code of a closed set, the address, and what was seen."""

    code: str
    url: str
    detail: str = ""


Answer = Page | Moved | Trouble


class _TroubleError(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


@dataclass(frozen=True, kw_only=True)
class HttpClient:
    """How we ask: who we are, how far we go, whom we trust."""

    user_agent: str
    reach: Reach = PUBLIC
    limits: Limits = Limits()
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    async def get(self, url: str, *, accept: tuple[str, ...], stay: bool = False) -> Answer:
        """The document at an https address; `stay`: a redirect to another host is `Moved`."""
        trail: list[str] = []
        try:
            async with asyncio.timeout(self.limits.total):
                return await self._follow(url, trail, accept=accept, stay=stay)
        except TimeoutError:
            return _trouble(url, trail, "too-slow")
        except (_TroubleError, NoWayError) as problem:
            return _trouble(url, trail, problem.code, problem.detail)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as problem:
            return _trouble(url, trail, _code(problem), type(problem).__name__)

    async def _follow(
        self, url: str, trail: list[str], *, accept: tuple[str, ...], stay: bool
    ) -> Answer:
        """Hop by hop; `trail` holds the addresses that were gone to."""
        while len(trail) <= self.limits.hops:
            if url in trail:
                raise _TroubleError("redirect-loop", url)
            trail.append(url)
            page = await self._once(url, accept=accept)
            if page.status not in REDIRECTS:
                return page
            onward = self._onward(url, page.headers.get("location", ""))
            if stay and _host(onward) != _host(url):
                return Moved(url=url, to=onward)
            url = onward
        raise _TroubleError("too-many-redirects", url)

    def _onward(self, url: str, location: str) -> str:
        if not location or len(location) > LONGEST_URL:
            raise _TroubleError("bad-redirect", location)
        onward = urljoin(url, location).partition("#")[0]
        if urlsplit(url).scheme == "https" and urlsplit(onward).scheme == "http":
            raise _TroubleError("downgrade", onward)
        self._checked(onward)
        return onward

    def _checked(self, url: str) -> tuple[str, int]:
        """Host and port of an address that may be asked at all."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as problem:
            raise _TroubleError("bad-address", url) from problem
        port = port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        if not host or parts.username is not None or len(url) > LONGEST_URL:
            raise _TroubleError("bad-address", url)
        if self.reach.is_own(host, port):
            return host, port
        if parts.scheme != "https":
            raise _TroubleError("not-encrypted", url)
        if port != 443:
            raise _TroubleError("other-port", url)
        return host, port

    async def _once(self, url: str, *, accept: tuple[str, ...]) -> Page:
        host, port = self._checked(url)
        problem: Exception = NoWayError("unresolved", host)
        for address, real_port in await self.reach.pinned(host, port):
            try:
                return await self._from(url, host, f"{_bracketed(address)}:{real_port}", accept)
            except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
                problem = failed
        raise problem

    async def _from(self, url: str, host: str, place: str, accept: tuple[str, ...]) -> Page:
        """One request to one pinned address, the name in `Host` and in the certificate's check."""
        parts = urlsplit(url)
        pinned = parts._replace(netloc=place, fragment="").geturl()
        headers = {
            "Host": parts.netloc, "User-Agent": self.user_agent, "Accept": ", ".join(accept),
            "Accept-Encoding": "gzip", "Connection": "close",
        }  # fmt: skip
        times = httpx.Timeout(self.limits.read, connect=self.limits.connect)
        async with httpx.AsyncClient(
            verify=self.trust, trust_env=False, follow_redirects=False, timeout=times
        ) as client:
            request = client.build_request(
                "GET", pinned, headers=headers, extensions={"sni_hostname": host}
            )
            response = await client.send(request, stream=True)
            try:
                return await self._page(url, response, accept)
            finally:
                await response.aclose()

    async def _page(self, url: str, response: httpx.Response, accept: tuple[str, ...]) -> Page:
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        headers = {
            name: value[:LONGEST_URL]
            for name in ("location", "retry-after", "content-type")
            if (value := response.headers.get(name)) is not None
        }
        wanted = response.status_code == 200
        if wanted and content_type not in accept:
            raise _TroubleError("wrong-content-type", content_type[:100])
        body = await self._body(response) if wanted else b""
        return Page(
            url=url, status=response.status_code, content_type=content_type, headers=headers,
            body=body,
        )  # fmt: skip

    async def _body(self, response: httpx.Response) -> bytes:
        told = response.headers.get("content-length", "")
        if told.isascii() and told.isdigit() and int(told[:18]) > self.limits.size:
            raise _TroubleError("too-large", told)
        unpack = _unpacker(response.headers.get("content-encoding", ""), self.limits.size)
        body, came = bytearray(), 0
        async for piece in response.aiter_raw(_SLICE):
            came += len(piece)
            body += unpack(piece)
            if max(len(body), came) > self.limits.size:
                raise _TroubleError("too-large", f"more than {self.limits.size}")
        return bytes(body)


class _Gunzip:
    """Unpacks gzip piece by piece and never more than the limit and one byte."""

    def __init__(self, limit: int) -> None:
        self._stream, self._left = zlib.decompressobj(31), limit + 1

    def __call__(self, piece: bytes) -> bytes:
        try:
            out = self._stream.decompress(piece, self._left) if self._left > 0 else b""
        except zlib.error as problem:
            raise _TroubleError("bad-encoding", "gzip") from problem
        self._left -= len(out)
        return out


def _unpacker(encoding: str, limit: int) -> _Gunzip | type[bytes]:
    match encoding.strip().lower():
        case "" | "identity":
            return bytes
        case "gzip" | "x-gzip":
            return _Gunzip(limit)
    raise _TroubleError("bad-encoding", encoding[:60])


def _trouble(url: str, trail: list[str], code: str, detail: str = "") -> Trouble:
    return Trouble(code=code, url=trail[-1] if trail else url, detail=detail[:300])


def _host(url: str) -> str | None:
    return urlsplit(url).hostname


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _code(problem: Exception) -> str:
    """The word for what the library says."""
    if isinstance(problem, httpx.TimeoutException):
        return "too-slow"
    if isinstance(problem, ssl.SSLError) or "SSL" in repr(problem) or "CERT" in repr(problem):
        return "not-trusted"
    if isinstance(problem, httpx.RemoteProtocolError | httpx.DecodingError):
        return "broken-answer"
    if isinstance(problem, httpx.InvalidURL | ValueError):
        return "bad-address"
    return "unreachable"
