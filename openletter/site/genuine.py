"""Is this letter genuine? Reference and address together; wrong answers all look the same."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openletter.campaigns import clock
from openletter.cases.models import Mistake
from openletter.letters.models import Letter, LetterCase
from openletter.letters.vouching import vouchers_of
from openletter.site import errors, limits
from openletter.site.doors import answering
from openletter.words import DeliveryState, Reader, parse_reference

LEFT: Final = (DeliveryState.HANDING, DeliveryState.ACCEPTED, DeliveryState.DELIVERED,
               DeliveryState.UNKNOWN)  # fmt: skip
"""States in which the letter may be in somebody's hands."""

SECONDS: Final = 0.3
"""Every answer takes at least this long, so that its time says nothing."""

NO_REFERENCE: Final = "00000000"
NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104 nobody's address, not a place to listen
SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True)
class SentLetter:
    mailbox: str
    sent_at: datetime
    partner: str
    exercise: bool
    was_wrong: bool
    """What it says about this address was our mistake."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whom the newest letter's reader can ask in his own country, as the letter says it too."""

    partner: str
    authority: str
    responder: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Letters that fit, newest first; none is the one wrong answer there is."""

    letters: tuple[SentLetter, ...]
    ask: Asked | None = None

    @property
    def was_wrong(self) -> bool:
        return any(letter.was_wrong for letter in self.letters)

    @property
    def exercise(self) -> bool:
        return any(letter.exercise for letter in self.letters)


def read_address(typed: str) -> str | None:
    """An IP address as people copy it: in brackets, or with a port behind it."""
    plain = typed.strip().strip("[]")
    if plain.count(":") == 1:
        plain = plain.partition(":")[0]
    if "]:" in plain:
        plain = plain.partition("]:")[0]
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        return None


def look_up(reference: str, address: str) -> Answer:
    """The same one query whatever was typed."""
    stored = parse_reference(reference) or NO_REFERENCE
    ip = read_address(address) or NO_ADDRESS
    mistake = Mistake.objects.filter(case=OuterRef("case"), undone_at=None)
    rows = (
        LetterCase.objects.annotate(was_wrong=Exists(mistake))
        .filter(
            Q(case__reference=stored) | Q(letter__reference=stored),
            case__ip=ip,
            letter__delivery__state__in=LEFT,
            letter__delivery__handed_at__isnull=False,
        )
        .order_by("-letter__delivery__handed_at")
        .values_list(
            "letter__mailbox", "letter__delivery__handed_at", "letter__partner__name",
            "letter__campaign__exercise", "was_wrong", "letter",
        )[:SHOWN]
    )  # fmt: skip
    found = list(rows)
    return Answer(
        ask=_whom_to_ask(found[0][-1]) if found else None,
        letters=tuple(
            SentLetter(
                mailbox=mailbox, sent_at=at, partner=partner, exercise=exercise, was_wrong=wrong
            )
            for mailbox, at, partner, exercise, wrong, _letter in found
            if at is not None
        ),
    )


def _whom_to_ask(pk: int) -> Asked:
    letter = Letter.objects.select_related("campaign", "partner").defer("raw").get(pk=pk)
    vouchers = vouchers_of(letter.campaign)
    is_team = letter.reader == Reader.CSIRT
    return Asked(
        partner=letter.partner.name,
        authority=vouchers.authority(letter.country, writer=letter.partner_id),
        responder="" if is_team else vouchers.responder(letter.country),
    )


def _faults(typed: dict[str, str]) -> dict[str, str | Promise]:
    faults: dict[str, str | Promise] = {}
    if not typed["reference"]:
        faults["reference"] = _("The reference is missing.")
    if not typed["address"]:
        faults["address"] = _("The address is missing.")
    return faults


def _answer(request: HttpRequest, typed: dict[str, str]) -> HttpResponse:
    now, source = clock.wall(), limits.source_of(request)
    counted = limits.counted_as(typed["reference"])
    if limits.is_over(source=source, reference=counted, now=now):
        return errors.too_many(request)
    answer = look_up(typed["reference"], typed["address"])
    if not answer.letters:
        limits.note(source=source, reference=counted, now=now)
    return render(request, "site/genuine.html", {"answer": answer, "typed": {}})


def _slowly(work: Callable[[], HttpResponse]) -> HttpResponse:
    started = time.monotonic()
    response = work()
    time.sleep(max(0.0, SECONDS - (time.monotonic() - started)))
    return response


@answering
def genuine(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST answers at once and keeps nothing of a right question."""
    if request.method != "POST":
        return render(request, "site/genuine.html", {"typed": {}})
    typed = {
        name: str(request.POST.get(name, ""))[:60].strip() for name in ("reference", "address")
    }
    faults = _faults(typed)
    if faults:
        return render(request, "site/genuine.html", {"typed": typed, "faults": faults})
    return _slowly(lambda: _answer(request, typed))
