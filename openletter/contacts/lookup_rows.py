"""Rows of the look-up: what was asked of whom, how servers are paced, how far each case is.

Only the real world is looked up; exercises never are, so no row here belongs to one.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from openletter.campaigns.fields import InetField
from openletter.cases.models import Case
from openletter.contacts.rules.course import Method
from openletter.wire.lookup import End


class RegistryServer(models.Model):
    """One server that is asked: its next turn, until when it is left alone, and why."""

    host = models.CharField(max_length=253, unique=True)
    next_at = models.DateTimeField(null=True, help_text="before this nobody asks it")
    closed_until = models.DateTimeField(null=True)
    closed_because = models.CharField(max_length=40, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    refusals = models.PositiveIntegerField(default=0, help_text="asked to be left alone, in a row")
    asked = models.PositiveBigIntegerField(default=0)
    answered = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "registry_server"


class Fetch(models.Model):
    """One question and its end; the answer's bytes lie in the spool, so that it can be replayed.

    An answer holds until `expires_at`: for its very question, and for every address from `first`
    to `last` where these are told. "Nothing" and "refused" that hold are the negative cache.
    """

    method = models.CharField(max_length=5, choices=[(m, m) for m in Method])
    server = models.CharField(max_length=253)
    target = models.CharField(max_length=2_000, help_text="the URL or host that was asked")
    about = models.CharField(max_length=50, help_text="the address it was asked about")
    end = models.CharField(max_length=8, choices=[(e, e) for e in End])
    code = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    moved_to = models.CharField(max_length=2_000, blank=True)
    first = InetField(null=True)
    last = InetField(null=True)
    body = models.BinaryField(max_length=32, null=True, help_text="SHA-256 of the kept bytes")
    netblocks = ArrayField(models.BigIntegerField(), default=list)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, help_text="null: it holds for nothing")

    class Meta:
        db_table = "fetch"
        indexes = [
            models.Index(fields=["about", "method"], name="fetch_about"),
            models.Index(
                fields=["method", "first"], condition=Q(first__isnull=False), name="fetch_range"
            ),
            models.Index(fields=["server", "asked_at"], name="fetch_server"),
        ]


class LookUp(models.Model):
    """How far the look-up of one case is; a settled one lets `find` decide."""

    class State(models.TextChoices):
        WAITING = "waiting"
        COVERED = "covered"
        FOUND = "found"
        NOTHING = "nothing"
        REFUSED = "refused"
        GAVE_UP = "gave-up"

    case = models.OneToOneField(Case, models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State)
    tries = models.PositiveSmallIntegerField(default=0)
    again_at = models.DateTimeField(null=True)
    since = models.DateTimeField(null=True, help_text="when it was looked up first")
    at = models.DateTimeField()
    reasons = models.JSONField(default=list)

    class Meta:
        db_table = "look_up"
        indexes = [
            models.Index(fields=["again_at"], condition=Q(state="waiting"), name="look_up_waiting"),
        ]
