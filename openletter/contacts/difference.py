"""What a prepared load would change: blocks, mailboxes, and the choices of open cases.

Owns: the comparison with the loads whose place it takes, before anything is in place. Choices
are decided as `find` would with the new pages; made choices stand whatever comes out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from openletter.campaigns.fields import Address
from openletter.campaigns.models import Campaign
from openletter.cases.models import Case
from openletter.contacts import finding, ladder, loading
from openletter.contacts.ladder import Ladder
from openletter.contacts.models import Choice
from openletter.contacts.rules.flatten import Range
from openletter.words import CaseState

MOST_DECIDED = 20_000
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Blocks by what became of them; told apart by range and handle."""

    new: int
    changed: int
    gone: int
    same: int


@dataclass(frozen=True, kw_only=True)
class Box:
    """A mailbox and how many blocks name it."""

    mailbox: str
    before: int
    after: int


@dataclass(kw_only=True)
class Choices:
    """Open cases with a choice: whose blocks changed, and who would be chosen now."""

    cases: int = 0
    touched: int = 0
    decided: int = 0
    """of those touched, so many were decided anew (at most 20,000)"""
    other: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(mailbox chosen, mailbox that would be) -> cases; empty: nobody"""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Everything that is shown before a load is put in place."""

    blocks: Blocks
    boxes: Sequence[Box]
    """those whose number of blocks differs, the largest differences first"""
    choices: Choices


def of(prepared: loading.Prepared, *, now: datetime) -> Difference:
    """Compare; the pages are made on the way and kept for `activate`."""
    before = [load.pk for load in prepared.replaced]
    after = [load.pk for load in prepared.loads]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '256MB'")
        blocks, boxes = _blocks(before, after), _boxes(before, after)
    return Difference(blocks=blocks, boxes=boxes, choices=_choices(prepared))


_BLOCKS = """
SELECT count(*) FILTER (WHERE before.digest IS NULL),
  count(*) FILTER (WHERE after.digest <> before.digest),
  count(*) FILTER (WHERE after.digest IS NULL),
  count(*) FILTER (WHERE after.digest = before.digest)
FROM (SELECT first, last, handle, digest FROM netblock WHERE load_id = ANY(%s)) AS before
FULL JOIN (SELECT first, last, handle, digest FROM netblock WHERE load_id = ANY(%s)) AS after
USING (first, last, handle)
"""
_BOXES = """
SELECT mailbox, coalesce(before.blocks, 0), coalesce(after.blocks, 0)
FROM (SELECT mailbox, sum(blocks) AS blocks FROM mailbox_spread
  WHERE load_id = ANY(%s) GROUP BY mailbox) AS before
FULL JOIN (SELECT mailbox, sum(blocks) AS blocks FROM mailbox_spread
  WHERE load_id = ANY(%s) GROUP BY mailbox) AS after USING (mailbox)
WHERE before.blocks IS DISTINCT FROM after.blocks
ORDER BY abs(coalesce(before.blocks, 0) - coalesce(after.blocks, 0)) DESC, mailbox
"""


def _blocks(before: list[int], after: list[int]) -> Blocks:
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, [before, after])
        new, changed, gone, same = cursor.fetchall()[0]
    return Blocks(new=new, changed=changed, gone=gone, same=same)


def _boxes(before: list[int], after: list[int]) -> list[Box]:
    with connection.cursor() as cursor:
        cursor.execute(_BOXES, [before, after])
        return [Box(mailbox=row[0], before=int(row[1]), after=int(row[2])) for row in cursor]


# -- choices ------------------------------------------------------------------------------------


class _Watch:
    """Picks the ladders of some addresses out of all ranges as they go by, in order."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self.asked: dict[int, list[Address]] = {4: [], 6: []}
        for each in sorted(addresses, key=int):
            self.asked[each.version].append(each)
        self.place = {4: 0, 6: 0}
        self.on_top = {4: "", 6: ""}
        self.found: dict[Address, Ladder] = {}

    def __call__(self, version: int, found: Range) -> None:
        self._until(version, found.start)
        self.on_top[version] = found.ladder

    def _until(self, version: int, start: int) -> None:
        asked, place = self.asked[version], self.place[version]
        while place < len(asked) and int(asked[place]) < start:
            self.found[asked[place]] = ladder.ladder_of(self.on_top[version])
            place += 1
        self.place[version] = place

    def all(self) -> dict[Address, Ladder]:
        """After the last range."""
        for version in (4, 6):
            self._until(version, 1 << 128)
        return self.found


def _choices(prepared: loading.Prepared) -> Choices:
    """Decide anew about open cases whose ladder says something else than before."""
    exercise = prepared.exercise
    world = Q(case__campaign=exercise) if exercise else Q(case__campaign__exercise=False)
    current = Choice.objects.filter(
        world, superseded_at=None, case__state=CaseState.OPEN, outcome=Choice.Outcome.CHOSEN
    )
    chosen = {
        row[0]: (row[1], row[2]) for row in current.values_list("case", "mailbox", "case__ip")
    }
    addresses = {ip for _, ip in chosen.values()}
    watch = _Watch(addresses)
    loading.make_pages(prepared, watch=watch)
    after = watch.all()
    touched = _touched(after, ladder.ids_of(addresses, world=exercise))
    cases = [case for case, (_, ip) in chosen.items() if ip in touched]
    found = Choices(cases=len(chosen), touched=len(cases))
    before = {case: mailbox for case, (mailbox, _) in chosen.items()}
    _decide(sorted(cases)[:MOST_DECIDED], found, before=before, after=after)
    return found


def _touched(after: Mapping[Address, Ladder], before: Mapping[Address, Ladder]) -> set[Address]:
    """Addresses over which any block says something else, or other blocks lie."""
    ids = {id_ for each in (after, before) for ladder_ in each.values() for id_ in ladder_}
    digests: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, digest FROM netblock WHERE id = ANY(%s)", [sorted(ids)])
        digests.update(cursor.fetchall())

    def said(ladder_: Ladder) -> list[int | None]:
        return [digests.get(id_) for id_ in ladder_]

    return {ip for ip in after if said(after[ip]) != said(before.get(ip, ()))}


def _decide(
    ids: Sequence[int],
    found: Choices,
    *,
    before: Mapping[int, str],
    after: Mapping[Address, Ladder],
) -> None:
    for at in range(0, len(ids), BATCH):
        by_campaign: dict[Campaign, list[Case]] = defaultdict(list)
        for case in Case.objects.filter(pk__in=ids[at : at + BATCH]).select_related("campaign"):
            by_campaign[case.campaign].append(case)
        for campaign, cases in by_campaign.items():
            found.decided += len(cases)
            found.other.update(_others(cases, campaign=campaign, before=before, after=after))


def _others(
    cases: Sequence[Case],
    *,
    campaign: Campaign,
    before: Mapping[int, str],
    after: Mapping[Address, Ladder],
) -> Iterator[tuple[str, str]]:
    """(chosen, would be) of the cases that would get another contact."""
    rungs = ladder.with_rungs({each.ip: after[each.ip] for each in cases})
    decisions = finding.decide_for(cases, campaign=campaign, found=rungs)
    for case in cases:
        contact = decisions[case.pk].chosen
        mailbox = contact.mailbox if contact else ""
        if mailbox != before[case.pk]:
            yield before[case.pk], mailbox


def as_json(found: Difference, *, most: int = 100) -> dict[str, object]:
    """The difference for a program; the longest lists are cut and counted."""
    choices = found.choices
    return {
        "type": "difference",
        "blocks": {
            "new": found.blocks.new, "changed": found.blocks.changed, "gone": found.blocks.gone,
            "same": found.blocks.same,
        },
        "mailboxes": {
            "new": sum(not each.before for each in found.boxes),
            "gone": sum(not each.after for each in found.boxes),
            "differ": len(found.boxes),
            "largest": [
                {"mailbox": each.mailbox, "before": each.before, "after": each.after}
                for each in found.boxes[:most]
            ],
        },
        "choices": {
            "open_cases": choices.cases, "touched": choices.touched, "decided": choices.decided,
            "would_be_other": choices.other.total(),
            "by_mailbox": [
                {"chosen": old, "would_be": new or None, "cases": count}
                for (old, new), count in choices.other.most_common(most)
            ],
        },
    }  # fmt: skip
