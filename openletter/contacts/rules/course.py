"""The course of one look-up: whom to ask first, and after each answer whom to ask next.

Pure, so that a look-up can be gone through again from kept answers. First the registry's RDAP
server by the bootstrap; a server that says "not mine" leads to the next; an answer that names
only a national registry's own mailbox leads to that registry's WHOIS; one that names nobody, or
can't be used, to the same registry's WHOIS, which shows the networks around it as well (ARIN
gives a customer's network no contacts, its provider's does). A registry that asks to be left
alone is left alone: no other door of its house is tried. What no registry knows is guessed only
where guessing is on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.refuse import World
from openletter.wire import registries
from openletter.wire.bootstrap import Bootstrap
from openletter.wire.lookup import End, Reply
from openletter.wire.registry import IPAddress, Registration

MOST_ASKS = 10
MOST_MOVES = 5


class Method(StrEnum):
    """How something is asked; also the form in which an answer's blocks are kept."""

    RDAP = "rdap"
    WHOIS = "whois"
    GUESS = "guess"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One question to one server; `target` is a URL, a WHOIS host, or empty for a guess.

    `within`: a network that an earlier answer told; "nothing" then holds for all of it.
    """

    method: Method
    server: str
    target: str
    about: IPAddress | int
    within: tuple[IPAddress, IPAddress] | None = None


@dataclass(frozen=True, kw_only=True)
class Course:
    """How far a look-up has come. `ask` None: it is at its end."""

    about: IPAddress | int
    ask: Ask | None
    may_guess: bool
    asked: tuple[str, ...] = ()
    house: str = ""
    """The last server asked that is a known registry's."""
    moves: int = 0
    found: tuple[Registration, ...] = ()
    guessed: bytes = b""
    is_usable: bool = False
    troubles: tuple[Reply, ...] = ()
    waits: bool = False
    """Ended for now only: somebody was busy or away, and is asked again."""

    @property
    def end(self) -> End:
        """What it all came to."""
        if self.waits:
            return End.BUSY
        if self.found or self.guessed:
            return End.FOUND
        refused = any(each.end is not End.NOTHING for each in self.troubles)
        return End.REFUSED if refused else End.NOTHING


def begin(about: IPAddress | int, bootstrap: Bootstrap, *, may_guess: bool) -> Course:
    """The first question; at its end at once where no registry answers for the address."""
    urls = bootstrap.urls_for(about)
    course = Course(about=about, ask=None, may_guess=may_guess and not isinstance(about, int))
    kind = "autnum" if isinstance(about, int) else "ip"
    return _ask_rdap(course, f"{urls[0]}{kind}/{about}") if urls else course


def advance(course: Course, reply: Reply) -> Course:
    """The next question after an answer to this one."""
    if course.ask is None:
        return course
    server = course.ask.server
    house = server if registries.of_host(server) else course.house
    here = replace(course, asked=(*course.asked, _key(course.ask)), house=house, ask=None)
    if course.ask.method is Method.GUESS:
        return _guessed(here, reply)
    match reply.end:
        case End.FOUND:
            return _after_finding(here, reply)
        case End.MOVED:
            return _onward(here, reply, course.ask.method)
        case End.BUSY:
            return replace(here, waits=not here.is_usable, troubles=(*here.troubles, reply))
        case End.NOTHING:
            noted = replace(here, troubles=(*here.troubles, reply))
            return _guess(noted) if noted.found else noted
    return _another_door(replace(here, troubles=(*here.troubles, reply)), reply)


def _after_finding(course: Course, reply: Reply) -> Course:
    course = replace(
        course,
        found=(*course.found, *reply.registrations),
        is_usable=course.is_usable or is_usable(reply.registrations),
    )
    if course.is_usable:
        return course
    further = national_registry(reply.registrations) or registries.of_host(reply.server)
    nearest = reply.nearest
    within = (nearest.first, nearest.last) if nearest and nearest.first and nearest.last else None
    onward = _ask_whois(course, further.whois, within=within) if further else course
    return onward if onward.ask else _guess(course)


def _onward(course: Course, reply: Reply, method: Method) -> Course:
    if course.moves >= MOST_MOVES:
        return _another_door(_troubled(course, reply, "too-many-redirects"), reply)
    moved = replace(course, moves=course.moves + 1)
    is_rdap = method is Method.RDAP
    onward = _ask_rdap(moved, reply.moved_to) if is_rdap else _ask_whois(moved, reply.moved_to)
    if onward.ask is None:
        return _another_door(_troubled(moved, reply, "redirect-loop"), reply)
    return onward


def _another_door(course: Course, reply: Reply) -> Course:
    """The same registry's WHOIS; where there is none, the course ends: for now, or for good."""
    registry = registries.of_host(reply.server) or registries.of_host(course.house)
    onward = _ask_whois(course, registry.whois) if registry and registry.whois else course
    if onward.ask is not None:
        return onward
    if course.found:
        return _guess(course)
    away = any(each.end is End.FAILED for each in course.troubles)
    return replace(course, waits=True) if away else _guess(course)


def _guessed(course: Course, reply: Reply) -> Course:
    """A guess that found nothing, or nobody to ask, is no reason to come again."""
    if reply.end is End.FOUND:
        return replace(course, guessed=reply.body)
    return replace(course, troubles=(*course.troubles, reply))


def _guess(course: Course) -> Course:
    if not course.may_guess or isinstance(course.about, int):
        return course
    return _with(course, Ask(method=Method.GUESS, server="dns", target="", about=course.about))


def _ask_rdap(course: Course, url: str) -> Course:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return course
    if parts.scheme not in ("https", "http") or not host:  # the client asks by https only
        return course
    return _with(course, Ask(method=Method.RDAP, server=host, target=url, about=course.about))


def _ask_whois(
    course: Course, server: str, *, within: tuple[IPAddress, IPAddress] | None = None
) -> Course:
    ask = Ask(method=Method.WHOIS, server=server, target=server, about=course.about, within=within)
    return _with(course, ask) if server else course


def _with(course: Course, ask: Ask) -> Course:
    """The same course with the next question, unless that was asked already or enough was."""
    if _key(ask) in course.asked or len(course.asked) >= MOST_ASKS:
        return course
    return replace(course, ask=ask)


def _key(ask: Ask) -> str:
    return f"{ask.method} {ask.target}"


def _troubled(course: Course, reply: Reply, code: str) -> Course:
    trouble = Reply(end=End.REFUSED, server=reply.server, asked=reply.asked, code=code)
    return replace(course, troubles=(*course.troubles, trouble))


def is_usable(found: Iterable[Registration]) -> bool:
    """Whether an answer names anybody who may be written to."""
    return any(
        each.refused is None
        for registration in found
        for each in candidates_of(registration, world=World.REAL)
    )


def national_registry(found: Iterable[Registration]) -> registries.Registry | None:
    """The national registry whose own mailbox is all that an answer names."""
    for registration in found:
        for written in registration.written:
            owner = registries.of_mail_domain(written.value.rpartition("@")[2].strip())
            if owner is not None and not owner.rdap:
                return owner
    return None
