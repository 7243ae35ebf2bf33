"""Cases in a list: filters, search by address, network, reference or mailbox."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from openletter.campaigns.rules import Viewer
from openletter.cases.models import Case
from openletter.contacts.models import Choice
from openletter.desk.queries import campaigns
from openletter.letters.models import LetterCase
from openletter.words import normalise_mailbox, parse_reference


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What the list is asked for; empty means all."""

    search: str = ""
    campaign: str = ""
    state: str = ""
    weakness: str = ""
    contact: str = ""
    reader: str = ""
    order: str = "newest"


ORDERS = {
    "newest": ("-opened_at", "-id"),
    "evidence": ("-last_evidence_at", "-id"),
    "address": ("ip", "id"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A case and whom to write to about it as it stands now."""

    case: Case
    choice: Choice | None


def asked(viewer: Viewer, wish: Filter) -> QuerySet[Case]:
    """The viewer's cases as wished."""
    columns = {"campaign__slug": wish.campaign, "state": wish.state, "weakness": wish.weakness}
    rows = campaigns.cases(viewer)
    rows = rows.filter(**{column: word for column, word in columns.items() if word})
    rows = rows.filter(*_contact(wish))
    if wish.search:
        rows = rows.filter(_search(viewer, wish.search.strip()))
    order = ORDERS.get(wish.order, ORDERS["newest"])
    return rows.select_related("campaign", "partner").order_by(*order)


def with_choices(viewer: Viewer, cases: Iterable[Case]) -> list[Row]:
    """The cases of a page with their current choices, in one query."""
    listed = list(cases)
    current = campaigns.choices(viewer).filter(superseded_at=None, case__in=listed)
    by_case = {one.case_id: one for one in current.select_related("holder").defer("candidates")}
    return [Row(case=case, choice=by_case.get(case.pk)) for case in listed]


def _contact(wish: Filter) -> list[Q]:
    current = Choice.objects.filter(case=OuterRef("pk"), superseded_at=None)
    conditions = []
    if wish.contact == "none":
        conditions.append(Q(~Exists(current)))
    elif wish.contact:
        conditions.append(Q(Exists(current.filter(outcome=wish.contact))))
    if wish.reader:
        conditions.append(Q(Exists(current.filter(reader=wish.reader))))
    return conditions


def _search(viewer: Viewer, typed: str) -> Q:
    """An address, a network, a reference of a case or letter, a mailbox; else nothing."""
    if (address := _address(typed)) is not None:
        return Q(ip=address)
    if (network := _network(typed)) is not None:
        return Q(ip__within=network)
    if mailbox := normalise_mailbox(typed):
        chosen = Choice.objects.filter(superseded_at=None, mailbox=mailbox)
        return Q(pk__in=chosen.values("case_id"))
    if reference := parse_reference(typed):
        written = LetterCase.objects.filter(
            letter__reference=reference, letter__partner_id__in=viewer.partner_ids
        )
        return Q(reference=reference) | Q(pk__in=written.values("case_id"))
    return Q(pk__in=[])


def _address(typed: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if "%" in typed:
        return None  # an address of one link only; PostgreSQL's inet has no such thing
    try:
        return ipaddress.ip_address(typed.strip("[]"))
    except ValueError:
        return None


def _network(typed: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in typed or "%" in typed:
        return None
    try:
        return ipaddress.ip_network(typed, strict=False)
    except ValueError:
        return None
