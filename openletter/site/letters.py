"""The pages behind a link: the letter's, the case's, and the answers that both take.

Reading never changes anything. An answer is a page that asks once more, a POST that is stored by
`replies`, and a page that says what happens next and offers to take it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Final

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openletter.evidence.telling import last_told, ports_told
from openletter.frame.evidence import rows_of
from openletter.letters.bundle import is_offered
from openletter.letters.models import LetterCase
from openletter.replies.rules.actions import PageAction
from openletter.site import errors
from openletter.site.actions import CASE_PRESSES, PAGES
from openletter.site.doors import View, behind_secret, reading
from openletter.site.fixes import fix_for
from openletter.site.holders import (
    Door,
    case_door,
    evidence_by_case,
    evidence_of,
    has_stopped,
    letter_door,
    mistake_of,
    mistakes_in,
    rows_of_letter,
    told_at,
)
from openletter.words import CaseState, Role

A_PAGE: Final = 50
LIVE: Final = frozenset({CaseState.OPEN, CaseState.ANNOUNCED_FIXED})


@dataclass(frozen=True, kw_only=True)
class Button:
    text: str | Promise
    href: str
    first: bool


def _buttons(door: Door, presses: Iterable[PageAction]) -> list[Button]:
    offered = [(PAGES[press].title, door.to(press)) for press in presses]
    offered.insert(2, (_("Pass it on"), door.to(PageAction.PASS_ON)))
    return [
        Button(text=text, href=href, first=number == 0)
        for number, (text, href) in enumerate(offered)
    ]


def told_of(door: Door, **more: object) -> dict[str, object]:
    """What every page behind a link tells its template."""
    return {"secret": door.secret, "exercise": door.campaign.exercise, **more}


def _case_facts(door: Door, request: HttpRequest) -> dict[str, object]:
    case = door.case
    if case is None:
        raise ValueError("a letter's door has to be at one of its cases")
    mistake = mistake_of(case)
    seen = evidence_of(case) if mistake is None else []
    live = case.state in LIVE
    return {
        "case": case,
        "mistake": mistake,
        "evidence": rows_of(seen),
        "ports": ports_told(case.finding, seen),
        "seen": last_told(seen),
        "exit_only": bool(seen) and all(one.role == Role.EXIT for one in seen),
        "fix": fix_for(case, seen) if live else None,
        "buttons": _buttons(door, CASE_PRESSES) if live else [],
        "here": f"{settings.SITE_ADDRESS}{request.path}",
    }


def opened_by_letter(view: View) -> View:
    """Turn `secret` (and `reference`) in the path into the letter's door, if it opens one."""

    @behind_secret
    @wraps(view)
    def opened(
        request: HttpRequest, *, secret: str, reference: str | None = None, **rest: object
    ) -> HttpResponse:
        door = letter_door(secret, reference)
        return view(request, door, **rest) if door else errors.unknown_link(request)

    return opened


def opened_by_case(view: View) -> View:
    """Turn `secret` in the path into one case's door."""

    @behind_secret
    @wraps(view)
    def opened(request: HttpRequest, *, secret: str, **rest: object) -> HttpResponse:
        door = case_door(secret)
        return view(request, door, **rest) if door else errors.unknown_link(request)

    return opened


def _letter(request: HttpRequest, door: Door) -> HttpResponse:
    if door.letter is None:
        return errors.unknown_link(request)
    rows = rows_of_letter(door.letter)
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    total = page.paginator.count
    only = page.object_list[0].case if total == 1 else None
    here = Door(secret=door.secret, campaign=door.campaign, letter=door.letter, case=only)
    told = told_of(
        door,
        letter=door.letter,
        page=page,
        total=total,
        here=f"{settings.SITE_ADDRESS}{request.path}",
        stopped=has_stopped(door.letter),
        mistakes=mistakes_in(door.letter),
        told=told_at(door),
    )
    if only is not None:
        told["single"] = _case_facts(here, request)
    else:
        told["listed"] = _with_times(list(page))
    live = rows.filter(case__state__in=LIVE).exists() if only is None else only.state in LIVE
    told["has_files"] = live and is_offered(door.letter)
    told["all_buttons"] = _letter_buttons(
        door, live=live, many=only is None, stopped=bool(told["stopped"])
    )
    return render(request, "site/letter.html", told)


def _with_times(rows: Sequence[LetterCase]) -> list[tuple[LetterCase, datetime | None]]:
    """Each row with the newest time that may be told of it."""
    seen = evidence_by_case([row.case for row in rows])
    return [(row, last_told(seen[row.case_id])) for row in rows]


def _letter_buttons(door: Door, *, live: bool, many: bool, stopped: bool) -> list[Button]:
    """What can still be said of the whole letter."""
    presses = [] if stopped else [PageAction.STOP]
    if many and live:
        return _buttons(
            door, [PageAction.FIXED, PageAction.NOT_MINE, *presses, PageAction.QUESTION]
        )
    if many:
        presses.append(PageAction.QUESTION)
    return [Button(text=PAGES[press].title, href=door.to(press), first=False) for press in presses]


def _case(request: HttpRequest, door: Door) -> HttpResponse:
    told = told_of(door, told=told_at(door), **_case_facts(door, request))
    if door.letter is not None:
        whole = Door(secret=door.secret, campaign=door.campaign, letter=door.letter, case=None)
        told["back"] = whole.to()
    return render(request, "site/case.html", told)


letter = reading(opened_by_letter(_letter))
letter_case = reading(opened_by_letter(_case))
case = reading(opened_by_case(_case))


def back_to(url: str) -> HttpResponseRedirect:
    """Redirect after POST, so that reloading sends nothing again."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
