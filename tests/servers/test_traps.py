"""The twelve traps that closing instructions fall into, each sprung on the real server.

Numbers and names are those of the design; what is tested is that the guide's own check, its
commands and its words come out right where a status code, a greeting or a habit would not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from openletter.guides import library
from openletter.guides.model import BlockRole, Kind, Prose, SectionKey
from tests.servers.following import Follower
from tests.servers.laboratory import laboratory, why_not

EXECUTED = [guide for guide in library.all_guides() if guide.kind is Kind.EXECUTED]


@contextmanager
def opened(name: str, case: str, lived: str) -> Iterator[Follower]:
    """A server in one bad state of one configuration, started."""
    if reason := why_not(name):
        pytest.skip(reason)
    with laboratory(name) as lab:
        follower = Follower(guide=library.guide(name), lab=lab)
        follower.set_up()
        follower._move_in(case, lived)
        follower._all(BlockRole.OPEN, case, lived)
        follower._all(BlockRole.LAB_START, case, lived)
        yield follower


def outside(follower: Follower, command: str) -> str:
    return follower.lab.type(command, where="outside")


def verdict(follower: Follower, state: str, case: str, lived: str) -> bool:
    """What the guide's own checks from outside say: all of them, by content."""
    checks = follower._of(BlockRole.CHECK_OUTSIDE, case, lived)
    return all(follower._says(check, state, follower._type(check, "outside")) for check in checks)


def fix(follower: Follower, case: str, lived: str) -> None:
    follower._all(BlockRole.FIX, case, lived)
    follower.lab.type("sleep 2")


CONNECT = (
    "{ printf 'CONNECT 198.51.100.25:25 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'; sleep 1; } "
    "| nc -w 3 203.0.113.10 %d"
)


@pytest.mark.full
def test_trap_1_a_closed_apache_answers_200_to_a_proxys_request() -> None:
    with opened("apache", "forward", "sites") as server:
        assert verdict(server, "open", "forward", "sites")
        fix(server, "forward", "sites")
        code = (
            "curl -s -o /dev/null -w '%{http_code}' -x http://203.0.113.10:80 http://example.com/"
        )
        assert outside(server, code) == "200"
        assert verdict(server, "closed", "forward", "sites")
        assert not verdict(server, "open", "forward", "sites")


@pytest.mark.full
def test_trap_2_a_rewriting_apache_answers_connect_with_200_and_no_tunnel() -> None:
    with opened("apache", "names-unchecked", "gate") as server:
        told = outside(
            server,
            "{ printf 'CONNECT example.com:80 HTTP/1.1\\r\\nHost: example.com\\r\\n\\r\\n'; sleep 1; }"
            " | nc -w 3 203.0.113.10 80",
        )
        assert told.startswith("HTTP/1.1 200")
        assert server.lab.nonce in told, "a tunnel says nothing before it is asked for a page"
        assert verdict(server, "open", "names-unchecked", "gate"), "open by another way"


@pytest.mark.full
def test_trap_3_nginx_is_asked_in_both_forms() -> None:
    with opened("nginx", "any-host", "sites") as server:
        (check,) = server._of(BlockRole.CHECK_OUTSIDE, "any-host", "sites")
        forms = check.text.splitlines()
        assert ["-x http" in form for form in forms] == [True, False]
        assert "-H 'Host: " in forms[1]
        for form in forms:
            ask = form.replace("{{host}}", "203.0.113.10").replace("{{port}}", "80")
            assert server.lab.nonce in outside(server, ask)


def test_trap_4_a_relay_is_asked_in_the_name_of_its_own_postmaster_and_of_a_real_sender() -> None:
    """An unresolvable sender would hide an open Sendmail; only the own domain opens some Postfix."""
    for name in ("postfix", "sendmail"):
        checks = [
            command.text
            for command in library.guide(name).commands.values()
            if command.role is BlockRole.CHECK_OUTSIDE
        ]
        assert any("-f {{foreign}}" in text for text in checks)
        assert any("@{{domain}} -t {{foreign}}" in text for text in checks)


@pytest.mark.full
def test_trap_5_a_postfix_that_dies_of_its_own_rule_is_neither_open_nor_closed() -> None:
    with opened("postfix", "everyone", "plain") as server:
        server.lab.type(
            "postconf -e 'smtpd_relay_restrictions = permit' 'smtpd_recipient_restrictions = permit'"
            " && postfix reload; sleep 2"
        )
        assert not verdict(server, "open", "everyone", "plain")
        assert not verdict(server, "closed", "everyone", "plain")
        log = server.lab.type("grep -h fatal /var/log/mail.log | tail -n 1")
        assert "reject_unauth_destination" in log


def test_trap_6_every_guide_asks_who_holds_the_port() -> None:
    """A daemon that was replaced may still own it; the service's status says nothing of that."""
    for guide in EXECUTED:
        commands = [c.text for c in guide.commands.values() if c.role is BlockRole.CHECK_INSIDE]
        assert any("ss -ltnp 'sport = :{{port}}'" in text for text in commands), guide.id
        assert not any("systemctl status" in text for text in commands), guide.id


@pytest.mark.full
def test_trap_7_a_dante_with_a_broken_file_lives_on_open_and_the_check_sees_it() -> None:
    with opened("dante", "everyone", "office") as server:
        server.lab.type("echo 'nonsense {' >> /etc/danted.conf")
        told = server.lab.type(
            "danted -V -f /etc/danted.conf && systemctl restart danted; echo code $?"
        )
        assert "code 1" in told
        assert "problem on line" not in told, "the reason stands in its log only"
        assert "problem on line" in server.lab.type("cat /var/log/danted.log")
        assert verdict(server, "open", "everyone", "office")


@pytest.mark.full
def test_trap_8_debians_links_are_still_links_after_the_fix() -> None:
    with opened("apache", "forward", "sites") as server:
        links = "find /etc/apache2/sites-enabled /etc/apache2/mods-enabled -type l | sort"
        before = server.lab.type(links)
        fix(server, "forward", "sites")
        assert before.strip()
        assert server.lab.type(links) == before
        assert verdict(server, "closed", "forward", "sites")


@pytest.mark.full
def test_trap_9_a_squid_whose_last_rule_is_a_deny_is_open_to_the_rest() -> None:
    with opened("squid", "last-rule-is-deny", "hand-made") as server:
        rules = server.lab.type("grep -E '^http_access' /etc/squid/squid.conf | tail -n 1")
        assert rules.startswith("http_access deny ")
        assert rules.strip() != "http_access deny all"
        assert verdict(server, "open", "last-rule-is-deny", "hand-made")
        fix(server, "last-rule-is-deny", "hand-made")
        assert verdict(server, "closed", "last-rule-is-deny", "hand-made")


@pytest.mark.full
def test_trap_10_a_rule_against_tunnels_below_a_wide_allow_does_not_help() -> None:
    with opened("squid", "allow-all", "plain") as server:
        server.lab.type(
            "sed -i '0,/^http_access/s//http_access allow all\\n&/' /etc/squid/squid.conf"
            " && squid -k reconfigure; sleep 2"
        )
        rules = server.lab.type("squid -k parse 2>&1 | grep -E 'Processing: http_access'")
        assert rules.index("allow all") < rules.index("deny CONNECT !SSL_ports")
        assert "220 mail.elsewhere.test" in outside(server, CONNECT % 3128)
        fix(server, "allow-all", "plain")
        assert "220 mail.elsewhere.test" not in outside(server, CONNECT % 3128)


@pytest.mark.full
def test_trap_11_a_closed_dante_greets_and_refuses_only_the_connection() -> None:
    greet = "printf '\\005\\001\\000' | nc -w 2 203.0.113.10 1080 | od -An -tx1 | tr -d ' \\n'"
    with opened("dante", "everyone", "office") as server:
        assert outside(server, greet).startswith("0500")
        server.lab.type(
            "sed -i 's|^client pass.*|client pass { from: 0/0 to: 0/0 }|;"
            "s|^socks pass|socks block { from: 203.0.113.0/24 to: 0/0 }\\nsocks pass|' "
            "/etc/danted.conf && systemctl restart danted; sleep 1"
        )
        assert outside(server, greet).startswith("0500"), "it still greets"
        assert verdict(server, "closed", "everyone", "office")


def test_trap_12_every_guide_says_in_words_how_closed_looks() -> None:
    for guide in EXECUTED:
        section = guide.section(SectionKey.CHECK_OUTSIDE)
        words = " ".join(piece.text for piece in section.pieces if isinstance(piece, Prose))
        assert "open" in words, guide.id
        assert "closed" in words, guide.id
