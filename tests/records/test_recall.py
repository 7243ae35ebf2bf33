"""Taking back what a source said: who is stopped, who is corrected, and the way back."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.db import connection

from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.campaigns.rules import CampaignState
from openletter.campaigns.steps import verify_chain
from openletter.cases import steps as cases
from openletter.cases.models import Case, Mistake
from openletter.contacts import steps as contacts
from openletter.evidence import steps as evidence
from openletter.evidence import suspending, weighing
from openletter.evidence.models import Finding, Observation, Source
from openletter.evidence.withdrawing import WithdrawalError
from openletter.letters import corrections, recall, sending, steps
from openletter.letters.models import Correction, Delivery, Letter, LetterCase
from openletter.line import step_named
from openletter.outcomes import steps as outcomes
from openletter.outcomes.models import Outcome
from openletter.shell import queue
from openletter.words import CaseState, DeliveryState, FindingState, Reason, WaveKind, Weakness
from tests.builders import NOW, a_campaign, a_user
from tests.letter_builders import ABUSE, a_choice, text_of
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready
from tests.records.evidence_builders import a_scan, a_zone, said_open, take_in
from tests.records.recall_builders import (
    ACCEPTED,
    RIGHT,
    WRONG,
    ZONE,
    a_world,
    an_approver,
    claim,
    compose,
    hand_over,
    open_and_choose,
    scope,
    sent,
    the_case,
    the_correction,
    weigh,
    withdraw,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(db: None, tmp_path: Path) -> Campaign:
    return a_world(tmp_path)


def approve(campaign: Campaign) -> Correction:
    return corrections.approve(the_correction(campaign), user=an_approver(campaign), now=NOW + HOUR)


def correction_letter() -> Letter:
    return Letter.objects.get(wave__kind=WaveKind.CORRECTION)


# -- what it does --------------------------------------------------------------------------------


def test_a_look_changes_nothing_and_says_what_will_be_done(campaign: Campaign) -> None:
    sent(campaign)
    before = TimelineEntry.objects.count()
    shown = recall.preview(scope(campaign), now=NOW).figures()
    assert TimelineEntry.objects.count() == before
    assert not Observation.objects.exclude(withdrawn=None).exists()
    assert the_case().state == CaseState.OPEN
    assert withdraw(campaign).counts == shown
    assert shown == {
        "rows": 2,
        "addresses": 2,
        "findings": {"open-open": 1, "open-suspected": 1},
        "campaigns": {
            campaign.slug: {
                "cases_our_mistake": 1, "cases_that_stay": 1, "drafts_stopped": 0,
                "cleared_stopped": 0, "letters_in_hand": 0, "mailboxes_to_correct": 1,
                "mailboxes_that_want_no_letters": 0,
            }
        },
    }  # fmt: skip


def test_what_rested_on_it_is_our_mistake_and_what_stands_without_it_stays(
    campaign: Campaign,
) -> None:
    sent(campaign)
    made = withdraw(campaign)
    wrong, right = the_case(WRONG), the_case(RIGHT)
    assert (wrong.state, right.state) == (CaseState.WITHDRAWN, CaseState.OPEN)
    assert wrong.finding.state == FindingState.SUSPECTED
    assert right.finding.state == FindingState.OPEN
    assert "taken-back" in {reason["code"] for reason in wrong.finding.reasons}
    gone = set(Observation.objects.filter(withdrawn=made).values_list("pk", flat=True))
    assert len(gone) == 2
    assert gone.isdisjoint(right.finding.rows)
    mistake = Mistake.objects.get()
    assert (mistake.case, mistake.state_before, mistake.undone_at) == (wrong, "open", None)
    assert gone & set(mistake.rows)
    entry = TimelineEntry.objects.get(subject=f"case:{wrong.pk}", action="our-mistake")
    assert entry.reason["values"]["text"] == "their scanner was wrong"
    assert entry.actor == "user:x"
    assert verify_chain(campaign.pk) is None


def test_unsent_letters_stop_at_once_and_are_written_anew_about_what_is_right(
    campaign: Campaign,
) -> None:
    open_and_choose(campaign)
    compose(campaign)
    (old,) = Letter.objects.all()
    withdraw(campaign)
    assert claim(campaign) == []
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == (DeliveryState.CANCELLED, "evidence-withdrawn")
    assert not Letter.objects.filter(pk=old.pk).exists()
    assert not Correction.objects.exists()
    compose(campaign)
    letter = Letter.objects.get()
    text = text_of(letter)
    assert RIGHT in text
    assert WRONG not in text
    assert "Example DNSBL" not in text
    assert hand_over(campaign) == 1


def test_drafts_go_too(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.PLANNED)
    open_and_choose(campaign)
    compose(campaign)
    assert Letter.objects.filter(delivery=None).count() == 1
    assert recall.preview(scope(campaign), now=NOW).campaigns[0].drafts == 1
    withdraw(campaign)
    assert not Letter.objects.exists()


def test_a_case_that_a_source_closed_is_our_mistake_as_well_and_no_success(
    campaign: Campaign,
) -> None:
    sent(campaign)
    case = the_case()
    cases.close(case, result="gone", actor="step:conclude", now=NOW, reason=Reason(code="x"))
    Outcome.objects.create(
        campaign=campaign, partner=case.partner, case=case, result="gone", censored=False,
        concluded_at=NOW,
    )  # fmt: skip
    withdraw(campaign)
    case.refresh_from_db()
    assert case.state == CaseState.WITHDRAWN
    assert not Outcome.objects.holding().filter(case=case).exists()
    recall.restore(Mistake.objects.get().withdrawal, by="user:x", now=NOW)
    case.refresh_from_db()
    assert (case.state, case.closed_at) == (CaseState.CLOSED, NOW)
    assert Outcome.objects.holding().filter(case=case).exists()


def test_a_suspended_source_can_be_taken_back(campaign: Campaign) -> None:
    sent(campaign)
    source = Source.objects.get(pk=ZONE)
    suspending.suspend(source, exercise=campaign, by="user:x", because={"text": "x"}, now=NOW)
    withdraw(campaign)
    assert the_case(WRONG).state == CaseState.WITHDRAWN
    assert the_case(RIGHT).state == CaseState.OPEN


def test_what_comes_in_late_of_the_same_scope_is_taken_back_as_it_is_weighed(
    campaign: Campaign,
) -> None:
    made = withdraw(campaign)
    late = "\n# again\n"
    batch = a_zone("192.0.2.9", campaign=campaign)
    take_in(late, "other.txt", campaign)
    a_scan("192.0.2.9", campaign=campaign)
    weigh(campaign)
    assert batch.observations.get().withdrawn == made
    assert Finding.objects.get(ip="192.0.2.9").state == FindingState.SUSPECTED
    a_zone("192.0.2.9", campaign=campaign, now=NOW + 2 * DAY)
    weigh(campaign, now=NOW + 2 * DAY)
    assert Finding.objects.get(ip="192.0.2.9").state == (
        FindingState.SUSPECTED if made.until is None else FindingState.OPEN
    )


def test_late_rows_that_no_weighing_has_taken_in_yet_hold_nothing_up(campaign: Campaign) -> None:
    """An address is concluded about while the row that was taken back still waits."""
    withdraw(campaign)
    a_scan("192.0.2.9", campaign=campaign)
    a_zone("192.0.2.9", campaign=campaign)
    target = (ip_address("192.0.2.9"), Weakness.OPEN_HTTP_PROXY)
    weighing.reweigh({target}, exercise=campaign.world, now=NOW)
    assert Finding.objects.get(ip="192.0.2.9").state == FindingState.SUSPECTED
    assert evidence.weigh(campaign, now=NOW, limit=1) == 2, "all that is said of it at once"
    assert Finding.objects.get(ip="192.0.2.9").state == FindingState.SUSPECTED


def test_age_alone_makes_no_mistake(campaign: Campaign) -> None:
    """Twenty days later nothing is fresh, but what remains had agreed when the letter left."""
    sent(campaign)
    made, _ = recall.withdraw(scope(campaign), reason="late", by="user:x", now=NOW + 20 * DAY)
    assert the_case(RIGHT).state == CaseState.OPEN
    assert the_case(WRONG).state == CaseState.WITHDRAWN
    assert made.counts["findings"] == {"open-suspected": 2}


def test_worlds_do_not_lose_each_others_evidence(campaign: Campaign, tmp_path: Path) -> None:
    other = a_campaign("other", state=CampaignState.RUNNING)
    said_open(WRONG, campaign=other)
    cases.open_cases(other, now=NOW, limit=10)
    open_and_choose(campaign)
    withdraw(campaign)
    assert Case.objects.get(campaign=other).state == CaseState.OPEN
    with pytest.raises(WithdrawalError, match="nothing-to-withdraw"):
        recall.preview(scope(None), now=NOW)


# -- corrections ---------------------------------------------------------------------------------


def test_a_correction_waits_for_an_approver_and_leaves_once_in_the_letters_thread(
    campaign: Campaign,
) -> None:
    letter = sent(campaign)
    withdraw(campaign)
    assert compose(campaign) == 0
    with pytest.raises(WithdrawalError, match="no-right"):
        corrections.approve(
            the_correction(campaign), user=a_user("h", partner=campaign.lead), now=NOW
        )
    approve(campaign)
    assert list(steps.waiting(campaign, now=NOW + HOUR).values_list("case__ip", flat=True)) == [
        the_case().ip
    ]
    assert compose(campaign, now=NOW + HOUR) == 1
    assert hand_over(campaign, now=NOW + HOUR) == 1
    corrected = correction_letter()
    message = email.message_from_bytes(bytes(corrected.raw), policy=email.policy.SMTP)
    assert message["In-Reply-To"] == message["References"] == letter.message_id
    assert "DKIM-Signature" in message
    assert re.match(rf"Ingetrokken: .*{re.escape(WRONG)}", corrected.subject)
    text = text_of(corrected)
    assert RIGHT not in text
    assert "Example DNSBL" in text
    assert [row.case for row in corrected.rows.all()] == [the_case()]
    for later in (HOUR, DAY, 60 * DAY):
        assert compose(campaign, now=NOW + HOUR + later) == 0
        assert hand_over(campaign, now=NOW + HOUR + later) == 0
    assert Letter.objects.filter(mailbox=ABUSE).count() == 2


def test_all_wrong_rows_of_a_mailbox_stand_in_one_correction(campaign: Campaign) -> None:
    sent(campaign)
    withdraw(campaign)
    withdraw(campaign, "spysme")
    assert the_case(RIGHT).state == CaseState.WITHDRAWN
    for one in Correction.objects.all():
        corrections.approve(one, user=an_approver(campaign), now=NOW + HOUR)
    assert compose(campaign, now=NOW + HOUR) == 1
    assert correction_letter().rows.count() == 2
    assert compose(campaign, now=NOW + HOUR) == 0


def test_wrong_rows_that_turn_up_later_get_a_letter_of_their_own(campaign: Campaign) -> None:
    sent(campaign)
    withdraw(campaign)
    approve(campaign)
    compose(campaign, now=NOW + HOUR)
    withdraw(campaign, "spysme")
    later = Correction.objects.get(approved_at=None)
    assert compose(campaign, now=NOW + HOUR) == 0
    corrections.approve(later, user=an_approver(campaign), now=NOW + HOUR)
    assert compose(campaign, now=NOW + HOUR) == 1
    rows = LetterCase.objects.filter(wave__kind=WaveKind.CORRECTION)
    assert [str(row.case.ip) for row in rows.order_by("pk")] == [WRONG, RIGHT]


def test_corrections_go_ahead_of_everything_else(campaign: Campaign) -> None:
    sent(campaign)
    said_open("198.51.100.1", "198.51.100.2", campaign=campaign)
    cases.open_cases(campaign, now=NOW, limit=10)
    for number in (1, 2):
        a_choice(the_case(f"198.51.100.{number}"), f"x{number}@network.example")
    compose(campaign)
    withdraw(campaign, since=NOW - DAY, rows=tuple(the_case(WRONG).finding.rows[-1:]))
    approve(campaign)
    compose(campaign, now=NOW + HOUR)
    (first,) = sending.claim(campaign, worker="w", now=NOW + HOUR, limit=1)
    assert first.id == correction_letter().delivery_id


def test_a_campaign_that_waits_or_is_finished_puts_right_and_writes_nothing_else(
    campaign: Campaign,
) -> None:
    sent(campaign)
    withdraw(campaign)
    approve(campaign)
    for state in (CampaignState.FINISHED, CampaignState.WAITING):
        Campaign.objects.filter(pk=campaign.pk).update(state=state)
        compose(campaign, now=NOW + HOUR)
    assert [one.wave.kind for one in Letter.objects.order_by("pk")] == ["first", "correction"]
    assert hand_over(campaign, now=NOW + HOUR) == 1


def test_a_paused_campaign_holds_its_corrections_too(campaign: Campaign) -> None:
    sent(campaign)
    withdraw(campaign)
    approve(campaign)
    compose(campaign, now=NOW + HOUR)
    Campaign.objects.filter(pk=campaign.pk).update(paused_at=NOW)
    assert hand_over(campaign, now=NOW + HOUR) == 0
    assert correction_letter().delivery.state == DeliveryState.CLEARED


def test_who_wants_no_letters_gets_no_correction(campaign: Campaign) -> None:
    sent(campaign)
    withdraw(campaign)
    approve(campaign)
    contacts.suppress(ABUSE, campaign=campaign, actor="holder", how="mail", now=NOW)
    assert compose(campaign, now=NOW + HOUR) == 0
    assert corrections.uncorrected(campaign).count() == 1


def test_who_stops_letters_while_the_correction_is_cleared_gets_none(campaign: Campaign) -> None:
    sent(campaign)
    withdraw(campaign)
    approve(campaign)
    compose(campaign, now=NOW + HOUR)
    contacts.suppress(ABUSE, campaign=campaign, actor="holder", how="mail", now=NOW)
    assert hand_over(campaign, now=NOW + HOUR) == 0
    assert Delivery.objects.order_by("pk").last().reason == "suppressed"


@pytest.mark.parametrize(
    ("state", "is_corrected"),
    [("accepted", True), ("delivered", True), ("unknown", True), ("bounced", False)],
)
def test_only_what_may_have_been_read_is_corrected(
    campaign: Campaign, state: str, *, is_corrected: bool
) -> None:
    sent(campaign)
    Delivery.objects.update(state=state)
    made = withdraw(campaign)
    assert Correction.objects.filter(withdrawal=made).exists() is is_corrected
    if is_corrected:
        approve(campaign)
        assert compose(campaign, now=NOW + HOUR) == 1


def test_a_letter_that_bounced_meanwhile_is_not_corrected(campaign: Campaign) -> None:
    letter = sent(campaign)
    withdraw(campaign)
    approve(campaign)
    compose(campaign, now=NOW + HOUR)
    Delivery.objects.filter(pk=letter.delivery_id).update(state=DeliveryState.BOUNCED)
    assert hand_over(campaign, now=NOW + HOUR) == 0
    assert Delivery.objects.order_by("pk").last().reason == "never-told"


def test_a_correction_of_what_is_open_after_all_stays_here(campaign: Campaign) -> None:
    """Seen again by others before it left: then "you need not do anything" would be wrong."""
    sent(campaign)
    withdraw(campaign, until=NOW + HOUR)
    approve(campaign)
    compose(campaign, now=NOW + HOUR)
    said_open(WRONG, campaign=campaign, now=NOW + DAY)
    cases.open_cases(campaign, now=NOW + DAY, limit=10)
    assert the_case().state == CaseState.OPEN
    assert Mistake.objects.get().undone_because == "seen-again"
    assert hand_over(campaign, now=NOW + DAY) == 0
    assert Delivery.objects.order_by("pk").last().reason == "no-mistake"
    compose(campaign, now=NOW + DAY)
    assert Letter.objects.filter(mailbox=ABUSE).count() == 1


# -- while letters are in somebody's hands -------------------------------------------------------


def test_a_letter_in_hand_is_corrected_if_it_left(campaign: Campaign) -> None:
    open_and_choose(campaign)
    compose(campaign)
    (held,) = claim(campaign)
    withdraw(campaign)
    approve(campaign)
    assert compose(campaign, now=NOW + HOUR) == 0
    sending.record(held, ACCEPTED, now=NOW + HOUR)
    assert compose(campaign, now=NOW + HOUR) == 1
    assert hand_over(campaign, now=NOW + HOUR) == 1


def test_a_letter_in_hand_that_is_put_back_leaves_no_more_and_needs_no_correction(
    campaign: Campaign,
) -> None:
    open_and_choose(campaign)
    compose(campaign)
    held = claim(campaign)
    withdraw(campaign)
    approve(campaign)
    sending.put_back(held, now=NOW)
    assert claim(campaign) == []
    assert sending.send_back(campaign, now=NOW) == {"case-not-open": 1}
    compose(campaign, now=NOW + HOUR)
    assert WRONG not in text_of(Letter.objects.get())


@pytest.mark.django_db(transaction=True)
def test_every_letter_is_either_stopped_or_corrected_whoever_comes_first(tmp_path: Path) -> None:
    """Claims and a withdrawal at the same moment, on connections of their own."""
    an_installation(tmp_path)
    campaign = a_sending_campaign()
    letters_ready(campaign, 60)
    source = Source.objects.get(pk="wierhaven")
    barrier, claimed = Barrier(3), []

    def take() -> None:
        barrier.wait()
        while got := sending.claim(campaign, worker="w", now=NOW, limit=3):
            claimed.extend(got)
        connection.close()

    threads = [Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    barrier.wait()
    _, change = recall.withdraw(
        recall.Scope(source=source, exercise=campaign, since=NOW - DAY), reason="x", by="user:x",
        now=NOW,
    )  # fmt: skip
    for thread in threads:
        thread.join()
    (one,) = change.campaigns
    assert (len(one.mistakes), one.cleared + one.in_hand) == (60, 60)
    assert len({each.id for each in claimed}) == one.in_hand
    assert Delivery.objects.filter(reason="evidence-withdrawn").count() == one.cleared
    for each in claimed:
        sending.record(each, ACCEPTED, now=NOW)
    assert Correction.objects.exists() is (one.in_hand > 0)
    assert sending.claim(campaign, worker="w", now=NOW, limit=100) == []


@pytest.mark.django_db(transaction=True)
def test_two_persons_withdraw_the_same_and_one_of_them_does(tmp_path: Path) -> None:
    campaign = a_world(tmp_path)
    sent(campaign)
    barrier, ends = Barrier(2), []

    def take_back() -> None:
        barrier.wait()
        try:
            ends.append(withdraw(campaign).pk)
        except WithdrawalError as refused:
            ends.append(refused.reason.code)
        connection.close()

    threads = [Thread(target=take_back) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "nothing-to-withdraw" in ends
    assert Mistake.objects.count() == 1
    assert Correction.objects.count() == 1


# -- the way back --------------------------------------------------------------------------------


def test_restored_before_approval_everything_is_as_it_was(campaign: Campaign) -> None:
    open_and_choose(campaign)
    compose(campaign)
    findings = dict(Finding.objects.values_list("ip", "state"))
    made = withdraw(campaign)
    recall.restore(made, by="user:y", now=NOW)
    assert not Observation.objects.exclude(withdrawn=None).exists()
    assert dict(Finding.objects.values_list("ip", "state")) == findings
    assert the_case().state == CaseState.OPEN
    compose(campaign)
    assert WRONG in text_of(Letter.objects.get())
    assert hand_over(campaign) == 1
    with pytest.raises(WithdrawalError, match="already-restored"):
        recall.restore(made, by="user:y", now=NOW)
    assert verify_chain(campaign.pk) is None


def test_a_restored_withdrawal_has_nothing_to_approve(campaign: Campaign) -> None:
    sent(campaign)
    made = withdraw(campaign)
    recall.restore(made, by="user:y", now=NOW)
    with pytest.raises(WithdrawalError, match="correction-dropped"):
        approve(campaign)
    assert compose(campaign, now=NOW + HOUR) == 0


def test_what_is_approved_is_not_restored(campaign: Campaign) -> None:
    sent(campaign)
    made = withdraw(campaign)
    approve(campaign)
    with pytest.raises(WithdrawalError, match="correction-approved"):
        recall.restore(made, by="user:y", now=NOW)
    assert the_case().state == CaseState.WITHDRAWN


def test_twice_is_refused_and_again_after_a_restore_is_not(campaign: Campaign) -> None:
    sent(campaign)
    made = withdraw(campaign)
    with pytest.raises(WithdrawalError, match="nothing-to-withdraw"):
        withdraw(campaign)
    recall.restore(made, by="user:y", now=NOW)
    again = withdraw(campaign)
    assert the_case().state == CaseState.WITHDRAWN
    assert Correction.objects.filter(dropped_at=None).get().withdrawal == again
    assert Mistake.objects.filter(undone_at=None).get().withdrawal == again


def test_what_two_withdrawals_take_back_waits_for_both(campaign: Campaign) -> None:
    sent(campaign)
    first = withdraw(campaign)
    second = withdraw(campaign, "shadowserver-scan-http-proxy")
    assert the_case(RIGHT).state == CaseState.WITHDRAWN
    recall.restore(first, by="user:y", now=NOW)
    assert the_case(WRONG).state == CaseState.WITHDRAWN
    assert Mistake.objects.get(case=the_case(WRONG), undone_at=None).withdrawal == second
    assert the_case(RIGHT).state == CaseState.OPEN
    recall.restore(second, by="user:y", now=NOW)
    assert the_case(WRONG).state == CaseState.OPEN
    assert Finding.objects.filter(state=FindingState.OPEN).count() == 2


def test_rows_in_two_scopes_stay_taken_back_when_one_is_restored(campaign: Campaign) -> None:
    (row,) = Observation.objects.filter(source=ZONE, ip=WRONG).values_list("pk", flat=True)
    first = withdraw(campaign, rows=(row,))
    second = withdraw(campaign)
    recall.restore(first, by="user:y", now=NOW)
    assert Observation.objects.get(pk=row).withdrawn == second


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"since": None}, "scope-missing"),
        ({"until": NOW - DAY}, "scope-empty"),
        ({"rows": (10**9,)}, "row-not-of-source"),
        ({"since": NOW + DAY}, "nothing-to-withdraw"),
    ],
)
def test_a_scope_that_means_nothing_is_refused(
    campaign: Campaign, given: dict[str, object], code: str
) -> None:
    with pytest.raises(WithdrawalError) as refused:
        recall.preview(scope(campaign, **given), now=NOW)
    assert refused.value.reason.code == code


def test_a_person_reopens_a_mistake_only_on_evidence_that_holds(campaign: Campaign) -> None:
    sent(campaign)
    withdraw(campaign)
    assert not cases.reopen(the_case(), actor="user:x", now=NOW)
    assert the_case().state == CaseState.WITHDRAWN


def test_mistakes_are_looked_at_no_more(campaign: Campaign) -> None:
    sent(campaign)
    withdraw(campaign)
    while outcomes.recheck(campaign, now=NOW + 30 * DAY, limit=100):
        pass
    while outcomes.conclude(campaign, now=NOW + 30 * DAY, limit=100):
        pass
    assert not Outcome.objects.filter(case=the_case()).exists()
    assert Outcome.objects.filter(case=the_case(RIGHT)).exists()


def test_a_finished_campaign_is_woken_to_put_right_and_for_nothing_else(
    campaign: Campaign,
) -> None:
    sent(campaign)
    withdraw(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.FINISHED)
    assert list(queue.ended_with_corrections()) == []
    approve(campaign)
    (ended,) = queue.ended_with_corrections()
    assert {one.name for one in queue._after(step_named("compose"), ended)} == queue.PUTS_RIGHT
