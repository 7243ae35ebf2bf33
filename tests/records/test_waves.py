"""Reminders: once, only after a source saw it again, never to whom nothing more is to be said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openletter.campaigns.models import Campaign, Exclusion, TimelineEntry
from openletter.cases.models import Case
from openletter.contacts.decision_rows import Grace
from openletter.contacts.models import Choice, Suppression
from openletter.letters import sending, steps, waves
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.letters.rules.facts import LetterError
from openletter.words import CaseState, DeliveryState, WaveKind
from tests.builders import NOW, a_partner, a_user
from tests.letter_builders import ABUSE, a_holder, chosen_cases, text_of
from tests.wave_builders import (
    DAY,
    LATER,
    a_told_campaign,
    arrive,
    claimed,
    compose,
    opened,
    see_again,
    told,
    what_if,
    written,
)

pytestmark = pytest.mark.django_db
ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def test_a_reminder_names_what_was_seen_again_and_nothing_else() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE, TWO, THREE])
    Case.objects.filter(ip=TWO).update(state=CaseState.CLOSED)
    see_again(THREE)
    wave = opened(campaign, WaveKind.REMINDER)
    assert compose(campaign, now=LATER) == 2
    letter = written(WaveKind.REMINDER)
    assert (letter.wave, letter.kind) == (wave, WaveKind.REMINDER)
    assert [(str(row.case.ip), row.number) for row in letter.rows.all()] == [(THREE, 3)]
    flat = text_of(letter)
    assert THREE in flat
    assert ONE not in flat.replace("\n", " ").split()
    assert TWO not in flat.replace("\n", " ").split()
    first = written(WaveKind.FIRST)
    assert letter.thread == first.message_id
    assert claimed(campaign) == [WaveKind.REMINDER]
    assert compose(campaign, now=LATER + 60 * DAY) == 0


def test_nobody_is_reminded_before_a_person_opens_the_wave() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE])
    see_again(ONE)
    assert compose(campaign, now=LATER) == 0
    looker = a_user("looker", partner=campaign.lead, role="handler")
    with pytest.raises(LetterError, match="no-right"):
        steps.open_wave(campaign, WaveKind.REMINDER, user=looker, now=LATER)
    other = a_user("other", partner=a_partner("bravo", country="BE"), role="administrator")
    with pytest.raises(LetterError, match="no-right"):
        steps.open_wave(campaign, WaveKind.REMINDER, user=other, now=LATER)
    opened(campaign, WaveKind.REMINDER)
    assert compose(campaign, now=LATER) == 2
    entry = TimelineEntry.objects.get(action="reminder-wave-opened")
    assert entry.actor == "user:lead"


def test_a_wave_is_opened_only_where_the_campaign_switched_it_on() -> None:
    campaign = a_told_campaign(reminders=False, closing_letters=False)
    for kind in (WaveKind.REMINDER, WaveKind.CLOSING):
        with pytest.raises(LetterError, match=f"{kind}-not-switched-on"):
            opened(campaign, kind)
    with pytest.raises(LetterError, match="no-such-wave"):
        opened(campaign, WaveKind.FIRST)


def _choices() -> object:
    return Choice.objects.filter(case__ip=ONE)


REASONS_FOR_NONE = {
    "not-seen-again": lambda _: Case.objects.update(last_evidence_at=NOW),
    "seen-with-the-letter": lambda _: (
        Delivery.objects.update(handed_at=NOW + DAY)
        and Case.objects.update(last_evidence_at=NOW + DAY)
    ),
    "too-soon": lambda _: Delivery.objects.update(handed_at=LATER - 29 * DAY),
    "fate-unknown": lambda _: Delivery.objects.update(state=DeliveryState.UNKNOWN),
    "in-hand": lambda _: Delivery.objects.update(state=DeliveryState.HANDING),
    "deferred": lambda _: Delivery.objects.update(
        state=DeliveryState.DEFERRED, not_before=LATER + DAY
    ),
    "bounced": lambda _: Delivery.objects.update(state=DeliveryState.BOUNCED),
    "closed": lambda _: Case.objects.update(state=CaseState.CLOSED),
    "withdrawn": lambda _: Case.objects.update(state=CaseState.WITHDRAWN),
    "announced": lambda _: Case.objects.update(
        state=CaseState.ANNOUNCED_FIXED, announced_until=LATER + DAY
    ),
    "given-time": lambda campaign: Grace.objects.create(
        campaign=campaign, mailbox=ABUSE, until=LATER + DAY, who="x", at=NOW
    ),
    "suppressed": lambda campaign: Suppression.objects.create(
        mailbox=ABUSE, campaign=campaign, who="x", how="x", at=NOW
    ),
    "suppressed-everywhere": lambda _: Suppression.objects.create(
        mailbox=ABUSE, campaign=None, who="x", how="x", at=NOW
    ),
    "excluded": lambda _: Exclusion.objects.create(
        network="192.0.2.0/24", who="x", how="x", at=NOW
    ),
    "another-contact": lambda _: _choices().update(superseded_at=NOW),
    "needs-person": lambda _: _choices().update(outcome="needs-person"),
    "evidence-turned": lambda _: Case.objects.get(ip=ONE).finding.__class__.objects.update(
        state="suspected"
    ),
    "evidence-aged": lambda _: Case.objects.update(last_evidence_at=LATER - 8 * DAY),
    "switched-off": lambda _: Campaign.objects.update(reminders=False),
    "wave-closed": lambda campaign: campaign.waves.filter(kind="reminder").update(
        closes_at=LATER + timedelta(seconds=1)
    ),
}


def test_whoever_must_get_no_reminder_gets_none_even_when_it_was_cleared() -> None:
    """What changes between clearing and leaving keeps it in, and it goes back to be judged anew."""
    campaign = a_told_campaign()
    told(campaign, [ONE])
    see_again(ONE, at=LATER - timedelta(hours=1))
    opened(campaign, WaveKind.REMINDER, now=LATER)
    now = LATER + timedelta(seconds=2)
    assert compose(campaign, now=now) == 2
    reminder = written(WaveKind.REMINDER).delivery
    with what_if():
        assert claimed(campaign, now=now) == ["reminder"]
    for why, change in REASONS_FOR_NONE.items():
        with what_if():
            change(campaign)
            untouched = {"state": DeliveryState.CLEARED, "handed_at": None, "not_before": None}
            Delivery.objects.filter(pk=reminder.pk).update(**untouched)
            campaign.refresh_from_db()
            assert claimed(campaign, now=now) == [], why
            assert sum(sending.send_back(campaign, now=now).values()) == 1, why
            assert compose(campaign, now=now) == 0, why
        campaign.refresh_from_db()


def test_an_arm_that_is_held_back_is_never_reminded() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE], holder=a_holder(campaign, arm="control"))
    see_again(ONE)
    opened(campaign, WaveKind.REMINDER)
    Campaign.objects.update(arms={"letter": 1, "control": 1})
    campaign.refresh_from_db()
    assert compose(campaign, now=LATER) == 0
    Campaign.objects.update(arms={})
    campaign.refresh_from_db()
    assert compose(campaign, now=LATER) == 2
    Campaign.objects.update(arms={"letter": 1, "control": 1})
    assert claimed(campaign) == []
    assert sending.send_back(campaign, now=LATER) == {"control-arm": 1}


def test_a_second_reminder_wave_reminds_only_whom_the_first_did_not() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE])
    see_again(ONE)
    opened(campaign, WaveKind.REMINDER)
    compose(campaign, now=LATER)
    assert claimed(campaign) == ["reminder"]
    told(campaign, [TWO], "b@network.example", at=LATER)
    much_later = LATER + 60 * DAY
    opened(campaign, WaveKind.REMINDER, now=much_later)
    see_again(ONE, TWO, at=much_later)
    compose(campaign, now=much_later)
    mailboxes = Letter.objects.filter(kind="reminder").values_list("mailbox", flat=True)
    assert sorted(mailboxes) == [ABUSE, "b@network.example"]
    assert waves.later_wave(campaign, now=much_later).opens_at == much_later


def test_a_reminder_tells_what_is_new_after_what_remains() -> None:
    campaign = a_told_campaign()
    told(campaign, [TWO, THREE])
    Case.objects.filter(ip=TWO).update(state=CaseState.CLOSED)
    see_again(THREE)
    chosen_cases(campaign, [ONE], at=LATER)
    steps.open_update_wave(campaign, actor="user:x", now=LATER)
    opened(campaign, WaveKind.REMINDER)
    compose(campaign, now=LATER)
    assert claimed(campaign) == ["reminder"]
    rows = LetterCase.objects.filter(letter=written(WaveKind.REMINDER)).order_by("number")
    assert [(str(row.case.ip), row.number) for row in rows] == [(THREE, 2), (ONE, 3)]
    assert compose(campaign, now=LATER + 40 * DAY) == 0


def test_a_mailbox_is_never_written_to_in_two_waves_at_once() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE])
    chosen_cases(campaign, [TWO], at=LATER)
    steps.open_update_wave(campaign, actor="user:x", now=LATER)
    compose(campaign, now=LATER)
    assert written(WaveKind.UPDATE).delivery is not None
    see_again(ONE, TWO)
    opened(campaign, WaveKind.REMINDER)
    assert compose(campaign, now=LATER) == 0
    assert claimed(campaign) == ["update"]
    assert compose(campaign, now=LATER + 29 * DAY) == 0
    later = LATER + 30 * DAY
    see_again(ONE, at=later)
    compose(campaign, now=later)
    assert claimed(campaign, now=later) == ["reminder"]


def test_a_draft_follows_what_becomes_of_the_cases() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE, TWO])
    Campaign.objects.update(letters_per_hour=0)
    campaign.refresh_from_db()
    see_again(ONE, TWO)
    opened(campaign, WaveKind.REMINDER)
    compose(campaign, now=LATER)
    assert written(WaveKind.REMINDER).rows.count() == 2
    Case.objects.filter(ip=TWO).update(state=CaseState.CLOSED)
    compose(campaign, now=LATER)
    letter = written(WaveKind.REMINDER)
    assert letter.rows.count() == 1
    assert letter.told == [
        f"{case.pk}:{'closed' if str(case.ip) == TWO else 'remaining'}"
        for case in Case.objects.order_by("pk")
    ]


def test_what_another_contact_answers_for_now_is_not_told_any_more() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE, TWO])
    see_again(ONE, TWO)
    Choice.objects.filter(case__ip=TWO).update(superseded_at=LATER)
    opened(campaign, WaveKind.REMINDER)
    compose(campaign, now=LATER)
    letter = written(WaveKind.REMINDER)
    assert [row.split(":")[1] for row in letter.told] == ["remaining"]
    assert [str(row.case.ip) for row in letter.rows.all()] == [ONE]


def test_the_line_counts_what_a_reminder_wave_makes_ready() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE, TWO])
    see_again(ONE)
    assert steps.waiting(campaign, now=LATER).count() == 0
    opened(campaign, WaveKind.REMINDER)
    assert [str(one.case.ip) for one in steps.waiting(campaign, now=LATER)] == [ONE]
    compose(campaign, now=LATER)
    arrive(campaign, at=LATER)
    assert steps.waiting(campaign, now=LATER).count() == 0
