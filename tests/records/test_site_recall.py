"""What holders are told when a case was our mistake: on their pages, and where letters are checked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from openletter.evidence.models import Observation, Source
from openletter.letters import recall
from openletter.site import genuine
from tests.builders import NOW
from tests.site_builders import Held, a_letter, a_running_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genuine, "SECONDS", 0)


def wronged(held: Held, *, cases: int = 1) -> None:
    """What one source said of the letter's first addresses is taken back."""
    addresses = [case.ip for case in held.cases[:cases]]
    rows = Observation.objects.filter(source="wierhaven", ip__in=addresses)
    made, _ = recall.withdraw(
        recall.Scope(
            source=Source.objects.get(pk="wierhaven"), exercise=held.letter.campaign,
            since=NOW - timedelta(days=9), rows=tuple(rows.values_list("pk", flat=True)),
        ),
        reason="internal words", by="user:x", now=NOW,
    )  # fmt: skip
    assert made.counts["campaigns"][held.letter.campaign.slug]["cases_our_mistake"] == cases


def page(client: Client, name: str, *arguments: str, language: str = "en") -> str:
    with override(language):
        address = reverse(f"site:{name}", args=arguments)
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_page_of_a_case_says_that_we_were_wrong_and_are_sorry(client: Client) -> None:
    held = a_letter(a_running_campaign())
    wronged(held)
    for name, secret in (("case", held.case_secrets[0]), ("letter", held.secret)):
        shown = page(client, name, secret)
        assert "This was our mistake. What Wierhaven relay list said" in shown
        assert "We are sorry for the trouble" in shown
        assert "internal words" not in shown
        assert "It is fixed" not in shown
        assert "What is wrong" not in shown
        dutch = page(client, name, secret, language="nl")
        assert "Dit was onze fout" in dutch
    assert "We were wrong about this address" in page(client, "case", held.case_secrets[0])


def test_a_letter_about_several_says_which_of_them_were_our_mistake(client: Client) -> None:
    held = a_letter(a_running_campaign(), count=3)
    wronged(held, cases=2)
    shown = page(client, "letter", held.secret)
    assert "What we wrote about 2 of these addresses was our mistake" in shown
    assert shown.count("our mistake</span>") == 2
    right = page(client, "letter-case", held.secret, held.cases[2].reference)
    assert "our mistake" not in right


def test_whoever_checks_a_letter_is_told_too(client: Client) -> None:
    held = a_letter(a_running_campaign())
    typed = {"reference": held.cases[0].reference, "address": str(held.cases[0].ip)}
    with override("en"):
        address = reverse("site:genuine")
    before = client.post(address, typed).content.decode()
    assert "was our mistake" not in before
    wronged(held)
    after = client.post(address, typed).content.decode()
    assert "What it says about this address was our mistake" in after
