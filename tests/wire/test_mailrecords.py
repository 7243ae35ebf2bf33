"""DKIM key records and DMARC records as others publish them, and as nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire.mailrecords import Dmarc, RecordError, is_dmarc, read_dmarc, read_key


def test_a_key_with_everything() -> None:
    read = read_key(
        b"v=DKIM1; k=ed25519; h=sha1 : SHA256; s=email; t=y:s; n=a note; p= AA\r\n AA ;"
    )
    assert (read.kind, read.octets, read.hashes) == ("ed25519", b"\0\0\0", ("sha1", "sha256"))
    assert read.flags == {"y", "s"}
    assert read.may_sign_letters


def test_a_key_of_few_words() -> None:
    read = read_key(b"p=AAAA")
    assert (read.kind, read.services, read.may_sign_letters) == ("rsa", ("*",), True)
    assert read_key(b"v=DKIM1; p=").octets == b""
    assert not read_key(b"p=AAAA; s=tlsrpt").may_sign_letters
    assert not read_key(b"p=AAAA; h=sha1").may_sign_letters


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=DKIM1",
        "k=rsa; v=DKIM1; p=AAAA",
        "v=DKIM2; p=AAAA",
        "p=AAAA; p=AAAA",
        "p=!",
        "p",
        "=x",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(RecordError):
        read_key(text.encode())


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("v=DMARC1; p=none", Dmarc(policy="none", below="none")),
        ("v = DMARC1 ; p = Reject ; sp=quarantine;", Dmarc(policy="reject", below="quarantine")),
        ("v=DMARC1; p=reject; adkim=s; aspf=S; pct=50; fo=1; x=y; rua=mailto:a@b.example, https://x",
         Dmarc(policy="reject", below="reject", strict_dkim=True, strict_spf=True,
               reports=("mailto:a@b.example",))),
        ("v=DMARC1; p=whatever; rua=mailto:a@b.example",
         Dmarc(policy="none", below="none", reports=("mailto:a@b.example",))),
    ],
)  # fmt: skip
def test_policies(text: str, read: Dmarc) -> None:
    assert read_dmarc(text.encode()) == read


@pytest.mark.parametrize(
    "text", ["v=DMARC1", "v=DMARC1; p=x", "v=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC1; p"]
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(RecordError):
        read_dmarc(text.encode())


@given(st.binary(max_size=300))
def test_nothing_else_is_raised(noise: bytes) -> None:
    for read in (read_key, read_dmarc):
        for text in (noise, b"v=DMARC1; " + noise, b"v=DKIM1; p=" + noise):
            is_dmarc(text)
            try:
                read(text)
            except RecordError:
                continue


def test_long_texts_take_no_time() -> None:
    for text in (b"p=" + b" " * 7_000 + b"!", b"v=DMARC1;" + b"a=;" * 2_000, b" " * 9_000):
        with pytest.raises(RecordError):
            read_key(text)
