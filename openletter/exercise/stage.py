"""Setting the stage: the operation, its agencies and people, sources, registries, and feeds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from openletter.campaigns import clock
from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import (
    Campaign,
    CampaignPartner,
    Constituency,
    Member,
    Partner,
    TimelineEntry,
)
from openletter.campaigns.rules import CampaignState, Entry, MemberRole
from openletter.contacts import steps as contacts
from openletter.evidence import steps as evidence
from openletter.exercise.make_world import WORLD
from openletter.exercise.servers import START, day

SLUG = "quiet-harbour"
ADMINISTRATOR, APPROVER = "anna", "bram"
"""Two invented persons who run the operation; their passwords are drawn for each run."""

RECHECK_DAYS = [7, 14, 28]


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who is on the stage."""

    campaign: Campaign
    administrator: User
    approver: User


def _partners_file() -> dict[str, object]:
    return tomllib.loads((WORLD / "partners.toml").read_text(encoding="utf-8"))


def _partners() -> dict[str, Partner]:
    """The agencies and the countries they answer for, made where they are missing."""
    made: dict[str, Partner] = {}
    rows = _partners_file()["partners"]
    for row in rows if isinstance(rows, list) else []:
        told = {key: row.get(key, "") for key in ("name", "country", "language", "email")}
        told |= {"phone": row.get("phone", ""), "website": row["website"], "exercise": True}
        told["names"] = row.get("names", {})
        partner, _ = Partner.objects.get_or_create(slug=row["slug"], defaults=told)
        for country in row["answers_for"]:
            Constituency.objects.get_or_create(partner=partner, country=country)
        made[row["slug"]] = partner
    return made


def _operation(partners: Mapping[str, Partner], *, site_url: str) -> Campaign:
    told = _partners_file()["operation"]
    given: dict[str, str] = dict(told) if isinstance(told, dict) else {}
    now = clock.wall()
    campaign, created = Campaign.objects.get_or_create(
        slug=given["slug"],
        defaults={
            "name": given["name"], "exercise": True, "lead": partners[given["lead"]],
            "clock_offset": START - now, "created_at": START, "distance_days": 7,
            "first_batch": 0, "letters_per_hour": 100_000, "provider_per_hour": 0,
            "recheck_days": RECHECK_DAYS,
            "sender_name": given["sender_name"], "sender_address": given["sender_address"],
            "bounce_domain": given["bounce_domain"], "reply_domain": given["reply_domain"],
            "site_url": site_url,
        },
    )  # fmt: skip
    if created:
        for partner in partners.values():
            CampaignPartner.objects.create(campaign=campaign, partner=partner)
    return campaign


def _person(name: str, partners: Mapping[str, Partner], *, role: MemberRole) -> User:
    user, _ = User.objects.get_or_create(username=name)
    for partner in partners.values():
        Member.objects.update_or_create(user=user, partner=partner, defaults={"role": role})
    return user


@transaction.atomic
def set_up(*, site_url: str) -> Cast:
    """Everybody in place and the campaign planned; doing it again changes nothing."""
    partners = _partners()
    campaign = _operation(partners, site_url=site_url)
    administrator = _person(ADMINISTRATOR, partners, role=MemberRole.ADMINISTRATOR)
    approver = _person(APPROVER, partners, role=MemberRole.APPROVER)
    if campaign.state == CampaignState.DRAFT:
        campaigns.plan(campaign, actor=f"user:{ADMINISTRATOR}", now=START)
    evidence.declare_sources(WORLD / "sources")
    return Cast(campaign=campaign, administrator=administrator, approver=approver)


def begin(cast: Cast) -> None:
    """Two different persons say start, as in a real campaign."""
    campaign, now = cast.campaign, clock.now(cast.campaign)
    if campaign.state != CampaignState.PLANNED:
        return
    for user in (cast.administrator, cast.approver):
        campaigns.approve(campaign, user=user, what="start", now=now)
    campaigns.start(campaign, actor=f"user:{APPROVER}", now=now)


def load_registries(campaign: Campaign) -> tuple[int, int]:
    """Both registries' files; how many networks and candidates they name."""
    files = sorted(path for path in (WORLD / "registry").rglob("*") if path.is_file())
    loads = contacts.load_registries(files, exercise=campaign, now=clock.now(campaign))
    return sum(one.netblocks for one in loads), sum(one.candidates for one in loads)


# -- feeds --------------------------------------------------------------------------------------


def feed_files(on: int) -> list[Path]:
    return sorted((WORLD / "feeds" / f"{day(on):%Y-%m-%d}").iterdir())


def deliver_feed(campaign: Campaign, path: Path) -> None:
    """Put a file where `ingest` finds it, as an operator's fetcher would."""
    source, mapping = _declared(path.name)
    now = clock.now(campaign)
    evidence.store_file(
        path, name=path.name, exercise=campaign, now=now, fetched_at=now,
        source=source, mapping=mapping, complete=True,
    )  # fmt: skip


def _declared(name: str) -> tuple[str, Mapping[str, object] | None]:
    """Whose word a file is, where its name and form do not say so, and what its columns mean."""
    for known in ("certwacht-exits", "certwacht"):
        if name.startswith(known):
            text = (WORLD / "mappings" / f"{known}.toml").read_text(encoding="utf-8")
            return known, tomllib.loads(text)
    for known in ("wierhaven", "spiegel", "tolhek", "proxylijst"):
        if name.startswith(known):
            return known, None
    return "", None


# -- clock --------------------------------------------------------------------------------------


def move_clock(campaign: Campaign, to: datetime) -> None:
    """Set the exercise's clock; it never goes back behind what has been written down."""
    last = TimelineEntry.objects.filter(campaign=campaign).aggregate(last=Max("at"))["last"]
    target = max(to, last + timedelta(seconds=1)) if last else to
    with transaction.atomic():
        before = clock.now(campaign)
        campaign.clock_offset = target - clock.wall()
        campaign.save(update_fields=["clock_offset"])
        if target - before > timedelta(hours=1):
            campaigns.record([_moved(campaign, before=before, after=target)])


def _moved(campaign: Campaign, *, before: datetime, after: datetime) -> Entry:
    return Entry(
        subject=f"campaign:{campaign.pk}", actor="exercise", action="clock-moved", at=after,
        campaign_id=campaign.pk, partner_id=campaign.lead_id,
        before={"clock": before.isoformat(timespec="minutes")},
        after={"clock": after.isoformat(timespec="minutes")},
    )  # fmt: skip
