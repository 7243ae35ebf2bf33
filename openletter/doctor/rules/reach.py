"""Who takes our mail, what the door offers, and what blocklists say of us. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from openletter.doctor.rules.check import Check, Look
from openletter.doctor.rules.zone import Domains
from openletter.evidence.rules.rounds import Round
from openletter.wire.address import Address
from openletter.wire.smtp_rcpt import Taken
from openletter.words import DnsblAnswer

SOON = 14
"""Days before its end from which a certificate is worth a word."""
_CERTIFICATE_TIME = "%b %d %H:%M:%S %Y %Z"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the first server of a domain that opened its door said."""

    host: str = ""
    tls: str = ""
    is_proved: bool = False
    problem: str = ""
    taken: Mapping[str, Taken] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a domain's server is asked: addresses to be taken, and one to be refused."""

    name: str
    domain: str
    expected: tuple[str, ...]
    wrong: str = ""
    campaign: str = ""

    @property
    def recipients(self) -> tuple[str, ...]:
        return (*self.expected, *filter(None, [self.wrong]))

    def judge(self, said: Answers) -> Iterator[Check]:
        """Each address, and the encryption; a closed port 25 may be ours, so it proves nothing."""
        look = Look(self.name, self.domain)
        if said.problem:
            yield look.not_asked("mx-closed", why=said.problem)
            return
        yield _encrypted(look, said)
        for address in self.expected:
            yield _expected(Look(self.name, address), said.taken.get(address), host=said.host)
        if self.wrong and not self.expected:
            yield look.not_asked("rcpt-none-given-out", campaign=self.campaign)
        if self.wrong:
            yield _wrong(look, said.taken.get(self.wrong), host=said.host)


def wanted(
    domains: Domains, *, known: Mapping[str, str], chance: str, campaign: str
) -> tuple[Wanted, ...]:
    """Three rounds: bounces, replies, and the mailboxes that every domain owes (RFC 2142)."""
    owed = tuple(f"{name}@{domains.sender}" for name in ("postmaster", "abuse"))
    return (
        Wanted(
            name="bounce", domain=domains.bounce, wrong=f"b+{chance}@{domains.bounce}",
            expected=_one(known.get("bounce"), domains.bounce), campaign=campaign,
        ),
        Wanted(
            name="reply", domain=domains.reply, wrong=f"reply+{chance}@{domains.reply}",
            expected=_one(known.get("reply"), domains.reply), campaign=campaign,
        ),
        Wanted(name="postmaster", domain=domains.sender, expected=owed),
    )  # fmt: skip


def _one(address: str | None, domain: str) -> tuple[str, ...]:
    return (address,) if address and address.lower().endswith(f"@{domain}") else ()


def _encrypted(look: Look, said: Answers) -> Check:
    if not said.tls:
        return look.warning("mx-in-the-clear", host=said.host)
    if not said.is_proved:
        return look.warning("mx-not-proved", host=said.host, tls=said.tls)
    return look.good("mx-encrypted", host=said.host, tls=said.tls)


def _expected(look: Look, said: Taken | None, *, host: str) -> Check:
    if said is not None and said.is_taken:
        return look.good("rcpt-taken", host=host)
    answer = _answer(said)
    if said is not None and said.is_refused:
        return look.bad("rcpt-refused", host=host, answer=answer)
    return look.warning("rcpt-unsure", host=host, answer=answer)


def _wrong(look: Look, said: Taken | None, *, host: str) -> Check:
    if said is not None and said.is_refused:
        return look.good("rcpt-wrong-refused", host=host)
    if said is not None and said.is_taken:
        return look.warning("rcpt-wrong-taken", host=host)
    return look.warning("rcpt-unsure", host=host, answer=_answer(said))


def _answer(said: Taken | None) -> str:
    text = f"{said.code or ''} {said.text}".strip() if said else ""
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:200] or "-"


# -- the door -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What was seen of the door that letters leave by."""

    where: str
    is_here: bool
    problem: str = ""
    tls: str = ""
    until: str = ""
    pipelines: bool = False


def door(offered: Offered, *, now: datetime) -> Iterator[Check]:
    """It opens, it is encrypted where strangers could listen, its certificate lasts."""
    look = Look("door", offered.where)
    if offered.problem:
        yield look.bad("door-closed", why=offered.problem)
        return
    yield look.good("door-open")
    if not offered.pipelines:
        yield look.warning("door-does-not-pipeline")
    tls = Look("tls", offered.where)
    if not offered.tls:
        yield tls.good("tls-not-needed") if offered.is_here else tls.bad("tls-missing")
        return
    ends = certificate_end(offered.until)
    if ends is None:
        yield tls.warning("tls-end-unknown", tls=offered.tls)
        return
    days = (ends - now).days
    blame = tls.warning if days < SOON else tls.good
    code = "tls-ends-soon" if days < SOON else "tls-proved"
    yield blame(code, tls=offered.tls, days=days, until=f"{ends:%Y-%m-%d}")


def certificate_end(text: str) -> datetime | None:
    """A certificate's own way of writing a time, such as `Nov 24 19:00:00 2026 GMT`."""
    try:
        return datetime.strptime(text, _CERTIFICATE_TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


# -- blocklists ---------------------------------------------------------------------------------


def listed(zone: str, told: Round | None, addresses: Sequence[Address]) -> Iterator[Check]:
    """What one zone says of our own addresses; one that may not be believed says nothing."""
    look = Look("blocklists", zone)
    if told is None:
        yield look.not_asked("zone-rests")
        return
    if not told.is_believed:
        yield look.not_asked("zone-not-believed", condition=str(told.health.condition))
        return
    said = {one.ip: one for one in told.about}
    for address in addresses:
        one = said.get(address)
        answer = one.told.answer if one else DnsblAnswer.UNKNOWN
        if one is not None and answer is DnsblAnswer.LISTED:
            codes = ", ".join(one.told.codes)
            yield look.bad("own-address-listed", address=str(address), codes=codes)
        elif answer is DnsblAnswer.NOT_LISTED:
            yield look.good("own-address-not-listed", address=str(address))
        else:
            yield look.not_asked("zone-silent", address=str(address), answer=str(answer))
