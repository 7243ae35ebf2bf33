"""How a mail is filed: what needs the letter's bounce token and a report, and what is a hint."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.replies.rules.actions import counts_against_mailbox, file, references_in
from openletter.replies.rules.classify import classify
from openletter.replies.rules.kinds import Cause, Classified, Failed, Intent, Kind
from openletter.words import TokenPurpose

DEAD = Failed(address="a@net1.example", status="5.1.1", cause=Cause.USER_UNKNOWN)
FULL = Failed(address="a@net1.example", status="5.2.2", cause=Cause.MAILBOX_FULL)


def bounce(failed: Failed = DEAD, *, report: bool = True) -> Classified:
    return Classified(kind=Kind.BOUNCE, failed=(failed,), has_report=report, is_automatic=True)


@pytest.mark.parametrize(
    ("verdict", "purpose", "kind", "needs"),
    [
        (bounce(), TokenPurpose.BOUNCE, "bounce-hard", False),
        (bounce(), TokenPurpose.REPLY, "bounce-soft", True),
        (bounce(report=False), TokenPurpose.BOUNCE, "bounce-soft", True),
        (bounce(FULL), TokenPurpose.BOUNCE, "bounce-soft", False),
        (Classified(kind=Kind.HUMAN), TokenPurpose.STOP, "opt-out", False),
        (Classified(kind=Kind.AUTOREPLY), TokenPurpose.STOP, "opt-out", False),
        (bounce(), TokenPurpose.STOP, "bounce-soft", True),
        (Classified(kind=Kind.FEEDBACK, confidence=0.9), TokenPurpose.REPLY, "feedback", False),
        (Classified(kind=Kind.CHALLENGE, confidence=0.9), TokenPurpose.REPLY, "challenge", True),
        (Classified(kind=Kind.AUTOREPLY, confidence=0.9), TokenPurpose.REPLY, "auto-reply", False),
        (Classified(kind=Kind.DELAYED, confidence=0.9), TokenPurpose.BOUNCE, "delayed", False),
        (Classified(kind=Kind.HUMAN, intent=Intent.FIXED, confidence=0.9), TokenPurpose.REPLY, "fixed", False),
        (Classified(kind=Kind.HUMAN, intent=Intent.FIXED, confidence=0.6), TokenPurpose.REPLY, "question", True),
        (Classified(kind=Kind.HUMAN, is_automatic=True), TokenPurpose.REPLY, "unclear", True),
        (Classified(kind=Kind.DELIVERED, confidence=0.9), TokenPurpose.REPLY, "unclear", False),
    ],
)  # fmt: skip
def test_filing(verdict: Classified, purpose: TokenPurpose, kind: str, needs: bool) -> None:
    filed = file(verdict, purpose)
    assert (filed.kind, filed.needs_person) == (kind, needs)


def test_only_what_is_about_the_mailbox_counts_against_it() -> None:
    assert counts_against_mailbox(bounce(FULL), TokenPurpose.BOUNCE)
    assert not counts_against_mailbox(bounce(FULL), TokenPurpose.REPLY)
    assert not counts_against_mailbox(bounce(FULL, report=False), TokenPurpose.BOUNCE)
    assert not counts_against_mailbox(bounce(DEAD), TokenPurpose.BOUNCE)


def test_only_known_references_are_found() -> None:
    known = ["7K3QD9M7"]
    assert references_in("about 7k3q-d9mx and ABCD-EFGH", known) == frozenset()
    assert references_in("word ward 12345678", known) == frozenset()


def notice(body: object) -> bytes:
    return b"From: x@example.net\n\n" + json.dumps(body).encode()


def test_a_mail_services_notice() -> None:
    rows = [{"emailAddress": "a@net1.example", "status": "5.1.1", "diagnosticCode": "550 unknown"}]
    verdict = classify(
        notice({"notificationType": "Bounce", "bounce": {"bouncedRecipients": rows}})
    )
    assert (verdict.kind, verdict.hard, verdict.has_report) == (Kind.BOUNCE, True, False)
    told = {"notificationType": "Delivery", "delivery": {"recipients": ["a@net1.example"]}}
    assert classify(notice(told)).kind is Kind.DELIVERED
    assert classify(notice({"notificationType": "Other"})).kind is Kind.HUMAN
    assert classify(notice({"notificationType": "Bounce", "bounce": 5})).failed == ()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["emailAddress", "status", "recipients", "x"]), inner)
    ),
    max_leaves=8,
)


@given(ANYTHING, ANYTHING)
def test_a_hostile_notice_raises_nothing(rows: object, plain: object) -> None:
    detail = {"bouncedRecipients": rows, "recipients": plain}
    classify(notice({"notificationType": "Bounce", "bounce": detail}))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("Subject: abuse report\n", Kind.HUMAN),
        ("X-Auto-Response-Suppress: All\nIn-Reply-To: <x@y>\n", Kind.AUTOREPLY),
        (
            "From: MAILER-DAEMON@x.example\nSubject: Returned mail\nX-Autoreply: yes\n",
            Kind.AUTOREPLY,
        ),
    ],
)
def test_the_order_of_questions(head: str, kind: Kind) -> None:
    assert classify(f"{head}From: Jo <jo@net1.example>\n\nHello.\n".encode()).kind is kind


def test_the_original_recipient_is_the_last_resort() -> None:
    raw = (
        b"From: MAILER-DAEMON@x.example\nSubject: Undelivered Mail\nContent-Type: multipart/mixed;"
        b" boundary=b\n\n--b\n\nIt could not be delivered.\n--b\nContent-Type: text/rfc822-headers\n\n"
        b"From: letters@campaign.example\nTo: abuse@net1.example\n--b--\n"
    )
    assert [one.address for one in classify(raw).failed] == ["abuse@net1.example"]
