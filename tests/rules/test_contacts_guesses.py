"""Guesses say that they are guesses, and are never at somebody's own box."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from openletter.contacts.rules.candidates import Tier
from openletter.contacts.rules.covered import is_covered
from openletter.contacts.rules.decide import Rung
from openletter.contacts.rules.guesses import candidates_of_guess, is_pattern
from openletter.contacts.rules.refuse import Refusal
from openletter.wire.guessed import Guessed

HOST = Guessed(
    about="192.0.2.9", name="mail.provider.net", zone="provider.net",
    rname="hostmaster@provider.net", mail=("provider.net",),
    security_contacts=("security@provider.net",),
    security_url="https://provider.net/.well-known/security.txt",
)  # fmt: skip


def shown(found: Guessed, **how: bool) -> list[tuple[str, str, str | None]]:
    return [(each.address, each.source, each.refused) for each in candidates_of_guess(found, **how)]


def test_the_order_is_security_txt_then_soa_then_aliases() -> None:
    every = candidates_of_guess(HOST)
    assert [(each.address, each.source) for each in every] == [
        ("security@provider.net", "security.txt"), ("hostmaster@provider.net", "soa"),
        ("abuse@provider.net", "rdns"), ("postmaster@provider.net", "rdns"),
    ]  # fmt: skip
    assert {each.tier for each in every} == {Tier.GUESS}
    assert [each.weight for each in every] == sorted(each.weight for each in every)
    assert every[0].reason.code == "contact-guess"


def test_another_collections_word_is_a_tier_of_its_own() -> None:
    found = replace(
        HOST, second_opinion=("abuse@isp.net, noc@isp.net",), second_opinion_zone="zone.net"
    )
    every = candidates_of_guess(found)
    assert [each.address for each in every[:2]] == ["abuse@isp.net", "noc@isp.net"]
    assert {each.tier for each in every[:2]} == {Tier.SECOND_OPINION}
    assert every[0].object == "zone.net"


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("removed@lacnic.net", Refusal.REDACTED), ("hostmaster@ripe.net", Refusal.REGISTRY_MAILBOX),
        ("no-reply@isp.net", Refusal.NO_REPLY), ("abuse@example.com", Refusal.PLACEHOLDER),
        ("nonsense", Refusal.NOT_ADDR_SPEC), ("DATA REDACTED", Refusal.REDACTED),
        ("a@isp.net\r\nBcc: b@isp.net", Refusal.CONTROL_CHARACTER),
    ],
)  # fmt: skip
def test_what_registries_refuse_is_refused_here(value: str, refused: Refusal) -> None:
    found = Guessed(about="192.0.2.9", second_opinion=(value,), second_opinion_zone="zone.net")
    (only,) = candidates_of_guess(found)
    assert only.refused == refused
    assert only.tier is Tier.NOT_CHOSEN


def test_somebodys_own_box_is_no_guess() -> None:
    found = replace(HOST, rname="jan.jansen@provider.net", security_contacts=())
    assert shown(found)[0] == ("jan.jansen@provider.net", "soa", "person")


def test_a_domain_that_takes_no_mail_is_not_written_to() -> None:
    assert shown(replace(HOST, mail=(), security_contacts=())) == []
    elsewhere = replace(HOST, rname="dns@hoster.net", security_contacts=())
    assert [each for each, *_ in shown(elsewhere)] == [
        "abuse@provider.net",
        "postmaster@provider.net",
    ]


def test_a_moving_addresses_own_name_is_somebodys_today() -> None:
    assert shown(HOST, is_moving=True) == []
    pool = replace(HOST, name="192-0-2-9.pool.provider.net")
    assert len(shown(pool, is_moving=True)) == 4


@pytest.mark.parametrize(
    ("name", "address", "yes"),
    [
        ("192-0-2-9.dsl.provider.net", "192.0.2.9", True), ("h9.2.0.192.provider.net", "192.0.2.9", True),
        ("c0000209.provider.net", "192.0.2.9", True), ("192000002009.x.net", "192.0.2.9", True),
        ("mail.provider.net", "192.0.2.9", False), ("home2.jansen.net", "192.0.2.9", False),
        ("host-9.provider.net", "192.0.2.9", False), ("", "192.0.2.9", False),
        ("2001-db8-0-0-0-0-0-9.x.net", "2001:db8::9", False),
        ("20010db8000000000000000000000009.x.net", "2001:db8::9", True),
    ],
)  # fmt: skip
def test_a_name_made_from_its_address(name: str, address: str, *, yes: bool) -> None:
    assert is_pattern(name, ip_address(address)) is yes


def rung(first: str, last: str, **more: object) -> Rung:
    found = Guessed(about=first, second_opinion=("abuse@isp.net",), second_opinion_zone="z.net")
    (candidate,) = candidates_of_guess(found)
    base = Rung(
        first=ip_address(first), last=ip_address(last), level=0,
        candidates=(replace(candidate, tier=Tier.ABUSE_BOX),),
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def test_covered_is_what_a_registry_names_somebody_for() -> None:
    named = rung("192.0.2.0", "192.0.2.255")
    assert is_covered([named])
    assert not is_covered([])
    assert not is_covered([replace(named, is_delegation=True)])
    assert not is_covered([replace(named, candidates=())])
    assert not is_covered([rung("0.0.0.0", "255.255.255.255")])
    assert is_covered([replace(named, candidates=()), rung("192.0.0.0", "192.0.255.255")])
    for candidate in (
        replace(named.candidates[0], refused=Refusal.PERSON),
        replace(named.candidates[0], tier=Tier.GUESS),
    ):
        assert not is_covered([replace(named, candidates=(candidate,))])


@pytest.mark.parametrize(
    ("box", "refused"),
    [
        ("abuse@victim.nl", Refusal.OTHER_ROLE), ("abuse@notprovider.net", Refusal.OTHER_ROLE),
        ("abuse@desk.provider.net", None), ("abuse@PROVIDER.net", None),
    ],
)  # fmt: skip
def test_a_zone_can_name_no_box_of_another_house(box: str, refused: Refusal | None) -> None:
    domain = box.rpartition("@")[2]
    found = replace(HOST, rname="", security_contacts=(box,))
    assert candidates_of_guess(found)[0].refused is refused
    found = replace(HOST, rname=box.lower(), mail=("provider.net", domain), security_contacts=())
    assert candidates_of_guess(found)[0].refused is refused
