"""Who stands at a door: the reader of a letter, or whoever was passed one of its addresses.

Owns what each of them may see. A letter's link shows the letter's cases; a case's link shows its
case and nothing else: no letter, no mailbox, no other address, no answer of anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from openletter.campaigns.models import Campaign
from openletter.cases.models import Case, CaseLink, Mistake
from openletter.contacts.models import Suppression
from openletter.evidence.models import Observation
from openletter.evidence.telling import told_to_holder
from openletter.letters.models import Letter, LetterCase
from openletter.replies.models import Reply, ReplyKind
from openletter.replies.rules.actions import KIND_OF, TAKES_BACK, PageAction
from openletter.words import secret_hash

WITH_CASE = ("case__finding", "case__partner", "case__campaign")


@dataclass(frozen=True, kw_only=True)
class Door:
    """A link that opens: a letter's (perhaps at one of its cases), or one case's."""

    secret: str
    campaign: Campaign
    letter: Letter | None
    case: Case | None

    @property
    def passed_on(self) -> bool:
        return self.letter is None

    def to(self, press: PageAction | None = None, *, done: bool = False) -> str:
        """The address of this door's page, of one of its answers, or of what follows it."""
        ending = "-done" if done else ""
        if self.letter is None:
            start, arguments = "site:case", [self.secret]
        elif self.case is None:
            start, arguments = "site:letter", [self.secret]
        else:
            start, arguments = "site:letter-case", [self.secret, self.case.reference]
        if press is None:
            return reverse(start, args=arguments)
        if press is PageAction.PASS_ON:
            return reverse(f"{start}-pass-on{ending}", args=arguments)
        return reverse(f"{start}-answer{ending}", args=[*arguments, press])


def letter_door(secret: str, reference: str | None = None) -> Door | None:
    """The door behind a letter's secret, at one of its own cases if asked; None: opens nothing."""
    letter = (
        Letter.objects.select_related("campaign", "partner", "delivery")
        .filter(secret_hash=secret_hash(secret), delivery__isnull=False)
        .first()
    )
    if letter is None:
        return None
    if reference is None:
        return Door(secret=secret, campaign=letter.campaign, letter=letter, case=None)
    row = rows_of_letter(letter).filter(case__reference=reference).first()
    if row is None:
        return None
    return Door(secret=secret, campaign=letter.campaign, letter=letter, case=row.case)


def case_door(secret: str) -> Door | None:
    """The door behind one case's secret."""
    link = (
        CaseLink.objects.select_related(*WITH_CASE).filter(secret_hash=secret_hash(secret)).first()
    )
    if link is None:
        return None
    return Door(secret=secret, campaign=link.case.campaign, letter=None, case=link.case)


def rows_of_letter(letter: Letter) -> QuerySet[LetterCase]:
    """The letter's own rows in the order in which they are printed."""
    return LetterCase.objects.filter(letter=letter).select_related(*WITH_CASE).order_by("number")


def evidence_of(case: Case) -> Sequence[Observation]:
    """The statements that the case's finding rests on, as far as its partner may tell them."""
    return evidence_by_case([case])[case.pk]


def evidence_by_case(cases: Sequence[Case]) -> dict[int, list[Observation]]:
    """The same for many cases at once, the newest statement first."""
    wanted = {pk for case in cases for pk in case.finding.rows}
    rows = Observation.objects.filter(id__in=wanted).select_related("source")
    by_id = {row.pk: row for row in rows.order_by("-seen_at", "-id")}
    return {
        case.pk: told_to_holder(
            [row for pk, row in by_id.items() if pk in set(case.finding.rows)],
            partner=case.partner,
        )
        for case in cases
    }


def mistake_of(case: Case) -> Mistake | None:
    """Why the case was our mistake, if it was."""
    standing = Mistake.objects.filter(case=case, undone_at=None)
    return standing.select_related("withdrawal__source").first()


def mistakes_in(letter: Letter) -> set[int]:
    """The cases of a letter that were our mistake, by id."""
    named = LetterCase.objects.filter(letter=letter).values("case")
    return set(
        Mistake.objects.filter(undone_at=None, case__in=named).values_list("case_id", flat=True)
    )


def has_stopped(letter: Letter) -> bool:
    """Whether this mailbox asked for no more letters of this campaign."""
    return Suppression.objects.filter(
        mailbox=letter.mailbox, campaign=letter.campaign_id, undone_at=None
    ).exists()


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer that came through this door."""

    at: object
    text: str | Promise
    reference: str
    undone: bool


TOLD = {
    ReplyKind.FIXED: _("it is fixed"),
    ReplyKind.NOT_OURS: _("it is not mine"),
    ReplyKind.FORWARDED: _("somebody else answers for it"),
    ReplyKind.OPT_OUT: _("no more letters"),
    ReplyKind.QUESTION: _("a question"),
}


BY_HAND = (Reply.Channel.PAGE, Reply.Channel.ONE_CLICK)


def was_said(door: Door, press: PageAction) -> bool:
    """Whether this answer stands, or, for one that takes back, whether something was taken back."""
    kind = KIND_OF[TAKES_BACK.get(press, press)]
    return Reply.objects.filter(
        letter=door.letter,
        case=door.case,
        kind=kind,
        channel__in=BY_HAND,
        undone_at__isnull=press not in TAKES_BACK,
    ).exists()


def told_at(door: Door) -> list[Told]:
    """Answers given through this very kind of door, newest first; never those of another one."""
    answers = Reply.objects.filter(letter=door.letter, channel__in=BY_HAND)
    if door.case is not None:
        answers = answers.filter(case=door.case)
    return [
        Told(
            at=reply.at,
            text=TOLD[ReplyKind(reply.kind)],
            reference=reply.case.reference if reply.case and door.case is None else "",
            undone=reply.undone_at is not None,
        )
        for reply in answers.select_related("case").order_by("-at", "-id")[:20]
        if reply.kind in TOLD
    ]
