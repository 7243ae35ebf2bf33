"""Delivery status fields are read as RFC 3464 has them, and as servers write them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openletter.wire.dsn import first_smtp_code, first_status, parse_report, plain_address

REPORT = """Reporting-MTA: dns; mx.example.net
Arrival-Date: Wed, 1 Apr 2026 10:00:00 +0000

Original-Recipient: rfc822;abuse@example.net
Final-Recipient: RFC822; <abuse@mx.example.net>
Action: failed
Status: 5.1.1 (no such user)
Remote-MTA: dns; mx2.example.net
Diagnostic-Code: smtp; 550 5.1.1
 <abuse@example.net>: unknown
"""


def test_a_group_is_read() -> None:
    (group,) = parse_report(REPORT)
    assert group.action == "failed"
    assert group.status == "5.1.1"
    assert group.diagnostic == "smtp; 550 5.1.1 <abuse@example.net>: unknown"
    assert group.address == "abuse@mx.example.net"


def test_an_internal_final_recipient_gives_way_to_the_original() -> None:
    (group,) = parse_report(REPORT.replace("<abuse@mx.example.net>", "abuse@ims-daemon"))
    assert group.address == "abuse@example.net"


def test_addresses_lose_their_wrapping() -> None:
    assert plain_address("rfc822; <a@b.test>") == "a@b.test"
    assert plain_address("rfc822;a+2Bx@b.test") == "a+x@b.test"
    assert plain_address("a@b.test (unexpanded)") == "a@b.test"


def test_codes_are_not_seen_in_addresses_or_years() -> None:
    assert first_status("host 5.1.1.2 said nothing") == ""
    assert first_status("550 5.7.515 access denied") == "5.7.515"
    assert first_smtp_code("in 2025-550x") == ""
    assert first_smtp_code("said: 550 no") == "550"


@given(st.text(max_size=500))
def test_nothing_raises(text: str) -> None:
    parse_report(text)
    plain_address(text)
