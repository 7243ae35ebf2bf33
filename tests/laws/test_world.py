"""The made-up world: what lies in the repository is what its rules write, and belongs to nobody."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter

import pytest

from openletter.exercise import land, make_world, people, servers

DOCUMENTATION = [
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
DIRT = {"11.22.33.0", "11.22.33.255", "0.0.0.0", "127.0.0.1", "127.0.0.2", "127.0.0.3"}
DIRT |= {"127.0.0.4", "127.0.0.77"}


def test_committed_files_are_the_generated_ones() -> None:
    assert make_world.differences() == [], "run: python -m openletter.exercise.make_world"


def test_every_address_is_a_documentation_address_or_known_dirt() -> None:
    strangers: set[str] = set()
    for name, content in make_world.world_files():
        text = make_world.unpacked(content).decode()
        for found in re.findall(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])", text):
            try:
                address = ipaddress.ip_address(found)
            except ValueError:
                continue
            if found not in DIRT and not any(address in net for net in DOCUMENTATION[:3]):
                strangers.add(f"{name}: {found}")
    assert strangers == set()


def test_every_mail_address_is_in_a_domain_kept_for_examples() -> None:
    kept = re.compile(r"[\w.+-]+@([\w-]+\.)*(example|example\.(com|net|org))")
    wrong = [
        found.group()
        for _, content in make_world.world_files()
        for found in re.finditer(
            r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", make_world.unpacked(content).decode()
        )
        if not kept.fullmatch(found.group()) and found.group() != "unread@ripe.net"
        and not re.match(r"secret@\d", found.group())
    ]  # fmt: skip
    assert wrong == []


def test_the_world_is_as_large_as_promised() -> None:
    first = [
        make_world.unpacked(content)
        for name, content in make_world.world_files()
        if name.startswith("feeds/2026-11-02/")
    ]
    assert sum(content.count(b"\n") for content in first) > 3_100
    assert len(land.holdings()) >= 300
    assert len(land.mailboxes()) >= 120
    countries = {person.country for person in people.people().values()}
    assert countries == {"NL", "BE", "DE", "GB", "IE", "US"}
    total = sum(path.stat().st_size for path in make_world.WORLD.rglob("*") if path.is_file())
    assert total < 2_000_000


def test_networks_are_nested_and_never_overlap_otherwise() -> None:
    networks = [holding.network for holding in land.holdings()]
    assert len(set(networks)) == len(networks)
    for one in networks:
        for other in networks:
            if one.version == other.version and one.overlaps(other):
                inside = one.subnet_of(other) or other.subnet_of(one)  # type: ignore[arg-type]
                assert inside


def test_everybody_who_closes_a_server_is_right_about_it() -> None:
    """Who will say "fixed" has servers that later feeds do not show any more."""
    for server in servers.servers():
        owner = people.people()[land.expected_mailbox(server.ip)]
        if server.sort is servers.Sort.OPEN and owner.character.closes_servers:
            assert not server.is_seen(7)


@pytest.mark.parametrize("character", list(people.Character))
def test_every_character_has_a_mailbox(character: people.Character) -> None:
    count = Counter(person.character for person in people.people().values())
    assert count[character] >= 1
