"""The test letter as it came back: what was done to it is seen, whatever it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.doctor.rules.check import Check, State
from openletter.doctor.rules.received import Sent, Signer, compare, is_it
from openletter.doctor.rules.verify import Held, held, take_apart
from openletter.letters import keys
from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.message import Addressing, build
from openletter.letters.rules.text import Written

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DOMAIN, TOKEN = "own.example", "abcdefghijklmnopqrst"
KEYS = tuple(
    SigningKey(domain=DOMAIN, selector=keys.name_of("main", kind), private=private)
    for kind, private in reversed(keys.draw().items())
)
SIGNERS = [
    Signer(domain=DOMAIN, selector=key.selector, public=key.private.public_key()) for key in KEYS
]


def a_letter() -> Sent:
    to = Addressing(
        recipient="me@mail.example", sender_name="Spring", sender_address=f"letters@{DOMAIN}",
        reply_to=f"reply+{TOKEN}@reply.{DOMAIN}", message_id=f"<doctor.1@{DOMAIN}>",
        stop_url="https://site.example/o/x", stop_mailto=f"stop+{TOKEN}@reply.{DOMAIN}",
        feedback_id="doctor:en:test:x", languages=("en",), date=AT,
    )  # fmt: skip
    body = "Hello, é.\n.\nFrom here on, a long line: " + "word " * 40 + "\n\nBye\n"
    message = build(Written(subject="[test] [7K3Q-D9MX]", body=body), to, keys=KEYS)
    return Sent(
        raw=message.raw, sender=f"b+{TOKEN}@bounce.{DOMAIN}", recipient=to.recipient,
        message_id=to.message_id, reply_to=to.reply_to, reference="7K3Q-D9MX", at=AT,
    )  # fmt: skip


SENT = a_letter()


def arrived(change: Callable[[bytes], bytes] = lambda raw: raw) -> bytes:
    """As a server delivers it: with a Return-Path and the way it came, and Unix line ends."""
    head = (
        f"Return-Path: <{SENT.sender}>\r\nReceived: from a by b; Mon, 2 Mar 2026 12:00:07 +0000\r\n"
    )
    return change(head.encode() + SENT.raw).replace(b"\r\n", b"\n")


def codes(raw: bytes) -> dict[str, Check]:
    return {check.seen.code: check for check in compare(raw, SENT, signers=SIGNERS)}


def test_what_came_through_whole_is_well() -> None:
    found = codes(arrived())
    assert {check.state for check in found.values()} == {State.GOOD}
    assert set(found) == {
        "trial-envelope-kept", "trial-message-id-kept", "trial-dkim-holds", "trial-headers-kept",
        "trial-body-kept", "clock-agrees-with-servers", "ties-bounces-by-envelope",
        "ties-replies-by-reply-to", "ties-fate-by-log",
    }  # fmt: skip
    assert (
        sum(
            one.seen.code == "trial-dkim-holds" for one in compare(arrived(), SENT, signers=SIGNERS)
        )
        == 2
    )


def swap(pattern: bytes, by: bytes) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        found, count = re.subn(pattern, by, raw, flags=re.MULTILINE)
        assert count, pattern
        return found

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (swap(rb"^Return-Path: .*\r\n", b"Return-Path: <bounces@service.example>\r\n"),
         {"trial-envelope-rewritten", "ties-bounces-by-content", "trial-dkim-holds"}),
        (swap(rb"^Return-Path: .*\r\n", b""), {"trial-no-return-path", "trial-dkim-holds"}),
        (swap(rb"^Message-ID: .*\r\n", b"Message-ID: <other@service.example>\r\n"),
         {"trial-message-id-rewritten", "ties-fate-by-journal-mailbox", "trial-dkim-headers-changed"}),
        (swap(rb"^Reply-To: .*\r\n", b""),
         {"trial-headers-changed", "ties-replies-by-reference-alone", "trial-dkim-headers-changed"}),
        (swap(rb"^Auto-Submitted: .*\r\n", b""), {"trial-headers-changed", "trial-dkim-headers-changed"}),
        (swap(rb"^Feedback-ID: .*\r\n", b"Feedback-ID: x:y:z:service\r\n"), {"trial-headers-changed", "trial-dkim-headers-changed"}),
        (swap(rb"^Subject: \[test\] ", b"Subject: [test]\r\n "), {"trial-headers-kept", "trial-dkim-holds"}),
        (swap(rb"Bye", b"Bye\r\n-- \r\nScanned by X"), {"trial-dkim-body-changed", "trial-body-added-to"}),
        (swap(rb"Hello", b"Hallo"), {"trial-dkim-body-changed", "trial-body-changed"}),
        (lambda raw: raw + b"-- \r\nScanned by X\r\n", {"trial-dkim-body-changed", "trial-body-added-to"}),
        (swap(rb"^Content-Transfer-Encoding: .*\r\n", b"Content-Transfer-Encoding: 8bit\r\n"),
         {"trial-body-encoded-anew", "trial-dkim-headers-changed"}),
        (swap(rb"^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", b""), {"trial-dkim-gone"}),
        (swap(rb"a=rsa-sha256", b"a=rsa-sha1"), {"trial-dkim-unreadable", "trial-dkim-holds"}),
        (swap(rb"07 \+0000", b"07 +0100"), {"clock-differs-from-servers"}),
        (lambda raw: b"To: hidden@elsewhere.example\r\n" + raw, {"trial-dkim-headers-changed"}),
        (lambda raw: b"X-Spam: no\r\nReceived: from b by c; nonsense\r\n" + raw, {"trial-dkim-holds"}),
    ],
)  # fmt: skip
def test_what_was_done_to_it_is_seen(change: Callable[[bytes], bytes], expected: set[str]) -> None:
    raw = arrived(change)
    found = codes(raw)
    assert expected <= set(found)
    assert {code for code in found if found[code].state is not State.GOOD} <= expected
    assert is_it(raw, SENT)
    assert foreign(raw) == set(holding(raw))


def holding(raw: bytes) -> list[str]:
    mail = take_apart(raw)
    return [
        one.selector
        for one in SIGNERS
        if held(mail, domain=DOMAIN, selector=one.selector, public=one.public) is Held.HOLDS
    ]


def foreign(raw: bytes) -> set[str]:
    """The selectors whose signature dkimpy verifies."""
    records = {f"{key.dns_name()}.": key.dns_record() for key in KEYS}
    found = set()
    for number in range(len(take_apart(raw).all("dkim-signature"))):
        verifier = dkim.DKIM(raw.replace(b"\n", b"\r\n"))
        try:
            holds = verifier.verify(
                idx=number, dnsfunc=lambda name, **_: records[name.decode()].encode()
            )
        except dkim.DKIMException:
            continue
        if holds:
            found.add(verifier.signature_fields[b"s"].decode())
    return found


def test_another_mail_is_not_it() -> None:
    assert not is_it(b"From: a@b.example\n\nDid [7K3Q-D9MX] arrive?\n", SENT)
    assert is_it(b"Subject: Fwd: [7K3Q-D9MX]\n\n", SENT)


def test_a_forged_copy_of_a_signature_does_not_hold() -> None:
    other = SigningKey(
        domain=DOMAIN, selector="main", private=keys.draw()["rsa"]
    )  # the same name, another key
    forged = build(
        Written(subject="[test] [7K3Q-D9MX]", body="pay me\n"),
        Addressing(
            recipient="me@mail.example", sender_name="x", sender_address=f"letters@{DOMAIN}",
            reply_to=SENT.reply_to, message_id=SENT.message_id, stop_url="https://x.example/",
            stop_mailto=f"s@reply.{DOMAIN}", feedback_id="a:b:c:d", languages=("en",), date=AT,
        ),
        keys=[other],
    )  # fmt: skip
    assert holding(forged.raw) == []


@given(st.binary(max_size=400), st.integers(0, len(SENT.raw)))
def test_whatever_comes_is_compared(noise: bytes, at: int) -> None:
    for raw in (noise, SENT.raw[:at] + noise + SENT.raw[at:], noise + SENT.raw, SENT.raw[at:]):
        is_it(raw, SENT)
        assert compare(raw, SENT, signers=SIGNERS)


def test_a_hostile_mail_takes_no_time() -> None:
    begun = datetime.now(UTC)
    for raw in (
        SENT.raw + b" " * 2_000_000, SENT.raw + b"\r\n" * 1_000_000, b"a:" + b" " * 2_000_000,
        b"Received: " + b";" * 2_000_000, b"DKIM-Signature: d=own.example; s=main; b=" + b";" * 10**6,
        SENT.raw.replace(b"relaxed/simple", b"relaxed/relaxed") + b" \t" * 1_000_000,
    ):  # fmt: skip
        compare(raw, SENT, signers=SIGNERS)
    assert datetime.now(UTC) - begun < timedelta(seconds=20)
