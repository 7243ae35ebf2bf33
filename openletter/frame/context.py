"""What every page's frame needs to know, asked only when a template uses it."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import CampaignState

SHOWN = (CampaignState.RUNNING, CampaignState.WAITING, CampaignState.FINISHED)


def only_exercises_here() -> bool:
    """An installation whose campaigns are all made up says so on every page."""
    kinds = set(Campaign.objects.filter(state__in=SHOWN).values_list("exercise", flat=True))
    return kinds == {True}


def frame(request: HttpRequest) -> Mapping[str, object]:
    """`exercise`: whether the page carries the notice; a view may set it for its own campaign."""
    return {"exercise": SimpleLazyObject(only_exercises_here)}
