"""What became of a case: later looks at the sources, and the conclusion with its time."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from openletter.campaigns.models import Campaign, Partner, PartnerScoped
from openletter.cases.models import Case
from openletter.words import CaseState, OutcomeResult


class Recheck(models.Model):
    """One planned later look. From the sources: new, still there, gone, or silence."""

    class Seen(models.TextChoices):
        STILL_THERE = "still-there"
        GONE = "gone"
        SILENCE = "silence"

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    day = models.PositiveSmallIntegerField(help_text="days after the first letter left")
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    seen = models.CharField(max_length=11, blank=True, choices=Seen)
    conclusive = models.BooleanField(default=False, help_text="nothing more to look for")
    last_seen_at = models.DateTimeField(null=True, help_text="newest evidence known at this look")
    reasons = models.JSONField(default=list)

    objects: models.Manager[Recheck] = PartnerScoped["Recheck"].as_manager()

    class Meta:
        db_table = "recheck"
        constraints = [models.UniqueConstraint(fields=["case", "day"], name="recheck_once")]
        indexes = [
            models.Index(
                fields=["campaign", "due_at"], condition=Q(done_at=None), name="recheck_due"
            )
        ]


class OutcomeSet(PartnerScoped["Outcome"]):
    def holding(self) -> Self:
        """Ends that lasted, of cases that were no mistake of ours: the only ones that count."""
        return self.filter(reopened_at=None).exclude(case__state=CaseState.WITHDRAWN)


class Outcome(models.Model):
    """The conclusion of a case; `censored` where the end was not seen, only bounded."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    case = models.OneToOneField(Case, models.CASCADE, related_name="+")
    result = models.CharField(max_length=11, choices=[(r, r) for r in OutcomeResult])
    censored = models.BooleanField()
    not_before = models.DateTimeField(null=True, help_text="last seen open")
    not_after = models.DateTimeField(null=True, help_text="first seen gone")
    reasons = models.JSONField(default=list)
    concluded_at = models.DateTimeField()
    reopened_at = models.DateTimeField(null=True, help_text="seen open again after this end")

    objects = OutcomeSet.as_manager()

    class Meta:
        db_table = "outcome"
