"""One case with everything behind it: evidence, choices, letters, replies, rechecks, timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from openletter.campaigns.models import Partner, TimelineEntry
from openletter.campaigns.rules import Level, Viewer
from openletter.cases.models import Case, Mistake
from openletter.contacts.lookup_rows import LookUp
from openletter.contacts.models import Choice
from openletter.desk.queries.inbox import replies as replies_of
from openletter.desk.queries.scope import mine
from openletter.evidence.models import Finding, Observation, RangeListing
from openletter.evidence.telling import held_by, hidden_sources, ranges_over
from openletter.letters.models import LetterCase
from openletter.outcomes.models import Outcome, Recheck
from openletter.replies.models import Reply
from openletter.words import Reason

NETWORKS = 20
MOST = 200
"""Rows of evidence and timeline that a page shows; it says so where there are more."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One row of evidence, and whether the finding rests on it."""

    row: Observation
    counts: bool

    @property
    def why(self) -> Reason:
        """The judgement's reason with the row's own values, so that it reads as a sentence."""
        row = self.row
        seen = row.seen_at.strftime("%Y-%m-%d %H:%M UTC")
        values = {"source": row.source.name, "port": row.port, "at": seen, "seen": seen}
        return Reason(code=row.reason, values=values)

    @property
    def cut(self) -> list[tuple[str, str]]:
        """What the row said about the server, already cut and made harmless."""
        return [(str(name), str(value)) for name, value in self.row.about.items() if value]


@dataclass(frozen=True, kw_only=True)
class CasePage:
    case: Case
    finding: Finding
    ports: list[int]
    reasons: list[object]
    networks: list[RangeListing]
    evidence: list[Seen]
    evidence_rows: int
    choice: Choice | None
    earlier: list[Choice]
    asked: LookUp | None
    letters: list[LetterCase]
    replies: list[Reply]
    rechecks: list[Recheck]
    outcome: Outcome | None
    mistake: Mistake | None
    timeline: list[TimelineEntry]

    @property
    def netblock(self) -> list[str]:
        """The registered range of the choice: from – to, names, registry; whatever is known."""
        if self.choice is None or not self.choice.netblock:
            return []
        known = self.choice.netblock
        ends = dict.fromkeys(str(known[end]) for end in ("first", "last") if known.get(end))
        rest = (known.get(name) for name in ("name", "handle", "holder", "registry"))
        words = dict.fromkeys(str(word) for word in rest if word)
        return [word for word in (" – ".join(ends), *words) if word]

    @property
    def rungs(self) -> list[Choice]:
        """The ladder as it was climbed: every choice with its dates, the first one first."""
        return [*reversed(self.earlier), *([self.choice] if self.choice else [])]

    @property
    def candidates(self) -> list[Mapping[str, object]]:
        """The ladder as it stood when the choice was made, best first."""
        return [] if self.choice is None else _ladder(self.choice)


def page_of(viewer: Viewer, case: Case) -> CasePage:
    """A fixed number of queries, however much there is."""
    seen = Observation.objects.filter(exercise=case.campaign.world, ip=case.ip)
    seen = seen.filter(held_by(case.partner))
    choices = list(
        mine(Choice.objects, viewer).filter(case=case).select_related("holder").order_by("-id")
    )
    letters = _letters(viewer, case)
    replies = _replies(viewer, case, letters)
    return CasePage(
        case=case,
        finding=case.finding,
        ports=_ports(case, seen),
        reasons=_reasons(case),
        networks=_networks(case),
        evidence=_evidence(seen, case.finding),
        evidence_rows=seen.count(),
        choice=next((one for one in choices if one.superseded_at is None), None),
        earlier=[one for one in choices if one.superseded_at is not None],
        asked=LookUp.objects.filter(case=case).first(),
        letters=letters,
        replies=replies,
        rechecks=list(mine(Recheck.objects, viewer).filter(case=case).order_by("day")),
        outcome=mine(Outcome.objects, viewer).filter(case=case).first(),
        mistake=_mistake(case),
        timeline=_timeline(case, choices, letters, replies),
    )


def _mistake(case: Case) -> Mistake | None:
    """Why the case is our mistake now, if it is."""
    standing = Mistake.objects.filter(case=case, undone_at=None)
    return standing.select_related("withdrawal__source").first()


def may_take(viewer: Viewer, case: Case) -> list[Partner]:
    """To whom a handler may hand the case over; its own partner too, where partners overlap."""
    if viewer.level_at(case.partner_id) < Level.HANDLER:
        return []
    overlap = Choice.objects.filter(
        case=case, superseded_at=None, outcome=Choice.Outcome.CONFLICT
    ).exists()
    partners = case.campaign.partners.order_by("name")
    return list(partners if overlap else partners.exclude(pk=case.partner_id))


def _ports(case: Case, seen: QuerySet[Observation]) -> list[int]:
    """The finding's ports, without those that only sources name which the partner may not hold."""
    named = set(seen.filter(pk__in=case.finding.rows).values_list("port", flat=True))
    return [port for port in case.finding.ports if port in named]


def _networks(case: Case) -> list[RangeListing]:
    """What is said of networks around the address, by sources that the partner may hold."""
    rows = ranges_over(case.ip, exercise=case.campaign.world).filter(held_by(case.partner))
    return list(rows[:NETWORKS])


def _reasons(case: Case) -> list[object]:
    """Why it was found open, without the words of sources that its partner may not hold."""
    hidden = hidden_sources(case.partner)
    return [reason for reason in case.finding.reasons if not _speaks_of(reason, hidden)]


def _speaks_of(reason: object, sources: frozenset[str]) -> bool:
    values = reason.get("values") if isinstance(reason, Mapping) else None
    told = values.values() if isinstance(values, Mapping) else ()
    words = {word.strip() for text in told for word in str(text).split(",")}
    return bool(words & sources)


def _evidence(rows: QuerySet[Observation], finding: Finding) -> list[Seen]:
    counted = set(finding.rows)
    newest = rows.select_related("source", "part").order_by("-seen_at", "-id")[:MOST]
    seen = [Seen(row=row, counts=row.pk in counted) for row in newest]
    return sorted(seen, key=lambda one: not one.counts)


def _letters(viewer: Viewer, case: Case) -> list[LetterCase]:
    return list(
        LetterCase.objects.filter(case=case, letter__partner_id__in=viewer.partner_ids)
        .select_related("letter__delivery", "letter__wave")
        .defer("letter__raw", "letter__delivery__raw")
        .order_by("-id")
    )


def _replies(viewer: Viewer, case: Case, letters: Sequence[LetterCase]) -> list[Reply]:
    about = Q(case=case) | Q(case=None, letter__in=[row.letter_id for row in letters])
    return list(replies_of(viewer).filter(about).order_by("-at", "-id"))


def _ladder(choice: Choice) -> list[Mapping[str, object]]:
    stored = choice.candidates
    return [row for row in stored if isinstance(row, Mapping)] if isinstance(stored, list) else []


def _timeline(
    case: Case, choices: Sequence[Choice], letters: Sequence[LetterCase], replies: Sequence[Reply]
) -> list[TimelineEntry]:
    """Entries of the case and of the rows that belong to it, the newest first."""
    subjects = [f"case:{case.pk}", f"finding:{case.finding_id}"]
    subjects += [f"choice:{choice.pk}" for choice in choices]
    subjects += [f"reply:{reply.pk}" for reply in replies]
    for row in letters:
        subjects.append(f"letter:{row.letter_id}")
        if row.letter.delivery_id is not None:
            subjects.append(f"delivery:{row.letter.delivery_id}")
    mine = Q(partner_id=case.partner_id) | Q(partner=None)
    return list(
        TimelineEntry.objects.filter(mine, subject__in=subjects)
        .filter(Q(campaign=case.campaign_id) | Q(campaign=None))
        .order_by("-at", "-id")[:MOST]
    )
