"""What stands in DNS about our mail domains: SPF, keys, DMARC, mail servers, reverse names."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openletter.doctor.rules.check import Check, Look
from openletter.doctor.rules.spf import Judged, Verdict, check_host
from openletter.letters.rules.dkim import zone_text
from openletter.wire.address import Address
from openletter.wire.dns import Mx, Type, reversed_name
from openletter.wire.dns_talk import Ask, Talk, Told
from openletter.wire.mailrecords import Dmarc, RecordError, is_dmarc, read_dmarc, read_key
from openletter.wire.spf import Spf, SpfError, is_spf, read_spf

SHOWN = 400
_LEAST_LABELS, _MOST_UP = 2, 3
_MOST_NAMES = 10


@dataclass(frozen=True, kw_only=True)
class Domains:
    """The names that a campaign's letters carry."""

    sender: str
    """Of the From address and of the signature."""
    bounce: str
    reply: str


# -- SPF ----------------------------------------------------------------------------------------


def spf(domains: Domains, outgoing: Sequence[Address]) -> Talk[list[Check]]:
    """The bounce domain's record covers every address that letters leave by."""
    look = Look("spf", domains.bounce)
    told = yield Ask(domains.bounce, Type.TXT)
    if told.fault:
        return [look.not_asked("dns-silent", why=told.fault)]
    found = [text for text in told.texts if is_spf(text)]
    record = _proposed(outgoing)
    if not found:
        return [look.bad("spf-missing", record=record)]
    if len(found) > 1:
        return [look.bad("spf-several", count=len(found), record=record)]
    shown = _shown(found[0])
    try:
        read = read_spf(found[0])
    except SpfError as problem:
        return [look.bad("spf-broken", seen=shown, why=str(problem), record=record)]
    if not outgoing:
        return [_loose(look, read, shown) or look.not_asked("spf-which-addresses", seen=shown)]
    checks: list[Check] = []
    for address in outgoing:
        checks += [(yield from _spf_of(address, domains.bounce, shown))]
    loose = _loose(look, read, shown)
    return [*checks, loose] if loose else checks


def _spf_of(address: Address, domain: str, seen: str) -> Talk[Check]:
    judged: Judged = yield from check_host(address, domain=domain, sender=f"b+x@{domain}")
    look = Look("spf", domain)
    term = f"ip{address.version}:{address}"
    values = {"address": str(address), "seen": seen, "term": term}
    match judged.verdict:
        case Verdict.PASS:
            return look.good("spf-covers", asking=judged.asking, **values)
        case Verdict.TEMPERROR:
            return look.not_asked("dns-silent", why=judged.why)
        case Verdict.PERMERROR:
            return look.bad("spf-error", why=judged.why, **values)
    return look.bad("spf-not-covered", verdict=str(judged.verdict), **values)


def _loose(look: Look, read: Spf, seen: str) -> Check | None:
    """A record that lets everybody in is worse than none; one without an end says little."""
    if read.ends_in == "+":
        return look.bad("spf-everybody", seen=seen)
    if read.ends_in in {"-", "~"} or (read.redirect and not read.ends_in):
        return None
    return look.warning("spf-open-end", seen=seen)


def _proposed(outgoing: Sequence[Address]) -> str:
    terms = " ".join(f"ip{one.version}:{one}" for one in outgoing)
    return f'"v=spf1 {terms or "a:<your smarthost>"} -all"'


# -- the signature's keys -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class OwnKey:
    """A public key of ours: where its record belongs, what it says, its octets in each form."""

    name: str
    record: str
    kind: str
    forms: tuple[bytes, ...]
    signs: bool
    """Signs now; else it waits, or what it signed may still be on its way."""


def dkim(key: OwnKey) -> Talk[Check]:
    """The record is there, and it is this very key."""
    look = Look("dkim", key.name)
    told = yield Ask(key.name, Type.TXT)
    if told.fault:
        return look.not_asked("dns-silent", why=told.fault)
    if not told.texts:
        code = "dkim-missing" if key.signs else "dkim-missing-other"
        return _blame(look, key)(code, record=zone_text(key.record))
    if len(told.texts) > 1:
        return _blame(look, key)(
            "dkim-several", count=len(told.texts), record=zone_text(key.record)
        )
    return _key(look, key, told.texts[0])


def _key(look: Look, key: OwnKey, text: bytes) -> Check:
    values = {"record": zone_text(key.record)}
    blame = _blame(look, key)
    try:
        read = read_key(text)
    except RecordError as problem:
        return blame("dkim-broken", why=str(problem), **values)
    if not read.octets:
        return blame("dkim-revoked", **values)
    if read.kind != key.kind or read.octets not in key.forms:
        return blame("dkim-differs", seen=_short(read.octets), **values)
    if not read.may_sign_letters:
        return blame("dkim-not-for-mail", **values)
    if "y" in read.flags:
        return look.warning("dkim-testing", **values)
    return look.good("dkim-stands" if key.signs else "dkim-stands-other")


def _blame(look: Look, key: OwnKey) -> Callable[..., Check]:
    """Without the key that signs now no letter is believed; another one only has to be there."""
    return look.bad if key.signs else look.warning


def _short(octets: bytes) -> str:
    return base64.b64encode(octets).decode()[:24]


# -- DMARC --------------------------------------------------------------------------------------


def dmarc(domains: Domains) -> Talk[list[Check]]:
    """A policy of the sender's domain or of the nearest one above; From aligns with what passes."""
    look = Look("dmarc", domains.sender)
    record = f'_dmarc.{domains.sender}. TXT "v=DMARC1; p=none; rua=mailto:<who reads reports>"'
    for domain in _upwards(domains.sender):
        told = yield Ask(f"_dmarc.{domain}", Type.TXT)
        if told.fault:
            return [look.not_asked("dns-silent", why=told.fault)]
        found = [text for text in told.texts if is_dmarc(text)]
        if len(found) > 1:
            return [look.bad("dmarc-several", count=len(found), at=domain)]
        if found:
            return _policy(look, found[0], domains, at=domain, record=record)
    return [look.bad("dmarc-missing", record=record)]


def _upwards(domain: str) -> list[str]:
    """The name itself, then those above it; never a top-level domain."""
    labels = domain.split(".")
    most = min(len(labels) - _LEAST_LABELS, _MOST_UP)
    return [".".join(labels[start:]) for start in range(max(0, most) + 1)]


def _policy(look: Look, text: bytes, domains: Domains, *, at: str, record: str) -> list[Check]:
    seen = _shown(text)
    try:
        read = read_dmarc(text)
    except RecordError as problem:
        return [look.bad("dmarc-broken", seen=seen, why=str(problem), record=record)]
    policy = read.policy if at == domains.sender else read.below
    checks = [look.good("dmarc-stands", seen=seen, policy=policy, at=at)]
    if not read.reports:
        checks.append(look.warning("dmarc-nobody-reads", seen=seen, at=at))
    if not _spf_aligns(read, domains):
        checks.append(look.warning("dmarc-spf-apart", bounce=domains.bounce, at=at))
    return checks


def _spf_aligns(read: Dmarc, domains: Domains) -> bool:
    """Surely: without a list of public suffixes only a name below or above the other is that."""
    one, other = domains.bounce, domains.sender
    if one == other:
        return True
    return not read.strict_spf and (one.endswith(f".{other}") or other.endswith(f".{one}"))


# -- who takes the mail -------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where a domain's mail goes: servers with their addresses, best first; else why not."""

    servers: tuple[tuple[str, str], ...] = ()
    checks: tuple[Check, ...] = ()


def mail_route(domain: str, *, name: str) -> Talk[Route]:
    """Which servers take the mail of one of our domains, and whether that is sound."""
    look = Look(name, domain)
    told = yield Ask(domain, Type.MX)
    if told.fault:
        return Route(checks=(look.not_asked("dns-silent", why=told.fault),))
    found = sorted(value for value in told.values if isinstance(value, Mx))
    if any(not mx.host.strip(".") for mx in found):
        return Route(checks=(look.bad("mx-null"),))
    hosts = [mx.host for mx in found] or [domain]
    servers: list[tuple[str, str]] = []
    lost: list[str] = []
    for host in hosts[:_MOST_NAMES]:
        addresses = yield from _addresses(host)
        servers += [(host, address) for address in addresses]
        lost += [] if addresses else [host]
    if not servers:
        code = "mx-leads-nowhere" if found else "mx-missing"
        return Route(checks=(look.bad(code, hosts=", ".join(hosts)),))
    checks = [look.warning("mx-host-lost", hosts=", ".join(lost))] if lost else []
    return Route(servers=tuple(servers), checks=tuple(checks))


def _addresses(host: str) -> Talk[list[str]]:
    four = yield Ask(host, Type.A)
    six = yield Ask(host, Type.AAAA)
    return [*four.names, *six.names]


# -- reverse names ------------------------------------------------------------------------------


def reverse(address: Address) -> Talk[Check]:
    """A name that leads back (forward-confirmed), as large receivers demand."""
    look = Look("ptr", str(address))
    told: Told = yield Ask(reversed_name(address), Type.PTR)
    if told.fault:
        return look.not_asked("dns-silent", why=told.fault)
    names = [name.rstrip(".") for name in told.names[:_MOST_NAMES]]
    if not names:
        return look.bad("ptr-missing", name=reversed_name(address))
    kind = Type.A if address.version == 4 else Type.AAAA
    for name in names:
        back: Told = yield Ask(name, kind)
        if back.fault:
            return look.not_asked("dns-silent", why=back.fault)
        if str(address) in back.names:
            return look.good("ptr-confirmed", name=name)
    record = f"{names[0]}. {kind.name} {address}"
    return look.bad("ptr-not-confirmed", names=", ".join(names), record=record)


def _shown(text: bytes) -> str:
    """A record as it may be printed."""
    plain = text.decode("utf-8", "replace")[:SHOWN]
    return "".join(sign if sign.isprintable() else "?" for sign in plain)
