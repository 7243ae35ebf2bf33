"""The demonstration's figures: from the database, and from what the mailbox received."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Count, QuerySet, Sum

from openletter import __version__
from openletter.campaigns.models import Campaign
from openletter.cases.models import Case
from openletter.contacts.models import Choice
from openletter.evidence.models import Batch, Finding, Observation, Reject
from openletter.exercise.letterbox import is_about_a_letter
from openletter.letters.models import Letter
from openletter.net.mailbox import received
from openletter.outcomes.models import Outcome
from openletter.replies.models import Reply, ReplyKind
from openletter.words import CaseState, DeliveryState, FindingState, Judgement, OutcomeResult

Figures = dict[str, object]

_WAITING = [DeliveryState.CLEARED, DeliveryState.HANDING, DeliveryState.DEFERRED]


class InvariantError(Exception):
    """The books do not balance: the message has the figures."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """Letters as the mailbox counted them."""

    letters: int
    distinct: frozenset[str]
    duplicates: int


def received_letters(campaign: Campaign, folder: Path) -> Received:
    """Each acceptance counts; a second one for a mailbox in one wave is a duplicate."""
    waves = dict(Letter.objects.filter(campaign=campaign).values_list("message_id", "wave_id"))
    seen: Counter[tuple[str, int | None]] = Counter()
    distinct: set[str] = set()
    for one in received(folder):
        if one.message_id in waves or is_about_a_letter(one.raw(folder)):
            seen[one.rcpt.casefold(), waves.get(one.message_id)] += 1
            distinct.add(one.message_id)
    return Received(
        letters=seen.total(), distinct=frozenset(distinct), duplicates=seen.total() - len(seen)
    )


def figures(campaign: Campaign, folder: Path, *, sent_before: int, seconds: float) -> Figures:
    """The object of contracts section 5; raises InvariantError where the letters do not add up."""
    mailbox = received_letters(campaign, folder)
    states = _letters_by_fate(campaign, mailbox)
    _check(states, mailbox)
    cases = Case.objects.filter(campaign=campaign)
    replies = Reply.objects.filter(campaign=campaign, undone_at=None)
    return {
        **_evidence(campaign),
        "cases": cases.count(),
        "contacts": _contacts(campaign),
        "letters": states.total(),
        "sent_this_run": mailbox.letters - sent_before,
        "delivered": mailbox.letters - mailbox.duplicates,
        "bounced": states["bounced"],
        "questions": replies.filter(kind=ReplyKind.QUESTION).count(),
        "opted_out": _opted_out(replies),
        "closed": cases.filter(state=CaseState.CLOSED).count(),
        "still_open": cases.open().count(),
        "unknown": states["unknown"],
        "duplicates": mailbox.duplicates,
        "seconds": round(seconds, 1),
        "version": __version__,
    }


def _evidence(campaign: Campaign) -> Figures:
    batches = Batch.objects.filter(exercise=campaign)
    refused = Reject.objects.filter(batch__exercise=campaign, judgement=Judgement.REJECT)
    by_reason = dict(refused.order_by().values_list("reason").annotate(number=Count("id")))
    findings = Finding.objects.filter(exercise=campaign, state=FindingState.OPEN)
    return {
        "rows": batches.aggregate(rows=Sum("rows"))["rows"] or 0,
        "rejected": sum(by_reason.values()),
        "rejected_by_reason": dict(sorted(by_reason.items())),
        "observations": Observation.objects.filter(exercise=campaign).count(),
        "findings": findings.count(),
    }


def _opted_out(replies: QuerySet[Reply]) -> int:
    said = replies.filter(kind=ReplyKind.OPT_OUT)
    return said.values("letter__mailbox").distinct().count()


def _contacts(campaign: Campaign) -> int:
    chosen = Choice.objects.filter(case__campaign=campaign, outcome=Choice.Outcome.CHOSEN)
    return chosen.values("mailbox").distinct().count()


def _letters_by_fate(campaign: Campaign, mailbox: Received) -> Counter[str]:
    """Every letter under exactly one of: delivered, bounced (at hand-over), unknown, waiting."""
    fates: Counter[str] = Counter()
    for message_id, state in Letter.objects.filter(campaign=campaign).values_list(
        "message_id", "delivery__state"
    ):
        if message_id in mailbox.distinct:
            fates["delivered"] += 1
        elif state == DeliveryState.UNKNOWN:
            fates["unknown"] += 1
        elif state == DeliveryState.BOUNCED:
            fates["bounced"] += 1
        elif state in {None, *_WAITING}:
            fates["waiting"] += 1
        else:
            fates[f"lost-{state}"] += 1
    return fates


def _check(states: Counter[str], mailbox: Received) -> None:
    """letters = delivered + bounced at hand-over + unknown + waiting, counted from both sides."""
    strangers = len(mailbox.distinct) - states["delivered"]
    lost = {fate: number for fate, number in states.items() if fate.startswith("lost-")}
    delivered = mailbox.letters - mailbox.duplicates
    total = delivered + states["bounced"] + states["unknown"] + states["waiting"]
    if strangers or lost or total != states.total():
        raise InvariantError(
            f"letters {states.total()}, by fate {dict(states)}, the mailbox has {delivered}"
            f" letters and {mailbox.duplicates} duplicates, {strangers} of them unknown to us"
        )


# -- the table ----------------------------------------------------------------------------------


WATCHED, REOPENED = "watched on", "open again"


def outcomes(campaign: Campaign) -> dict[str, Counter[str]]:
    """Country of the holder -> what became of its cases."""
    results = dict(Outcome.objects.filter(campaign=campaign).values_list("case_id", "result"))
    table: dict[str, Counter[str]] = {}
    choices = Choice.objects.filter(
        case__campaign=campaign, superseded_at=None, holder__isnull=False
    )
    for case_id, state, country in choices.values_list("case_id", "case__state", "holder__country"):
        result = results.get(case_id, WATCHED)
        if result in {OutcomeResult.CLOSED, OutcomeResult.GONE} and state != CaseState.CLOSED:
            result = REOPENED
        table.setdefault(country, Counter())[result] += 1
    return dict(sorted(table.items()))


def replies_by_kind(campaign: Campaign) -> dict[str, int]:
    rows = Reply.objects.filter(campaign=campaign, undone_at=None).order_by()
    return dict(sorted(rows.values_list("kind").annotate(number=Count("id"))))
