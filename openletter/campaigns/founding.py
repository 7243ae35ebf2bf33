"""Verbs before the first letter: partners, what they answer for, their law, a new campaign.

A new real campaign begins small (contracts section 3): list-only, twenty letters an hour, the
first fifty and then a person, a hundred on the first day, in working hours, no reminder, one arm.
Everything else is the campaign's columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.text import slugify

from openletter.campaigns.fields import Network
from openletter.campaigns.models import Campaign, CampaignPartner, Constituency, Partner
from openletter.campaigns.rules import Entry, Level, Viewer
from openletter.campaigns.steps import CampaignError, record, viewer_of
from openletter.words import Reason, Value

if TYPE_CHECKING:
    from django.contrib.auth.models import User

RECHECK_DAYS = [1, 2, 4, 8, 16, 28, 56, 90]
FIRST_DAY = 100
"""Letters on the first day; half as many more on each day after (`Campaign.warm_up_growth`)."""
HOURS = (8, 18)
"""A letter leaves while somebody may read it, where the reader's country keeps one time."""
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, kw_only=True)
class Sender:
    """In whose domain letters stand, and where their links lead."""

    domain: str
    site_url: str


def _refuse(code: str, **values: Value) -> CampaignError:
    return CampaignError(Reason(code=code, values=values))


def _needs(viewer: Viewer, partner: Partner | None, level: Level) -> None:
    """The level at that partner, or (None) at any."""
    has = viewer.highest if partner is None else viewer.level_at(partner.pk)
    if has < level:
        raise _refuse("no-right", role=level.name.lower())


# -- partners -----------------------------------------------------------------------------------


@transaction.atomic
def add_partner(
    facts: Mapping[str, str],
    *,
    countries: Sequence[str],
    networks: Iterable[Network] = (),
    user: User,
    now: datetime,
) -> Partner:
    """A partner with its constituency; an administrator of some partner adds it.

    `facts`: slug, name, email, language, and phone, website if known. A country or network that
    another partner already answers for is refused: an overlap would stop letters.
    """
    _needs(viewer_of(user), None, Level.ADMINISTRATOR)
    slug = facts["slug"]
    if slugify(slug) != slug or Partner.objects.filter(slug=slug).exists():
        raise _refuse("partner-slug-taken", slug=slug)
    home = countries[0] if countries else ""
    partner = Partner.objects.create(**{**facts, "country": home})
    answer_for(partner, countries=countries, networks=networks)
    record([_about(partner, "partner-added", user=user, now=now, after={"slug": slug})])
    return partner


def answer_for(
    partner: Partner, *, countries: Sequence[str], networks: Iterable[Network] = ()
) -> None:
    """Give a partner countries and networks that nobody else of its world answers for."""
    others = Constituency.objects.exclude(partner=partner).filter(
        partner__exercise=partner.exercise
    )
    for country in countries:
        if not _COUNTRY.fullmatch(country):
            raise _refuse("no-such-country", country=country)
        if taken := others.filter(country=country).first():
            raise _refuse("constituency-taken", what=country, partner=taken.partner.name)
        Constituency.objects.get_or_create(partner=partner, country=country, network=None)
    for network in networks:
        if taken := others.filter(network=network).first():
            raise _refuse("constituency-taken", what=str(network), partner=taken.partner.name)
        Constituency.objects.get_or_create(partner=partner, country="", network=network)


@transaction.atomic
def set_team(partner: Partner, *, is_cert: bool, user: User, now: datetime) -> None:
    """Say whether a partner is a national team, which may hold feeds that are for such only."""
    _needs(viewer_of(user), None, Level.ADMINISTRATOR)
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    before, row.is_cert = row.is_cert, is_cert
    row.save(update_fields=["is_cert"])
    told = {"before": {"is_cert": before}, "after": {"is_cert": is_cert}}
    record([_about(row, "partner-team", user=user, now=now, **told)])


@transaction.atomic
def write_law(partner: Partner, *, language: str, text: str, user: User, now: datetime) -> None:
    """The partner's lines of law in one language; any change takes the approval away."""
    _needs(viewer_of(user), partner, Level.ADMINISTRATOR)
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    before = row.legal_text.get(language)
    row.legal_text = {**row.legal_text, language: " ".join(text.split())}
    row.legal_approved_at, row.legal_approved_by = None, ""
    row.save(update_fields=["legal_text", "legal_approved_at", "legal_approved_by"])
    after = {"language": language, "text": row.legal_text[language]}
    entry = _about(row, "law-written", user=user, now=now, after=after, before={"text": before})
    record([entry])


@transaction.atomic
def approve_law(partner: Partner, *, user: User, now: datetime) -> None:
    """An approver of the partner says that its lines of law are right, in all their languages."""
    _needs(viewer_of(user), partner, Level.APPROVER)
    row = Partner.objects.select_for_update().get(pk=partner.pk)
    if not row.legal_text.get("en"):
        raise _refuse("law-without-english", partner=row.name)
    row.legal_approved_at, row.legal_approved_by = now, user.get_username()
    row.save(update_fields=["legal_approved_at", "legal_approved_by"])
    after = {"languages": sorted(row.legal_text)}
    record([_about(row, "law-approved", user=user, now=now, after=after)])


def _about(
    partner: Partner,
    action: str,
    *,
    user: User,
    now: datetime,
    after: Mapping[str, object],
    before: Mapping[str, object] | None = None,
) -> Entry:
    return Entry(
        subject=f"partner:{partner.pk}",
        actor=f"user:{user.get_username()}",
        action=action,
        at=now,
        partner_id=partner.pk,
        before=before,
        after=after,
    )


# -- campaigns ----------------------------------------------------------------------------------


@transaction.atomic
def found(
    slug: str,
    *,
    name: str,
    lead: Partner,
    others: Sequence[Partner] = (),
    sender: Sender,
    user: User,
    now: datetime,
) -> Campaign:
    """A new real campaign in draft, small on purpose; an administrator of the lead founds it."""
    _needs(viewer_of(user), lead, Level.ADMINISTRATOR)
    if slugify(slug) != slug or Campaign.objects.filter(slug=slug).exists():
        raise _refuse("campaign-slug-taken", slug=slug)
    if invented := [one.name for one in (lead, *others) if one.exercise]:
        raise _refuse("partner-is-invented", partners=", ".join(invented))
    campaign = Campaign.objects.create(
        slug=slug, name=name, exercise=False, lead=lead, created_at=now,
        recheck_days=RECHECK_DAYS, warm_up_letters=FIRST_DAY, hours_from=HOURS[0],
        hours_until=HOURS[1], sender_name=name, sender_address=f"letters@{sender.domain}",
        bounce_domain=f"bounce.{sender.domain}", reply_domain=f"reply.{sender.domain}",
        site_url=sender.site_url,
    )  # fmt: skip
    CampaignPartner.objects.bulk_create(
        CampaignPartner(campaign=campaign, partner=partner)
        for partner in dict.fromkeys((lead, *others))
    )
    record(
        [
            Entry(
                subject=f"campaign:{campaign.pk}", actor=f"user:{user.get_username()}",
                action="founded", at=now, campaign_id=campaign.pk, partner_id=lead.pk,
                after={"state": campaign.state, "partners": [one.slug for one in (lead, *others)]},
            )
        ]
    )  # fmt: skip
    return campaign
