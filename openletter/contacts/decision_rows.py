"""Rows of persons' decisions about a case: which partner answers for it."""

from __future__ import annotations

from django.db import models

from openletter.campaigns.models import Partner
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
