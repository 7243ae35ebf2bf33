"""A partner's key signs its real letters; without one they are what they were."""

from __future__ import annotations

import email
from pathlib import Path

import pytest
from django.conf import LazySettings
from typer.testing import CliRunner

from openletter.campaigns.models import Campaign
from openletter.cli import app
from openletter.letters import keys, pgpkeys, steps
from openletter.letters.models import Letter
from openletter.letters.rules.facts import LetterError
from tests.builders import NOW
from tests.letter_builders import a_campaign_with_wave, chosen_cases

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(settings: LazySettings, tmp_path: Path) -> Campaign:
    settings.STATE = tmp_path
    keys.make(tmp_path / "keys", selector=settings.DKIM_SELECTOR)
    campaign = a_campaign_with_wave(exercise=False)
    campaign.lead.legal_text, campaign.lead.legal_approved_at = {"en": "Law."}, NOW
    campaign.lead.save()
    chosen_cases(campaign, ["8.8.8.8"], "a@net1.nl")
    return campaign


def kind_of_letter(campaign: Campaign) -> str:
    steps.compose(campaign, now=NOW, limit=10)
    raw = bytes(Letter.objects.get().raw)
    return email.message_from_bytes(raw).get_content_type()


def make(campaign: Campaign, settings: LazySettings, passphrase: str = "") -> None:
    folder = Path(settings.STATE) / "keys"
    pgpkeys.make(folder, campaign.lead, passphrase=passphrase, created=1_700_000_000)


def test_a_partner_without_a_key_signs_nothing(campaign: Campaign) -> None:
    assert kind_of_letter(campaign) != "multipart/signed"


def test_a_partners_key_signs_its_real_letters(campaign: Campaign, settings) -> None:
    settings.OPENPGP_PASSPHRASE = "correct horse"
    make(campaign, settings, "correct horse")
    path = pgpkeys.path_of(settings.STATE / "keys", campaign.lead)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"ENCRYPTED" in path.read_bytes()
    assert kind_of_letter(campaign) == "multipart/signed"


def test_a_key_that_does_not_open_lets_no_letter_go_unsigned(campaign: Campaign, settings) -> None:
    make(campaign, settings, "correct horse")
    steps.compose(campaign, now=NOW, limit=10)
    assert not Letter.objects.exists()


def test_a_key_is_never_replaced_and_an_invented_partner_has_none(campaign, settings) -> None:
    make(campaign, settings)
    with pytest.raises(LetterError, match="openpgp-key-exists"):
        make(campaign, settings)
    campaign.lead.exercise = True
    with pytest.raises(LetterError, match="openpgp-exercise"):
        make(campaign, settings)


def test_the_commands_make_show_check_and_drop(campaign: Campaign, tmp_path: Path) -> None:
    slug = campaign.lead.slug

    def run(*words: str) -> tuple[int, str]:
        told = CliRunner().invoke(app, ["keys", *words])
        return told.exit_code, told.stdout

    assert run("openpgp-show", slug)[0] != 0
    assert run("openpgp-new", slug)[0] == 0
    code, public = run("openpgp-show", slug)
    published = tmp_path / "published.asc"
    published.write_text(public[public.index("-----BEGIN") :])
    assert code == 0
    assert run("openpgp-check", slug, str(published))[0] == 0
    published.write_text("nothing")
    assert run("openpgp-check", slug, str(published))[0] == 1
    assert run("openpgp-drop", slug)[0] != 0
    assert run("openpgp-drop", slug, "--yes")[0] == 0
    assert run("openpgp-show", slug)[0] != 0
