"""Taking back what a source said: see what it changes, do it at once, and the way back.

One transaction marks the rows, weighs anew what rested on them, ends the cases that were our
mistake, stops every unsent letter that speaks of them, and leaves one correction a campaign for a
person to approve. Until then `restore` undoes all of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import OperationalError, transaction
from django.db.models import Exists, QuerySet
from psycopg.errors import DeadlockDetected

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry
from openletter.campaigns.steps import record
from openletter.cases import mistakes
from openletter.cases.mistakes import Verdict
from openletter.cases.models import Case, Mistake
from openletter.evidence import weighing, withdrawing
from openletter.evidence.models import Withdrawal
from openletter.evidence.withdrawing import Scope, Touched, WithdrawalError
from openletter.letters.corrections import stopped, was_told
from openletter.letters.door import entry_of, forget_letters
from openletter.letters.models import Correction, Delivery, Letter, LetterCase
from openletter.letters.turn import composing
from openletter.words import DeliveryState, Reason, Value, Weakness

UNSENT = (DeliveryState.CLEARED, DeliveryState.DEFERRED)
TRIES = 3
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class CampaignChange:
    """What it changes in one campaign; `mailboxes`: of letters that left, with their wrong rows."""

    campaign: Campaign
    mistakes: Sequence[Case]
    kept: Sequence[Case]
    drafts: int
    cleared: int
    in_hand: int
    mailboxes: dict[str, int]
    silent: int
    """Of these mailboxes, those that asked for no more letters: they get no correction."""

    def figures(self) -> dict[str, int]:
        return {
            "cases_our_mistake": len(self.mistakes), "cases_that_stay": len(self.kept),
            "drafts_stopped": self.drafts, "cleared_stopped": self.cleared,
            "letters_in_hand": self.in_hand, "mailboxes_to_correct": len(self.mailboxes),
            "mailboxes_that_want_no_letters": self.silent,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Change:
    """All that a withdrawal changes, before or after it is made."""

    rows: int
    addresses: int
    findings: Counter[str]
    campaigns: list[CampaignChange] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        """In one JSON object; findings by what they were and become, campaigns by their name."""
        return {
            "rows": self.rows,
            "addresses": self.addresses,
            "findings": dict(sorted(self.findings.items())),
            "campaigns": {one.campaign.slug: one.figures() for one in self.campaigns},
        }


@dataclass(frozen=True, kw_only=True)
class _Reached:
    """What the scope holds and every case that it reaches."""

    touched: Touched
    verdicts: list[Verdict]


# -- before --------------------------------------------------------------------------------------


def preview(scope: Scope, *, now: datetime) -> Change:
    """What `withdraw` would change now; changes nothing."""
    return _change(_reach(scope, now=now, lock=False))


def _reach(scope: Scope, *, now: datetime, lock: bool) -> _Reached:
    scope.check()
    touched = withdrawing.touched_by(scope.observations)
    if not touched.keys:
        raise WithdrawalError("nothing-to-withdraw", source=scope.source.pk)
    verdicts: list[Verdict] = []
    for piece in withdrawing.pieces(touched.targets):
        cases = mistakes.cases_about(piece, exercise=scope.exercise)
        listed = list(cases.select_for_update(of=("self",)) if lock else cases)
        oldest = min((case.opened_at for case in listed), default=now)
        stands = withdrawing.as_it_would_stand(
            piece, keys=touched.keys, exercise=scope.exercise,
            since=min(oldest, now) - weighing.REMEMBERED, now=now,
        )  # fmt: skip
        for one in stands:
            touched.count(one)
        verdicts += mistakes.judge(listed, stands, keys=touched.keys, now=now)
    return _Reached(touched=touched, verdicts=verdicts)


def _change(reached: _Reached) -> Change:
    by_campaign: dict[Campaign, list[Verdict]] = defaultdict(list)
    for verdict in reached.verdicts:
        if verdict.is_mistake or verdict.rested:
            by_campaign[verdict.case.campaign].append(verdict)
    return Change(
        rows=len(reached.touched.keys),
        addresses=len(reached.touched.targets),
        findings=reached.touched.findings,
        campaigns=[
            _campaign_change(campaign, verdicts)
            for campaign, verdicts in sorted(by_campaign.items(), key=lambda one: one[0].pk)
        ],
    )


def _campaign_change(campaign: Campaign, verdicts: Sequence[Verdict]) -> CampaignChange:
    wrong = [one.case for one in verdicts if one.is_mistake]
    unsent = _unsent(campaign, [one.case for one in verdicts])
    states = Counter(state or "" for state in unsent.values_list("delivery__state", flat=True))
    told = LetterCase.objects.filter(was_told(), case__in=[case.pk for case in wrong])
    silent = told.filter(Exists(stopped(campaign)))
    in_hand = Letter.objects.filter(
        delivery__state=DeliveryState.HANDING, pk__in=_naming([one.case for one in verdicts])
    )
    return CampaignChange(
        campaign=campaign,
        mistakes=wrong,
        kept=[one.case for one in verdicts if not one.is_mistake],
        drafts=states[""],
        cleared=states.total() - states[""],
        in_hand=in_hand.count(),
        mailboxes=dict(Counter(told.values_list("letter__mailbox", flat=True))),
        silent=silent.values("letter__mailbox").distinct().count(),
    )


def _unsent(campaign: Campaign, cases: Iterable[Case]) -> QuerySet[Letter]:
    """Letters about these cases that have not left: drafts, and what is cleared or deferred."""
    written = Letter.objects.filter(campaign=campaign, pk__in=_naming(cases))
    return written.filter(delivery=None) | written.filter(delivery__state__in=UNSENT)


def _naming(cases: Iterable[Case]) -> QuerySet[LetterCase, int]:
    named = LetterCase.objects.filter(case__in=[case.pk for case in cases])
    return named.values_list("letter_id", flat=True)


# -- withdraw ------------------------------------------------------------------------------------


def withdraw(scope: Scope, *, reason: str, by: str, now: datetime) -> tuple[Withdrawal, Change]:
    """Do it: from the commit of this on nothing of it leaves any more."""
    if not reason.strip():
        raise WithdrawalError("reason-missing")
    return _again_when_in_each_others_way(
        partial(_withdraw, scope, reason=reason.strip(), by=by, now=now)
    )


@transaction.atomic
def _withdraw(scope: Scope, *, reason: str, by: str, now: datetime) -> tuple[Withdrawal, Change]:
    _hold_still(scope.exercise)
    reached = _reach(scope, now=now, lock=True)
    _hold_letters(reached.verdicts)
    made = withdrawing.mark(scope, reason=reason, by=by, now=now)
    entries = mistakes.end(reached.verdicts, withdrawal=made, now=now)
    change = _change(reached)
    for one in change.campaigns:
        entries += _stop(one, made, now=now)
        entries.append(_noted(one, made, now=now))
        if one.mailboxes or one.in_hand:
            Correction.objects.create(campaign=one.campaign, withdrawal=made, asked_at=now)
    withdrawing.reweigh(reached.touched.targets, exercise=scope.exercise, now=now)
    made.counts = change.figures()
    made.save(update_fields=["counts"])
    record([*entries, _about(made, "source-withdrawn", by=by, now=now)])
    return made, change


def _hold_still(world: Campaign | None) -> None:
    """Nobody weighs, opens, composes or clears in this world until the commit."""
    weighing.hold(world)
    concerned = [world] if world else Campaign.objects.filter(exercise=False).order_by("pk")
    for campaign in concerned:
        composing(campaign)


def _hold_letters(verdicts: Iterable[Verdict]) -> None:
    """What a sender claims before this is in its hands and is counted so; after it, nothing is."""
    touched = [one.case for one in verdicts if one.is_mistake or one.rested]
    rows = Delivery.objects.select_for_update(of=("self",)).filter(letter__in=_naming(touched))
    list(rows.filter(state__in=UNSENT).order_by("pk").values_list("pk"))


def _stop(change: CampaignChange, made: Withdrawal, *, now: datetime) -> list[Entry]:
    """Unsent letters go, with their secrets; `compose` writes anew about what is still right."""
    letters = _unsent(change.campaign, [*change.mistakes, *change.kept])
    ids = list(letters.values_list("pk", flat=True))
    rows = list(
        Delivery.objects.filter(letter__in=ids, state__in=UNSENT).defer("raw").order_by("pk")
    )
    entries = []
    for row in rows:
        before, row.state, row.reason = row.state, DeliveryState.CANCELLED, "evidence-withdrawn"
        entries.append(
            entry_of(row, "sent-back", before=before, now=now, actor=made.by, because=row.reason)
        )
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=DeliveryState.CANCELLED, reason="evidence-withdrawn", settled_at=now
    )
    drafts = Letter.objects.filter(pk__in=ids, delivery=None)
    forget_letters(Letter.objects.filter(delivery__in=[row.pk for row in rows]))
    forget_letters(drafts)
    return entries


# -- restore -------------------------------------------------------------------------------------


def restore(withdrawal: Withdrawal, *, by: str, now: datetime) -> Withdrawal:
    """The statements count again, the cases are what they were; letters are written anew."""
    return _again_when_in_each_others_way(partial(_restore, withdrawal, by=by, now=now))


@transaction.atomic
def _restore(withdrawal: Withdrawal, *, by: str, now: datetime) -> Withdrawal:
    _hold_still(withdrawal.exercise)
    locked = Withdrawal.objects.select_for_update(of=("self",)).get(pk=withdrawal.pk)
    if locked.restored_at is not None:
        raise WithdrawalError("already-restored")
    asked = Correction.objects.select_for_update().filter(withdrawal=locked)
    if any(one.approved_at is not None for one in asked):
        raise WithdrawalError("correction-approved")
    touched = withdrawing.give_back(locked, by=by, now=now)
    asked.update(dropped_at=now)
    entries = _give_cases_back(locked, touched, by=by, now=now)
    withdrawing.reweigh(touched.targets, exercise=locked.exercise, now=now)
    record([*entries, _about(locked, "source-restored", by=by, now=now)])
    return locked


def _give_cases_back(
    withdrawal: Withdrawal, touched: Touched, *, by: str, now: datetime
) -> list[Entry]:
    """All of them, save what another standing withdrawal makes a mistake as well.

    Mistakes of others that are right again by these statements too; what is corrected stays.
    """
    freed, entries = [], []
    others = withdrawing.still_taken_back(touched.targets, exercise=withdrawal.exercise)
    for one in mistakes.standing(withdrawal):
        other = others.get((one.case.ip, Weakness(one.case.weakness)))
        if other is None or _held_up_now(one.case, now=now):
            freed.append(one)
            continue
        entries.append(mistakes.hand_to(one, other, by=by, now=now))
        if LetterCase.objects.filter(was_told(), case=one.case).exists():
            Correction.objects.get_or_create(
                campaign=one.case.campaign, withdrawal=other, defaults={"asked_at": now}
            )
    freed += [
        one
        for one in mistakes.of_others(withdrawal, touched.targets)
        if _held_up_now(one.case, now=now) and not _is_approved(one)
    ]
    return entries + mistakes.give_back(freed, withdrawal=withdrawal, by=by, now=now)


def _is_approved(mistake: Mistake) -> bool:
    return Correction.objects.filter(
        campaign=mistake.case.campaign_id, withdrawal=mistake.withdrawal_id,
        approved_at__isnull=False,
    ).exists()  # fmt: skip


def _held_up_now(case: Case, *, now: datetime) -> bool:
    """Whether what counts again made the case right at some moment since it was opened."""
    target = (case.ip, Weakness(case.weakness))
    stands = withdrawing.as_it_would_stand(
        [target], keys=frozenset(), exercise=case.campaign.world,
        since=min(case.opened_at, now) - weighing.REMEMBERED, now=now,
    )  # fmt: skip
    return any(mistakes.was_right(case, one, now=now) for one in stands)


# -- in common -----------------------------------------------------------------------------------


def _again_when_in_each_others_way(act: Callable[[], _Result]) -> _Result:
    """A step that held a row of ours went first; nothing was done, so do it again."""
    for _ in range(TRIES - 1):
        try:
            return act()
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    return act()


def _noted(change: CampaignChange, made: Withdrawal, *, now: datetime) -> Entry:
    values: dict[str, Value] = {
        "source": made.source.name, "number": made.pk, "text": made.reason
    }  # fmt: skip
    return Entry(
        subject=f"campaign:{change.campaign.pk}",
        actor=made.by,
        action="source-withdrawn",
        at=now,
        campaign_id=change.campaign.pk,
        partner_id=change.campaign.lead_id,
        after=change.figures(),
        reason=Reason(code="source-withdrawn", values=values).as_json(),
    )


def _about(made: Withdrawal, action: str, *, by: str, now: datetime) -> Entry:
    return Entry(
        subject=f"withdrawal:{made.pk}",
        actor=by,
        action=action,
        at=now,
        campaign_id=made.exercise_id,
        after={"source": made.source_id, "counts": made.counts},
        reason={"text": made.reason},
    )
