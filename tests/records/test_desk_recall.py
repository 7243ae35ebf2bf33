"""A withdrawal on the desk: looked at, made, approved or undone, by those who may."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import Settings
from django.test import Client
from django.urls import reverse

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import MemberRole
from openletter.evidence.models import Withdrawal
from openletter.letters.models import Correction
from openletter.words import CaseState
from tests.builders import NOW, a_partner
from tests.desk_builders import a_member
from tests.letter_builders import ABUSE
from tests.records.recall_builders import WRONG, ZONE, a_world, sent, the_case, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def campaign(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    monkeypatch.setattr("openletter.campaigns.clock.now", lambda _campaign: NOW)
    made = a_world(tmp_path)
    sent(made)
    return made


def browser(campaign: Campaign, role: MemberRole = MemberRole.APPROVER) -> Client:
    opened = Client()
    opened.force_login(a_member(role, campaign.lead))
    return opened


def asked(campaign: Campaign) -> dict[str, str]:
    return {
        "source": ZONE, "world": campaign.slug, "since": "2026-03-01 00:00:00",
        "until": "2026-03-03 00:00:00",
    }  # fmt: skip


def page(opened: Client, name: str, **parts: object) -> str:
    return opened.get(reverse(f"desk:{name}", kwargs=parts or None)).content.decode()


def test_a_look_a_withdrawal_and_its_approval(campaign: Campaign) -> None:
    opened = browser(campaign)
    shown = opened.get(reverse("desk:withdrawal-preview"), asked(campaign)).content.decode()
    assert WRONG in shown
    assert "cases that were our mistake" in shown
    assert not Withdrawal.objects.exists()
    opened.post(reverse("desk:take-back"), asked(campaign) | {"because": "a wrong scan"})
    made = Withdrawal.objects.get()
    assert (made.by, made.reason) == ("user:approver-alpha", "a wrong scan")
    about = page(opened, "withdrawal", pk=made.pk)
    assert ABUSE in about
    assert f"Ingetrokken: Open HTTP-proxy: {WRONG}" in about
    assert "Approve the corrections" in about
    case_page = page(opened, "case", reference=the_case().reference)
    assert "Our mistake" in case_page
    assert "a wrong scan" in case_page
    opened.post(
        reverse("desk:approve-correction", kwargs={"pk": made.pk}), {"campaign": campaign.slug}
    )
    assert Correction.objects.get().approved_by == "approver-alpha"
    approved = page(opened, "withdrawal", pk=made.pk)
    assert "Undo the withdrawal" not in approved
    opened.post(reverse("desk:restore", kwargs={"pk": made.pk}))
    assert the_case().state == CaseState.WITHDRAWN


def test_undone_before_anybody_approved(campaign: Campaign) -> None:
    made = withdraw(campaign)
    opened = browser(campaign)
    assert "Undo the withdrawal" in page(opened, "withdrawal", pk=made.pk)
    opened.post(reverse("desk:restore", kwargs={"pk": made.pk}))
    assert the_case().state == CaseState.OPEN
    assert "restored" in page(opened, "withdrawals")


def test_without_a_reason_or_a_world_nothing_is_taken_back(campaign: Campaign) -> None:
    opened = browser(campaign)
    opened.post(reverse("desk:take-back"), asked(campaign) | {"because": " "})
    opened.post(reverse("desk:take-back"), asked(campaign) | {"because": "x", "world": "real"})
    opened.post(reverse("desk:take-back"), asked(campaign) | {"because": "x", "since": "tuesday"})
    assert not Withdrawal.objects.exists()


def test_nobody_outside_sees_that_anything_was_taken_back(campaign: Campaign) -> None:
    made = withdraw(campaign)
    stranger = Client()
    stranger.force_login(a_member(MemberRole.ADMINISTRATOR, a_partner("outside", country="FR")))
    assert stranger.get(reverse("desk:withdrawal", kwargs={"pk": made.pk})).status_code == 404
    assert "a wrong" not in page(stranger, "withdrawals")
    handler = browser(campaign, MemberRole.HANDLER)
    assert "Approve the corrections" not in page(handler, "withdrawal", pk=made.pk)


def test_whoever_wants_no_letters_is_shown_to_be_told_otherwise(campaign: Campaign) -> None:
    from openletter.contacts import steps as contacts

    made = withdraw(campaign)
    contacts.suppress(ABUSE, campaign=campaign, actor="holder", how="mail", now=NOW)
    assert "tell it otherwise" in page(browser(campaign), "withdrawal", pk=made.pk)
