"""What a campaign may write after its first letters: switched on and off by an approver.

Both are off in a new campaign: a letter more than the first is a decision that somebody takes.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import CampaignState, Entry, Level
from openletter.campaigns.steps import CampaignError, record, viewer_of
from openletter.words import Reason

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def switch(
    campaign: Campaign,
    *,
    reminders: bool | None = None,
    closing_letters: bool | None = None,
    user: User,
    now: datetime,
) -> None:
    """Allow or forbid the one reminder and the closing letter; None leaves it as it is.

    What was cleared asks again at the door, so that switching off stops it.
    """
    if viewer_of(user).level_at(campaign.lead_id) < Level.APPROVER:
        raise CampaignError(Reason(code="no-right", values={"role": "approver"}))
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.state == CampaignState.FINISHED:
        raise CampaignError(Reason(code="campaign-is-finished", values={"campaign": locked.slug}))
    before = {"reminders": locked.reminders, "closing_letters": locked.closing_letters}
    wanted = {"reminders": reminders, "closing_letters": closing_letters}
    after = before | {name: value for name, value in wanted.items() if value is not None}
    if after != before:
        locked.reminders, locked.closing_letters = after["reminders"], after["closing_letters"]
        locked.save(update_fields=list(after))
        record(
            [
                Entry(
                    subject=f"campaign:{locked.pk}", actor=f"user:{user.get_username()}",
                    action="letters-switched", at=now, campaign_id=locked.pk,
                    partner_id=locked.lead_id, before=before, after=after,
                )
            ]
        )  # fmt: skip
    campaign.refresh_from_db()
