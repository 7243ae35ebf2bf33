"""A case: one finding that one campaign pursues. The unit of work and of counting."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from openletter.campaigns.fields import InetField
from openletter.campaigns.models import Campaign, Partner, PartnerScoped
from openletter.evidence.models import Finding, Withdrawal
from openletter.words import CaseState, Weakness


class CaseSet(PartnerScoped["Case"]):
    def open(self) -> Self:
        """Still pursued: open, or announced fixed and not yet confirmed."""
        return self.filter(state__in=[CaseState.OPEN, CaseState.ANNOUNCED_FIXED])


class Case(models.Model):
    """Unique by campaign, address and weakness; a second finding adds evidence, opens nothing."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    exercise = models.BooleanField(help_text="equals the campaign's; a composite key holds it")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    ip = InetField()
    weakness = models.CharField(max_length=15, choices=[(w, w) for w in Weakness])
    finding = models.ForeignKey(Finding, models.PROTECT, related_name="+")
    reference = models.CharField(max_length=8, unique=True)
    state = models.CharField(
        max_length=15, choices=[(s, s) for s in CaseState], default=CaseState.OPEN
    )
    announced_at = models.DateTimeField(null=True)
    announced_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    last_evidence_at = models.DateTimeField(help_text="newest evidence; asked again at the door")
    fresh_until = models.DateTimeField(
        null=True, help_text="by the campaign's own knobs it is open until then; asked at the door"
    )
    falls_short = models.BooleanField(
        default=False,
        db_default=False,
        help_text="by the campaign's own knobs it is not open now; asked at the door",
    )
    judged_at = models.DateTimeField(
        null=True, help_text="when the finding was weighed that these two were judged by"
    )
    judged_by = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="with which knobs"
    )

    objects: models.Manager[Case] = CaseSet.as_manager()

    class Meta:
        db_table = "case"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "ip", "weakness"], name="case_once")
        ]
        indexes = [
            models.Index(fields=["campaign", "id"], condition=~Q(state="closed"), name="case_live")
        ]


class Mistake(models.Model):
    """A case that a withdrawal ended as our mistake; what it was before, so it can be given back.

    `rows` and `ports` are what the finding rested on: what our letters said.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="mistakes")
    withdrawal = models.ForeignKey(Withdrawal, models.PROTECT, related_name="+")
    state_before = models.CharField(max_length=15, choices=[(s, s) for s in CaseState])
    closed_before = models.DateTimeField(null=True)
    rows = ArrayField(models.BigIntegerField(), default=list)
    ports = ArrayField(models.PositiveIntegerField(), default=list)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_because = models.CharField(max_length=60, blank=True)

    class Meta:
        db_table = "mistake"
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(undone_at=None), name="one_mistake_a_case"
            )
        ]


class Skipped(models.Model):
    """A finding that this campaign does not pursue, and why; newer evidence asks again."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="+")
    reason = models.CharField(max_length=60)
    evidence_at = models.DateTimeField(help_text="newest evidence when it was skipped")
    at = models.DateTimeField()

    class Meta:
        db_table = "case_skipped"
        constraints = [models.UniqueConstraint(fields=["campaign", "finding"], name="skipped_once")]


class CaseLink(models.Model):
    """A secret that opens the page of one case; a fresh one in every letter that names it."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="links")
    secret_hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()

    class Meta:
        db_table = "case_link"


class WrongTry(models.Model):
    """A wrong reference was typed; limits count these per source, per reference and in total."""

    at = models.DateTimeField(db_index=True)
    source = models.CharField(max_length=43, db_index=True, help_text="/24 or /64 as text")
    reference = models.CharField(max_length=16, db_index=True)

    class Meta:
        db_table = "wrong_try"
