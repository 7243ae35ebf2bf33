"""What doctor makes of a zone: a table stands for DNS, so every record that hurts can be tried."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.doctor.rules import zone
from openletter.doctor.rules.check import Check, State, exit_code
from openletter.doctor.rules.spf import Judged, Verdict, check_host
from openletter.doctor.rules.zone import Domains, OwnKey
from openletter.wire.dns import Mx, Type, reversed_name
from openletter.wire.dns_talk import Ask, Talk, Told, hold

DOMAINS = Domains(sender="own.example", bounce="bounce.own.example", reply="reply.own.example")
OUT = ip_address("192.0.2.25")
SIX = ip_address("2001:db8::25")
Zone = Mapping[tuple[str, Type], list[Any]]


def held(talk: Talk[Any], table: Zone) -> Any:
    asked: list[Ask] = []

    def answer(ask: Ask) -> Told:
        asked.append(ask)
        assert len(asked) < 300, "no end"
        values = table.get((ask.name.lower().rstrip("."), ask.kind), [])
        if values == ["silent"]:
            return Told(fault="timeout")
        return Told(values=tuple(v.encode() if ask.kind is Type.TXT else v for v in values))

    return hold(talk, answer)


def host(table: Zone, *, address: str = "192.0.2.25", domain: str = "own.example") -> Judged:
    found = held(check_host(ip_address(address), domain=domain, sender=f"b+x@{domain}"), table)
    assert isinstance(found, Judged)
    return found


def records(*texts: str, **more: str) -> dict[tuple[str, Type], list[Any]]:
    found: dict[tuple[str, Type], list[Any]] = {("own.example", Type.TXT): list(texts)}
    for name, text in more.items():
        found[f"{name}.example", Type.TXT] = [text]
    return found


# -- check_host (RFC 7208) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=spf1 +all", "pass"), ("v=spf1 -all", "fail"), ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"), ("v=spf1", "neutral"), ("v=spf1 ip4:192.0.2.25 -all", "pass"),
        ("v=spf1 ip4:192.0.2.0/27 -all", "pass"), ("v=spf1 ip4:192.0.2.32/27 -all", "fail"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"), ("v=spf1 a -all", "fail"),
        ("v=spf1 a:out.example -all", "pass"), ("v=spf1 a:out.example/0 -all", "pass"),
        ("v=spf1 mx -all", "pass"), ("v=spf1 mx:none.example -all", "fail"),
        ("v=spf1 ptr:own.example -all", "pass"), ("v=spf1 ptr:other.example -all", "fail"),
        ("v=spf1 exists:%{i}.ok.example -all", "pass"), ("v=spf1 exists:%{l}.ok.example -all", "fail"),
        ("v=spf1 include:good.example -all", "pass"), ("v=spf1 include:bad.example -all", "fail"),
        ("v=spf1 include:none.example -all", "permerror"), ("v=spf1 include:broken.example", "permerror"),
        ("v=spf1 redirect=good.example", "pass"), ("v=spf1 redirect=none.example", "permerror"),
        ("v=spf1 ip4:192.0.2.25 foo", "permerror"), ("v=spf1 include:silent.example -all", "temperror"),
        ("v=spf1 redirect=good.example -all", "fail"), ("v=spf1 include:own.example -all", "permerror"),
        ("v=spf1 a:v1.example a:v2.example -all", "fail"),
        ("v=spf1 a:v1.example a:v2.example a:v3.example -all", "permerror"),
        ("v=spf1 " + "a:out2.example " * 10 + "-all", "fail"),
        ("v=spf1 " + "a:out2.example " * 11 + "-all", "permerror"),
        ("v=spf1 ip4:192.0.2.25 " + "a:out2.example " * 11 + "-all", "pass"),
        ("v=spf1 mx:many.example -all", "permerror"),
    ],
)  # fmt: skip
def test_verdicts(record: str, verdict: str) -> None:
    table = records(
        record, good="v=spf1 ip4:192.0.2.25 -all", bad="v=spf1 -all", broken="v=spf1 x", silent="-"
    ) | {
        ("silent.example", Type.TXT): ["silent"],
        ("out.example", Type.A): ["192.0.2.24", "192.0.2.25"], ("out2.example", Type.A): ["192.0.2.99"],
        ("own.example", Type.MX): [Mx(10, "out2.example"), Mx(20, "out.example")],
        ("many.example", Type.MX): [Mx(1, f"m{n}.example") for n in range(11)],
        ("192.0.2.25.ok.example", Type.A): ["127.0.0.2"],
        (reversed_name(OUT), Type.PTR): ["mail.own.example"], ("mail.own.example", Type.A): ["192.0.2.25"],
        ("own.example", Type.A): ["192.0.2.1"],
    }  # fmt: skip
    assert host(table).verdict == verdict


def test_two_records_are_none_at_all() -> None:
    assert host(records("v=spf1 +all", "v=spf1 -all")).verdict is Verdict.PERMERROR
    assert host(records("hello", "v=spf1 +all")).verdict is Verdict.PASS
    assert host({}).verdict is Verdict.NONE


@given(
    st.dictionaries(
        st.sampled_from(["own", "a", "b", "c"]),
        st.lists(
            st.sampled_from(
                [
                    "include:a.example", "include:b.example", "redirect=c.example", "a", "mx", "ptr",
                    "exists:%{ir}.%{d}", "redirect=own.example", "include:own.example", "?all", "a:c.example",
                ]
            ),
            max_size=12,
        ),
    )
)  # fmt: skip
def test_records_that_lead_in_circles_end(terms: dict[str, list[str]]) -> None:
    table: dict[tuple[str, Type], list[Any]] = {
        (f"{name}.example", Type.TXT): [" ".join(["v=spf1", *found])]
        for name, found in terms.items()
    }
    judged = host(table)
    assert judged.asking <= 10
    assert judged.verdict in Verdict


# -- the checks ---------------------------------------------------------------------------------


def codes(checks: list[Check]) -> list[str]:
    return [check.seen.code for check in checks]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], ["spf-missing"]),
        (["v=spf1 -all", "v=spf1 a"], ["spf-several"]),
        (["v=spf1 foo -all"], ["spf-broken"]),
        (["v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all"], ["spf-covers", "spf-covers"]),
        (["v=spf1 ip4:192.0.2.25 -all"], ["spf-covers", "spf-not-covered"]),
        (["v=spf1 ip4:192.0.2.25 ip6:2001:db8::25"], ["spf-covers", "spf-covers", "spf-open-end"]),
        (["v=spf1 +all"], ["spf-covers", "spf-covers", "spf-everybody"]),
        (["v=spf1 include:none.example -all"], ["spf-error", "spf-error"]),
        (["silent"], ["dns-silent"]),
    ],
)
def test_the_bounce_domain_covers_what_sends(texts: list[str], expected: list[str]) -> None:
    table = {("bounce.own.example", Type.TXT): texts}
    checks = held(zone.spf(DOMAINS, [OUT, SIX]), table)
    assert codes(checks) == expected


def test_what_to_publish_is_said_to_the_letter() -> None:
    (check,) = held(zone.spf(DOMAINS, [OUT, SIX]), {})
    assert check.seen.values["record"] == '"v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all"'
    assert check.state is State.BAD
    (unknown,) = held(zone.spf(DOMAINS, []), {("bounce.own.example", Type.TXT): ["v=spf1 -all"]})
    assert unknown.state is State.NOT_ASKED
    assert exit_code([unknown]) == 1
    assert exit_code([check, unknown]) == 2
    assert exit_code([]) == 0


KEY = OwnKey(
    name="main._domainkey.own.example", record="v=DKIM1; k=rsa; p=AAAA", kind="rsa",
    forms=(b"\0\0\0", b"\1\1\1"), signs=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "code", "state"),
    [
        (["v=DKIM1; k=rsa; p=AAAA"], "dkim-stands", State.GOOD),
        (["p=AQEB"], "dkim-stands", State.GOOD),
        (["v=DKIM1; k=rsa; p=AA AA; t=y"], "dkim-testing", State.WARNING),
        (["v=DKIM1; k=rsa; p=AAAB"], "dkim-differs", State.BAD),
        (["v=DKIM1; k=ed25519; p=AAAA"], "dkim-differs", State.BAD),
        (["v=DKIM1; k=rsa; p="], "dkim-revoked", State.BAD),
        (["v=DKIM1; k=rsa; p=AAAA; s=tlsrpt"], "dkim-not-for-mail", State.BAD),
        (["k=rsa"], "dkim-broken", State.BAD),
        (["p=AAAA", "p=AAAA"], "dkim-several", State.BAD),
        ([], "dkim-missing", State.BAD),
        (["silent"], "dns-silent", State.NOT_ASKED),
    ],
)
def test_the_key_record_is_this_very_key(texts: list[str], code: str, state: State) -> None:
    check = held(zone.dkim(KEY), {(KEY.name, Type.TXT): texts})
    assert (check.seen.code, check.state) == (code, state)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, ["dmarc-missing"]),
        ({"_dmarc.own.example": ["v=DMARC1; p=none; rua=mailto:a@own.example"]}, ["dmarc-stands"]),
        ({"_dmarc.own.example": ["v=DMARC1; p=reject; aspf=s; rua=mailto:a@own.example"]},
         ["dmarc-stands", "dmarc-spf-apart"]),
        ({"_dmarc.own.example": ["v=DMARC1; p=none"]}, ["dmarc-stands", "dmarc-nobody-reads"]),
        ({"_dmarc.own.example": ["v=DMARC1; p"]}, ["dmarc-broken"]),
        ({"_dmarc.own.example": ["v=DMARC1; p=none", "v=DMARC1; p=none"]}, ["dmarc-several"]),
        ({"_dmarc.own.example": ["hello"]}, ["dmarc-missing"]),
    ],
)  # fmt: skip
def test_dmarc(table: dict[str, list[str]], expected: list[str]) -> None:
    found = {(name, Type.TXT): texts for name, texts in table.items()}
    assert codes(held(zone.dmarc(DOMAINS), found)) == expected


def test_a_policy_is_inherited_from_above() -> None:
    domains = Domains(
        sender="letters.own.example", bounce="b.letters.own.example", reply="r.example"
    )
    table = {
        ("_dmarc.own.example", Type.TXT): ["v=DMARC1; p=none; sp=reject; rua=mailto:a@b.example"]
    }
    (check,) = held(zone.dmarc(domains), table)
    assert check.seen.values["policy"] == "reject"
    assert check.seen.values["at"] == "own.example"


@pytest.mark.parametrize(
    ("table", "servers", "expected"),
    [
        ({}, 0, ["mx-missing"]),
        ({("bounce.own.example", Type.A): ["192.0.2.1"]}, 1, []),
        ({("bounce.own.example", Type.MX): [Mx(0, "")]}, 0, ["mx-null"]),
        ({("bounce.own.example", Type.MX): [Mx(5, "mx.example")]}, 0, ["mx-leads-nowhere"]),
        ({("bounce.own.example", Type.MX): [Mx(9, "lost.example"), Mx(5, "mx.example")],
          ("mx.example", Type.A): ["192.0.2.1"], ("mx.example", Type.AAAA): ["2001:db8::1"]},
         2, ["mx-host-lost"]),
        ({("bounce.own.example", Type.MX): ["silent"]}, 0, ["dns-silent"]),
    ],
)  # fmt: skip
def test_who_takes_the_mail(table: Zone, servers: int, expected: list[str]) -> None:
    route = held(zone.mail_route("bounce.own.example", name="bounce"), table)
    assert (len(route.servers), codes(list(route.checks))) == (servers, expected)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({}, "ptr-missing"),
        ({(reversed_name(OUT), Type.PTR): ["a.example."]}, "ptr-not-confirmed"),
        ({(reversed_name(OUT), Type.PTR): ["a.example.", "b.example."],
          ("b.example", Type.A): ["192.0.2.25"]}, "ptr-confirmed"),
        ({(reversed_name(OUT), Type.PTR): ["silent"]}, "dns-silent"),
    ],
)  # fmt: skip
def test_names_that_lead_there_and_back(table: Zone, code: str) -> None:
    assert held(zone.reverse(OUT), table).seen.code == code
