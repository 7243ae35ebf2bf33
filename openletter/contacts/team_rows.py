"""Rows of response teams: what a person signed, and the invented teams of exercises."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from openletter.campaigns.models import Campaign


class CsirtReview(models.Model):
    """A named person read the page and signed the entry; another entry needs another review.

    An exercise's row is the invented team itself: the table in the repository is not for it.
    """

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    country = models.CharField(max_length=2)
    digest = models.BinaryField(max_length=32, help_text="of the entry that was signed")
    team = models.JSONField(help_text="the entry as it was signed")
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    class Meta:
        db_table = "csirt_review"
        constraints = [
            models.UniqueConstraint(
                fields=["country", "exercise"],
                condition=Q(undone_at=None),
                nulls_distinct=False,
                name="csirt_review_current",
            ),
        ]
