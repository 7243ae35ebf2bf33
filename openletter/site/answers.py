"""The answers that the pages behind a link take. Each asks once, stores once, can be taken back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openletter.campaigns import clock
from openletter.letters.models import LetterCase
from openletter.replies import steps
from openletter.replies.rules.actions import OF_HOLDERS, PageAction
from openletter.site import errors, passing
from openletter.site.actions import LETTER_ONLY, page_of
from openletter.site.doors import answering, reading
from openletter.site.holders import Door, rows_of_letter, was_said
from openletter.site.letters import LIVE, back_to, opened_by_case, opened_by_letter, told_of
from openletter.words import normalise_mailbox

LONGEST_TEXT = 4_000


def _is_offered(door: Door, press: PageAction) -> bool:
    """A case's link offers nothing about the mailbox; "no more letters" is no case's matter."""
    if door.passed_on:
        return press in OF_HOLDERS
    return door.case is None or press not in LETTER_ONLY


def _total(door: Door) -> int:
    return rows_of_letter(door.letter).count() if door.letter and door.case is None else 1


def _store(door: Door, action: PageAction, text: str) -> None:
    steps.from_page(
        letter=door.letter,
        case=door.case,
        action=action,
        text=text,
        now=clock.now(door.campaign),
    )


def _answer(request: HttpRequest, door: Door, press: PageAction) -> HttpResponse:
    if not _is_offered(door, press):
        return errors.unknown_link(request)
    page = page_of(press, passed_on=door.passed_on)
    typed = str(request.POST.get("text", ""))[:LONGEST_TEXT].strip() if page.asks else ""
    fault: str | Promise = ""
    if request.method == "POST":
        if typed or not page.asks:
            _store(door, press, typed)
            return back_to(door.to(press, done=True))
        fault = gettext_lazy("Please write something first.")
    told = told_of(
        door,
        page=page,
        case=door.case,
        total=_total(door),
        back=door.to(),
        typed=typed,
        fault=fault,
    )
    return render(request, "site/confirm.html", told)


def _done(request: HttpRequest, door: Door, press: PageAction) -> HttpResponse:
    """What happens next; only where it was said, and as often as one likes."""
    if not _is_offered(door, press):
        return errors.unknown_link(request)
    if not was_said(door, press):
        return HttpResponseRedirect(door.to())
    page = page_of(press, passed_on=door.passed_on)
    told = told_of(
        door,
        page=page,
        case=door.case,
        total=_total(door),
        back=door.to(),
        back_text=_("Back to the page"),
        undo=door.to(page.undo) if page.undo else "",
    )
    return render(request, "site/done.html", told)


def _text_to_pass_on(door: Door) -> str:
    if door.letter is None:
        return (
            passing.text_of([door.case], secrets={door.case.id: door.secret}) if door.case else ""
        )
    rows: list[LetterCase] = list(
        rows_of_letter(door.letter).select_related("link", *("case__finding", "case__partner"))
    )
    if door.case is not None:
        rows = [row for row in rows if row.case_id == door.case.id]
    else:
        rows = [row for row in rows if row.case.state in LIVE]
    secrets = passing.secrets_of(door.letter, rows)
    return passing.text_of([row.case for row in rows], secrets=secrets) if rows else ""


def _pass_on(request: HttpRequest, door: Door) -> HttpResponse:
    """Shows the text; sends nothing. A typed address is a suggestion for a person."""
    text = _text_to_pass_on(door)
    if not text:
        return HttpResponseRedirect(door.to())
    typed, fault = str(request.POST.get("text", ""))[:320].strip(), ""
    if request.method == "POST":
        if normalise_mailbox(typed):
            _store(door, PageAction.PASS_ON, typed)
            return back_to(door.to(PageAction.PASS_ON, done=True))
        fault = _("This is not a whole mail address.")
    told = told_of(
        door,
        text=text,
        many=door.case is None,
        mailto=passing.mailto_of(text, _("An open server, please pass on")),
        typed=typed,
        fault=fault,
        back=door.to(),
        here_path=request.path,
    )
    return render(request, "site/pass_on.html", told)


def _pass_on_done(request: HttpRequest, door: Door) -> HttpResponse:
    if not was_said(door, PageAction.PASS_ON):
        return HttpResponseRedirect(door.to())
    page = {
        "done": _("Thank you. A person looks at your suggestion."),
        "next": [_("Nothing has been sent to that address.")],
    }
    told = told_of(
        door, page=page, case=door.case, total=_total(door), back=door.to(),
        back_text=_("Back to the page"), undo="",
    )  # fmt: skip
    return render(request, "site/done.html", told)


letter_answer = answering(opened_by_letter(_answer))
letter_answer_done = reading(opened_by_letter(_done))
letter_pass_on = answering(opened_by_letter(_pass_on))
letter_pass_on_done = reading(opened_by_letter(_pass_on_done))
case_answer = answering(opened_by_case(_answer))
case_answer_done = reading(opened_by_case(_done))
case_pass_on = answering(opened_by_case(_pass_on))
case_pass_on_done = reading(opened_by_case(_pass_on_done))
