"""One RDAP question (RFC 7480, RFC 9082) to one server; every end is a `Reply`.

Owns: `GET <base>ip/<address>` or `autnum/<number>`, and what the answer means: 404 is "nothing",
429 and 503 are "busy" with what `Retry-After` says, a redirect to another host is "moved" (that
host's pace is not ours to spend), an answer about another network, one that is no JSON, and one
that is a whole /8 are refused. Asks nothing twice and knows no pace.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from openletter.net.http_client import HttpClient, Moved, Page, Trouble
from openletter.wire import rdap
from openletter.wire.lookup import End, Reply, fits, is_too_wide, retry_after
from openletter.wire.registry import IPAddress, Registration, Subject, UnreadableError

ACCEPT = ("application/rdap+json", "application/json")
_WAITS = frozenset({429, 503})
_TEMPORARY = frozenset({"too-slow", "unreachable", "unresolved", "broken-answer", "not-trusted"})
_SHORT = timedelta(seconds=60)


def address_of(base: str, asked: IPAddress | int) -> str:
    """Where a server (its base address ends in a slash) answers about an address or an AS."""
    return f"{base}autnum/{asked}" if isinstance(asked, int) else f"{base}ip/{asked}"


def host_of(url: str) -> str:
    """The host that a question goes to."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


async def ask(client: HttpClient, url: str, *, about: IPAddress | int, now: datetime) -> Reply:
    """Ask one server once."""
    answer = await client.get(url, accept=ACCEPT, stay=True)
    server = host_of(url)
    match answer:
        case Moved(to=onward):
            return Reply(end=End.MOVED, server=server, asked=url, moved_to=onward)
        case Trouble(code=code, detail=detail):
            end = End.FAILED if code in _TEMPORARY else End.REFUSED
            return Reply(end=end, server=server, asked=url, code=code, detail=detail)
        case Page(status=200):
            return _read(answer, about=about, server=server, asked=url)
    return _status(answer, server=server, asked=url, now=now)


def _status(page: Page, *, server: str, asked: str, now: datetime) -> Reply:
    code = f"status-{page.status}"
    if page.status == 404:
        return Reply(end=End.NOTHING, server=server, asked=asked, code="not-registered")
    if page.status in _WAITS:
        wait = retry_after(page.headers.get("retry-after"), now=now)
        return Reply(
            end=End.BUSY, server=server, asked=asked, code="too-often", detail=code,
            retry_after=wait if wait is not None else _SHORT,
        )  # fmt: skip
    end = End.FAILED if page.status >= 500 else End.REFUSED
    return Reply(end=end, server=server, asked=asked, code="bad-status", detail=code)


def _read(page: Page, *, about: IPAddress | int, server: str, asked: str) -> Reply:
    try:
        found = rdap.read(page.body)
    except UnreadableError as problem:
        return Reply(end=End.REFUSED, server=server, asked=asked, code=problem.reason)
    code = unfit(found, about)
    if code:
        return Reply(end=End.REFUSED, server=server, asked=asked, code=code, body=page.body)
    fitting = tuple(each for each in found if fits(each, about) and not is_too_wide(each))
    return Reply(end=End.FOUND, server=server, asked=asked, registrations=fitting, body=page.body)


def unfit(found: list[Registration], about: IPAddress | int) -> str:
    """Why an answer is none to this question; empty where it is one."""
    subjects = (Subject.NETWORK, Subject.AUTNUM)
    networks = [each for each in found if each.subject in subjects]
    if not networks:
        return "no-network"
    fitting = [each for each in networks if fits(each, about)]
    if not fitting:
        return "another-network"
    return "too-wide" if all(map(is_too_wide, fitting)) else ""
