"""Our bytes mean what the standard library's mean: the same letter built and read by both.

And whatever strangers call themselves, no header, boundary or line of ours breaks.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from email.message import EmailMessage
from itertools import cycle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openletter.letters import library, preview
from openletter.letters.rules import parted
from openletter.letters.rules.attached import Attachment
from openletter.letters.rules.facts import LetterError, LetterFacts, Seen, one_line
from openletter.letters.rules.message import Addressing, build
from openletter.letters.rules.text import Written
from openletter.words import Reader, WaveKind
from tests.letter_samples import AT, EARLIER, a_case_of, addressing, some_facts, written

HEADERS = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
    "Auto-Submitted", "X-Auto-Response-Suppress", "List-Unsubscribe", "List-Unsubscribe-Post",
    "Feedback-ID", "Content-Language", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
]  # fmt: skip
READ = email.policy.SMTP
NEVER_FOLDED = email.policy.SMTP.clone(max_line_length=0)


def parsed(raw: bytes) -> EmailMessage:
    read = email.message_from_bytes(raw, policy=READ)
    assert isinstance(read, EmailMessage)
    assert not [defect for part in read.walk() for defect in part.defects]
    return read


def by_the_library(letter: Written, to: Addressing) -> EmailMessage:
    """The same letter, put together, written and read by the standard library alone."""
    mail = EmailMessage(policy=READ)
    mail["To"], mail["Reply-To"], mail["Subject"] = to.recipient, to.reply_to, letter.subject
    mail["Date"], mail["Message-ID"] = to.date, to.message_id
    if to.thread:
        mail["In-Reply-To"] = mail["References"] = to.thread
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail["List-Unsubscribe"] = f"<{to.stop_url}>, <mailto:{to.stop_mailto}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["Feedback-ID"] = to.feedback_id
    put_text(mail, parted.texts(letter.body, to.languages))
    for file in letter.files:
        media, *said = file.media.split("; ")
        main, sub = media.split("/")
        params = dict(one.split("=") for one in said) | {"name": file.name}
        mail.add_attachment(
            file.text.encode(), maintype=main, subtype=sub, filename=file.name, params=params
        )
    mail["Content-Language"] = ", ".join(to.languages)  # set_content takes all Content- fields away
    return parsed(mail.as_bytes(policy=NEVER_FOLDED))


def put_text(mail: EmailMessage, cut: Sequence[tuple[str, str]]) -> None:
    if len(cut) == 1:
        mail.set_content(cut[0][1], charset="utf-8", cte="base64")
        return
    mail["MIME-Version"] = "1.0"
    mail.make_mixed()
    for tags, text in cut:
        part = EmailMessage(policy=READ)
        part.set_content(text, charset="utf-8", cte="base64", disposition="inline")
        part["Content-Language"] = tags
        mail.attach(part)


def lines_of(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")


APART = {"content-transfer-encoding", "content-type", "content-disposition", "from"}
"""About the way of encoding; and From, because the library breaks the names it writes itself."""


def fields_of(mail: EmailMessage) -> list[tuple[str, str]]:
    named = ((name.lower(), str(value)) for name, value in mail.items())
    return sorted(field for field in named if field[0] not in APART)


def assert_same(ours: EmailMessage, theirs: EmailMessage) -> None:
    """Every header and every part's content."""
    assert fields_of(ours) == fields_of(theirs)
    assert [part.get_content_type() for part in ours.walk()] == [
        part.get_content_type() for part in theirs.walk()
    ]
    for mine, other in zip(leaves(ours), leaves(theirs), strict=True):
        assert mine.get_filename() == other.get_filename()
        assert mine.get_content_disposition() == other.get_content_disposition()
        assert mine.is_attachment() or mine["Content-Language"] == other["Content-Language"]
        assert mine.get_content_charset() == other.get_content_charset()
        text = mine.get_payload(decode=True).decode()
        assert lines_of(text) == lines_of(other.get_payload(decode=True).decode())


def leaves(mail: EmailMessage) -> Iterator[EmailMessage]:
    return (part for part in mail.walk() if not part.is_multipart())


def assert_unbroken(raw: bytes) -> None:
    """Lines that no relay changes, and no line end but CRLF."""
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert raw.isascii()
    assert b"\x00" not in raw
    head, _, body = raw.partition(b"\r\n\r\n")
    assert all(0 < len(line) <= 998 for line in head.split(b"\r\n"))
    for line in body.split(b"\r\n"):
        assert len(line) <= 78
        assert not line.startswith((b".", b"From ", b">From "))
        assert not line.endswith((b" ", b"\t"))


def assert_meant(letter: Written, to: Addressing) -> None:
    raw = build(letter, to, keys=()).raw
    read = parsed(raw)
    assert_unbroken(raw)
    assert read["Subject"] == letter.subject
    (sender,) = read["From"].addresses
    assert sender.addr_spec == to.sender_address
    # that parser leaves a space between two encoded words of a name, against RFC 2047 §6.2
    assert sender.display_name.replace(" ", "") == one_line(to.sender_name).replace(" ", "")
    expected = [
        name for name in HEADERS if name in read or name not in {"In-Reply-To", "References"}
    ]
    if read.is_multipart():
        expected.remove("Content-Transfer-Encoding")
    assert list(read.keys()) == expected
    inline = [part for part in leaves(read) if not part.is_attachment()]
    said = [lines_of(part.get_payload(decode=True).decode()) for part in inline]
    assert said == [lines_of(text) for _, text in parted.texts(letter.body, to.languages)]
    assert_same(read, by_the_library(letter, to))


def addressed(facts: LetterFacts) -> Addressing:
    thread = "<first@campaign.example>" if facts.earlier else ""
    return addressing(languages=facts.languages, sender_name=facts.campaign, thread=thread)


@pytest.mark.parametrize(
    ("language", "kind"), list(zip(library.languages(), cycle(library.kinds()), strict=False))
)
def test_every_language_means_the_same_to_both(language: str, kind: WaveKind) -> None:
    for reader, about in ((Reader.OWNER, "open-relay"), (Reader.PROVIDER, "several")):
        facts, letter = preview.written(
            preview.Asked(language=language, kind=kind, to=reader, about=about)
        )
        assert_meant(letter, addressed(facts))


@pytest.mark.full
@pytest.mark.parametrize("language", library.languages())
def test_every_letter_means_the_same_to_both(language: str) -> None:
    for asked in preview.every([language]):
        facts, letter = preview.written(asked)
        assert_meant(letter, addressed(facts))


HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from('=.\r\n\t\0 :;<>@"\\,?_-F\u2028\u2029\x85\x0b\x0c\x1c\u202e\u200b\ufeff漢é\U0001f600'),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)  # fmt: skip
BREAKS = "x\r\nBcc: evil@evil.example\r\n\r\n.\r\nFrom evil"


@given(name=HOSTILE, source=HOSTILE, said=HOSTILE, language=st.sampled_from(library.languages()))
@settings(deadline=None, max_examples=25)
@example(name=BREAKS, source=BREAKS, said=BREAKS, language="en")
@example(name="=?utf-8?q?=0D=0ABcc:_x?=", source="=0D=0A.", said="--=_", language="en")
@example(name="\u2028From me", source="\x85.", said="\u2029--\u2028", language="nl")
def test_what_strangers_call_themselves_breaks_nothing(
    name: str, source: str, said: str, language: str
) -> None:
    seen = Seen(source=source, at=AT, detail=said)
    case = a_case_of(seen=(seen,), introduced=one_line(said))
    facts = some_facts([case], languages=tuple(dict.fromkeys((language, "en"))))
    facts = replace(
        facts, campaign=name or "x", authority=source, together_with=(name, said),
        writer=replace(facts.writer, name=said, legal={"en": f"Law {said}", language: f"Law {name}"}),
    )  # fmt: skip
    try:
        letter = written(facts)
    except LetterError:
        return
    assert_meant(letter, addressed(facts))


@given(lines=st.lists(HOSTILE, min_size=1, max_size=8), table=st.booleans())
@settings(deadline=None, max_examples=40)
@example(lines=[".", "..", "From x", "--=_", "=", "= ", "a=\t", "\u2028."], table=True)
@example(lines=["漢" * 40, ".", "From x", "\u2029"], table=True)
def test_no_body_breaks_a_boundary_or_a_line(lines: list[str], table: bool) -> None:
    kept = [line.replace("\r", "").replace("\n", "") for line in lines]
    body = "\n".join([*kept, "end"]) + "\n"
    rows = "".join(f"{line}\r\n" for line in ["a", *kept, "z"]) if table else ""
    files = (Attachment(name="a.csv", media="text/csv; charset=utf-8", text=rows),)
    letter = Written(subject="x", body=body, files=files if table else ())
    raw = build(letter, addressing(), keys=()).raw
    assert_unbroken(raw)
    read = parsed(raw)
    parts = list(leaves(read))
    assert len(parts) == 1 + table
    assert parts[0].get_payload(decode=True).decode() == body.replace("\n", "\r\n")
    if table:
        assert parts[1].get_payload(decode=True).decode() == rows


@pytest.mark.parametrize("kind", [WaveKind.FIRST, WaveKind.UPDATE])
def test_an_attached_table_means_the_same_to_both(kind: WaveKind) -> None:
    cases = [a_case_of(f"192.0.2.{number}") for number in range(1, 60)]
    facts = some_facts(cases, kind=kind, earlier=None if kind is WaveKind.FIRST else EARLIER)
    letter = written(facts)
    assert letter.files
    assert_meant(letter, addressed(facts))
