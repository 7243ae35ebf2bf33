"""Mail that somebody hostile wrote is read within bounds and never raises."""

from __future__ import annotations

import codecs
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.wire.mime import NO_CHARSETS, Limits, parse_content_type, read_mail, strip_tags

PLAIN = b"From: a@example.net\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n\r\nhello\r\nworld\r\n"


def test_headers_are_decoded_and_lines_are_unix() -> None:
    mail = read_mail(PLAIN)
    assert mail.get("Subject") == "café"
    assert mail.text == "hello\nworld\n"


def test_envelope_line_and_blank_lines_are_not_headers() -> None:
    assert read_mail(b"\r\n\r\nFrom x Mon Jan  1\r\n" + PLAIN).get("from") == "a@example.net"


def test_base64_and_quoted_printable_are_decoded() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\n"
        b"aGFsbG8=\n--b\nContent-Type: text/plain; charset=iso-8859-1\n"
        b"Content-Transfer-Encoding: quoted-printable\n\ncaf=E9\n--b--\nepilogue"
    )
    assert [part.text.strip() for part in read_mail(raw).parts] == ["hallo", "café"]


def test_nesting_without_end_is_cut() -> None:
    raw = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)
    )
    start = time.perf_counter()
    mail = read_mail(raw)
    assert "depth-cut" in mail.problems
    assert time.perf_counter() - start < 2


def test_thousands_of_parts_are_cut() -> None:
    mail = read_mail(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000)
    assert len(mail.parts) <= Limits().parts
    assert "parts-cut" in mail.problems


def test_headers_are_cut_at_their_limit() -> None:
    mail = read_mail(b"A: b\n" + b"X: " + b"y" * 400_000 + b"\n\ntext")
    assert "headers-cut" in mail.problems
    assert mail.get("a") == "b"


def test_an_attached_message_is_told_apart_from_the_mails_own_text() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nown\n--b\n"
        b"Content-Type: message/rfc822\n\nSubject: inner\n\nreturned\n--b--\n"
    )
    mail = read_mail(raw)
    assert mail.text.strip() == "own"
    assert next(p for p in mail.parts if p.content_type == "message/rfc822").headers == (
        ("subject", "inner"),
    )


def test_a_boundary_that_was_lost_is_found_again() -> None:
    raw = b'Content-Type: multipart/report; boundary="other"\n\n--real\nContent-Type: text/plain\n\nx\n'
    assert read_mail(raw).text.strip() == "x"


def test_charsets_that_are_no_charsets_do_no_harm() -> None:
    for name in (b"zip", b"idna", b"punycode", b"unicode_escape", b"no-such", b"rot13"):
        raw = b"Content-Type: text/plain; charset=" + name + b"\n\n" + b"a" * 1000
        assert read_mail(raw).text == "a" * 1000


def test_content_type_parameters_in_quotes_and_pieces() -> None:
    kind, params = parse_content_type('Multipart/Mixed; boundary*0="a\\"b"; charset=x')
    assert (kind, params["boundary"], params["charset"]) == ("multipart/mixed", 'a"b', "x")


def test_html_becomes_lines() -> None:
    assert strip_tags("<style>x</style>a<br>b &amp; c<script>evil()</script>").split() == [
        "a", "b", "&", "c",
    ]  # fmt: skip


FRAGMENTS = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\n", b"\n", b"\r\n", b"--b\n", b"--b--\n",
        b"Content-Type: message/rfc822\n", b"Content-Transfer-Encoding: base64\n", b"=?utf-8?b?/w==?=",
        b"Subject: =?x?q?=ZZ?=\n", b"From: <>\n", b"\x00\xff\n", b"charset*0=", b"; charset=utf-7\n",
        b"Content-Type: text/html\n", b"aGk=\n", b"Final-Recipient: rfc822;a@b.test\n", b"Action: failed\n",
    ]
)  # fmt: skip


@given(st.lists(FRAGMENTS | st.binary(max_size=40), max_size=60).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_nothing_raises(raw: bytes) -> None:
    mail = read_mail(raw)
    assert isinstance(mail.text, str)
    assert sum(len(part.body) for part in mail.parts) <= max(len(raw), 1024) * 10


def test_html_is_read_where_there_is_no_text() -> None:
    assert read_mail(b"Content-Type: text/html\n\n<p>Hallo</p>").text.strip() == "Hallo"


def test_what_decodes_beyond_its_budget_is_cut() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nabc\n--b\n\ndef\n--b--\n"
    mail = read_mail(raw, Limits(decoded_factor=0))
    assert "decoded-cut" in mail.problems


def test_broken_words_and_charsets_stay_readable() -> None:
    assert read_mail(b"Subject: =?utf-8?b?abc?=\n\n").get("subject") != ""
    raw = b"Content-Type: text/plain; charset=utf-16\n\n\x00\xd8"
    assert isinstance(read_mail(raw).text, str)


def test_parts_beyond_the_limit_are_not_read_in_nested_ones_either() -> None:
    inner = b"Content-Type: multipart/mixed; boundary=c\n\n" + b"--c\n\nx\n" * 60
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n" + inner) * 3
    mail = read_mail(raw)
    assert "parts-cut" in mail.problems
    assert len(mail.parts) <= Limits().parts


@pytest.mark.parametrize("name", ["unicode_escape", "raw-unicode-escape", "idna", "punycode"])
def test_pythons_own_notations_are_no_character_sets(name: str) -> None:
    """They warn, or raise, on what a stranger wrote; the text is guessed instead."""
    assert codecs.lookup(name).name in NO_CHARSETS
