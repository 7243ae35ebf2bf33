"""Settings of what asks strangers: the DNS resolver, DNS blocklists, look-ups of contacts.

Read by `settings` with its reader, so that they stand in the same reference and the same file.
By default nobody is asked anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from openletter.shell import configuration as read
from openletter.words import normalise_domain


@dataclass(frozen=True, kw_only=True)
class LookUp:
    """Whether registries are asked whom to write to, and whether the rest is guessed."""

    mode: str = "off"
    bootstrap: tuple[Path, ...] = ()
    contact_zone: str = ""

    @property
    def is_on(self) -> bool:
        """Whether anybody is asked."""
        return self.mode != "off"

    @property
    def may_guess(self) -> bool:
        """Whether DNS, a contact zone and security.txt are asked where registries name nobody."""
        return self.mode == "guesses"


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Whom this installation asks. `keys` are secrets by zone; they never leave this object."""

    resolver: read.Endpoint | None
    zones: tuple[str, ...]
    keys: Mapping[str, str] = field(repr=False)
    look_up: LookUp = LookUp()

    def asked_as(self, zone: str) -> str:
        """The name that questions about a zone end in; a secret where the zone has a key."""
        key = self.keys.get(zone)
        return f"{key}.{zone}" if key else zone


def read_outside(reader: read.Reader) -> Outside:
    """The settings as they are now; one that can't be used raises with its name."""
    zones = reader.read(
        "OPENLETTER_DNSBL_ZONES",
        to_zones,
        default="",
        about="DNS blocklists to ask about addresses that one source alone names, such as "
        "`dnsbl.dronebl.org rbl.efnetrbl.org`; without keys. Empty: none is asked.",
    )
    resolver = reader.read(
        "OPENLETTER_RESOLVER",
        to_resolver,
        default="",
        about="Address of your own DNS resolver, such as 127.0.0.1:53; it must not forward to a "
        "public one. Empty: no DNS question is asked.",
    )
    keys = reader.read(
        "OPENLETTER_DNSBL_KEYS",
        to_keys,
        default="",
        secret=True,
        about="Keys of blocklists that give each user a name of his own, as `zone=KEY`; the "
        "questions then go to KEY.zone. Never logged or shown.",
    )
    return Outside(resolver=resolver, zones=zones, keys=keys, look_up=read_look_up(reader))


def read_look_up(reader: read.Reader) -> LookUp:
    """Who asks must say where he can be reached, so a look-up needs the contact's mail address."""
    name = "OPENLETTER_LOOKUP"
    mode = reader.read(
        name,
        read.to_choice("off", "registries", "guesses"),
        default="off",
        about="Ask registries (RDAP, WHOIS) about addresses of real campaigns that no loaded file "
        "covers: `registries`; `guesses` also asks DNS and security.txt where they name nobody.",
    )
    bootstrap = reader.read(
        "OPENLETTER_LOOKUP_BOOTSTRAP",
        to_paths,
        default="",
        about="IANA's bootstrap files (ipv4.json, ipv6.json) that say which registry answers. "
        "Empty: the table that comes with the program.",
    )
    zone = reader.read(
        "OPENLETTER_LOOKUP_ZONE",
        to_zone,
        default="",
        about="A DNS zone of abuse contacts (TXT at the reversed address), for `guesses`; its "
        "operator learns which addresses you ask about. Empty: none is asked.",
    )
    contact = reader.seen.get("OPENLETTER_CONTACT_MAIL")
    if mode != "off" and contact is not None and not contact.shown:
        problem = "registries must be able to reach you: set OPENLETTER_CONTACT_MAIL"
        raise read.BadSettingError(name, origin="check", problem=problem)
    return LookUp(mode=mode, bootstrap=bootstrap, contact_zone=zone)


def to_zone(raw: str) -> str:
    """The name of one zone, or nothing."""
    return next(iter(to_zones(raw)), "")


def to_paths(raw: str) -> tuple[Path, ...]:
    """Files, apart by spaces or commas."""
    return tuple(map(read.to_path, read.to_words(raw)))


def to_resolver(raw: str) -> read.Endpoint | None:
    """An address and port, or nothing; a name would need a resolver to find the resolver."""
    if not raw.strip():
        return None
    found = read.to_endpoint(raw)
    try:
        ip_address(found.host)
    except ValueError:
        raise ValueError("an IP address was expected, for example 127.0.0.1:53") from None
    return found


def to_zones(raw: str) -> tuple[str, ...]:
    """Names of zones, each once."""
    found = {word: normalise_domain(word) for word in read.to_words(raw)}
    if wrong := [word for word, name in found.items() if name is None]:
        raise ValueError(f"this is no name of a zone: {wrong[0]}")
    return tuple(dict.fromkeys(name for name in found.values() if name is not None))


def to_keys(raw: str) -> dict[str, str]:
    """`zone=KEY` words; a problem is told without the key."""
    found: dict[str, str] = {}
    for number, word in enumerate(read.to_words(raw), start=1):
        name, _, key = word.partition("=")
        zone = normalise_domain(name)
        if zone is None or not key or normalise_domain(f"{key}.{zone}") is None:
            raise ValueError(f"entry {number} is no zone=KEY")
        found[zone] = key.lower()
    return found


def read_loopback(reader: read.Reader) -> tuple[dict[tuple[str, int], int], Path | None]:
    """A test's own registries on this machine, and the authority that signed their certificates.

    Only `openletter contact --live` reads it, and with it reaches nothing else; settings don't,
    so no campaign can have it: in openletter.toml it is an unknown key, which ends every start.
    """
    servers = reader.read(
        "OPENLETTER_LOOKUP_LOOPBACK",
        to_loopback,
        default="",
        about="For tests of `contact --live`: HOST:PORT or HOST:PORT=LOOPBACK_PORT.",
    )
    authority = reader.read(
        "OPENLETTER_LOOKUP_LOOPBACK_CA", read.to_text, default="", about="A file of certificates."
    )
    return servers, Path(authority) if authority else None


def to_loopback(raw: str) -> dict[tuple[str, int], int]:
    """`rdap.test:443=8443 127.0.0.1:8080`: where on loopback each of these names is."""
    found = {}
    for word in read.to_words(raw):
        named, _, port = word.partition("=")
        place = read.to_endpoint(named)
        found[place.host, place.port] = read.to_number(port) if port else place.port
    return found
