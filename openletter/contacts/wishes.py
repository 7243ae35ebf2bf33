"""What contacts asked for: no attachments, another mailbox. Stored by a person, kept, undone.

A mailbox that named another one is written to no more: whatever was to go there goes to the other
one. The two are one contact from then on, so that nothing is told twice and a stop of either
holds; `letters` asks for that in its own questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.contacts.errors import ContactError
from openletter.contacts.finding import wait_for
from openletter.contacts.models import Choice, Suppression
from openletter.contacts.rules.refuse import World, refusal_of_mailbox
from openletter.contacts.rules.wished import REASON
from openletter.contacts.steps import send_back
from openletter.contacts.wish_rows import ContactWish, SameContact
from openletter.wire import mailaddress
from openletter.words import Reason, Wish


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A contact's wish before it is a row; `address` only where it names another mailbox."""

    mailbox: str
    wish: Wish
    said_by: str
    address: str = ""


def standing(world: Campaign | None) -> QuerySet[ContactWish]:
    """The wishes that hold."""
    return ContactWish.objects.filter(exercise=world, undone_at=None)


def without_files(mailboxes: Iterable[str], *, world: Campaign | None) -> frozenset[str]:
    """Those of the mailboxes that want nothing attached."""
    wanted = standing(world).filter(wish=Wish.NO_ATTACHMENT, mailbox__in=set(mailboxes))
    return frozenset(wanted.values_list("mailbox", flat=True))


# -- a person stores one -------------------------------------------------------------------------


@transaction.atomic
def keep(asked: Asked, *, world: Campaign | None, actor: str, now: datetime) -> ContactWish:
    """Store a contact's wish; what was chosen for the mailbox is chosen anew. Twice is once.

    One at a time, and none while somebody is being chosen who does not know of it.
    """
    wait_for(world)
    mailbox = _read(asked.mailbox, world=world).mailbox
    if not asked.said_by.strip():
        raise _refuse("wish-nobody-said")
    other = _other(asked, mailbox, world=world)
    values = {"address": other.text, "instead": other.mailbox} if other else {}
    row, created = ContactWish.objects.get_or_create(
        exercise=world, mailbox=mailbox, wish=asked.wish, undone_at=None,
        defaults={**values, "said_by": asked.said_by.strip()[:200], "by": actor[:150], "at": now},
    )  # fmt: skip
    if row.instead != (other.mailbox if other else ""):
        raise _refuse("wish-stands", instead=row.instead)
    if created:
        record([_entry(row, "wish-stored", actor=actor, now=now)])
        if row.instead:
            _tie(row, world=world)
            send_back(_chosen(mailbox, world), because="wish", actor=actor, now=now)
    return row


def _other(asked: Asked, mailbox: str, *, world: Campaign | None) -> mailaddress.Address | None:
    """The mailbox that the contact named, if it may be written to and names none itself."""
    if asked.wish is not Wish.OTHER_MAILBOX:
        if asked.address:
            raise _refuse("wish-needs-no-address")
        return None
    other = _read(asked.address, world=world)
    stops = Suppression.objects.filter(undone_at=None)
    named = standing(world).filter(wish=Wish.OTHER_MAILBOX)
    if other.mailbox == mailbox:
        raise _refuse("wish-same-mailbox")
    if stops.filter(Q(campaign=None) | Q(campaign=world), mailbox=other.mailbox).exists():
        raise _refuse("override-suppressed", mailbox=other.mailbox)
    if named.filter(Q(mailbox=other.mailbox) | Q(instead=mailbox)).exists():
        raise _refuse("wish-in-a-row", mailbox=other.mailbox)
    return other


def _read(address: str, *, world: Campaign | None) -> mailaddress.Address:
    read = mailaddress.one(address.strip())
    if isinstance(read, mailaddress.Refused):
        raise _refuse("override-no-address", fault=str(read.fault))
    refused = refusal_of_mailbox(read.mailbox, world=World.EXERCISE if world else World.REAL)
    if refused:
        raise _refuse("override-refused", refusal=str(refused))
    return read


def _tie(row: ContactWish, *, world: Campaign | None) -> None:
    """Both mailboxes are one contact, and whoever was one with either is, too."""
    known = SameContact.objects.select_for_update().filter(exercise=world)
    both = (row.mailbox, row.instead)
    contacts = set(known.filter(mailbox__in=both).values_list("contact", flat=True))
    contact = min(contacts, default=row.pk)
    known.filter(contact__in=contacts).update(contact=contact)
    SameContact.objects.bulk_create(
        (SameContact(exercise=world, mailbox=mailbox, contact=contact) for mailbox in both),
        ignore_conflicts=True,
    )


# -- and takes it back ---------------------------------------------------------------------------


@transaction.atomic
def take_back(row: ContactWish, *, followed: bool, because: str, actor: str, now: datetime) -> bool:
    """The wish holds no more; False: it did not. `followed`: a letter has left by it.

    Then the two mailboxes stay one contact: what one of them was told, the other isn't told again.
    """
    wait_for(row.exercise)
    changed = ContactWish.objects.filter(pk=row.pk, undone_at=None).update(
        undone_at=now, undone_by=actor[:150], undone_because=because.strip()[:300]
    )
    if not changed:
        return False
    record([_entry(row, "wish-taken-back", actor=actor, now=now, because=because)])
    if row.instead:
        if not followed:
            _untie(row)
        send_back(followers(row), because="wish-taken-back", actor=actor, now=now)
    return True


def _untie(row: ContactWish) -> None:
    """No letter followed the wish: the two are two again, unless other wishes tie them."""
    pair = {row.mailbox, row.instead}
    rows = SameContact.objects.filter(exercise=row.exercise, mailbox__in=pair)
    contacts = set(rows.values_list("contact", flat=True))
    tied = SameContact.objects.filter(exercise=row.exercise, contact__in=contacts)
    if set(tied.values_list("mailbox", flat=True)) == pair:
        tied.delete()


def followers(row: ContactWish) -> QuerySet[Choice]:
    """Choices of the other mailbox that were made because of this wish, superseded ones too."""
    because = [{"code": REASON, "values": {"instead_of": row.mailbox}}]
    return _of_world(row.exercise).filter(mailbox=row.instead, reasons__contains=because)


def _chosen(mailbox: str, world: Campaign | None) -> QuerySet[Choice]:
    return _of_world(world).filter(mailbox=mailbox, outcome=Choice.Outcome.CHOSEN)


def _of_world(world: Campaign | None) -> QuerySet[Choice]:
    mine = Q(case__campaign=world) if world else Q(case__campaign__exercise=False)
    return Choice.objects.filter(mine)


def _entry(row: ContactWish, action: str, *, actor: str, now: datetime, because: str = "") -> Entry:
    return Entry(
        subject=f"mailbox:{row.mailbox}"[:60], actor=actor, action=action, at=now,
        campaign_id=row.exercise_id,
        after={"wish": row.wish, "instead": row.instead, "said_by": row.said_by},
        reason={"text": because} if because else None,
    )  # fmt: skip


def _refuse(code: str, **values: str) -> ContactError:
    return ContactError(Reason(code=code, values=values))
