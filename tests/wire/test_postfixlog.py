"""Postfix log lines in both time formats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from openletter.wire.postfixlog import read_log

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_the_lines_of_one_letter() -> None:
    lines = [
        "Mar  2 11:00:01 mx postfix/smtpd[9]: 4XyZ1a2b3c: client=localhost[127.0.0.1]",
        "Mar  2 11:00:01 mx postfix/cleanup[10]: 4XyZ1a2b3c: message-id=<a.b@campaign.example>",
        "Mar  2 11:00:01 mx postfix/qmgr[11]: 4XyZ1a2b3c: from=<b+t@x>, size=900, nrcpt=1 (queue active)",
        (
            "Mar  2 11:00:02 mx postfix/smtp[12]: 4XyZ1a2b3c: to=<abuse@net1.nl>, relay=mx.net1.nl[192.0.2.1]:25,"
            " delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)"
        ),
        "not a log line",
        "Mar  2 11:00:02 mx postfix/smtp[12]: 4XyZ1a2b3c: to=<abuse@net1.nl>, status=sent (25\0\0",
    ]
    client, cleanup, active, sent = read_log(lines, now=NOW)
    assert client.queue_id == "4XyZ1a2b3c"
    assert (cleanup.message_id, cleanup.at) == (
        "<a.b@campaign.example>",
        datetime(2026, 3, 2, 11, 0, 1, tzinfo=UTC),
    )
    assert active.is_queued
    assert (sent.status, sent.dsn, sent.recipient, sent.text) == (
        "sent", "2.0.0", "abuse@net1.nl", "250 2.0.0 Ok",
    )  # fmt: skip


def test_times_with_zone_and_times_of_last_year() -> None:
    (line,) = read_log(["2026-03-02T12:00:00.5+01:00 mx postfix/qmgr[1]: removed"], now=NOW)
    assert line.at == NOW - timedelta(hours=1) + timedelta(seconds=0.5)
    zone = timezone(timedelta(hours=1))
    (line,) = read_log(["Dec 31 23:00:00 mx postfix/qmgr[1]: x"], now=NOW, zone=zone)
    assert line.at == datetime(2025, 12, 31, 22, 0, tzinfo=UTC)


def test_only_cleanup_says_message_ids() -> None:
    text = "Mar  2 11:00:01 mx postfix/smtpd[9]: 4XyZ1a2b3c: message-id=<forged@x>"
    (line,) = read_log([text], now=NOW)
    assert line.message_id == ""


@given(st.lists(st.text(max_size=120)))
def test_nothing_raises(lines: list[str]) -> None:
    list(read_log([*lines, "Feb 30 11:00:01 mx postfix/cleanup[1]: x"], now=NOW))
