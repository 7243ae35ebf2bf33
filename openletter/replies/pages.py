"""What a letter's reader, or the holder of one passed-on case, says by pressing a button.

Every press is stored once; the same press again changes nothing. What was pressed can be taken
back. The holder of one case changes that case only, and never the contact or another case.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from openletter.cases.models import Case
from openletter.letters.models import Letter, LetterCase
from openletter.replies import effects
from openletter.replies.models import Reply, ReplyKind
from openletter.replies.reading import note
from openletter.replies.rules.actions import KIND_OF, OF_HOLDERS, TAKES_BACK, PageAction

_LONGEST_TEXT = 4_000
_TO_A_PERSON = frozenset({PageAction.QUESTION, PageAction.PASS_ON})


@transaction.atomic
def from_page(
    *, letter: Letter | None = None, case: Case | None = None, action: str, text: str = "",
    now: datetime,
) -> Reply | None:  # fmt: skip
    """Store a press and do what it says; None: it was pressed before, or is not theirs to press.

    `letter` alone means all its cases, `letter` and `case` one of them, `case` alone speaks for
    whoever was passed that case.
    """
    press = PageAction(action)
    if not _may_press(letter, case, press):
        return None
    _lock(letter, case)
    if press in TAKES_BACK:
        return _take_back(letter, case, TAKES_BACK[press], now=now)
    kind = ReplyKind(KIND_OF[press])
    said = text.replace("\0", "").strip()[:_LONGEST_TEXT]
    before = _pressed(letter, case, kind)
    if (before.filter(text=said) if press in _TO_A_PERSON else before).exists():
        return None
    reply = _stored(letter, case, kind, said, now=now)
    effects.apply(reply, actor="holder", now=now)
    note(reply, f"page:{press}", actor="holder", now=now)
    return reply


def _may_press(letter: Letter | None, case: Case | None, press: PageAction) -> bool:
    if letter is None:
        return case is not None and press in OF_HOLDERS
    return case is None or LetterCase.objects.filter(letter=letter, case=case).exists()


def _lock(letter: Letter | None, case: Case | None) -> None:
    """Two presses of one button wait for one another."""
    if letter is not None:
        Letter.objects.select_for_update().get(pk=letter.pk)
    elif case is not None:
        Case.objects.select_for_update().get(pk=case.pk)


def _pressed(letter: Letter | None, case: Case | None, kind: ReplyKind) -> QuerySet[Reply]:
    channels = [Reply.Channel.PAGE, Reply.Channel.ONE_CLICK]
    return Reply.objects.filter(
        letter=letter, case=case, kind=kind, channel__in=channels, undone_at=None
    )


def _stored(
    letter: Letter | None, case: Case | None, kind: ReplyKind, text: str, *, now: datetime,
    channel: str = Reply.Channel.PAGE,
) -> Reply:  # fmt: skip
    source: Letter | Case | None = letter or case
    if source is None:
        raise ValueError("a press is about a letter or a case")
    passed_on = letter is None and kind is ReplyKind.NOT_OURS
    needs = kind in (ReplyKind.QUESTION, ReplyKind.FORWARDED) or passed_on
    return Reply.objects.create(
        campaign_id=source.campaign_id,
        partner_id=source.partner_id,
        letter=letter,
        case=case,
        channel=channel,
        kind=kind,
        confidence=1.0,
        reasons=[{"code": "pressed", "values": {}}],
        sender=letter.recipient if letter is not None else "",
        text=text,
        at=now,
        needs_person=needs,
    )


def _take_back(
    letter: Letter | None, case: Case | None, press: PageAction, *, now: datetime
) -> Reply | None:
    """Undo what was pressed; what a mail said is undone too, where it did the same."""
    kind = ReplyKind(KIND_OF[press])
    rows = Reply.objects.filter(letter=letter, kind=kind, undone_at=None)
    if letter is None or case is not None:
        rows = rows.filter(case=case)
    found = list(rows.order_by("id"))
    for reply in found:
        effects.take_back(reply, actor="holder", now=now)
        reply.undone_at = now
        reply.save(update_fields=["undone_at"])
        note(reply, f"taken-back:{press}", actor="holder", now=now)
    return found[-1] if found else _undo_of_part(letter, case, kind, now=now)


def _undo_of_part(
    letter: Letter | None, case: Case | None, kind: ReplyKind, *, now: datetime
) -> Reply | None:
    """All cases were answered at once, and one of them is taken back: a word of its own."""
    whole = Reply.objects.filter(letter=letter, case=None, kind=kind, undone_at=None).first()
    if letter is None or case is None or whole is None:
        return None
    reply = _stored(letter, case, kind, "", now=now)
    effects.take_back(reply, actor="holder", now=now)
    reply.undone_at = now
    reply.save(update_fields=["undone_at"])
    note(reply, "taken-back", actor="holder", now=now)
    return reply


@transaction.atomic
def stop_by_one_click(letter: Letter, *, now: datetime) -> None:
    """RFC 8058: no more letters of this campaign to this mailbox; twice is once."""
    _lock(letter, None)
    if _pressed(letter, None, ReplyKind.OPT_OUT).exists():
        return
    reply = _stored(letter, None, ReplyKind.OPT_OUT, "", now=now, channel=Reply.Channel.ONE_CLICK)
    effects.apply(reply, actor="holder", now=now)
    note(reply, "one-click", actor="holder", now=now)
