"""May this address send for that domain? The whole of check_host (RFC 7208), as a talk.

At most ten terms that ask, two of them in vain, ten servers of an `mx`, ten names of a `ptr`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address, ip_network

from openletter.wire.address import Address
from openletter.wire.dns import Mx, Type, reversed_name
from openletter.wire.dns_talk import Ask, Talk, Told
from openletter.wire.spf import Circumstances, Spf, SpfError, Term, expanded, is_spf, read_spf

MOST_ASKING, MOST_VOID, MOST_HOSTS = 10, 2, 10


class Verdict(StrEnum):
    """The results of section 2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


_BY_QUALIFIER = {
    "+": Verdict.PASS, "-": Verdict.FAIL, "~": Verdict.SOFTFAIL, "?": Verdict.NEUTRAL,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The verdict, how many terms asked, and why it is an error where it is one."""

    verdict: Verdict
    asking: int
    why: str = ""


class _Ended(Exception):  # noqa: N818 - what it says
    """An error ends the whole evaluation, however deep it is."""

    def __init__(self, verdict: Verdict, why: str) -> None:
        super().__init__(why)
        self.verdict, self.why = verdict, why


@dataclass(kw_only=True)
class _Spent:
    """What the limits of section 4.6.4 count."""

    asking: int = 0
    void: int = 0

    def ask(self) -> None:
        self.asking += 1
        if self.asking > MOST_ASKING:
            raise _Ended(Verdict.PERMERROR, f"more than {MOST_ASKING} terms that ask")


def check_host(address: Address, *, domain: str, sender: str, helo: str = "") -> Talk[Judged]:
    """What a receiver of mail from that sender at this address finds."""
    spent = _Spent()
    about = Circumstances(address=address, sender=sender, domain=domain, helo=helo)
    try:
        verdict = yield from _record(about, spent)
    except _Ended as ended:
        return Judged(verdict=ended.verdict, asking=min(spent.asking, MOST_ASKING), why=ended.why)
    return Judged(verdict=verdict, asking=spent.asking)


def _record(about: Circumstances, spent: _Spent) -> Talk[Verdict]:
    told = yield Ask(about.domain, Type.TXT)
    _refuse_fault(told, about.domain)
    found = [text for text in told.texts if is_spf(text)]
    if not found:
        return Verdict.NONE
    if len(found) > 1:
        raise _Ended(Verdict.PERMERROR, f"{len(found)} records at {about.domain}")
    try:
        read = read_spf(found[0])
    except SpfError as problem:
        raise _Ended(Verdict.PERMERROR, f"{about.domain}: {problem}") from None
    return (yield from _terms(read, about, spent))


def _terms(read: Spf, about: Circumstances, spent: _Spent) -> Talk[Verdict]:
    for term in read.terms:
        if (yield from _matches(term, about, spent)):
            return _BY_QUALIFIER[term.qualifier]
    if not read.redirect or read.ends_in:
        return Verdict.NEUTRAL
    spent.ask()
    verdict = yield from _record(replace(about, domain=expanded(read.redirect, about)), spent)
    if verdict is Verdict.NONE:
        raise _Ended(Verdict.PERMERROR, f"redirect to a name without a record: {read.redirect}")
    return verdict


def _matches(term: Term, about: Circumstances, spent: _Spent) -> Talk[bool]:
    if term.kind == "all":
        return True
    if term.net is not None:
        return about.address in term.net if about.address.version == term.net.version else False
    spent.ask()
    target = expanded(term.domain, about) if term.domain else about.domain
    if term.kind == "include":
        return (yield from _included(target, about, spent))
    if term.kind == "exists":
        return bool((yield from _asked(Ask(target, Type.A), spent)).values)
    if term.kind == "ptr":
        return (yield from _by_name(target, about, spent))
    if term.kind == "mx":
        return (yield from _by_mx(term, target, about, spent))
    told = yield from _asked(Ask(target, _address_type(about)), spent)
    return _covers(term, told, about)


def _included(target: str, about: Circumstances, spent: _Spent) -> Talk[bool]:
    verdict = yield from _record(replace(about, domain=target), spent)
    if verdict is Verdict.NONE:
        raise _Ended(Verdict.PERMERROR, f"include of a name without a record: {target}")
    return verdict is Verdict.PASS


def _by_mx(term: Term, target: str, about: Circumstances, spent: _Spent) -> Talk[bool]:
    told = yield from _asked(Ask(target, Type.MX), spent)
    hosts = [value.host for value in told.values if isinstance(value, Mx)]
    if len(hosts) > MOST_HOSTS:
        raise _Ended(Verdict.PERMERROR, f"more than {MOST_HOSTS} servers of {target}")
    for host in hosts:
        told = yield from _asked(Ask(host, _address_type(about)), spent)
        if _covers(term, told, about):
            return True
    return False


def _by_name(target: str, about: Circumstances, spent: _Spent) -> Talk[bool]:
    """A name of the address that leads back to it and lies in the target."""
    told = yield Ask(reversed_name(about.address), Type.PTR)
    for name in told.names[:MOST_HOSTS]:
        host = name.rstrip(".").lower()
        if host != target.lower() and not host.endswith(f".{target.lower()}"):
            continue
        back = yield Ask(host, _address_type(about))
        if str(about.address) in back.names:
            return True
    return False


def _asked(ask: Ask, spent: _Spent) -> Talk[Told]:
    """One question; those in vain are few (section 4.6.4)."""
    told = yield ask
    _refuse_fault(told, ask.name)
    if not told.values:
        spent.void += 1
        if spent.void > MOST_VOID:
            raise _Ended(Verdict.PERMERROR, f"more than {MOST_VOID} questions in vain")
    return told


def _refuse_fault(told: Told, name: str) -> None:
    if told.fault:
        raise _Ended(Verdict.TEMPERROR, f"{name}: {told.fault}")


def _covers(term: Term, told: Told, about: Circumstances) -> bool:
    length = term.four if about.address.version == 4 else term.six
    addresses = (ip_address(name) for name in told.names)
    return any(about.address in ip_network(f"{one}/{length}", strict=False) for one in addresses)


def _address_type(about: Circumstances) -> Type:
    return Type.A if about.address.version == 4 else Type.AAAA
