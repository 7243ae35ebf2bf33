"""Is this letter genuine? One right answer, one wrong answer, and limits on guessing."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from openletter.campaigns import clock
from openletter.cases.models import WrongTry
from openletter.contacts.team_rows import CsirtReview
from openletter.letters.models import Letter
from openletter.site import genuine, limits
from openletter.words import DeliveryState, new_reference, print_reference
from tests.site_builders import Held, a_letter, a_running_campaign

pytestmark = pytest.mark.django_db
PATH = "/en/genuine"


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(genuine.time, "sleep", waited.append)
    return waited


@pytest.fixture
def held() -> Held:
    return a_letter(a_running_campaign(), count=2)


def ask(client: Client, reference: str, address: object, **more: object) -> object:
    return client.post(PATH, {"reference": reference, "address": str(address)}, **more)


def test_reference_and_address_together_prove_a_letter(client: Client, held: Held) -> None:
    case = held.cases[0]
    for typed in (case.reference, print_reference(case.reference).lower(), held.letter.reference):
        response = ask(client, typed, case.ip)
        page = response.content.decode()
        assert response.status_code == 200
        assert "Yes, this letter is from us" in page
        assert "Sent to a•••@d•••.example on March 2, 2026 by Agency Alpha." in page
        assert "It is part of an exercise." in page
        assert held.letter.mailbox not in page
    assert not WrongTry.objects.exists()


@pytest.mark.parametrize("typed", ["[2001:db8::1]", " 2001:DB8:0::1 ", "[2001:db8::1]:25"])
def test_an_address_is_read_as_people_copy_it(client: Client, held: Held, typed: str) -> None:
    assert "Yes, this letter" in ask(client, held.cases[0].reference, typed).content.decode()


def test_every_wrong_answer_is_the_same_answer(
    client: Client, held: Held, without_waiting: list[float]
) -> None:
    mine, other = held.cases
    wrong = [
        (mine.reference, "2001:db8::99"),       # a reference that exists, another address
        (mine.reference, other.ip),             # both exist, not together
        (new_reference(), mine.ip),             # an address that exists, another reference
        ("AAAA-AAAA", mine.ip),                 # cannot be a reference
        (mine.reference, "<b>no address</b>"),  # cannot be an address
        ("7K3Q", "x"),
    ]  # fmt: skip
    answers = [ask(client, reference, address) for reference, address in wrong]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert len(without_waiting) == len(wrong)


def test_right_and_wrong_have_the_same_shape(client: Client, held: Held) -> None:
    right = ask(client, held.cases[0].reference, held.cases[0].ip)
    wrong = ask(client, held.cases[0].reference, "192.0.2.1")
    assert (right.status_code, right.headers.keys()) == (wrong.status_code, wrong.headers.keys())
    tags = [re.findall(r"<(h\d|form|input|section)", r.content.decode()) for r in (right, wrong)]
    assert tags[0] == tags[1]


def test_right_and_wrong_wait_until_the_same_moment(
    client: Client, held: Held, without_waiting: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter([0.0, 0.1, 0.0, 0.25])
    monkeypatch.setattr(genuine.time, "monotonic", lambda: next(ticks))
    ask(client, held.cases[0].reference, held.cases[0].ip)
    ask(client, held.cases[0].reference, "192.0.2.1")
    assert without_waiting == pytest.approx([genuine.SECONDS - 0.1, genuine.SECONDS - 0.25])


def test_what_is_missing_is_said_at_its_field(client: Client) -> None:
    page = ask(client, "", "192.0.2.1").content.decode()
    assert 'aria-describedby="reference-hint reference-fault"' in page
    assert 'value="192.0.2.1"' in page
    assert not WrongTry.objects.exists()


@pytest.mark.parametrize("state", [DeliveryState.CLEARED, DeliveryState.BOUNCED])
def test_a_letter_that_nobody_can_hold_is_unknown(client: Client, state: DeliveryState) -> None:
    held = a_letter(a_running_campaign(), state=state)
    page = ask(client, held.cases[0].reference, held.cases[0].ip).content.decode()
    assert "We do not know this letter" in page


# -- limits ------------------------------------------------------------------------------------------
def test_one_neighbourhood_may_try_ten_times_an_hour(client: Client, held: Held) -> None:
    for number in range(limits.PER_SOURCE):
        ask(client, new_reference(), "192.0.2.1", REMOTE_ADDR=f"198.51.100.{number}")
    over = ask(client, held.cases[0].reference, held.cases[0].ip, REMOTE_ADDR="198.51.100.200")
    assert over.status_code == 429
    assert over.headers["Retry-After"] == "3600"
    assert "Too many tries" in over.content.decode()
    elsewhere = ask(client, held.cases[0].reference, held.cases[0].ip, REMOTE_ADDR="203.0.113.9")
    assert elsewhere.status_code == 200


def test_one_reference_may_be_tried_ten_times_an_hour(client: Client, held: Held) -> None:
    case = held.cases[0]
    for number in range(limits.PER_REFERENCE):
        ask(client, case.reference, f"192.0.2.{number}", REMOTE_ADDR=f"2001:db8:{number}::1")
    typed = print_reference(case.reference).lower()
    assert ask(client, typed, case.ip, REMOTE_ADDR="2001:db8:ffff::1").status_code == 429


def test_all_together_have_a_limit_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IN_TOTAL", 3)
    codes = [
        ask(client, new_reference(), "192.0.2.1", REMOTE_ADDR=f"10.{number}.0.1").status_code
        for number in range(4)
    ]
    assert codes == [200, 200, 200, 429]


def test_a_limit_ends_and_a_try_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.wall()
    for number in range(limits.PER_SOURCE):
        limits.note(source="192.0.2.0/24", reference=str(number), now=now)

    def over(at: datetime) -> bool:
        return limits.is_over(source="192.0.2.0/24", reference="x", now=at)

    assert over(now)
    assert not over(now + timedelta(hours=1, seconds=1))
    limits.note(source="192.0.2.0/24", reference="x", now=now + timedelta(days=1, seconds=1))
    assert WrongTry.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.25", "192.0.2.0/24"),
        ("::ffff:192.0.2.25", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unknown"),
    ],
)
def test_a_source_is_a_neighbourhood(address: str, network: str) -> None:
    assert limits.neighbourhood(address) == network


def test_a_proxy_in_front_is_believed_only_if_it_is_there(client: Client, settings: object) -> None:
    forged = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.9.9.9, 203.0.113.7"}
    settings.BEHIND_PROXY = False
    ask(client, new_reference(), "192.0.2.1", **forged)
    settings.BEHIND_PROXY = True
    ask(client, new_reference(), "192.0.2.1", **forged)
    sources = set(WrongTry.objects.values_list("source", flat=True))
    assert sources == {"127.0.0.0/24", "203.0.113.0/24"}


@pytest.mark.parametrize(
    ("country", "says"),
    [
        ("NL", "In this country, Agency Alpha takes part"),
        ("DE", "You can ask its national response team, Invented Team"),
        ("FR", "Nobody from this country takes part. You can ask Agency Alpha"),
        ("", "Nobody from this country takes part. You can ask Agency Alpha"),
    ],
)
def test_it_names_whom_to_ask_as_the_letter_does(
    client: Client, held: Held, country: str, says: str
) -> None:
    team = {"country": "DE", "name": "Invented Team", "mailbox": "cert@invented.example"}
    CsirtReview.objects.create(
        exercise=held.letter.campaign, country="DE", digest=b"0" * 32, team=team, by="x",
        at=held.letter.composed_at,
    )  # fmt: skip
    Letter.objects.filter(pk=held.letter.pk).update(country=country)
    page = ask(client, held.letter.reference, held.cases[0].ip).content.decode()
    assert says in page
    assert ("Invented Team" in page) == (country == "DE")
