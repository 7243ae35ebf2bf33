"""What servers say about coming again, and WHOIS texts that are no data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.wire import lookup
from openletter.wire.reachable import is_reachable

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120), (" 0 ", 0), ("999999999", 86_400), ("Mon, 02 Mar 2026 12:05:00 GMT", 300),
        ("Monday, 02-Mar-26 12:01:00 GMT", 60), ("Mon, 02 Mar 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400), ("soon", None), ("", None), (None, None),
        ("-5", None), ("1e9", None), ("٣", None), ("Mon, 99 Mar 2026 12:05:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(value: str | None, seconds: int | None) -> None:
    wait = lookup.retry_after(value, now=NOW)
    assert (wait.total_seconds() if wait is not None else None) == seconds


@given(st.text(max_size=60))
def test_any_retry_after_is_at_most_a_day(value: str) -> None:
    wait = lookup.retry_after(value, now=NOW)
    assert wait is None or timedelta() <= wait <= lookup.LONGEST_WAIT


@pytest.mark.parametrize(
    "text",
    [
        "No match for 192.0.2.1", "%ERROR:101: no entries found\n%\n", "No match found for 192.0.2.1",
        "% No data found\n", "[ No match!! ]", "query resulted in no information",
    ],
)  # fmt: skip
def test_nothing_found(text: str) -> None:
    assert lookup.says_nothing_found(text)


@pytest.mark.parametrize(
    "text",
    [
        "%ERROR:201: access denied for 192.0.2.9\n%\n% Queries have passed the daily limit.\n",
        "% Query rate limit exceeded. Reduced information.",
        "Too many requests, try again later.", "# query limit exceeded\n",
    ],
)  # fmt: skip
def test_too_often(text: str) -> None:
    assert lookup.says_too_often(text)


def test_a_networks_own_remark_is_not_the_servers_word() -> None:
    text = "inetnum: 192.0.2.0 - 192.0.2.255\nremarks: mails above the rate limit are dropped\n"
    assert not lookup.says_too_often(text + "descr: x\n" * 60)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("ReferralServer: whois://whois.ripe.net:43\n", "whois.ripe.net"),
        ("ReferralServer:  whois.apnic.net\n", "whois.apnic.net"),
        ("refer:        whois.arin.net\n", "whois.arin.net"),
        ("ReferralServer: rwhois://rwhois.example.net:4321\n", None),
        ("ReferralServer: whois://whois.example.net:4343\n", None),
        ("refer: whois.a.net\nrefer: whois.b.net.\n", "whois.b.net"),
        ("remarks: refer: whois.a.net\n", None), ("", None),
    ],
)  # fmt: skip
def test_referral(text: str, host: str | None) -> None:
    assert lookup.referral(text) == host


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("9.9.9.9", True), ("2620:fe::fe", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("100.64.0.1", False), ("169.254.169.254", False), ("192.0.2.1", False), ("0.0.0.0", False),
        ("255.255.255.255", False), ("224.0.0.1", False), ("240.0.0.1", False), ("192.88.99.1", False),
        ("198.18.0.1", False), ("::1", False), ("::", False), ("fe80::1", False), ("fc00::1", False),
        ("ff02::1", False), ("2001:db8::1", False), ("3fff::1", False), ("::ffff:10.0.0.1", False),
        ("::ffff:9.9.9.9", True), ("64:ff9b::a00:1", False), ("64:ff9b::909:909", True),
        ("2002:a00:1::1", False), ("2001::1", False), ("::9.9.9.9", False), ("4000::1", False),
        ("168.63.129.16", False), ("192.168.1.1", False), ("172.31.255.255", False),
    ],
)  # fmt: skip
def test_where_a_strangers_name_may_lead_us(address: str, is_public: bool) -> None:
    assert is_reachable(ip_address(address)) is is_public
