"""Mailboxes that are one contact's, because it named one of them for the other's letters.

One contact is told a case once, gets one letter a wave and is stopped by a stop of either mailbox.
Where no contact of a campaign's world named another mailbox, no question here costs anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from openletter.campaigns.models import Campaign
from openletter.contacts.wish_rows import ContactWish, SameContact
from openletter.letters.gather import letters_before
from openletter.letters.journal import mailbox_hash
from openletter.letters.models import HandedElsewhere, Letter
from openletter.words import WaveKind, Wish


def are_tied(campaign: Campaign) -> bool:
    """Whether any mailboxes of the campaign's world are one contact's."""
    return SameContact.objects.filter(exercise=campaign.world).exists()


def same_contact(campaign: Campaign, field: str, *, mailbox: OuterRef) -> Q:
    """That `field` is one of the mailboxes of the contact to whom `mailbox` belongs."""
    known = SameContact.objects.filter(exercise=campaign.world)
    own = known.filter(mailbox=OuterRef(OuterRef(mailbox))).values("contact")
    return Q(**{f"{field}__in": known.filter(contact__in=own).values("mailbox")})


def moved_away(campaign: Campaign) -> QuerySet[ContactWish]:
    """That the mailbox of the outer row named another one for its letters."""
    return ContactWish.objects.filter(
        exercise=campaign.world, wish=Wish.OTHER_MAILBOX, undone_at=None,
        mailbox=OuterRef("mailbox"),
    )  # fmt: skip


def wished_since(campaign: Campaign) -> Q:
    """Of drafts: those whose contact wished something, or no longer wishes it, since."""
    rows = ContactWish.objects.filter(exercise=campaign.world)
    if not rows.exists():
        return Q(pk__in=[])
    since = Q(at__gte=OuterRef("composed_at")) | Q(undone_at__gte=OuterRef("composed_at"))
    return Q(Exists(rows.filter(since, mailbox=OuterRef("mailbox"))))


def handed_elsewhere(campaign: Campaign) -> list[str]:
    """All mailboxes of contacts to one of whose mailboxes the journal knows a letter."""
    hashes = HandedElsewhere.objects.filter(campaign=campaign.slug).exclude(
        kind=WaveKind.CORRECTION
    )
    left = {bytes(one) for one in hashes.values_list("mailbox_hash", flat=True)}
    known = list(SameContact.objects.filter(exercise=campaign.world))
    reached = {one.contact for one in known if bytes.fromhex(mailbox_hash(one.mailbox)) in left}
    return [one.mailbox for one in known if one.contact in reached]


def letters_of_others(campaign: Campaign, mailboxes: Iterable[str]) -> dict[str, list[Letter]]:
    """By mailbox, the letters that the contact's other mailboxes got."""
    known = SameContact.objects.filter(exercise=campaign.world)
    contacts = dict(known.filter(mailbox__in=set(mailboxes)).values_list("mailbox", "contact"))
    if not contacts:
        return {}
    members: dict[int, list[str]] = defaultdict(list)
    for mailbox, contact in known.filter(contact__in=contacts.values()).values_list(
        "mailbox", "contact"
    ):
        members[contact].append(mailbox)
    before = letters_before(campaign, {each for group in members.values() for each in group})
    return {
        mailbox: [
            letter
            for other in members[contact]
            if other != mailbox
            for letter in before.get(other, [])
        ]
        for mailbox, contact in contacts.items()
    }
