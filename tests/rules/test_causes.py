"""Alerts: which are news, once a cause, and what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.shell.causes import Cause, Code, Known, Notice, compare, told
from openletter.shell.configuration import BadSettingError, Endpoint, Reader
from openletter.shell.telling import is_same_server, read_telling

DISK = Cause(code=Code.DISK, detail="3 MB")
AWAY = Cause(code=Code.DATABASE)


def looks(*found: list[Cause]) -> list[list[tuple[Code, bool]]]:
    """What is told at each look, where all is heard."""
    known: dict[str, Known] = {}
    said = []
    for causes in found:
        known, news = compare(known, causes)
        for notice in news:
            known = told(known, notice)
        said.append([(notice.cause.code, notice.has_ended) for notice in news])
    return said


def test_a_cause_is_told_once_and_its_end_once() -> None:
    assert looks([DISK], [DISK], [DISK], [], [], [DISK]) == [
        [(Code.DISK, False)], [], [], [(Code.DISK, True)], [], [(Code.DISK, False)],
    ]  # fmt: skip


def test_a_hiccup_is_no_news_and_no_end() -> None:
    assert looks([AWAY], [], [AWAY], []) == [[]] * 4
    assert looks([AWAY], [AWAY], [], [AWAY], [], []) == [
        [], [(Code.DATABASE, False)], [], [], [], [(Code.DATABASE, True)],
    ]  # fmt: skip


def test_what_nobody_heard_is_said_again() -> None:
    known, first = compare({}, [DISK])
    known, second = compare(known, [DISK])
    assert first == second == [Notice(cause=DISK)]
    known, third = compare(known, [])
    assert (known, third) == ({}, [])


def test_an_end_that_nobody_heard_is_said_again() -> None:
    known, (begun,) = compare({}, [DISK])
    known, first = compare(told(known, begun), [])
    known, second = compare(known, [])
    assert first == second == [Notice(cause=DISK, has_ended=True)]
    assert told(known, second[0]) == {}


def test_what_could_not_be_looked_at_has_not_ended() -> None:
    tripped = Cause(code=Code.BREAKER, about="spring")
    known, (begun,) = compare({}, [tripped])
    known, news = compare(told(known, begun), [AWAY], unseen={Code.BREAKER})
    assert news == []
    _, news = compare(known, [tripped])
    assert news == []


def test_two_campaigns_are_two_causes() -> None:
    two = [Cause(code=Code.BREAKER, about=name) for name in ("spring", "autumn")]
    assert len(compare({}, two)[1]) == 2


@given(st.lists(st.sets(st.sampled_from(list(Code))), max_size=30))
def test_beginnings_and_ends_take_turns(rounds: list[set[Code]]) -> None:
    said = looks(*[[Cause(code=code) for code in sorted(each)] for each in rounds])
    for code in Code:
        mine = [ended for each in said for found, ended in each if found is code]
        assert mine == [bool(number % 2) for number in range(len(mine))]


@pytest.mark.parametrize("code", Code)
def test_each_says_what_happened_what_stopped_and_what_to_do(code: Code) -> None:
    notice = Notice(cause=Cause(code=code, about="spring", detail="one\r\nBcc: x@y.example\x1b[0m"))
    row = notice.as_json(installation="https://x.example", at="now")
    assert all(row[name] for name in ("happened", "stopped", "todo", "text"))
    assert "Stopped by itself: " in notice.text
    assert "\r" not in notice.text + notice.subject
    assert "\x1b" not in notice.text
    assert "\n" not in Notice(cause=notice.cause, has_ended=True).text


SMARTHOST = Endpoint(host="smtp.own.example", port=25)
ROUTE = {
    "OPENLETTER_ALERT_SMTP": "second.example:587",
    "OPENLETTER_ALERT_FROM": "watch@own.example",
    "OPENLETTER_ALERT_TO": "person@own.example",
}


@pytest.mark.parametrize(
    "bad",
    [
        {"OPENLETTER_ALERT_WEBHOOK": "http://hooks.example/x"},
        {"OPENLETTER_ALERT_WEBHOOK": "https://user@hooks.example/x"},
        {"OPENLETTER_ALERT_WEBHOOK": "https://hooks.example:99999/x"},
        {"OPENLETTER_ALERT_WEBHOOK": "https://hooks.example/a b"},
        {"OPENLETTER_ALERT_WEBHOOK": "file:///etc/passwd"},
        {"OPENLETTER_ALERT_SMTP": "mail.example"},
        {"OPENLETTER_ALERT_SMTP": "mail.example:25"},
        {"OPENLETTER_ALERT_SMTP": "mail.example:25", "OPENLETTER_ALERT_FROM": "a@b.example",
         "OPENLETTER_ALERT_TO": "a@b.example, c@d.example"},
        {**ROUTE, "OPENLETTER_ALERT_SMTP": "smtp.own.example.:25"},
        {**ROUTE, "OPENLETTER_ALERT_SMTP_USER": "jo", "OPENLETTER_ALERT_SMTP_TLS": "starttls"},
        {**ROUTE, "OPENLETTER_ALERT_SMTP_USER": "jo", "OPENLETTER_ALERT_SMTP_PASSWORD": "x"},
        {**ROUTE, "OPENLETTER_ALERT_SMTP_CA": "/nowhere/ca.pem"},
        {**ROUTE, "OPENLETTER_ALERT_SMTP_TLS": "sometimes"},
    ],
)  # fmt: skip
def test_settings_that_would_reach_nobody_are_refused(bad: dict[str, str]) -> None:
    with pytest.raises(BadSettingError) as refused:
        read_telling(Reader(environment=bad), smarthost=SMARTHOST)
    assert "hooks.example/x" not in str(refused.value)


def test_the_webhook_is_never_shown() -> None:
    reader = Reader(environment={"OPENLETTER_ALERT_WEBHOOK": "https://hooks.example/secret"})
    chosen = read_telling(reader, smarthost=SMARTHOST)
    assert chosen.is_on
    assert "secret" not in repr(chosen) + reader.seen["OPENLETTER_ALERT_WEBHOOK"].shown


def test_the_second_route_is_opened_like_the_first() -> None:
    given = {
        **ROUTE, "OPENLETTER_ALERT_SMTP_TLS": "starttls", "OPENLETTER_ALERT_SMTP_USER": "watch",
        "OPENLETTER_ALERT_SMTP_PASSWORD": "Tr0ub4dor",
    }  # fmt: skip
    reader = Reader(environment=given)
    chosen = read_telling(reader, smarthost=SMARTHOST)
    assert (chosen.tls, chosen.user, chosen.password) == ("starttls", "watch", "Tr0ub4dor")
    assert "Tr0ub4dor" not in f"{chosen!r} {reader.seen['OPENLETTER_ALERT_SMTP_PASSWORD']!r}"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("127.0.0.1", "localhost", True),
        ("127.9.0.1", "::1", True),
        ("MAIL.example.", "mail.example", True),
        ("2001:db8::1", "2001:DB8:0::1", True),
        ("mail.example", "mail2.example", False),
        ("192.0.2.1", "127.0.0.1", False),
    ],
)
def test_two_names_of_one_server(one: str, other: str, same: bool) -> None:
    first, second = Endpoint(host=one, port=25), Endpoint(host=other, port=25)
    assert is_same_server(first, second) is same
    assert not is_same_server(first, Endpoint(host=other, port=26))
