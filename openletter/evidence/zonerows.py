"""DNS zones that are asked: how each behaves, its rounds of questions, what it last answered."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models

from openletter.campaigns.fields import InetField
from openletter.campaigns.models import Campaign
from openletter.evidence.rules.zones import Condition
from openletter.words import DnsblAnswer


class Zone(models.Model):
    """A DNS zone that we ask about addresses: how it behaves, and how much we may ask of it.

    Several workers share rate and budget through this row: questions are booked before they are
    asked, so a crash leaves too much booked, never too little.
    """

    name = models.CharField(max_length=253, unique=True, help_text="without the key, if it has one")
    rate = models.FloatField(default=20, validators=[MinValueValidator(0.1)])
    daily_budget = models.PositiveIntegerField(default=20_000, help_text="questions a day, UTC")
    day = models.DateField(null=True, help_text="on which `booked` was counted")
    booked = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(null=True, help_text="booked questions take that long")
    condition = models.CharField(
        max_length=21, choices=[(c, c) for c in Condition], blank=True, help_text="when last seen"
    )
    reason = models.JSONField(null=True)
    examined_at = models.DateTimeField(null=True)
    answers_six = models.BooleanField(default=False)
    suspended_at = models.DateTimeField(null=True)
    suspended_by = models.CharField(max_length=150, blank=True)
    suspended_because = models.JSONField(null=True, help_text="Reason as JSON, or {'text': ...}")
    try_again_at = models.DateTimeField(null=True, help_text="null: a person resumes it")

    class Meta:
        db_table = "zone"


class ZoneRun(models.Model):
    """One round of questions to a zone; its answers count only if the zone behaved throughout."""

    zone = models.ForeignKey(Zone, models.CASCADE, related_name="runs")
    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    questions = models.PositiveIntegerField()
    by_answer = models.JSONField(default=dict)
    condition = models.CharField(max_length=21, choices=[(c, c) for c in Condition])
    reason = models.JSONField()
    discarded = models.PositiveIntegerField(default=0, help_text="answers that were not believed")
    batch = models.ForeignKey("evidence.Batch", models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "zone_run"
        indexes = [models.Index(fields=["zone", "-id"], name="zone_run_latest")]


class ZoneAnswer(models.Model):
    """What a zone last said of an address, so that nobody asks again before `ask_again_at`."""

    zone = models.ForeignKey(Zone, models.CASCADE, related_name="+")
    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    ip = InetField()
    answer = models.CharField(max_length=10, choices=[(a, a) for a in DnsblAnswer])
    codes = ArrayField(models.CharField(max_length=15), default=list)
    why = models.CharField(max_length=40, blank=True)
    tries = models.PositiveSmallIntegerField(default=1, help_text="in a row without knowing")
    asked_at = models.DateTimeField()
    ask_again_at = models.DateTimeField()

    class Meta:
        db_table = "zone_answer"
        constraints = [
            models.UniqueConstraint(
                fields=["ip", "zone", "exercise"], nulls_distinct=False, name="zone_answer_once"
            ),
        ]
        indexes = [models.Index(fields=["ask_again_at"], name="zone_answer_old")]
