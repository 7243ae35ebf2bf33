"""Rows of persons' decisions: which partner answers for a case, who is given time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from openletter.campaigns.models import Campaign, Partner
from openletter.cases.models import Case


class HandOver(models.Model):
    """A person gave a case to another partner; the latest one counts, whatever the claims say."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    by = models.CharField(max_length=150)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        db_table = "hand_over"
        indexes = [models.Index(fields=["case", "-id"], name="hand_over_case")]


class Grace(models.Model):
    """A contact said until when he will have closed it; till then he gets no later letter."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    mailbox = models.CharField(max_length=320)
    until = models.DateTimeField()
    who = models.CharField(max_length=200)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    class Meta:
        db_table = "grace"
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "mailbox"], condition=Q(undone_at=None), name="grace_once"
            )
        ]
