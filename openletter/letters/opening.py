"""Waves after the first, opened by a person: updates, the one reminder, the closing letters.

A reminder or closing letter is never a second letter by accident: the campaign has to have
switched it on, an approver of its lead opens the wave, and each mailbox gets one at most.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from openletter.campaigns.models import Campaign, Wave
from openletter.campaigns.rules import CampaignState, Entry, Level
from openletter.campaigns.steps import record, viewer_of
from openletter.letters.rules.facts import LetterError
from openletter.letters.turn import composing
from openletter.letters.waves import LATER
from openletter.words import Reason, WaveKind

if TYPE_CHECKING:
    from django.contrib.auth.models import User

BECAUSE = {
    WaveKind.UPDATE: "new-cases-wait",
    WaveKind.REMINDER: "seen-again-after-letters",
    WaveKind.CLOSING: "campaign-ends",
}
"""Why a wave is opened, by its kind."""


@transaction.atomic
def open_wave(campaign: Campaign, kind: WaveKind, *, user: User, now: datetime) -> Wave:
    """From now on letters of this kind are written; an earlier wave of the same kind closes.

    A closing wave ends all others: after it nothing is written but corrections.
    """
    if viewer_of(user).level_at(campaign.lead_id) < Level.APPROVER:
        raise LetterError("no-right", campaign.slug)
    return _opened(campaign, kind, actor=f"user:{user.get_username()}", now=now)


@transaction.atomic
def open_update_wave(campaign: Campaign, *, actor: str, now: datetime) -> Wave:
    """New cases of mailboxes that had their letter are gathered into an update from now on."""
    return _opened(campaign, WaveKind.UPDATE, actor=actor, now=now)


def _opened(campaign: Campaign, kind: WaveKind, *, actor: str, now: datetime) -> Wave:
    composing(campaign)
    campaign.refresh_from_db()
    _refuse_wrong(campaign, kind)
    ending = [kind] if kind != WaveKind.CLOSING else [k for k in WaveKind if k not in KEPT]
    earlier = Wave.objects.filter(campaign=campaign, kind__in=ending, closes_at=None)
    earlier.filter(opens_at__lt=now).update(closes_at=now)
    if kind == WaveKind.CLOSING:
        earlier.update(closes_at=F("opens_at") + timedelta(microseconds=1))
    wave = Wave.objects.filter(
        campaign=campaign, kind=kind, closes_at=None
    ).first() or Wave.objects.create(campaign=campaign, kind=kind, opens_at=now)
    record(
        [
            Entry(
                subject=f"campaign:{campaign.pk}", actor=actor, action=f"{kind}-wave-opened",
                at=now, campaign_id=campaign.pk, partner_id=campaign.lead_id,
                after={"wave": wave.pk}, reason=Reason(code=BECAUSE[kind]).as_json(),
            )
        ]
    )  # fmt: skip
    return wave


KEPT = (WaveKind.CLOSING, WaveKind.CORRECTION)
"""What the closing wave does not end: itself, and what puts a wrong letter right."""


def _refuse_wrong(campaign: Campaign, kind: WaveKind) -> None:
    if kind not in BECAUSE:
        raise LetterError("no-such-wave", kind)
    if campaign.state not in {CampaignState.RUNNING, CampaignState.WAITING}:
        raise LetterError("campaign-not-running", campaign.slug)
    switched = {
        WaveKind.REMINDER: campaign.reminders, WaveKind.CLOSING: campaign.closing_letters,
    }  # fmt: skip
    if kind in LATER and not switched[kind]:
        raise LetterError(f"{kind}-not-switched-on", campaign.slug)
    if Wave.objects.filter(campaign=campaign, kind=WaveKind.CLOSING).exists():
        raise LetterError("campaign-closing", campaign.slug)
