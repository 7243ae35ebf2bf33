"""A partner approves a wording before it leaves in its name; a changed one waits anew."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from typer.testing import CliRunner

from openletter.campaigns import founding
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.cli import app
from openletter.contacts import teams
from openletter.contacts.team_rows import CsirtReview
from openletter.letters import approvals, keys, library, sending, steps
from openletter.letters.models import Letter, WordingApproval
from openletter.letters.plan import plan_of
from openletter.letters.rules.facts import LetterError
from openletter.letters.vouching import vouchers_of
from openletter.words import Reader, WaveKind
from tests.builders import NOW, a_partner, a_user
from tests.letter_builders import a_holder, chosen_cases, text_of
from tests.wave_builders import (
    LATER,
    a_told_campaign,
    arrive,
    claimed,
    compose,
    opened,
    see_again,
    written,
)

pytestmark = pytest.mark.django_db
FIRST = WaveKind.FIRST


@pytest.fixture
def campaign() -> Campaign:
    """A real campaign with approved law, keys, and one letter to write."""
    made = a_told_campaign(exercise=False, first_batch=10_000)
    made.lead.legal_text, made.lead.legal_approved_at = {"en": "Law.", "nl": "Recht."}, NOW
    made.lead.save()
    keys.make(settings.STATE / "keys", selector=settings.DKIM_SELECTOR)
    chosen_cases(made, ["8.8.8.8"], "abuse@net1.nl")
    return made


def approve(campaign: Campaign, *languages: str) -> None:
    user = a_user("counsel", partner=campaign.lead, role="approver")
    for tag in languages:
        read = approvals.version(FIRST, tag)
        approvals.approve(campaign.lead, FIRST, tag, read=read, user=user, now=NOW)


def told(campaign: Campaign) -> list[tuple[str, str, int]]:
    plan = plan_of(campaign, now=NOW)
    return [(one.kind, one.language, one.letters) for one in plan.unapproved]


def test_a_real_letter_waits_with_a_reason_until_every_language_is_approved(
    campaign: Campaign,
) -> None:
    compose(campaign, now=NOW)
    assert Letter.objects.get().delivery is None
    assert told(campaign) == [("first", "en", 1), ("first", "nl", 1)]
    assert approvals.letters_held(campaign) == 1
    assert steps.waiting(campaign, now=NOW).count() == 0
    approve(campaign, "nl")
    assert compose(campaign, now=NOW) == 0
    assert told(campaign) == [("first", "en", 1)]
    approve(campaign, "en")
    assert steps.waiting(campaign, now=NOW).count() == 1
    assert compose(campaign, now=NOW) == 1
    assert told(campaign) == []
    assert claimed(campaign, now=NOW) == ["first"]


def test_another_partners_approval_is_none(campaign: Campaign) -> None:
    other = a_partner("bravo", country="BE", exercise=False)
    campaign.partners.add(other)
    user = a_user("theirs", partner=other, role="approver")
    for tag in ("en", "nl"):
        read = approvals.version(FIRST, tag)
        with pytest.raises(LetterError, match="no-right"):
            approvals.approve(campaign.lead, FIRST, tag, read=read, user=user, now=NOW)
        approvals.approve(other, FIRST, tag, read=read, user=user, now=NOW)
    compose(campaign, now=NOW)
    assert Letter.objects.get().delivery is None


def test_a_changed_wording_makes_the_approval_void(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(campaign, "en", "nl")
    real = library.version
    monkeypatch.setattr(
        library, "version",
        lambda kind, tags: real(kind, tags) + ("x" if "nl" in tags else ""),
    )  # fmt: skip
    compose(campaign, now=NOW)
    assert told(campaign) == [("first", "nl", 1)]
    user = a_user("counsel", partner=campaign.lead, role="approver")
    with pytest.raises(LetterError, match="wording-changed"):
        approvals.approve(
            campaign.lead, FIRST, "nl", read=f"nl-{real(FIRST, ('nl',))}", user=user, now=NOW
        )


def test_lines_of_law_that_changed_since_are_in_no_letter_that_leaves(campaign: Campaign) -> None:
    approve(campaign, "en", "nl")
    compose(campaign, now=NOW)
    user = a_user("head", partner=campaign.lead, role="administrator")
    founding.write_law(campaign.lead, language="en", text="Other.", user=user, now=NOW)
    assert claimed(campaign, now=NOW) == []
    assert sending.send_back(campaign, now=NOW) == {"law-not-approved": 1}
    assert compose(campaign, now=NOW) == 0, "nobody has approved the new lines"
    later = NOW + timedelta(hours=1)
    founding.approve_law(campaign.lead, user=user, now=later)
    compose(campaign, now=later)
    assert claimed(campaign, now=later) == ["first"]
    assert "Other." in text_of(Letter.objects.get())


def test_a_draft_with_lines_of_law_that_changed_since_is_written_anew(campaign: Campaign) -> None:
    compose(campaign, now=NOW)
    user = a_user("head", partner=campaign.lead, role="administrator")
    later = NOW + timedelta(hours=1)
    founding.write_law(campaign.lead, language="en", text="Other.", user=user, now=later)
    founding.approve_law(campaign.lead, user=user, now=later)
    approve(campaign, "en", "nl")
    compose(campaign, now=later)
    assert "Other." in text_of(Letter.objects.get())
    assert claimed(campaign, now=later) == ["first"]


def test_an_approval_that_is_taken_back_stops_what_was_cleared(campaign: Campaign) -> None:
    approve(campaign, "en", "nl")
    compose(campaign, now=NOW)
    user = a_user("counsel", partner=campaign.lead, role="approver")
    assert approvals.take_back(campaign.lead, FIRST, "nl", user=user, now=NOW) == 1
    assert approvals.take_back(campaign.lead, FIRST, "nl", user=user, now=NOW) == 0
    assert claimed(campaign, now=NOW) == []
    assert sending.send_back(campaign, now=NOW) == {"wording-not-approved": 1}
    compose(campaign, now=NOW)
    assert told(campaign) == [("first", "nl", 1)]
    actions = TimelineEntry.objects.filter(subject=f"partner:{campaign.lead_id}")
    assert [entry.action for entry in actions.order_by("pk")] == [
        "wording-approved", "wording-approved", "wording-approval-taken-back",
    ]  # fmt: skip


def test_an_exercise_needs_no_approval() -> None:
    exercise = a_told_campaign()
    chosen_cases(exercise, ["192.0.2.1"])
    assert compose(exercise, now=NOW) == 2
    assert plan_of(exercise, now=NOW).unapproved == []


def test_the_desk_shows_the_letter_and_approves_the_version_that_was_read(
    campaign: Campaign,
) -> None:
    browser = Client()
    browser.force_login(a_user("counsel", partner=campaign.lead, role="approver"))
    where = {"slug": campaign.lead.slug, "kind": "first", "language": "nl"}
    page = browser.get(reverse("desk:wording", kwargs=where)).content.decode()
    version = approvals.version(FIRST, "nl")
    assert version in page
    assert "Recht." in page
    assert "Geachte" in page
    verb = reverse("desk:approve-wording", kwargs=where)
    browser.post(verb, {"version": "nl-first-of-yesterday"})
    assert not WordingApproval.objects.exists()
    browser.post(verb, {"version": version})
    row = WordingApproval.objects.get()
    assert (row.by, row.kind, row.language, row.version) == ("counsel", "first", "nl", version)
    compose(campaign, now=NOW)
    shown = browser.get(reverse("desk:campaign", kwargs={"slug": campaign.slug})).content.decode()
    assert reverse("desk:wording", kwargs=where | {"language": "en"}) in shown


def test_the_command_lists_shows_and_approves(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openletter.shell.setup", lambda: None)
    run = CliRunner()
    slug = campaign.lead.slug
    a_user("counsel", partner=campaign.lead, role="approver")
    a_user("looks", partner=campaign.lead, role="handler")
    asked = ["wording", "approve", slug, "--kind", "first", "--lang", "all", "--by"]
    assert run.invoke(app, [*asked, "looks"]).exit_code == 2
    assert run.invoke(app, [*asked, "counsel"]).exit_code == 0
    listed = run.invoke(app, ["wording", "list", slug, "--json"]).stdout.splitlines()
    rows = [json.loads(line) for line in listed]
    approved = {row["kind"] for row in rows if row["approved_by"] == "counsel"}
    assert approved == {"first"}
    assert len(rows) == len(library.kinds()) * len(library.languages())
    shown = run.invoke(app, ["wording", "show", slug, "--kind", "closing", "--lang", "nl"])
    assert approvals.version(WaveKind.CLOSING, "nl") in shown.stdout
    back = ["wording", "take-back", slug, "--kind", "first", "--lang", "nl", "--by", "counsel"]
    assert "1 approvals taken back" in run.invoke(app, back).stdout
    assert run.invoke(app, ["wording", "show", slug, "--lang", "tlh"]).exit_code == 2


# -- whom the reader can ask ---------------------------------------------------------------------


def test_only_a_signed_national_team_is_named_where_no_partner_answers(
    campaign: Campaign,
) -> None:
    assert "DE" in teams.table()
    assert vouchers_of(campaign).responder("DE") == ""
    team = teams.table()["DE"]
    CsirtReview.objects.create(
        country="DE", digest=team.digest, team=team.as_json(), by="x", at=NOW
    )
    vouchers = vouchers_of(campaign)
    assert vouchers.responder("DE") == team.name
    assert vouchers.authority("DE", writer=campaign.lead_id) == ""
    assert vouchers.authority("NL", writer=campaign.lead_id) == campaign.lead.name
    assert vouchers.authority("", writer=campaign.lead_id) == ""
    CsirtReview.objects.update(digest=b"0" * 32)
    assert vouchers_of(campaign).responder("DE") == ""


def test_the_letter_names_partner_team_or_nobody(campaign: Campaign) -> None:
    team = teams.table()["DE"]
    CsirtReview.objects.create(
        country="DE", digest=team.digest, team=team.as_json(), by="x", at=NOW
    )
    for number, country in enumerate(("NL", "DE", "FR"), start=1):
        holder = a_holder(campaign, country)
        holder.country = country
        holder.save()
        chosen_cases(campaign, [f"9.9.9.{number}"], f"{country}@net1.nl", holder=holder)
    compose(campaign, now=NOW)
    says = {
        letter.country: " ".join(text_of(letter).split())
        for letter in Letter.objects.exclude(mailbox="abuse@net1.nl")
    }
    assert f"In uw land doet {campaign.lead.name} mee" in says["NL"]
    assert team.name in says["DE"]
    assert team.name not in says["FR"]
    assert all("Uit uw land doet niemand mee" in says[country] for country in ("DE", "FR"))


def test_nobody_is_named_for_a_reader_whose_cases_lie_in_two_countries(campaign: Campaign) -> None:
    holder = a_holder(campaign, "FR")
    holder.country = "FR"
    holder.save()
    chosen_cases(campaign, ["9.9.9.1"], "noc@net1.nl", holder=a_holder(campaign, "NL"))
    chosen_cases(campaign, ["9.9.9.2"], "noc@net1.nl", holder=holder)
    compose(campaign, now=NOW)
    says = " ".join(text_of(Letter.objects.get(mailbox="noc@net1.nl")).split())
    assert "In uw land doet" not in says
    assert f"In your country, {campaign.lead.name}" not in says


def test_texts_for_passing_on_need_an_approval_of_the_first_letters_wording() -> None:
    made = a_told_campaign()
    chosen_cases(made, ["192.0.2.1", "192.0.2.2"], reader=Reader.PROVIDER)
    compose(made, now=NOW)
    arrive(made, at=NOW)
    see_again("192.0.2.1", "192.0.2.2")
    opened(made, WaveKind.REMINDER)
    compose(made, now=LATER)
    letter = written(WaveKind.REMINDER)
    assert b"openletter-" in bytes(letter.raw)
    for kind in (WaveKind.REMINDER, FIRST):
        for tag in letter.languages:
            assert approvals.version(kind, tag) in letter.wordings
