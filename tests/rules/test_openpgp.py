"""OpenPGP/MIME: the letter inside is the one that leaves without it, and DKIM covers the whole."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openletter.letters import preview
from openletter.letters.rules import message
from openletter.letters.rules.facts import LetterError, LetterFacts
from openletter.letters.rules.message import Unsigned
from openletter.letters.rules.openpgp import PgpKey, enclosed, holds
from openletter.words import Reader
from tests.letter_samples import a_case_of, addressing, some_facts, written

KEYS = preview.fresh_keys()
ZONE = {f"{key.dns_name()}.".encode(): key.dns_record().encode() for key in KEYS}
PGP = PgpKey(private=Ed25519PrivateKey.generate(), created=1_700_000_000, user="A <a@b.example>")


def letter_of(facts: LetterFacts | None = None) -> Unsigned:
    facts = facts or some_facts()
    return message.unsigned(written(facts), addressing(languages=facts.languages))


def signed(letter: Unsigned, key: PgpKey = PGP) -> Unsigned:
    return enclosed(letter, lambda octets: key.signed(octets, at=letter.at))


def parsed(raw: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("languages", [("nl", "en"), ("ja", "en"), ("ar", "en")])
def test_the_letter_inside_is_the_letter(number, languages) -> None:
    rows = [a_case_of(f"192.0.2.{n}") for n in range(1, number + 1)]
    letter = letter_of(some_facts(rows, reader=Reader.PROVIDER, languages=languages))
    plain, outer = parsed(letter.sign(KEYS).raw), parsed(signed(letter).sign(KEYS).raw)
    assert outer.get_content_type() == "multipart/signed"
    assert outer.get_param("micalg") == "pgp-sha512"
    assert outer.get_param("protocol") == "application/pgp-signature"
    inner, signature = outer.iter_parts()
    assert signature.get_content_type() == "application/pgp-signature"
    assert [part.get_content_type() for part in inner.walk()] == [
        part.get_content_type() for part in plain.walk()
    ]
    for ours, theirs in zip(inner.walk(), plain.walk(), strict=True):
        if not ours.is_multipart():
            assert ours.get_content() == theirs.get_content()
    own = ("content-type", "content-transfer-encoding", "dkim-signature")
    assert [(k, v) for k, v in outer.items() if k.lower() not in own] == [
        (k, v) for k, v in plain.items() if k.lower() not in own
    ]


def test_both_dkim_signatures_hold_over_the_whole() -> None:
    raw = signed(letter_of()).sign(KEYS).raw
    for index in range(len(KEYS)):
        assert dkim.DKIM(raw).verify(idx=index, dnsfunc=lambda name, **_: ZONE[name])
    broken = dkim.DKIM(raw.replace(b"-----BEGIN PGP", b"-----BEGIN XGP"))
    with pytest.raises(dkim.ValidationError):
        broken.verify(idx=0, dnsfunc=lambda name, **_: ZONE[name])


@pytest.mark.parametrize(
    "body", [b"blank \r\n", b"tab\t\r\n", b"From here\r\n", b"caf\xc3\xa9\r\n", b"bare\nline\r\n"]
)
def test_what_a_relay_may_change_is_not_signed(body) -> None:
    with pytest.raises(LetterError):
        signed(replace(letter_of(), body=body))


def test_a_published_key_is_told_from_another() -> None:
    other = replace(PGP, private=Ed25519PrivateKey.generate())
    assert holds(PGP.public().encode(), PGP)
    assert holds(PGP.public().replace("\n", "\r\n").encode(), PGP)
    assert not holds(PGP.public().encode(), other)
    assert not holds(PGP.public().encode(), replace(PGP, created=PGP.created + 1))
    assert not holds(b"\xff\x00", PGP)
    assert not holds(b"", PGP)
