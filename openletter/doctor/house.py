"""What this installation itself knows: keys, law, approvals, start, alerts, the ways back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.conf import settings
from django.db import connection

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Partner
from openletter.doctor.rules.check import Check, Look
from openletter.doctor.rules.zone import Domains, OwnKey
from openletter.letters import approvals, keys, selectors
from openletter.letters.models import Letter
from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.facts import LetterError
from openletter.wire.mime import read_mail

CLOCK_APART = 2.0
"""Seconds between our clock and the database's from which on it matters."""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """In whose name letters leave."""

    name: str
    address: str
    domains: Domains


def sender_of(campaign: Campaign | None) -> Sender:
    """The campaign's, or what a new campaign would have."""
    if campaign is None:
        domain = settings.MAIL_DOMAIN
        domains = Domains(sender=domain, bounce=f"bounce.{domain}", reply=f"reply.{domain}")
        return Sender(name="openletter", address=f"letters@{domain}", domains=domains)
    domains = Domains(
        sender=campaign.sender_address.rpartition("@")[2].lower(),
        bounce=campaign.bounce_domain.lower(),
        reply=campaign.reply_domain.lower(),
    )
    return Sender(name=campaign.sender_name, address=campaign.sender_address, domains=domains)


# -- keys ---------------------------------------------------------------------------------------


def own_keys(domain: str, *, now: datetime) -> list[OwnKey]:
    """Every key whose record belongs in DNS, as it belongs there."""
    folder, named = Path(settings.STATE) / "keys", settings.DKIM_SELECTOR
    state = selectors.condition(folder, named=named, now=now)
    signing = state.signing.selector if state.signing else ""
    return [
        _own(key, signs=pair.selector == signing)
        for pair in selectors.pairs(folder, named=named)
        for key in keys.load(folder, domain=domain, selector=pair.selector)
    ]


def _own(key: SigningKey, *, signs: bool) -> OwnKey:
    public = key.private.public_key()
    if isinstance(key.private, RSAPrivateKey):
        kind, forms = "rsa", [
            public.public_bytes(serialization.Encoding.DER, form)
            for form in (
                serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1,
            )
        ]  # fmt: skip
    else:
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        kind, forms = "ed25519", [public.public_bytes(*raw)]
    return OwnKey(
        name=key.dns_name(), record=key.dns_record(), kind=kind, forms=tuple(forms), signs=signs
    )


def key_age(*, now: datetime) -> Check:
    look = Look("keys", settings.DKIM_SELECTOR)
    folder = Path(settings.STATE) / "keys"
    try:
        state = selectors.condition(folder, named=settings.DKIM_SELECTOR, now=now)
    except (LetterError, OSError, ValueError) as problem:
        return look.bad("keys-unreadable", why=type(problem).__name__)
    if state.signing is None or not keys.exists(folder, selector=state.signing.selector):
        return look.bad("keys-missing")
    blame = look.warning if state.is_old else look.good
    code = "keys-old" if state.is_old else "keys-young"
    return blame(code, selector=state.signing.selector, days=state.age.days)


# -- the campaign -------------------------------------------------------------------------------


def of_campaign(campaign: Campaign) -> Iterator[Check]:
    """Law, wordings, start."""
    for partner in campaign.partners.order_by("slug"):
        yield _law(partner)
    yield from _wordings(campaign)
    yield _start(campaign)


def _law(partner: Partner) -> Check:
    look = Look("law", partner.name)
    if partner.legal_approved_at is None:
        return look.bad("law-not-approved", partner=partner.slug)
    if not str(partner.legal_text.get("en", "")).strip():
        return look.bad("law-without-english-text", partner=partner.slug)
    return look.good("law-approved", languages=", ".join(sorted(partner.legal_text)))


def _wordings(campaign: Campaign) -> Iterator[Check]:
    waiting = approvals.waiting(campaign)
    look = Look("approvals", campaign.slug)
    for one in waiting:
        yield Look("approvals", one.partner.name).bad(
            "wording-waits", kind=str(one.kind), language=one.language, letters=one.letters,
            partner=one.partner.slug,
        )  # fmt: skip
    if waiting:
        return
    if Letter.objects.filter(campaign=campaign).exists():
        yield look.good("wordings-approved")
    else:
        yield look.not_asked("no-letters-drafted", campaign=campaign.slug)


def _start(campaign: Campaign) -> Check:
    look = Look("approvals", campaign.slug)
    given, needed = campaign.approvals.filter(what="start").count(), campaigns.APPROVERS_NEEDED
    if campaign.started_at or given >= needed:
        return look.good("start-approved")
    return look.warning("start-not-approved", given=given, needed=needed, campaign=campaign.slug)


def known_addresses(campaign: Campaign | None) -> dict[str, str]:
    """Addresses that a letter of ours carries already, by what they are for: bounce, reply."""
    letters = Letter.objects.filter(campaign=campaign) if campaign else Letter.objects.none()
    letter = letters.exclude(envelope_from="").order_by("-id").first()
    if letter is None:
        return {}
    reply_to = read_mail(bytes(letter.raw)[:65536]).get("reply-to").strip("<> ")
    return {"bounce": letter.envelope_from, **({"reply": reply_to} if "@" in reply_to else {})}


# -- the installation ---------------------------------------------------------------------------


def of_installation() -> Iterator[Check]:
    """Settings that a real campaign needs, and who hears when something is wrong."""
    yield _log()
    yield from _alerts()
    site = Look("site", settings.SITE_ADDRESS)
    yield site.good("site-https") if _is_public() else site.bad("site-not-public")
    contact = Look("contact", settings.CONTACT_MAIL or "-")
    has_contact = bool(settings.OPERATOR and settings.CONTACT_MAIL)
    yield contact.good("contact-set") if has_contact else contact.warning("contact-missing")


def _log() -> Check:
    leaving = settings.LEAVING
    look = Look("fate", leaving.log or leaving.mailbox or "-")
    if not leaving.log and not leaving.mailbox:
        return look.warning("fate-unseen")
    path = Path(leaving.log or leaving.mailbox)
    try:
        if not path.is_dir():
            path.open("rb").close()
    except OSError as problem:
        return look.bad("fate-unreadable", why=problem.strerror or type(problem).__name__)
    return look.good("fate-seen")


def _alerts() -> Iterator[Check]:
    telling, smarthost = settings.TELLING, settings.SMARTHOST
    look = Look("alerts", str(telling.smtp or "webhook" if telling.is_on else "-"))
    if not telling.is_on:
        yield look.bad("alerts-off")
    elif telling.goes_by(smarthost.host):
        yield look.warning("alerts-same-host", host=smarthost.host)
    else:
        yield look.good("alerts-on")
    if telling.smtp and telling.tls == "never" and not telling.smtp.is_loopback:
        yield look.warning("alerts-in-the-clear")


def _is_public() -> bool:
    hosts = ("localhost", "127.", "[::1]")
    rest = settings.SITE_ADDRESS.removeprefix("https://")
    return settings.SITE_ADDRESS.startswith("https://") and not rest.startswith(hosts)


def database_clock(wall: Callable[[], datetime]) -> Check:
    """The database's clock, between two looks at ours."""
    look = Look("clock", "database")
    before = wall()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs: datetime = cursor.fetchone()[0]
    early, late = (before - theirs).total_seconds(), (theirs - wall()).total_seconds()
    apart = max(early, late, 0.0)
    if apart > CLOCK_APART:
        return look.bad("clock-differs-from-database", seconds=round(apart))
    return look.good("clock-agrees-with-database")
