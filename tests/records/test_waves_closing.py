"""Closing letters: once, at the end, only where the campaign allows them, and right to the row."""

from __future__ import annotations

from datetime import timedelta

import pytest

from openletter.campaigns.models import Exclusion
from openletter.cases.models import Case
from openletter.contacts import graces
from openletter.contacts.models import Choice, Suppression
from openletter.letters import sending, steps
from openletter.letters.models import Delivery, Letter
from openletter.letters.rules.facts import LetterError
from openletter.words import CaseState, DeliveryState, WaveKind
from tests.builders import NOW
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
OTHER = "other@network.example"


def test_it_tells_how_every_case_stands_by_the_numbers_of_the_first_letter() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE, TWO, THREE])
    told(campaign, ["198.51.100.7"], OTHER)
    Case.objects.filter(ip=TWO).update(state=CaseState.CLOSED)
    Case.objects.filter(ip=THREE).update(
        state=CaseState.ANNOUNCED_FIXED, announced_until=LATER - DAY
    )
    opened(campaign, WaveKind.CLOSING)
    compose(campaign, now=LATER)
    letter = written(WaveKind.CLOSING)
    rows = [(str(row.case.ip), row.number) for row in letter.rows.order_by("pk")]
    assert rows == [(TWO, 2), (THREE, 3), (ONE, 1)]
    flat = " ".join(text_of(letter).split())
    assert "198.51.100.7" not in flat
    assert "Gesloten 1 (Nr. 2)" in flat
    assert [flat.index(ip) for ip in (TWO, THREE, ONE)] == sorted(
        flat.index(ip) for ip in (ONE, TWO, THREE)
    )
    assert "swaks" not in flat
    assert claimed(campaign) == ["closing", "closing"]
    assert letter.thread == written(WaveKind.FIRST).message_id
    assert compose(campaign, now=LATER + 90 * DAY) == 0


def test_it_ends_every_other_wave_and_is_opened_once() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE])
    steps.open_update_wave(campaign, actor="user:x", now=LATER)
    opened(campaign, WaveKind.REMINDER)
    opened(campaign, WaveKind.CLOSING)
    live = campaign.waves.filter(closes_at=None)
    assert [wave.kind for wave in live] == [WaveKind.CLOSING]
    chosen_cases(campaign, ["203.0.113.5"], "new@network.example", at=LATER)
    see_again(ONE)
    compose(campaign, now=LATER + DAY)
    assert set(Letter.objects.values_list("kind", flat=True)) == {"first", "closing"}
    for kind in (WaveKind.CLOSING, WaveKind.REMINDER, WaveKind.UPDATE):
        with pytest.raises(LetterError, match="campaign-closing"):
            opened(campaign, kind, now=LATER + DAY)


def test_a_letter_of_a_wave_that_ended_is_not_sent_any_more() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE])
    see_again(ONE)
    opened(campaign, WaveKind.REMINDER)
    compose(campaign, now=LATER)
    opened(campaign, WaveKind.CLOSING, now=LATER + timedelta(seconds=1))
    after = LATER + timedelta(seconds=2)
    assert claimed(campaign, now=after) == []
    assert sending.send_back(campaign, now=after) == {"wave-closed": 1}
    compose(campaign, now=after)
    assert claimed(campaign, now=after) == ["closing"]


CHANGES = {
    "told-changed": lambda _: Case.objects.filter(ip=ONE).update(state=CaseState.CLOSED),
    "given-time": lambda campaign: graces.give(
        ABUSE, campaign=campaign, until=LATER + 9 * DAY, actor="user:x", now=LATER
    ),
    "suppressed": lambda campaign: Suppression.objects.create(
        mailbox=ABUSE, campaign=campaign, who="x", how="x", at=NOW
    ),
    "letter-bounced": lambda _: Delivery.objects.filter(handed_at=NOW).update(
        state=DeliveryState.BOUNCED
    ),
    "fate-unknown": lambda _: Delivery.objects.filter(handed_at=NOW).update(
        state=DeliveryState.UNKNOWN
    ),
    "excluded": lambda _: Exclusion.objects.create(network=f"{ONE}/32", who="x", how="x", at=NOW),
    "choice-changed": lambda _: Choice.objects.filter(case__ip=ONE).update(superseded_at=NOW),
    "closing-letters-off": lambda campaign: type(campaign).objects.update(closing_letters=False),
    "control-arm": lambda campaign: type(campaign).objects.update(arms={"letter": 1, "held": 1}),
}


def test_whoever_must_get_none_gets_none_even_when_it_was_cleared() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE], holder=a_holder(campaign, arm="held"))
    opened(campaign, WaveKind.CLOSING)
    compose(campaign, now=LATER)
    with what_if():
        assert claimed(campaign) == ["closing"]
    for reason, change in CHANGES.items():
        with what_if():
            change(campaign)
            campaign.refresh_from_db()
            assert claimed(campaign) == [], reason
            assert sending.send_back(campaign, now=LATER) == {reason: 1}
            rewritten = compose(campaign, now=LATER)
            assert bool(rewritten) == (reason == "told-changed"), reason
        campaign.refresh_from_db()


def test_nobody_who_was_told_nothing_gets_one() -> None:
    campaign = a_told_campaign()
    told(campaign, [ONE])
    told(campaign, [TWO], OTHER)
    Delivery.objects.filter(mailbox=OTHER).update(state=DeliveryState.BOUNCED)
    chosen_cases(campaign, [THREE], "never@network.example")
    opened(campaign, WaveKind.CLOSING)
    compose(campaign, now=LATER)
    arrive(campaign, at=LATER)
    mailboxes = Letter.objects.filter(kind="closing").values_list("mailbox", flat=True)
    assert list(mailboxes) == [ABUSE]
