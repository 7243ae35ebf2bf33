"""Verbs of this room: plan the later looks, look at the sources again, conclude."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import (
    DateTimeField,
    Exists,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from openletter.campaigns.models import Campaign
from openletter.cases import steps as cases
from openletter.cases.models import Case
from openletter.evidence.known import suspended_in
from openletter.evidence.models import Part
from openletter.letters.models import LetterCase
from openletter.outcomes import rules
from openletter.outcomes.models import Outcome, Recheck
from openletter.outcomes.rules import Round, Seen, SourceWord
from openletter.words import CaseState, DeliveryState, OutcomeResult, Reason, Role

WITHOUT_LETTER = timedelta(days=2)
"""A case that got no letter by then is followed from its opening (nobody to write to, an arm)."""
_LEFT = [
    DeliveryState.ACCEPTED,
    DeliveryState.DELIVERED,
    DeliveryState.DEFERRED,
    DeliveryState.UNKNOWN,
]
_ENDED = {OutcomeResult.CLOSED, OutcomeResult.GONE}


# -- plan ----------------------------------------------------------------------------------------


def unplanned(campaign: Campaign, *, now: datetime) -> QuerySet[Case]:
    """Cases whose first letter has left, or that got none, without planned looks; with `base`."""
    left = (
        LetterCase.objects.filter(case=OuterRef("pk"), letter__delivery__state__in=_LEFT)
        .order_by()
        .values("case")
        .annotate(at=Min("letter__delivery__handed_at"))
        .values("at")
    )
    return (
        Case.objects.filter(campaign=campaign)
        .exclude(state=CaseState.WITHDRAWN)
        .filter(~Exists(Recheck.objects.filter(case=OuterRef("pk"))))
        .annotate(letter_left=Subquery(left, output_field=DateTimeField()))
        .annotate(base=Coalesce(F("letter_left"), F("opened_at")))
        .filter(Q(letter_left__isnull=False) | Q(opened_at__lte=now - WITHOUT_LETTER))
        .order_by("id")
    )


@transaction.atomic
def plan(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Looks at 1, 2, 4, 8, 16 and 28 days after the letter left, or the campaign's own days."""
    days = campaign.recheck_days or rules.USUAL_DAYS
    found = list(unplanned(campaign, now=now)[:limit])
    Recheck.objects.bulk_create(
        [
            Recheck(
                campaign=campaign,
                case=case,
                partner_id=case.partner_id,
                day=day,
                due_at=_base(case) + timedelta(days=day),
            )
            for case in found
            for day in sorted(set(days))
        ],
        batch_size=2_000,
        ignore_conflicts=True,
    )
    return len(found)


def _base(case: Case) -> datetime:
    base: datetime = getattr(case, "base", case.opened_at)
    return base


# -- recheck -------------------------------------------------------------------------------------


def due_rechecks(campaign: Campaign, *, now: datetime) -> QuerySet[Recheck]:
    """Planned looks whose time has come, of cases that have no outcome yet."""
    return (
        Recheck.objects.filter(campaign=campaign, done_at=None, due_at__lte=now)
        .exclude(case__state=CaseState.WITHDRAWN)
        .filter(~Exists(Outcome.objects.filter(case=OuterRef("case"))))
        .order_by("due_at", "id")
    )


@transaction.atomic
def recheck(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Plan what isn't planned, then make the looks that are due; of one case, one at a time."""
    _note_reopened(campaign, now=now)
    planned = plan(campaign, now=now, limit=limit)
    due = list(due_rechecks(campaign, now=now).select_related("case")[:limit])
    first = list({one.case_id: one for one in reversed(due)}.values())
    words = _words_of([one.case for one in first], campaign)
    others = _all_looks(first)
    for one in first:
        oldest = one.case.opened_at - timedelta(days=campaign.fresh_days)
        said = words.get((str(one.case.ip), one.case.weakness), [])
        fresh = [word for word in said if word.seen_at > oldest]
        _look(one, fresh, others=others[one.case_id], now=now)
    _store_looks(first, now=now)
    return planned + len(first)


def _note_reopened(campaign: Campaign, *, now: datetime) -> None:
    """An end that did not last is counted: the outcome stays and says when it was over."""
    ended = Outcome.objects.filter(campaign=campaign, result__in=_ENDED, reopened_at=None)
    ended.filter(case__state=CaseState.OPEN).update(reopened_at=now)


_LOOKED = """
UPDATE recheck SET done_at = %s, seen = made.seen, last_seen_at = made.last_seen_at,
    reasons = made.reasons::jsonb, conclusive = made.conclusive
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::boolean[])
    AS made (id, seen, last_seen_at, reasons, conclusive)
WHERE recheck.id = made.id
"""


def _store_looks(made: Sequence[Recheck], *, now: datetime) -> None:
    """All looks in one statement; Django's bulk_update takes a hundred times as long."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LOOKED,
            [
                now,
                [one.pk for one in made],
                [str(one.seen) for one in made],
                [one.last_seen_at for one in made],
                [json.dumps(one.reasons, ensure_ascii=False) for one in made],
                [one.conclusive for one in made],
            ],
        )


def _all_looks(due: Sequence[Recheck]) -> dict[int, list[Recheck]]:
    """All looks of the cases, made and planned, by case and in order."""
    found: dict[int, list[Recheck]] = {}
    cases_due = [one.case_id for one in due]
    for one in Recheck.objects.filter(case__in=cases_due).order_by("case", "day"):
        found.setdefault(one.case_id, []).append(one)
    return found


def _look(
    one: Recheck, words: Sequence[SourceWord], *, others: Sequence[Recheck], now: datetime
) -> None:
    """One look: what the sources say since the look before, the letter and the announcement."""
    case = one.case
    earlier = [other for other in others if other.day < one.day and other.done_at is not None]
    seen = rules.look(words, since=_since(one, earlier))
    one.done_at = now
    one.seen = seen.seen
    one.last_seen_at = seen.last_seen_at
    one.reasons = [reason.as_json() for reason in seen.reasons]
    one.conclusive = rules.is_conclusive(
        seen.seen,
        before=Seen(earlier[-1].seen) if earlier else None,
        is_announced=case.state == CaseState.ANNOUNCED_FIXED,
        is_last=one.day == others[-1].day,
    )
    if seen.seen is Seen.STILL_THERE:
        _contradict(case, words, now=now)


def _since(one: Recheck, earlier: Sequence[Recheck]) -> datetime:
    """Only what was said later than this is news: the look before, or the letter; a "fixed"."""
    base = one.due_at - timedelta(days=one.day)
    times = [base, *(other.done_at for other in earlier if other.done_at is not None)]
    if one.case.announced_at is not None:
        times.append(one.case.announced_at)
    return max(times)


def _contradict(case: Case, words: Sequence[SourceWord], *, now: datetime) -> None:
    """The holder said it is closed, and a source saw it open after that."""
    announced = case.announced_at
    if case.state != CaseState.ANNOUNCED_FIXED or announced is None:
        return
    later = [word for word in words if word.seen_at > announced]
    if later:
        reason = Reason(code="announcement-contradicted", values={"source": later[0].source})
        cases.take_back_announcement(case, actor="step:recheck", now=now, reason=reason)


_WORDS = """
SELECT o.ip, o.weakness, o.source_id, max(o.seen_at), max(p.feed_at),
    bool_and(o.dated_by IN ('row', 'day'))
FROM observation o
JOIN unnest(%s::inet[], %s::text[]) AS target (ip, weakness) USING (ip, weakness)
JOIN batch_part p ON p.id = o.part_id
WHERE o.exercise_id {world} AND o.says = 'accept' AND o.role <> %s
  AND o.withdrawn_id IS NULL AND o.source_id <> ALL(%s)
  AND (p.set_aside = '' OR p.counts_from IS NOT NULL)
GROUP BY o.ip, o.weakness, o.source_id
ORDER BY o.ip, o.weakness, o.source_id
"""


def _words_of(
    looked_at: Sequence[Case], campaign: Campaign
) -> dict[tuple[str, str], list[SourceWord]]:
    """What each source last said of each case's address and weakness."""
    world = "= %s" if campaign.exercise else "IS NULL"
    parameters: list[list[str] | int | str] = [
        [str(case.ip) for case in looked_at],
        [case.weakness for case in looked_at],
    ]
    if campaign.exercise:
        parameters.append(campaign.pk)
    with connection.cursor() as cursor:
        silent = suspended_in(campaign.world)
        cursor.execute(_WORDS.format(world=world), [*parameters, Role.EXIT.value, silent])
        rows = cursor.fetchall()
    rounds = {source: _latest(source, campaign) for source in {row[2] for row in rows}}
    found: dict[tuple[str, str], list[SourceWord]] = {}
    for ip, weakness, source, seen_at, feed_at, own_date in rows:
        word = SourceWord(
            source=source, seen_at=seen_at, feed_at=feed_at, latest=rounds[source],
            own_date=own_date,
        )  # fmt: skip
        found.setdefault((str(ip).partition("/")[0], weakness), []).append(word)
    return found


def _latest(source: str, campaign: Campaign) -> Round | None:
    """The source's latest complete round; None where it is not healthy, or never came."""
    parts = Part.objects.filter(
        source=source,
        batch__exercise=campaign.world,
        batch__complete=True,
        set_aside="",
        outcome__in=["ok", "ok-with-rejects"],
    ).order_by("-feed_at", "-id")
    told = parts.values_list("feed_at", "rows", "by_judgement")[:50]
    rounds = _rounds(told)
    if not rounds:
        return None
    before = rounds[1] if len(rounds) > 1 else None
    return rounds[0] if rounds[0].is_healthy_after(before) else None


def _rounds(told: Iterable[tuple[datetime, int, dict[str, int]]]) -> list[Round]:
    """Files newest first, gathered into rounds."""
    rounds: list[Round] = []
    for at, rows, judgements in told:
        refused = judgements.get("reject", 0)
        if rounds and rounds[-1].at - at < rules.ONE_ROUND:
            last = rounds[-1]
            rounds[-1] = Round(at=last.at, rows=last.rows + rows, refused=last.refused + refused)
        else:
            rounds.append(Round(at=at, rows=rows, refused=refused))
    return rounds


# -- conclude ------------------------------------------------------------------------------------


def undecided(campaign: Campaign, *, now: datetime) -> QuerySet[Case]:
    """Cases whose looks have come to an end and that have no outcome yet."""
    ended = Recheck.objects.filter(case=OuterRef("pk"), conclusive=True)
    return (
        Case.objects.filter(campaign=campaign)
        .exclude(state=CaseState.WITHDRAWN)
        .filter(Exists(ended), ~Exists(Outcome.objects.filter(case=OuterRef("pk"))))
        .order_by("id")
    )


@transaction.atomic
def conclude(campaign: Campaign, *, now: datetime, limit: int) -> int:
    """Write down what became of each case; what has closed or gone is pursued no more."""
    found = list(undecided(campaign, now=now)[:limit])
    looks = _made(found)
    concluded = [
        (case, rules.conclude(looks[case.pk], is_announced=case.announced_at is not None))
        for case in found
    ]
    Outcome.objects.bulk_create(
        [_outcome(case, conclusion, now=now) for case, conclusion in concluded], batch_size=2_000
    )
    endings = [
        cases.Ending(case=case, result=conclusion.result, reason=conclusion.reason)
        for case, conclusion in concluded
        if conclusion.result in _ENDED
    ]
    cases.close_all(endings, actor="step:conclude", now=now)
    return len(found)


def _outcome(case: Case, conclusion: rules.Conclusion, *, now: datetime) -> Outcome:
    return Outcome(
        campaign_id=case.campaign_id,
        partner_id=case.partner_id,
        case=case,
        result=conclusion.result,
        censored=conclusion.censored,
        not_before=conclusion.not_before,
        not_after=conclusion.not_after,
        reasons=[conclusion.reason.as_json()],
        concluded_at=now,
    )


def _made(found: Sequence[Case]) -> dict[int, list[rules.PastLook]]:
    """The looks that were made, by case and in order."""
    done = Recheck.objects.filter(case__in=found, done_at__isnull=False).order_by("case", "day")
    looks: dict[int, list[rules.PastLook]] = {case.pk: [] for case in found}
    for one in done:
        if one.done_at is not None:
            past = rules.PastLook(
                at=one.done_at, seen=Seen(one.seen), last_seen_at=one.last_seen_at
            )
            looks[one.case_id].append(past)
    return looks
