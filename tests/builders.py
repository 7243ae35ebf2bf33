"""Rows for tests, as plain functions: a partner, a user with a role, a campaign."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.models import User

from openletter.campaigns.models import Campaign, CampaignPartner, Constituency, Member, Partner
from openletter.campaigns.rules import CampaignState, MemberRole

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def a_partner(slug: str = "alpha", *, country: str = "NL", exercise: bool = True) -> Partner:
    """An invented agency that answers for one country."""
    partner, created = Partner.objects.get_or_create(
        slug=slug,
        defaults={
            "name": f"Agency {slug.title()}",
            "country": country,
            "language": "nl",
            "email": f"help@{slug}.example",
            "website": f"https://{slug}.example/",
            "exercise": exercise,
        },
    )
    if created:
        Constituency.objects.create(partner=partner, country=country)
    return partner


def a_user(name: str, *, partner: Partner | None = None, role: str = MemberRole.HANDLER) -> User:
    """A person who may sign in (password `pass word`), with a role at a partner if given."""
    user, created = User.objects.get_or_create(username=name)
    if created:
        user.set_password("pass word")
        user.save()
    if partner is not None:
        Member.objects.update_or_create(user=user, partner=partner, defaults={"role": role})
    return user


def a_campaign(
    slug: str = "exercise",
    *,
    lead: Partner | None = None,
    exercise: bool = True,
    state: str = CampaignState.DRAFT,
) -> Campaign:
    """A campaign of one partner; an exercise unless told otherwise."""
    lead = lead or a_partner(exercise=exercise)
    campaign, created = Campaign.objects.get_or_create(
        slug=slug,
        defaults={
            "name": "Close the Open Door",
            "exercise": exercise,
            "state": state,
            "lead": lead,
            "created_at": NOW,
            "started_at": NOW if state == CampaignState.RUNNING else None,
            "letters_per_hour": 100_000,
            "provider_per_hour": 0,
            "first_batch": 0,
            "recheck_days": [1, 7, 28],
            "sender_name": "Close the Open Door",
            "sender_address": "letters@campaign.example",
            "bounce_domain": "bounce.campaign.example",
            "reply_domain": "reply.campaign.example",
            "site_url": "https://campaign.example",
        },
    )
    if created:
        CampaignPartner.objects.create(campaign=campaign, partner=lead)
    return campaign
