"""What the desk makes of bytes and words from outside: text, whatever they are."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from openletter.desk import openings, reading, reasons
from openletter.desk.templatetags import desk
from openletter.letters.skeletons import USUAL
from openletter.words import Reason


@given(st.binary(max_size=400))
def test_any_bytes_read_as_a_mail_of_some_sort(raw: bytes) -> None:
    mail = reading.read(raw)
    assert isinstance(mail.raw, str)
    assert isinstance(reading.inline_text(raw), str)


@given(
    st.sampled_from(["utf-8", "latin-1", "no-such-charset", "utf-16", "idna", "rot13", "unicode_escape", ""]),
    st.sampled_from(["7bit", "base64", "quoted-printable", "uuencode", "x-unknown"]),
    st.binary(max_size=80),
)  # fmt: skip
def test_no_charset_or_encoding_breaks_the_page(charset: str, encoding: str, body: bytes) -> None:
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    mail = reading.read(head.encode() + body)
    assert all(part.text is None or isinstance(part.text, str) for part in mail.parts)


def test_attachments_keep_their_name_and_multipart_is_read_leaf_by_leaf() -> None:
    raw = (
        b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/plain\n\nhello\n"
        b'--x\nContent-Type: text/csv\nContent-Disposition: attachment; filename="a.csv"\n\n1,2\n'
        b"--x\nContent-Type: image/png\n\n\x89PNG\n--x--\n"
    )
    parts = reading.read(raw).parts
    assert [(part.kind, part.name) for part in parts] == [
        ("text/plain", ""), ("text/csv", "a.csv"), ("image/png", ""),
    ]  # fmt: skip
    assert parts[2].text is None
    assert reading.inline_text(raw).strip() == "hello"


def test_a_letter_that_leaves_in_parts_is_one_text_and_its_files_stay_apart() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/plain\r\n\r\nBonjour\r\n\r\n"
        b"--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n\r\n"
        b"--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=b.txt\r\n"
        b"\r\npass it on\r\n--x--\r\n"
    )
    letter = reading.letter(raw)
    assert [(part.name, part.text) for part in letter.parts] == [
        ("", "Bonjour\r\n\nHello\r\n"), ("b.txt", "pass it on"),
    ]  # fmt: skip
    assert letter.parts[0].size == len("Bonjour\r\n") + len("Hello\r\n")
    assert reading.inline_text(raw) == "Bonjour\n\nHello\n"
    assert len(reading.read(raw).parts) == 3


@given(st.text(max_size=200))
def test_lines_from_outside_hold_nothing_unseen(text: str) -> None:
    shown = desk.plain_lines(text)
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [one for one in shown if one != "\n" and unicodedata.category(one) in hidden]


def test_before_and_after_read_as_words() -> None:
    assert desk.changes(None) == "–"
    told = desk.changes({"state": "open", "paused": False, "languages": ["nl", "en"], "queue": ""})
    assert told == "state open, paused no, languages nl en"


def test_a_reason_without_a_sentence_hides_nothing() -> None:
    assert reasons.told(Reason(code="no-such-code", values={"ip": "192.0.2.1"})) == (
        "no-such-code (ip 192.0.2.1)"
    )
    assert reasons.stored({"text": "by telephone"}) == "by telephone"
    assert reasons.stored("stale").startswith("The newest evidence")
    assert reasons.all_stored(None) == []


def test_an_answer_begins_in_the_language_of_whoever_wrote() -> None:
    said = {"partner": "Agency Alpha"}
    assert openings.text("closed-already", language="nl", **said).startswith("Dank u")
    assert openings.text("closed-already", language="tlh", **said).startswith("Thank you")
    assert "Agency Alpha" in openings.text("who-are-you", language="nl", **said)
    assert 'answer "stop"' in openings.text("too-often", language="", **said)
    assert openings.text("no-such-opening", language="nl", **said) == ""
    assert set(openings.NAMES) == set(USUAL)
