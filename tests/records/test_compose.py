"""Drafts and clearing: one letter per mailbox and wave, never about what is not right now."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
import threading
from datetime import timedelta
from typing import Any

import dkim
import pytest
from django.conf import settings
from django.db import connection
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign, Constituency, Exclusion, TimelineEntry, Wave
from openletter.campaigns.rules import CampaignState
from openletter.campaigns.steps import approve, go_on, verify_chain
from openletter.cases.models import Case, CaseLink
from openletter.cli import app
from openletter.contacts.models import Choice, Holder, Suppression
from openletter.evidence.models import Source
from openletter.letters import drafting, keys, library, steps, waves
from openletter.letters.gather import Pile, letter_facts
from openletter.letters.models import Delivery, HandedElsewhere, Letter, LetterCase, MailToken
from openletter.letters.rules.facts import LetterError, LetterFacts
from openletter.words import CaseState, DeliveryState, TokenPurpose, WaveKind, secret_hash
from tests.builders import NOW, a_partner, a_user
from tests.letter_builders import (
    ABUSE,
    a_campaign_with_wave,
    a_choice,
    a_holder,
    chosen_cases,
    text_of,
    the_letter,
)

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def planned(**changes: object) -> Campaign:
    """A campaign that writes drafts and lets none go."""
    return a_campaign_with_wave(state=CampaignState.PLANNED, **changes)


def run(campaign: Campaign, *, now=NOW, limit: int = 100) -> int:
    return steps.compose(campaign, now=now, limit=limit)


def hand_over(letter: Letter, *, at=NOW) -> None:
    """What the hand-over leaves behind."""
    Delivery.objects.filter(pk=letter.delivery_id).update(
        state=DeliveryState.ACCEPTED, handed_at=at
    )


# -- one letter ----------------------------------------------------------------------------------


def test_a_mailbox_gets_one_letter_with_all_its_cases() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1", "192.0.2.2", "2001:db8::3"])
    chosen_cases(campaign, ["198.51.100.1"], "other@network.example")
    assert run(campaign) == 4
    letter = the_letter()
    assert list(letter.rows.values_list("number", flat=True)) == [1, 2, 3]
    text = text_of(letter)
    for row in letter.rows.select_related("case"):
        assert str(row.case.ip) in text
        assert row.case.reference[:4] + "-" + row.case.reference[4:] in text
    assert "198.51.100.1" not in text
    assert letter.languages == ["nl", "en"]
    assert letter.wording_version == library.version(WaveKind.FIRST, ("nl", "en"))
    assert letter.partner == campaign.lead
    assert run(campaign) == 0
    assert not steps.choices_to_write_about(campaign, now=NOW).exists()


def test_secrets_stand_in_the_bytes_only_and_open_what_they_should() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1", "192.0.2.2"])
    run(campaign)
    letter = the_letter()
    message = email.message_from_bytes(bytes(letter.raw), policy=email.policy.SMTP)
    reply = re.search(r"reply\+([a-z2-7]{20})@reply\.", message["Reply-To"])[1]
    stop = re.search(r"/o/([a-z2-7]{20})>", message["List-Unsubscribe"])[1]
    bounce = re.fullmatch(r"b\+([a-z2-7]{20})@bounce\..*", letter.envelope_from)[1]
    kept = {token.purpose: bytes(token.token_hash) for token in letter.tokens.all()}
    assert kept == {
        TokenPurpose.REPLY: secret_hash(reply),
        TokenPurpose.STOP: secret_hash(stop),
        TokenPurpose.BOUNCE: secret_hash(bounce),
    }
    text = text_of(letter)
    (own,) = re.findall(r"/nl/l/([a-z2-7]{20})", text)
    assert bytes(letter.secret_hash) == secret_hash(own)
    printed = {secret_hash(secret) for secret in re.findall(r"/nl/c/([a-z2-7]{20})", text)}
    assert printed == {bytes(row.link.secret_hash) for row in letter.rows.all()}
    assert len(printed) == 2


def test_the_letter_is_signed_with_the_exercises_own_key() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"])
    run(campaign)
    zone = dict(
        keys.dns_records(settings.STATE / "keys", domain="campaign.example", selector=keys.EXERCISE)
    )

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return zone.get(name.decode().rstrip("."), "").encode()

    raw = bytes(the_letter().raw)
    assert b"s=exercise-ed25519;" in raw
    assert dkim.DKIM(raw).verify(idx=1, dnsfunc=look_up)


def test_the_product_is_named_as_it_introduces_itself_and_sources_as_their_terms_allow() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"])
    Source.objects.filter(id="wierhaven").update(terms={"redistribute": False})
    run(campaign)
    text = text_of(the_letter())
    assert '"ESMTP Postfix"' in text
    assert "mail.shop.example" not in text
    assert "Wierhaven relay list" in text
    assert "127.0.0.2" not in text
    Source.objects.update(terms={"redistribute": True})
    chosen_cases(campaign, ["192.0.2.2"], "b@network.example")
    Source.objects.update(terms={"redistribute": True})
    run(campaign)
    assert "Wierhaven relay list (127.0.0.2)" in text_of(the_letter("b@network.example"))


def test_a_mailbox_that_is_anybodys_provider_is_written_to_as_one() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"], reader="owner")
    chosen_cases(campaign, ["192.0.2.2"], reader="provider")
    run(campaign)
    assert the_letter().reader == "provider"


def test_the_envelope_names_an_international_domain_by_its_label() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"], "Abuse@Bücher.example")
    Choice.objects.update(mailbox="abuse@xn--bcher-kva.example")
    run(campaign)
    assert Letter.objects.get().recipient == "Abuse@xn--bcher-kva.example"


def test_a_language_without_a_wording_is_written_in_english() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"], languages=["hi", "en"])
    run(campaign)
    assert the_letter().languages == ["en"]


def test_the_participant_of_the_readers_country_vouches() -> None:
    campaign = planned()
    campaign.partners.add(a_partner("bravo", country="BE"))
    holder = a_holder(campaign)
    chosen_cases(campaign, ["192.0.2.1"], holder=holder)
    run(campaign)
    flat = " ".join(text_of(the_letter()).split())
    assert "In uw land doet Agency Alpha mee" in flat
    assert "Agency Bravo" in flat


@pytest.mark.parametrize(
    ("country", "says"),
    [
        ("BE", "In uw land doet Agency Bravo mee"),
        ("LU", "In uw land doet Agency Alpha mee"),
        ("DE", "Uit uw land doet niemand mee"),
    ],
)
def test_a_participant_answers_for_the_countries_of_its_constituency(country, says) -> None:
    campaign = planned()
    campaign.partners.add(a_partner("bravo", country="BE"))
    Constituency.objects.create(partner=campaign.lead, country="LU")
    holder = a_holder(campaign)
    Holder.objects.update(country=country)
    holder.refresh_from_db()
    chosen_cases(campaign, ["192.0.2.1"], holder=holder)
    run(campaign)
    assert says in " ".join(text_of(the_letter()).split())


def test_one_mailbox_that_cannot_be_written_to_does_not_stop_the_others() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"], "a b@network.example")
    chosen_cases(campaign, ["192.0.2.2"])
    assert run(campaign) == 1
    assert Letter.objects.get().mailbox == ABUSE
    assert run(campaign) == 0


def test_a_mailbox_that_the_journal_knows_a_letter_to_gets_no_second() -> None:
    """After a restore: the database forgot, the journal did not (contracts §1)."""
    campaign = planned()
    HandedElsewhere.objects.create(
        message_id="<x@campaign.example>", campaign=campaign.slug, kind=WaveKind.FIRST, at=NOW,
        mailbox_hash=hashlib.sha256(ABUSE.encode()).digest(),
    )  # fmt: skip
    chosen_cases(campaign, ["192.0.2.1"])
    chosen_cases(campaign, ["192.0.2.2"], "b@network.example")
    assert steps.choices_to_write_about(campaign, now=NOW).count() == 1
    assert run(campaign) == 1
    assert not Letter.objects.filter(mailbox=ABUSE).exists()


def test_a_stored_letter_can_be_shown(monkeypatch) -> None:
    campaign = planned()
    chosen_cases(campaign, [f"192.0.2.{n}" for n in range(60)])
    run(campaign)
    letter = the_letter()
    monkeypatch.setattr("openletter.shell.setup", lambda: None)
    printed = f"{letter.reference[:4]}-{letter.reference[4:]}"
    shown = CliRunner().invoke(app, ["letter", "show", printed])
    assert shown.exit_code == 0
    assert f"Subject: {letter.subject}" in shown.output
    assert "row,reference,ip" in shown.output
    raw = CliRunner().invoke(app, ["letter", "show", str(letter.pk), "--eml"])
    assert raw.stdout_bytes == bytes(letter.raw)
    assert CliRunner().invoke(app, ["letter", "show", "ZZZZ-ZZZZ"]).exit_code == 3


# -- drafts --------------------------------------------------------------------------------------


def test_a_new_case_joins_the_draft_and_the_old_one_leaves_no_trace() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"])
    run(campaign)
    before = the_letter()
    links = {bytes(link.secret_hash) for link in CaseLink.objects.all()}
    chosen_cases(campaign, ["192.0.2.2"])
    assert run(campaign) == 1
    after = the_letter()
    assert after.rows.count() == 2
    assert before.message_id != after.message_id
    assert not {bytes(link.secret_hash) for link in CaseLink.objects.all()} & links
    assert MailToken.objects.count() == 3
    assert CaseLink.objects.count() == 2


def test_what_is_no_longer_right_leaves_the_draft() -> None:
    campaign = planned()
    _, second = chosen_cases(campaign, ["192.0.2.1", "192.0.2.2"])
    run(campaign)
    Case.objects.filter(pk=second.case_id).update(state=CaseState.CLOSED)
    assert run(campaign) == 1
    assert [str(row.case.ip) for row in the_letter().rows.all()] == ["192.0.2.1"]
    Case.objects.update(state=CaseState.CLOSED)
    assert run(campaign) == 1
    assert not Letter.objects.exists()
    assert run(campaign) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda _: Case.objects.update(state=CaseState.ANNOUNCED_FIXED),
        lambda _: Case.objects.update(last_evidence_at=NOW - 8 * DAY),
        lambda _: Choice.objects.update(superseded_at=NOW),
        lambda _: Choice.objects.update(outcome=Choice.Outcome.NEEDS_PERSON),
        lambda _: Suppression.objects.create(
            mailbox=ABUSE, campaign=None, who="x", how="x", at=NOW
        ),
        lambda choice: Suppression.objects.create(
            mailbox=ABUSE, campaign=choice.case.campaign, who="x", how="x", at=NOW
        ),
        lambda _: Exclusion.objects.create(network="192.0.2.0/24", who="x", how="x", at=NOW),
        lambda _: (
            Wave.objects.update(closes_at=NOW + timedelta(seconds=1), opens_at=NOW)
            and Wave.objects.update(opens_at=NOW + HOUR, closes_at=None)
        ),
        lambda _: Campaign.objects.update(state=CampaignState.DRAFT),
    ],
)
def test_nobody_is_written_to_about_what_the_door_would_turn_away(change) -> None:
    campaign = a_campaign_with_wave()
    (choice,) = chosen_cases(campaign, ["192.0.2.1"])
    change(choice)
    campaign.refresh_from_db()
    assert not steps.choices_to_write_about(campaign, now=NOW).exists()
    assert run(campaign) == 0
    assert not Letter.objects.exists()


def test_an_arm_that_is_held_back_gets_no_letter() -> None:
    campaign = planned(arms={"letter": 1, "control": 1})
    chosen_cases(campaign, ["192.0.2.1"], holder=a_holder(campaign, "A", arm="control"))
    chosen_cases(campaign, ["192.0.2.2"], "b@network.example", holder=a_holder(campaign, "B"))
    assert run(campaign) == 1
    assert Letter.objects.get().mailbox == "b@network.example"


def test_a_real_letter_needs_approved_law_and_a_key() -> None:
    campaign = planned(exercise=False)
    cases = chosen_cases(campaign, ["8.8.8.8"], "abuse@network.test")
    assert run(campaign) == 0
    lead = campaign.lead
    lead.legal_text, lead.legal_approved_at = {"en": "Law."}, NOW
    lead.save()
    with pytest.raises(LetterError, match="no-signing-key"):
        run(campaign)
    keys.make(settings.STATE / "keys", selector=settings.DKIM_SELECTOR)
    assert run(campaign) == 1
    assert "Law." in text_of(Letter.objects.get())
    assert len(cases) == 1


# -- clearing ------------------------------------------------------------------------------------


def test_a_cleared_letter_is_one_delivery_of_the_same_bytes_and_is_never_touched_again() -> None:
    campaign = a_campaign_with_wave()
    chosen_cases(campaign, ["192.0.2.1"])
    assert run(campaign) == 2
    letter = the_letter()
    delivery = letter.delivery
    assert delivery.state == DeliveryState.CLEARED
    assert delivery.raw is None  # they stand once
    assert delivery.message_id == letter.message_id
    assert delivery.envelope_from == letter.envelope_from
    chosen_cases(campaign, ["192.0.2.2"])
    assert run(campaign, now=NOW + HOUR) == 0
    assert the_letter().pk == letter.pk


def test_drafts_wait_for_the_step_only_while_they_may_be_cleared() -> None:
    campaign = planned(letters_per_hour=1)
    chosen_cases(campaign, ["192.0.2.1", "192.0.2.2"])
    chosen_cases(campaign, ["198.51.100.1"], "other@network.example")
    assert steps.waiting(campaign, now=NOW).count() == 3
    run(campaign)
    assert steps.waiting(campaign, now=NOW).count() == 0
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.RUNNING)
    campaign.refresh_from_db()
    assert steps.waiting(campaign, now=NOW).count() == 3
    assert steps.clear(campaign, now=NOW, limit=10) == 1
    assert steps.waiting(campaign, now=NOW).count() == 0
    later = NOW + HOUR + timedelta(seconds=1)
    assert 0 < steps.waiting(campaign, now=later).count() < 3
    assert steps.clear(campaign, now=later, limit=10) == 1
    assert steps.waiting(campaign, now=later).count() == 0


def test_a_draft_that_grew_old_waits_to_be_written_anew() -> None:
    campaign = a_campaign_with_wave(state=CampaignState.RUNNING)
    chosen_cases(campaign, ["192.0.2.1"])
    steps._write(campaign, now=NOW, limit=10)
    assert steps.waiting(campaign, now=NOW + 2 * DAY).count() == 1


def test_letters_leave_at_the_campaigns_pace() -> None:
    campaign = a_campaign_with_wave(letters_per_hour=2)
    for number in range(5):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number}@network.example")
    run(campaign)
    assert Delivery.objects.count() == 2
    run(campaign, now=NOW + HOUR / 2)
    assert Delivery.objects.count() == 2
    run(campaign, now=NOW + HOUR)
    assert Delivery.objects.count() == 4


def test_after_the_first_letters_the_campaign_waits_for_a_person() -> None:
    campaign = a_campaign_with_wave(first_batch=2)
    for number in range(4):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number}@network.example")
    while run(campaign):
        pass
    assert Delivery.objects.count() == 2
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.RUNNING  # the first two may still leave
    Delivery.objects.update(state=DeliveryState.ACCEPTED, handed_at=NOW)
    assert run(campaign) == 0
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.WAITING
    assert run(campaign) == 0
    user = a_user("approver", partner=campaign.lead, role="approver")
    go_on(campaign, user=user, now=NOW)
    assert run(campaign) == 2
    assert Delivery.objects.count() == 4


def test_fewer_letters_than_the_first_batch_wait_for_nobody() -> None:
    campaign = a_campaign_with_wave(first_batch=2)
    for number in range(2):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number}@network.example")
    run(campaign)
    Delivery.objects.update(state=DeliveryState.ACCEPTED, handed_at=NOW)
    run(campaign)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.RUNNING


@pytest.mark.parametrize(
    "stop",
    [{"state": CampaignState.WAITING}, {"paused_at": NOW}, {"state": CampaignState.FINISHED}],
)
def test_nothing_is_cleared_while_the_campaign_does_not_run(stop) -> None:
    campaign = a_campaign_with_wave(**stop)
    chosen_cases(campaign, ["192.0.2.1"])
    run(campaign)
    assert not Delivery.objects.exists()


def test_a_draft_that_grew_old_is_written_anew_before_it_leaves() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"])
    run(campaign)
    before = the_letter()
    approve(
        campaign, user=a_user("a", partner=campaign.lead, role="approver"), what="start", now=NOW
    )
    Campaign.objects.update(state=CampaignState.RUNNING)
    campaign.refresh_from_db()
    assert run(campaign, now=NOW + DAY) == 2
    after = the_letter()
    assert after.message_id != before.message_id
    assert after.composed_at == NOW + DAY
    assert after.delivery is not None


def test_a_changed_wording_is_not_cleared_as_it_was() -> None:
    campaign = planned()
    chosen_cases(campaign, ["192.0.2.1"])
    run(campaign)
    Letter.objects.update(wording_version="first-of-yesterday")
    assert run(campaign) == 1
    assert the_letter().wording_version == library.version(WaveKind.FIRST, ("nl", "en"))


def test_a_letter_in_three_languages_is_written_once_and_cleared() -> None:
    campaign = a_campaign_with_wave(state=CampaignState.RUNNING)
    chosen_cases(campaign, ["192.0.2.1"])
    Choice.objects.update(languages=["nl", "fr", "en"])
    assert run(campaign) > 0
    letter = the_letter()
    assert letter.languages == ["nl", "fr", "en"]
    assert letter.delivery is not None
    assert run(campaign, now=NOW + HOUR) == 0


# -- waves ---------------------------------------------------------------------------------------


def test_later_cases_wait_for_an_update_that_keeps_its_distance_and_lists_new_ones_only() -> None:
    campaign = a_campaign_with_wave(door_fresh_days=90)
    chosen_cases(campaign, ["192.0.2.1", "192.0.2.2"])
    run(campaign)
    first = the_letter()
    hand_over(first)
    Case.objects.filter(ip="192.0.2.2").update(state=CaseState.CLOSED)
    later = chosen_cases(campaign, ["192.0.2.3"], at=NOW + DAY)
    assert run(campaign, now=NOW + 31 * DAY) == 0
    wave = steps.open_update_wave(campaign, actor="user:x", now=NOW + 7 * DAY)
    assert run(campaign, now=NOW + 29 * DAY) == 0
    assert run(campaign, now=NOW + 30 * DAY) == 2
    update = Letter.objects.get(wave=wave)
    assert [row.choice for row in update.rows.all()] == later
    message = email.message_from_bytes(bytes(update.raw), policy=email.policy.SMTP)
    assert message["In-Reply-To"] == message["References"] == first.message_id
    flat = " ".join(text_of(update).split())
    assert re.search(r"Gesloten 1 \(Nr\. 2\) .* 1 \(Nr\. 1\) Nieuw 1 \(Nr\. 3\)", flat)
    assert "192.0.2.1" not in flat.split()
    assert run(campaign, now=NOW + 30 * DAY) == 0


def test_a_mailbox_that_never_had_a_letter_gets_a_first_one_in_an_update_wave() -> None:
    campaign = a_campaign_with_wave()
    Wave.objects.update(closes_at=NOW + HOUR)
    steps.open_update_wave(campaign, actor="user:x", now=NOW + HOUR)
    chosen_cases(campaign, ["192.0.2.1"])
    assert run(campaign, now=NOW + HOUR) == 2
    assert the_letter().wording_version.startswith("first-")


def test_a_bounce_leads_to_the_next_mailbox_in_the_same_wave_and_never_back() -> None:
    campaign = a_campaign_with_wave()
    (choice,) = chosen_cases(campaign, ["192.0.2.1"])
    run(campaign)
    hand_over(the_letter())
    choice.superseded_at = NOW
    choice.save()
    a_choice(choice.case, "next@network.example")
    assert run(campaign) == 2
    assert the_letter("next@network.example").delivery is not None
    Choice.objects.update(superseded_at=NOW)
    a_choice(choice.case, ABUSE)
    assert run(campaign) == 0
    assert Letter.objects.count() == 2


def test_an_update_wave_is_opened_in_a_running_campaign_only() -> None:
    with pytest.raises(LetterError, match="campaign-not-running"):
        steps.open_update_wave(planned(), actor="user:x", now=NOW)


def test_a_second_update_wave_closes_the_first() -> None:
    campaign = a_campaign_with_wave()
    one = steps.open_update_wave(campaign, actor="user:x", now=NOW)
    two = steps.open_update_wave(campaign, actor="user:x", now=NOW + DAY)
    one.refresh_from_db()
    assert (one.closes_at, two.closes_at) == (NOW + DAY, None)
    assert [wave.kind for wave in waves.open_waves(campaign, now=NOW + DAY)] == ["first", "update"]


# -- many ----------------------------------------------------------------------------------------


def test_812_addresses_are_one_letter_and_each_row_opens_one_case() -> None:
    campaign = planned()
    addresses = [f"198.51.100.{n % 256}" if n < 256 else f"2001:db8::{n:x}" for n in range(812)]
    chosen_cases(campaign, addresses)
    assert run(campaign) == 812
    letter = the_letter()
    message = email.message_from_bytes(bytes(letter.raw), policy=email.policy.SMTP)
    (table,) = message.iter_attachments()
    rows = table.get_payload(decode=True).decode().splitlines()[1:]
    assert len(rows) == 812
    secrets = [re.search(r"/c/([a-z2-7]{20})$", row)[1] for row in rows]
    opened = {bytes(link.secret_hash): link.case_id for link in CaseLink.objects.all()}
    assert len({opened[secret_hash(secret)] for secret in secrets}) == 812
    for row in letter.rows.select_related("case")[:50]:
        own = rows[row.number - 1]
        assert str(row.case.ip) in own
        assert own.count("/c/") == 1


def test_the_database_is_asked_a_bounded_number_of_times(django_assert_max_num_queries) -> None:
    campaign = planned()
    for number in range(60):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number}@network.example")
    with django_assert_max_num_queries(56):
        assert run(campaign) == 60


def test_a_batch_is_bounded() -> None:
    campaign = planned()
    for number in range(5):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number}@network.example")
    assert run(campaign, limit=2) == 2
    assert Letter.objects.count() == 2


def test_every_letter_is_traced_and_the_chain_holds() -> None:
    campaign = a_campaign_with_wave()
    (choice,) = chosen_cases(campaign, ["192.0.2.1"])
    run(campaign)
    letter = the_letter()
    composed = TimelineEntry.objects.get(subject=f"letter:{letter.pk}", action="composed")
    assert composed.after["wording"] == letter.wording_version
    assert composed.after["find"] == ["1"]
    assert TimelineEntry.objects.filter(
        subject=f"case:{choice.case_id}", action="letter-cleared"
    ).exists()
    assert verify_chain(campaign.pk) is None


@pytest.mark.django_db(transaction=True)
def test_two_composers_at_once_write_one_letter_a_mailbox() -> None:
    campaign = a_campaign_with_wave()
    for number in range(12):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number % 6}@network.example")
    failed: list[BaseException] = []

    def worker() -> None:
        try:
            while run(campaign, limit=3):
                pass
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert Letter.objects.count() == Delivery.objects.count() == 6
    assert LetterCase.objects.count() == 12


def test_mailboxes_that_cannot_be_written_to_hold_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many there are, and however long they have waited."""
    campaign = planned()
    for number in range(5):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number}@network.example")

    def facts(pile: Pile, **others: Any) -> LetterFacts:
        if pile.mailbox < "a4":
            raise LetterError("no-fit", "made up")
        return letter_facts(pile, **others)

    monkeypatch.setattr(drafting, "letter_facts", facts)
    assert steps.compose(campaign, now=NOW, limit=2) == 1
    assert Letter.objects.get().mailbox == "a4@network.example"
    assert steps.compose(campaign, now=NOW, limit=2) == 0
