"""A letter's files by one request with its link's secret: its own rows, as they stand now."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.test import Client

from openletter.cases.models import Case
from openletter.evidence.models import Finding, Source
from openletter.letters import approvals
from openletter.letters.models import Letter, WordingApproval
from openletter.wire import xarf4
from openletter.words import CaseState, FindingState, Reader, WaveKind, print_reference
from tests.builders import NOW
from tests.site_builders import Held, a_letter, a_running_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> Held:
    return a_letter(a_running_campaign(), count=12)


def asked(secret: str) -> object:
    return Client().get(f"/nl/l/{secret}/all/files.zip")


def files_of(held: Held) -> dict[str, str]:
    response = asked(held.secret)
    assert response.status_code == 200
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_one_request_brings_table_reports_and_a_text_for_every_case(held: Held) -> None:
    files = files_of(held)
    table, reports, *texts = files
    assert files[table].count("\r\n") == 13
    told = json.loads(files[reports])
    assert [xarf4.fault_of(report) for report in told] == [None] * 12
    assert texts == [f"openletter-{case.reference.lower()}.txt" for case in held.cases]


def test_a_text_is_about_one_case_with_the_link_that_was_printed(held: Held) -> None:
    files = files_of(held)
    for case, secret in zip(held.cases, held.case_secrets, strict=True):
        text = files[f"openletter-{case.reference.lower()}.txt"]
        assert str(case.ip) in text
        assert f"/nl/c/{secret}" in text
        for other, its in zip(held.cases, held.case_secrets, strict=True):
            if other is not case:
                assert its not in text
                assert print_reference(other.reference) not in text
        for own in (held.secret, held.stop, print_reference(held.letter.reference)):
            assert own not in text
        assert held.letter.mailbox not in text


def test_nobody_keeps_it_and_no_other_door_opens_it(held: Held) -> None:
    response = asked(held.secret)
    assert response.headers["Cache-Control"] == "no-store, private"
    assert "noindex" in response.headers["X-Robots-Tag"]
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Content-Disposition"].startswith("attachment")
    for secret in (held.case_secrets[0], held.stop, "a" * 20):
        assert asked(secret).status_code == 404
    assert Client().post(f"/nl/l/{held.secret}/all/files.zip").status_code == 405
    other = a_letter(held.letter.campaign, mailbox="other@duinwijk.example", net="2001:db8:1::{}")
    assert str(other.cases[0].ip) not in "".join(files_of(held).values())


def test_what_is_closed_or_was_our_mistake_is_passed_on_no_more(held: Held) -> None:
    closed, mistaken = held.cases[0], held.cases[1]
    Case.objects.filter(pk=closed.pk).update(state=CaseState.CLOSED)
    Case.objects.filter(pk=mistaken.pk).update(state=CaseState.WITHDRAWN)
    files = files_of(held)
    assert len(files) == 2 + 10
    for case in (closed, mistaken):
        assert print_reference(case.reference) not in "".join(files.values())
    numbers = [line.split(",")[0] for line in next(iter(files.values())).splitlines()[1:]]
    assert numbers == [str(number) for number in range(3, 13)], "a case keeps its number"
    Case.objects.update(state=CaseState.CLOSED)
    assert asked(held.secret).status_code == 302


def test_what_the_evidence_no_longer_calls_open_is_passed_on_no_more(held: Held) -> None:
    turned, short = held.cases[0], held.cases[1]
    Finding.objects.filter(pk=turned.finding_id).update(state=FindingState.SUSPECTED)
    Case.objects.filter(pk=short.pk).update(falls_short=True)
    files = files_of(held)
    assert len(files) == 2 + 10
    for case in (turned, short):
        assert print_reference(case.reference) not in "".join(files.values())


def test_what_a_source_no_longer_lets_us_tell_is_not_told(held: Held) -> None:
    assert "Nachtlamp" in "".join(files_of(held).values())
    Source.objects.filter(pk="nachtlamp").update(terms={"to_holder": "nothing"})
    assert "Nachtlamp" not in "".join(files_of(held).values())


@pytest.mark.parametrize(
    "changes", [{"reader": Reader.OWNER}, {"kind": WaveKind.CLOSING}, {"kind": WaveKind.CORRECTION}]
)
def test_only_desks_are_offered_files_and_only_of_what_is_open(held: Held, changes) -> None:
    page = Client().get(f"/nl/l/{held.secret}").content.decode()
    assert "files.zip" in page
    Letter.objects.update(**changes)
    assert asked(held.secret).status_code == 404
    assert "files.zip" not in Client().get(f"/nl/l/{held.secret}").content.decode()


def test_in_a_partners_name_only_texts_that_it_approved() -> None:
    held = a_letter(
        a_running_campaign(exercise=False), count=2, mailbox="a@net1.nl", net="2a00:1::{}"
    )
    law = {"legal_text": {"en": "Law.", "nl": "Wet."}, "legal_approved_at": NOW}
    for name, value in law.items():
        setattr(held.letter.partner, name, value)
    held.letter.partner.save()
    assert [name.rpartition(".")[2] for name in files_of(held)] == ["csv", "json"]
    for tag in ("nl", "en"):
        WordingApproval.objects.create(
            partner=held.letter.partner, kind=WaveKind.FIRST, language=tag, by="x", at=NOW,
            version=approvals.version(WaveKind.FIRST, tag),
        )  # fmt: skip
    assert len(files_of(held)) == 4
