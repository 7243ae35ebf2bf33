"""The bytes: a foreign parser reads what we meant, a foreign verifier believes our signature."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from unicodedata import category

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openletter.letters.rules.body import encode_text
from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.facts import LetterError, one_line
from openletter.letters.rules.headers import LINE, header, originator
from openletter.letters.rules.message import Addressing, Message, build
from openletter.letters.rules.text import Written
from openletter.words import WaveKind
from tests.letter_samples import EARLIER, a_case_of, addressing, some_facts, written

KEYS = (
    SigningKey(
        domain="campaign.example", selector="ed",
        private=Ed25519PrivateKey.generate(),
    ),
    SigningKey(
        domain="campaign.example", selector="rsa",
        private=generate_private_key(public_exponent=65537, key_size=2048),
    ),
)  # fmt: skip
ZONE = {f"{key.dns_name()}.".encode(): key.dns_record().encode() for key in KEYS}
MANY = [a_case_of(f"192.0.2.{n}") for n in range(1, 60)]


def a_message(
    letter: Written | None = None, *, keys: tuple[SigningKey, ...] = KEYS, **changes: object
) -> Message:
    return build(letter or written(some_facts()), addressing(**changes), keys=keys)


def parsed(message: Message | bytes) -> EmailMessage:
    raw = message if isinstance(message, bytes) else message.raw
    read = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert isinstance(read, EmailMessage)
    assert not [defect for part in read.walk() for defect in part.defects]
    return read


def verified(raw: bytes) -> list[bool]:
    """Every signature of the message, by another implementation."""
    count = raw.count(b"DKIM-Signature:")

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return ZONE.get(name if name.endswith(b".") else name + b".", b"")

    def is_believed(index: int) -> bool:
        try:
            return bool(dkim.DKIM(raw).verify(idx=index, dnsfunc=look_up))
        except dkim.ValidationError:
            return False

    return [is_believed(index) for index in range(count)]


def test_every_header_of_the_mail_path_is_there_once() -> None:
    to = addressing(thread="<first@campaign.example>")
    read = parsed(build(written(some_facts()), to, keys=KEYS))
    assert read["From"] == "Close the Open Door <letters@campaign.example>"
    assert read["To"] == "abuse@network.example"
    assert read["Reply-To"] == to.reply_to
    assert read["Message-ID"] == to.message_id
    assert read["In-Reply-To"] == read["References"] == to.thread
    assert read["Date"].datetime == to.date
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert read["List-Unsubscribe"] == f"<{to.stop_url}>, <mailto:{to.stop_mailto}>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read["Feedback-ID"] == to.feedback_id
    assert read["Content-Language"] == "nl, en"
    assert read["Precedence"] is None
    for name in ("From", "Date", "Message-ID", "Subject", "MIME-Version"):
        assert len(read.get_all(name)) == 1


def test_a_foreign_parser_reads_the_text_we_wrote() -> None:
    letter = written(some_facts())
    read = parsed(a_message(letter))
    assert read.get_content().replace("\r\n", "\n") == letter.body
    assert read["Subject"] == letter.subject


def test_many_rows_are_attached_as_a_table() -> None:
    letter = written(some_facts(MANY))
    read = parsed(a_message(letter))
    text, table = read.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == letter.body
    assert table.get_filename() == letter.files[0].name
    assert table.get_content_type() == "text/csv"
    assert table.get_payload(decode=True).decode() == letter.files[0].text


@pytest.mark.parametrize("kind", [WaveKind.FIRST, WaveKind.UPDATE, WaveKind.CORRECTION])
@pytest.mark.parametrize("languages", [("nl", "en"), ("en",)])
@pytest.mark.parametrize("rows", [None, MANY])
def test_both_signatures_are_believed_and_no_changed_digit_is(kind, languages, rows) -> None:
    facts = some_facts(
        rows, kind=kind, languages=languages, earlier=None if kind is WaveKind.FIRST else EARLIER
    )
    raw = a_message(written(facts)).raw
    assert verified(raw) == [True, True]
    assert not any(verified(raw.replace(b"No more letters?", b"No more letters!")))
    assert not any(verified(raw.replace(b"Subject: ", b"Subject: x")))
    for added in (b"From: Else <else@campaign.example>", b"Subject: x", b"Cc: x@evil.example"):
        assert not any(verified(added + b"\r\n" + raw))
    assert verified(b"List-Unsubscribe: <mailto:list@desk.example>\r\n" + raw) == [True, True]


def test_every_header_but_the_signature_itself_is_signed() -> None:
    raw = a_message().raw
    for signature in re.findall(rb"DKIM-Signature:.*?b=", raw, flags=re.DOTALL):
        listed = re.sub(rb"\s", b"", signature.split(b"h=")[1].split(b";")[0]).split(b":")
        assert listed.count(b"from") == listed.count(b"subject") == 2
        assert listed.count(b"cc") == 1
        assert {b"to", b"subject", b"date", b"message-id", b"list-unsubscribe-post"} <= {*listed}


def test_the_signature_survives_the_way_through_smtp() -> None:
    """Dot-stuffing and its undoing change nothing, and no line is longer than SMTP allows."""
    letter = Written(subject="x", body=".\n..\nFrom us\n.dot\nlast\n")
    raw = a_message(letter).raw
    stuffed = re.sub(rb"(?m)^\.", b"..", raw)
    assert stuffed == raw
    assert b"\r\n.\r\n" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert parsed(a_message(letter)).get_content().replace("\r\n", "\n") == letter.body


def test_no_key_no_signature() -> None:
    assert b"DKIM-Signature" not in a_message(keys=()).raw


@given(st.text(max_size=400))
@settings(deadline=None)
@example("\u6f22\u5b57\u2028\u6f22\u5b57\x85\u6f22\u5b57\x0b\u6f22\u5b57\x1c\u6f22")
@example("a\u2028b\x85c\x0bd\x0c.\x1d")
def test_any_text_comes_back_as_it_was(text: str) -> None:
    read = parsed(a_message(Written(subject="x", body=text), keys=()))
    back = read.get_payload(decode=True).decode("utf-8", "surrogatepass")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    assert back == "\r\n".join(lines) + "\r\n"


@given(st.text(alphabet="abc= .\tFrom é漢\u202e", max_size=300))
def test_no_encoded_line_is_longer_than_76(text: str) -> None:
    encoding, octets = encode_text(text)
    assert encoding in {"quoted-printable", "base64"}
    assert octets.endswith(b"\r\n")
    assert all(len(line) <= 76 for line in octets.split(b"\r\n"))
    assert not [line for line in octets.split(b"\r\n") if line.startswith((b".", b"From "))]


@given(st.text(max_size=120))
def test_a_header_value_is_refused_or_comes_back(value: str) -> None:
    try:
        field = header("Subject", value)
    except LetterError:
        assert not value or {category(c) for c in value} & {"Cc", "Cs", "Zl", "Zp"}
        return
    read = email.message_from_bytes(field + b"\r\n", policy=email.policy.SMTP)
    assert read["Subject"].split() == value.split()
    assert re.sub(rb"\r\n ", b"", field[:-2]).count(b"\r\n") == 0
    lines = field[:-2].split(b"\r\n")
    assert all(len(line) <= LINE or b" " not in line.strip() for line in lines[1:])
    assert all(len(line) <= 76 for line in lines if b"=?" in line), "RFC 2047 section 2"
    assert all(line.strip() for line in lines)


@given(st.text(max_size=60))
def test_a_senders_name_cannot_move_the_address(name: str) -> None:
    try:
        read = parsed(a_message(sender_name=name, keys=()))
    except LetterError:
        return
    (address,) = read["From"].addresses
    assert address.addr_spec == "letters@campaign.example"


@pytest.mark.parametrize(
    "recipient",
    [
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "a@b",
        "<a@b.example>",
        "a@b.example, c@d.example",
        "@b.example",
        "a\x00@b.example",
        '"a b"@c.example',
        "é@b.example",
    ],
)
def test_a_hostile_recipient_is_refused(recipient: str) -> None:
    with pytest.raises(LetterError, match="not-an-address"):
        a_message(recipient=recipient)


def test_a_domain_beyond_ascii_goes_out_as_a_label() -> None:
    assert (
        parsed(a_message(recipient="abuse@bücher.example"))["To"] == "abuse@xn--bcher-kva.example"
    )


@pytest.mark.parametrize("field", ["message_id", "stop_url", "feedback_id", "thread"])
def test_no_slot_takes_a_line_break(field: str) -> None:
    with pytest.raises(LetterError):
        a_message(**{field: "x\r\nX-Evil: 1"})


@pytest.mark.parametrize(
    "name",
    [
        "Close the Open Door",
        "Schließt die Tür",
        '"Eve" <eve@evil.example>, x',
        "=?utf-8?q?=0D=0ABcc:_x?=",
        "Sluit de open deur! Nu.",
        "خانه\u200cها را ببندید",
        "開いた扉を閉めよう " * 9,
        "O'Neill-Team",
    ],
)
def test_a_senders_name_is_read_as_it_was_given(name: str) -> None:
    raw = a_message(sender_name=name, keys=()).raw
    (address,) = parsed(raw)["From"].addresses
    assert address.addr_spec == "letters@campaign.example"
    # the new parser leaves a space between two encoded words of a name, against RFC 2047 §6.2
    old_parser = email.message_from_bytes(raw, policy=email.policy.compat32)["From"]
    shown = str(make_header(decode_header(old_parser)))
    assert shown == f"{one_line(name)} <letters@campaign.example>"
    assert address.display_name.replace(" ", "") == one_line(name).replace(" ", "")


def test_plain_names_stay_readable_and_others_are_encoded_once() -> None:
    assert originator("From", "Close the Open Door", "a@b.example") == (
        b"From: Close the Open Door <a@b.example>\r\n"
    )
    assert originator("From", "Schlie\u00dft", "a@b.example") == (
        b"From: =?utf-8?b?U2NobGllw590?= <a@b.example>\r\n"
    )
    assert originator("From", "", "a@b.example") == b"From: <a@b.example>\r\n"


def test_the_keys_print_their_dns_records() -> None:
    assert KEYS[1].dns_name() == "rsa._domainkey.campaign.example"
    assert KEYS[1].dns_record().startswith("v=DKIM1; k=rsa; p=MII")
    assert KEYS[0].dns_record().startswith("v=DKIM1; k=ed25519; p=")


def test_addressing_is_what_it_says() -> None:
    assert isinstance(addressing(), Addressing)
