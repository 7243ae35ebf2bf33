"""The look-up's desk on rows: kept answers, servers' turns, and answers as they come.

A turn is taken under the server's row lock and committed before the question leaves, so that
several workers keep one pace and a killed one asks nothing twice for free. A kept answer is read
again from its bytes in the spool: what the reader of today makes of it, not what it once made.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

import structlog
from django.db import DataError, transaction
from django.db.models import F, Q

from openletter.campaigns.fields import Address
from openletter.contacts import loading
from openletter.contacts.lookup_rows import Fetch, RegistryServer
from openletter.contacts.rules import guesses, pace
from openletter.contacts.rules.course import Ask, Method
from openletter.evidence import spool
from openletter.wire import guessed, rdap, whois
from openletter.wire.lookup import STUMBLES, End, Reply, fits, is_too_wide, unusable
from openletter.wire.registry import (
    IPAddress,
    Registration,
    Source,
    Subject,
    UnreadableError,
)

log = structlog.get_logger()


class RowsDesk:
    """For one run of the step; `moving` are addresses that change customers."""

    def __init__(self, *, moving: Collection[Address] = ()) -> None:
        self._moving = moving

    def known(self, ask: Ask, *, now: datetime) -> Reply | None:
        """The kept answer to this question, or one about a network around the address."""
        row = _same(ask, now) or _around(ask, now)
        return _replayed(row, ask) if row else None

    def turn(self, server: str, *, now: datetime, patience: float) -> datetime | None:
        """When the server may be asked; its turn is taken."""
        with transaction.atomic():
            row = _locked(server)
            state, at = pace.take_turn(
                _state(row), pace=pace.pace_of(server), now=now, patience=patience
            )
            if at is not None:
                _change(row, state, asked=1, last_at=at)
        return at

    def keep(self, ask: Ask, reply: Reply, *, now: datetime) -> Reply:
        """The answer, its blocks with their candidates, and what it says of the server.

        An answer that can't be kept is kept as refused, or it would be asked for again and again.
        """
        try:
            self._keep(ask, reply, now=now)
        except (DataError, *STUMBLES):
            log.exception("answer-not-kept", server=ask.server, method=ask.method)
            reply = unusable(reply)
            self._keep(ask, reply, now=now)
        return reply

    def _keep(self, ask: Ask, reply: Reply, *, now: datetime) -> None:
        body = spool.keep(reply.body) if reply.body else None
        with transaction.atomic():
            row = _locked(ask.server)
            answered = int(reply.end not in (End.FAILED, End.BUSY))
            _change(row, pace.after(_state(row), reply, now=now), answered=answered)
            first, last = _range(ask, reply)
            Fetch.objects.create(
                method=ask.method, server=ask.server, target=ask.target[:2_000],
                about=str(ask.about), end=reply.end, code=reply.code[:40],
                detail=reply.detail[:300], moved_to=reply.moved_to[:2_000], body=body,
                first=first, last=last, netblocks=self._blocks(ask, reply, now=now), asked_at=now,
                expires_at=now + pace.KEPT_FOR[reply.end] if reply.end in pace.KEPT_FOR else None,
            )  # fmt: skip

    def _blocks(self, ask: Ask, reply: Reply, *, now: datetime) -> list[int]:
        """The answer as netblocks that `find` reads; their ids."""
        if reply.end is not End.FOUND or isinstance(ask.about, int):
            return []
        if ask.method is not Method.GUESS:
            found = [each for each in reply.registrations if each.subject is Subject.NETWORK]
            rows = loading.add_answer(found, format=ask.method, now=now) if found else []
            return [row.pk for row in rows]
        is_moving = ask.about in self._moving
        candidates = guesses.candidates_of_guess(guessed.read(reply.body), is_moving=is_moving)
        if not candidates:
            return []
        block = [_single(ask.about)]
        rows = loading.add_answer(block, format=ask.method, guesses=candidates, now=now)
        return [row.pk for row in rows]


def _range(ask: Ask, reply: Reply) -> tuple[IPAddress | None, IPAddress | None]:
    """For which addresses the answer holds, beside the one that was asked about."""
    if reply.nearest is not None:
        return reply.nearest.first, reply.nearest.last
    is_for_all = ask.within is not None and reply.end in (End.NOTHING, End.REFUSED)
    return ask.within if is_for_all and ask.within else (None, None)


def _same(ask: Ask, now: datetime) -> Fetch | None:
    rows = Fetch.objects.filter(
        method=ask.method, target=ask.target, about=str(ask.about), expires_at__gt=now
    )
    return rows.order_by("-asked_at").first()


def _around(ask: Ask, now: datetime) -> Fetch | None:
    """An answer of the same server about a network around the address; the smallest one.

    Or its "nothing" about the very network that an earlier answer told.
    """
    if isinstance(ask.about, int) or ask.method is Method.GUESS:
        return None
    which = Q(end=End.FOUND)
    if ask.within is not None:
        which |= Q(first=ask.within[0], last=ask.within[1])
    rows = Fetch.objects.filter(
        which, method=ask.method, server=ask.server, expires_at__gt=now,
        first__lte=ask.about, last__gte=ask.about,
    )  # fmt: skip
    return rows.order_by("-first", "-asked_at").first()


def _replayed(row: Fetch, ask: Ask) -> Reply | None:
    """The reply from what is kept; None where its bytes are gone."""
    registrations: tuple[Registration, ...] = ()
    body = b""
    if row.end == End.FOUND:
        try:
            with spool.open_kept(bytes(row.body or b"")) as kept:
                body = kept.read()
            registrations = _read(ask, body)
        except (OSError, UnreadableError):
            return None
    return Reply(
        end=End(row.end), server=row.server, asked=row.target, code=row.code, detail=row.detail,
        moved_to=row.moved_to, registrations=registrations, body=body,
    )  # fmt: skip


def _read(ask: Ask, body: bytes) -> tuple[Registration, ...]:
    if ask.method is Method.GUESS:
        return ()
    found = rdap.read(body) if ask.method is Method.RDAP else whois.read(body)
    fitting = tuple(each for each in found if fits(each, ask.about) and not is_too_wide(each))
    if not fitting:
        raise UnreadableError("another-network")
    return fitting


def _single(address: IPAddress) -> Registration:
    """The block of one address, that guesses hang on."""
    return Registration(
        source=Source.WHOIS, registry="", subject=Subject.NETWORK, handle=str(address),
        status="guess", first=address, last=address,
    )  # fmt: skip


# -- servers ------------------------------------------------------------------------------------


def _locked(host: str) -> RegistryServer:
    RegistryServer.objects.bulk_create([RegistryServer(host=host)], ignore_conflicts=True)
    return RegistryServer.objects.select_for_update().get(host=host)


def _state(row: RegistryServer) -> pace.Server:
    return pace.Server(
        next_at=row.next_at, closed_until=row.closed_until, closed_because=row.closed_because,
        failures=row.failures, refusals=row.refusals,
    )  # fmt: skip


def _change(
    row: RegistryServer,
    state: pace.Server,
    *,
    asked: int = 0,
    answered: int = 0,
    last_at: datetime | None = None,
) -> None:
    RegistryServer.objects.filter(pk=row.pk).update(
        **asdict(state),
        asked=F("asked") + asked,
        answered=F("answered") + answered,
        last_at=last_at or row.last_at,
    )
