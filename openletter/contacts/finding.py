"""The step `find` from rows to decisions: gathers the facts of a batch. `keeping` stores them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection
from django.db.models import Q

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign, Constituency
from openletter.cases.models import Case
from openletter.contacts import teams
from openletter.contacts.decision_rows import HandOver
from openletter.contacts.ladder import ladders, spread
from openletter.contacts.models import (
    Choice,
    MailboxHealth,
    Override,
    Suppression,
)
from openletter.contacts.rules import candidates as pure
from openletter.contacts.rules import wished as wishes
from openletter.contacts.rules.decide import (
    Decision,
    Facts,
    MailboxFacts,
    Rung,
    decide,
    holder_of,
    rests_on_other_networks,
)
from openletter.contacts.rules.holders import Claim
from openletter.contacts.rules.rank import History
from openletter.contacts.wish_rows import ContactWish
from openletter.wire.registry import parse_address
from openletter.words import Reason, Scope, Wish

FINDING = 0x0C0F1


def begin(world: Campaign | None) -> None:
    """A batch of decisions begins; it knows all that is stored by then. To the commit."""
    with connection.cursor() as cursor:
        place = [FINDING, world.pk if world else 0]
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", place)


def wait_for(world: Campaign | None) -> None:
    """Batches that do not know what is stored next are done, and none begins. To the commit."""
    with connection.cursor() as cursor:
        place = [FINDING, world.pk if world else 0]
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", place)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the rows say about the mailboxes and partners of one batch."""

    claims: Sequence[Claim]
    overrides: Sequence[Override]
    health: dict[str, MailboxHealth]
    suppressed: dict[str, str]
    countries: dict[str, int]
    csirts: Sequence[pure.Candidate]
    declared: dict[str, tuple[str, ...]]
    wished: Mapping[str, wishes.Instead]
    """mailbox -> where its contact wants its letters"""
    of_holder: dict[str, set[str]]
    """holder -> the mailboxes that its networks are written to"""

    @property
    def has_not_ours(self) -> bool:
        """Whether one of the mailboxes said of a network that it is not its own."""
        return any(row.not_ours for row in self.health.values())


def decide_for(
    cases: Sequence[Case],
    *,
    campaign: Campaign,
    found: dict[Address, list[Rung]] | None = None,
) -> dict[int, Decision]:
    """A decision for each case, by its id; reads only. `found`: other ladders than the world's."""
    if found is None:
        found = ladders([case.ip for case in cases], world=campaign.world)
    known = _known(campaign, found.values())
    handed = _handed_over(cases)
    decisions: dict[int, Decision] = {}
    alike: dict[tuple[object, ...] | None, Decision] = {}
    for case in cases:
        rungs = found[case.ip]
        about = None if case.pk in handed else _what_decides(case.ip, rungs, known)
        made = alike.get(about)
        if made is None:
            facts = _facts(case, rungs, known, lead=campaign.lead_id)
            facts = replace(facts, handed_to=handed.get(case.pk))
            made = decide(facts)
            if made.holder and made.chosen:
                known.of_holder[made.holder.key].add(made.chosen.mailbox)
            if about is not None and not rests_on_other_networks(facts):
                alike[about] = made
        decisions[case.pk] = made
    return decisions


def _what_decides(address: Address, rungs: list[Rung], known: Known) -> tuple[object, ...] | None:
    """What the decision rests on apart from the batch: alike for most addresses of one network.

    None: on the very address, so that each is decided by itself.
    """
    if known.overrides or known.has_not_ours:
        return None
    over = (each.network for each in known.claims if each.network and address in each.network)
    return (id(rungs), *over)


def _handed_over(cases: Sequence[Case]) -> dict[int, int]:
    """Cases that a person gave to a partner -> the partner of the latest time."""
    rows = HandOver.objects.filter(case__in=[case.pk for case in cases]).order_by("id")
    return dict(rows.values_list("case_id", "partner_id"))


def _facts(case: Case, rungs: list[Rung], known: Known, *, lead: int) -> Facts:
    overrides = [_of_override(each) for each in known.overrides if _reaches(each, case.ip, rungs)]
    boxes = {each.mailbox for rung in rungs for each in rung.candidates}
    boxes |= {each.mailbox for each in overrides} | {each.mailbox for each in known.csirts}
    wished = known.wished and wishes.among(known.wished, boxes)
    boxes.update(wishes.targets(wished))
    health = [known.health[box] for box in boxes if box in known.health]
    facts = Facts(
        address=case.ip,
        rungs=rungs,
        claims=known.claims,
        lead=lead,
        overrides=overrides,
        csirts=known.csirts,
        history=_history(case, rungs, health, boxes=boxes, known=known),
        mailboxes=MailboxFacts(
            stored_language={r.mailbox: r.language_stored for r in health if r.language_stored},
            language_of_reply={r.mailbox: r.language for r in health if r.language},
            countries=known.countries,
            declared=known.declared,
        ),
    )
    return wishes.heeded(facts, wished) if wished else facts


def _history(
    case: Case, rungs: list[Rung], health: list[MailboxHealth], *, boxes: set[str], known: Known
) -> History:
    holder = holder_of(rungs)
    return History(
        dead=frozenset(row.mailbox for row in health if row.dead_at),
        suppressed={box: known.suppressed[box] for box in boxes if box in known.suppressed},
        not_ours=frozenset(row.mailbox for row in health if _said_not_ours(row, case.ip, rungs)),
        bounced={row.mailbox: row.bounces for row in health if row.bounces},
        of_holder=frozenset(known.of_holder[holder.key]) if holder else frozenset(),
    )


def network_of(choice: Choice) -> str:
    """How a mailbox's "not ours" names a network: its range, whatever row it stands in."""
    return f"{choice.netblock.get('first', '')}-{choice.netblock.get('last', '')}"


def _network(rungs: Sequence[Rung]) -> str:
    nearest = _nearest(rungs)
    return f"{nearest.first}-{nearest.last}" if nearest else "-"


def _nearest(rungs: Sequence[Rung]) -> Rung | None:
    return next((rung for rung in rungs if rung.is_network), None)


def _reaches(row: Override, address: Address, rungs: Sequence[Rung]) -> bool:
    """A handler's word is about one network, not about those that others hold inside it."""
    if address not in row.network:
        return False
    nearest = _nearest(rungs)
    return nearest is None or not _lies_inside(nearest, row.network[0], row.network[-1])


def _said_not_ours(row: MailboxHealth, address: Address, rungs: Sequence[Rung]) -> bool:
    """It said so of a network around the address, and no smaller one names it since."""
    if not row.not_ours:
        return False
    if _network(rungs) in row.not_ours:
        return True
    names_it = [
        rung
        for rung in rungs
        if rung.is_network and any(each.mailbox == row.mailbox for each in rung.candidates)
    ]
    return any(
        first.version == address.version
        and int(first) <= int(address) <= int(last)
        and not any(_lies_inside(rung, first, last) for rung in names_it)
        for first, last in map(_ends, row.not_ours)
        if first is not None and last is not None
    )


def _ends(network: str) -> tuple[Address | None, Address | None]:
    first, _, last = network.partition("-")
    return parse_address(first), parse_address(last)


def _lies_inside(rung: Rung, first: Address, last: Address) -> bool:
    """Whether a block is a part of a range, and not all of it."""
    if rung.first.version != first.version or (rung.first, rung.last) == (first, last):
        return False
    return int(first) <= int(rung.first) and int(rung.last) <= int(last)


def _of_override(row: Override) -> pure.Candidate:
    values = {"by": row.by, "why": row.reason}
    return pure.Candidate(
        address=row.address, mailbox=row.mailbox, source="override", registry="",
        object=str(row.network), role="override", depth=0, scope=Scope(row.scope),
        tier=pure.Tier.OVERRIDE, weight=-row.pk,
        reason=Reason(code=pure.Tier.OVERRIDE.code, values=values), for_abuse=True,
    )  # fmt: skip


def _known(campaign: Campaign, found: Iterable[list[Rung]]) -> Known:
    partners = campaign.partners.values_list("pk", flat=True)
    overrides = Override.objects.filter(Q(campaign=campaign) | Q(campaign=None), undone_at=None)
    boxes = {each.mailbox for rungs in found for rung in rungs for each in rung.candidates}
    csirts = teams.candidates(campaign)
    boxes |= {each.mailbox for each in overrides} | {each.mailbox for each in csirts}
    wished = wishes.among(_wished(campaign.world), boxes)
    boxes.update(wishes.targets(wished))
    health = MailboxHealth.objects.filter(exercise=campaign.world, mailbox__in=boxes)
    return Known(
        claims=[
            Claim(partner=row.partner_id, country=row.country, network=row.network)
            for row in Constituency.objects.filter(partner__in=partners)
        ],
        overrides=list(overrides),
        health={row.mailbox: row for row in health},
        suppressed=suppressed(campaign, boxes),
        countries=spread(boxes, world=campaign.world),
        csirts=csirts,
        declared=teams.languages(campaign),
        wished=wished,
        of_holder=_of_holder(campaign, found),
    )


def _wished(world: Campaign | None) -> dict[str, wishes.Instead]:
    rows = ContactWish.objects.filter(
        exercise=world, undone_at=None, wish=Wish.OTHER_MAILBOX
    )  # fmt: skip
    return {
        row.mailbox: wishes.Instead(mailbox=row.instead, address=row.address, said_by=row.said_by)
        for row in rows
    }


def _of_holder(campaign: Campaign, found: Iterable[list[Rung]]) -> dict[str, set[str]]:
    """Where letters about these holders go by choices that were made before."""
    holders = {holder.key for rungs in found if (holder := holder_of(rungs))}
    rows = Choice.objects.filter(
        holder__campaign=campaign, holder__key__in=holders, outcome=Choice.Outcome.CHOSEN,
        superseded_at=None,
    ).values_list("holder__key", "mailbox").distinct()  # fmt: skip
    boxes: dict[str, set[str]] = defaultdict(set)
    for key, mailbox in rows:
        boxes[key].add(mailbox)
    return boxes


def suppressed(campaign: Campaign, boxes: Iterable[str]) -> dict[str, str]:
    """Mailboxes that are not written to in this campaign -> the scope of that."""
    rows = Suppression.objects.filter(
        Q(campaign=campaign) | Q(campaign=None), mailbox__in=list(boxes), undone_at=None
    )
    return {row.mailbox: "campaign" if row.campaign_id else "all" for row in rows}
