"""Which wordings a partner lets go out in its name: who said so, when, of which version.

A version is one kind of letter in one language; it changes with any word of it, so that a changed
text waits for a new approval. Exercises ask nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet

from openletter.campaigns.models import Campaign, Partner
from openletter.campaigns.rules import Entry, Level
from openletter.campaigns.steps import record, viewer_of
from openletter.letters import library
from openletter.letters.models import Letter, WordingApproval
from openletter.letters.rules.facts import LetterError
from openletter.words import WaveKind

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def version(kind: WaveKind, language: str) -> str:
    """What is approved: one kind of letter in one language, by the digest of its texts."""
    return f"{language}-{library.version(kind, (language,))}"


def standing(partner: Partner) -> dict[str, WordingApproval]:
    """The partner's approvals that nobody took back, by version; old versions among them."""
    rows = WordingApproval.objects.filter(partner=partner, undone_at=None)
    return {row.version: row for row in rows}


def may_go_out(partner: Partner, kind: WaveKind, languages: Iterable[str]) -> bool:
    """Whether a real letter of this kind and these languages may go out in its name."""
    wanted = {version(kind, tag) for tag in languages}
    given = WordingApproval.objects.filter(partner=partner, version__in=wanted, undone_at=None)
    return given.count() == len(wanted)


def unapproved(campaign: Campaign) -> Q:
    """Of letters: those that wait until their partner approves their wordings."""
    nobody = Q(pk__in=[])
    if campaign.exercise:
        return nobody
    approved: dict[int, list[str]] = defaultdict(list)
    rows = WordingApproval.objects.filter(undone_at=None, partner__campaigns=campaign)
    for partner_id, text in rows.values_list("partner_id", "version"):
        approved[partner_id].append(text)
    may = nobody
    for partner_id, texts in approved.items():
        may |= Q(partner_id=partner_id, wordings__contained_by=texts, wordings__len__gt=0)
    return ~may


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Letters of a partner that wait for one wording to be approved."""

    partner: Partner
    kind: WaveKind
    language: str
    letters: int


def waiting(campaign: Campaign, *, letters: QuerySet[Letter] | None = None) -> list[Waiting]:
    """Drafts that only an approval lets go on, by partner and wording; a letter may need two."""
    drafts = Letter.objects.filter(campaign=campaign) if letters is None else letters
    found = drafts.filter(unapproved(campaign), delivery=None).select_related("partner")
    counted: dict[tuple[str, int, WaveKind, str], int] = defaultdict(int)
    partners: dict[int, Partner] = {}
    approved: dict[int, dict[str, WordingApproval]] = {}
    for letter in found.only("partner", "kind", "languages", "wordings"):
        partners[letter.partner_id] = letter.partner
        given = approved.setdefault(letter.partner_id, standing(letter.partner))
        for kind, tag in _texts_of(letter):
            if version(kind, tag) not in given:
                counted[letter.partner.name, letter.partner_id, kind, tag] += 1
    return [
        Waiting(partner=partners[pk], kind=kind, language=tag, letters=count)
        for (_, pk, kind, tag), count in sorted(counted.items())
    ]


def _texts_of(letter: Letter) -> Iterator[tuple[WaveKind, str]]:
    """The kinds and languages that it was written from: its own, and texts for passing on."""
    for kind in library.kinds():
        for tag in letter.languages:
            is_in_it = any(one.startswith(f"{tag}-{kind}-") for one in letter.wordings)
            if kind == letter.kind or is_in_it:
                yield kind, tag


def letters_held(campaign: Campaign) -> int:
    """How many drafts only an approval lets go on."""
    return Letter.objects.filter(unapproved(campaign), campaign=campaign, delivery=None).count()


# -- a person says yes ---------------------------------------------------------------------------


@transaction.atomic
def approve(
    partner: Partner, kind: WaveKind, language: str, *, read: str, user: User, now: datetime
) -> WordingApproval:
    """An approver of the partner lets this text go out; `read` is the version that he has read."""
    _may(user, partner)
    if read != version(kind, language):
        raise LetterError("wording-changed", f"{kind}/{language}")
    row, created = WordingApproval.objects.get_or_create(
        partner=partner, version=read, undone_at=None,
        defaults={"kind": kind, "language": language, "by": user.get_username(), "at": now},
    )  # fmt: skip
    if created:
        record([_entry(row, "wording-approved", user=user, now=now)])
    return row


@transaction.atomic
def take_back(partner: Partner, kind: WaveKind, language: str, *, user: User, now: datetime) -> int:
    """The partner wants this wording no more; what has not left waits. Twice is once."""
    _may(user, partner)
    rows = list(
        WordingApproval.objects.select_for_update().filter(
            partner=partner, kind=kind, language=language, undone_at=None
        )
    )
    for row in rows:
        row.undone_at, row.undone_by = now, user.get_username()
        row.save(update_fields=["undone_at", "undone_by"])
    record(_entry(row, "wording-approval-taken-back", user=user, now=now) for row in rows)
    return len(rows)


def every() -> Iterator[tuple[WaveKind, str]]:
    """All kinds and languages of letters that this installation can write."""
    for kind in library.kinds():
        for tag in library.languages():
            yield kind, tag


def _may(user: User, partner: Partner) -> None:
    if viewer_of(user).level_at(partner.pk) < Level.APPROVER:
        raise LetterError("no-right", partner.slug)


def _entry(row: WordingApproval, action: str, *, user: User, now: datetime) -> Entry:
    return Entry(
        subject=f"partner:{row.partner_id}", actor=f"user:{user.get_username()}", action=action,
        at=now, partner_id=row.partner_id,
        after={"kind": row.kind, "language": row.language, "version": row.version},
    )  # fmt: skip
