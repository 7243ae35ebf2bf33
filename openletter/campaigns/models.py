"""Rows of who runs what. Business knobs are columns of `Campaign`, never settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from openletter.campaigns.fields import CidrField
from openletter.campaigns.rules import CampaignState, MemberRole, Viewer
from openletter.words import StepName, WaveKind

_M = TypeVar("_M", bound=models.Model)


class PartnerScoped(models.QuerySet[_M]):
    """Rows with exactly one responsible partner; faces reach them through `for_viewer` only."""

    def for_viewer(self, viewer: Viewer) -> Self:
        """Only rows of the partners whose member the viewer is; a stranger sees none."""
        return self.filter(partner_id__in=viewer.partner_ids)


class Partner(models.Model):
    """A participating agency: answers for a constituency, and writes in its own name."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    names = models.JSONField(default=dict, help_text="name by language tag, where it differs")
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=11, default="en")
    email = models.EmailField(help_text="where a person answers questions")
    phone = models.CharField(max_length=40, blank=True)
    website = models.URLField(blank=True)
    legal_text = models.JSONField(
        default=dict, help_text="language tag -> the partner's approved lines of law"
    )
    legal_approved_at = models.DateTimeField(null=True)
    legal_approved_by = models.CharField(max_length=150, blank=True)
    letters_per_hour = models.PositiveIntegerField(
        null=True, help_text="of all its campaigns together; null: no limit of its own"
    )
    is_cert = models.BooleanField(
        default=False, help_text="a national team: may hold feeds that are for such teams only"
    )
    exercise = models.BooleanField(
        default=False, help_text="invented, takes part in exercises only"
    )

    class Meta:
        db_table = "partner"

    def __str__(self) -> str:
        return self.name


class Constituency(models.Model):
    """What a partner answers for: a country, or a network (which wins over the country)."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="constituencies")
    country = models.CharField(max_length=2, blank=True)
    network = CidrField(null=True)

    class Meta:
        db_table = "constituency"
        constraints = [
            models.CheckConstraint(
                condition=~Q(country="") ^ Q(network__isnull=False), name="constituency_one_kind"
            ),
        ]


class Member(models.Model):
    """A user's role at a partner."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, models.CASCADE, related_name="members")
    role = models.CharField(max_length=13, choices=[(r, r) for r in MemberRole])

    class Meta:
        db_table = "member"
        constraints = [models.UniqueConstraint(fields=["user", "partner"], name="member_once")]


class Campaign(models.Model):
    """One drive with partners and rules. A new real campaign begins small (contracts §3)."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    exercise = models.BooleanField(default=False)
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in CampaignState], default=CampaignState.DRAFT
    )
    paused_at = models.DateTimeField(null=True)
    paused_because = models.CharField(max_length=300, blank=True)
    clock_offset = models.DurationField(default=timedelta(), help_text="exercises only")
    lead = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    partners = models.ManyToManyField(Partner, through="CampaignPartner", related_name="campaigns")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)

    families_needed = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1)])
    fresh_days = models.PositiveSmallIntegerField(default=7)
    fresh_days_unsaid = models.PositiveSmallIntegerField(
        default=4, help_text="a list that does not say whether a server listens there"
    )
    fresh_days_ipv6 = models.PositiveSmallIntegerField(default=2)
    fresh_hours_moving = models.PositiveSmallIntegerField(
        default=48, help_text="dynamic and shared space, where the next customer gets the address"
    )
    door_fresh_days = models.PositiveSmallIntegerField(
        default=7, help_text="newest evidence must be younger than this when a letter leaves"
    )
    distance_days = models.PositiveSmallIntegerField(default=30)
    first_batch = models.PositiveIntegerField(default=50)
    letters_per_hour = models.PositiveIntegerField(default=20)
    provider_per_hour = models.PositiveIntegerField(
        default=60, help_text="letters an hour to mailboxes behind one mail provider; 0: no limit"
    )
    provider_rates = models.JSONField(
        default=dict, help_text="provider (domain of its mail servers) -> letters an hour"
    )
    warm_up_letters = models.PositiveIntegerField(
        default=0, help_text="letters on the first day; 0: no warm-up"
    )
    warm_up_growth = models.PositiveSmallIntegerField(
        default=50, help_text="percent more on each day after"
    )
    hours_from = models.PositiveSmallIntegerField(
        null=True, help_text="full hour of the reader's clock, where his country has one; null: any"
    )
    hours_until = models.PositiveSmallIntegerField(null=True)
    reminders = models.BooleanField(default=False)
    closing_letters = models.BooleanField(
        default=False, help_text="at the end, what became of it, to whoever was told something"
    )
    recheck_days = ArrayField(models.PositiveSmallIntegerField(), default=list)
    inline_rows = models.PositiveSmallIntegerField(default=50)
    arms = models.JSONField(default=dict, help_text="arm -> share; empty = everybody is written to")
    arm_key = models.BinaryField(default=b"")
    arm_commitment = models.CharField(max_length=64, blank=True)

    sender_name = models.CharField(max_length=200)
    sender_address = models.EmailField()
    bounce_domain = models.CharField(max_length=253)
    reply_domain = models.CharField(max_length=253)
    site_url = models.URLField()

    class Meta:
        db_table = "campaign"
        constraints = [
            models.CheckConstraint(
                condition=Q(exercise=True) | Q(clock_offset=timedelta()),
                name="only_exercises_move_clock",
            ),
            models.CheckConstraint(
                condition=Q(distance_days__gte=7), name="distance_at_least_week"
            ),
            models.UniqueConstraint(fields=["id", "exercise"], name="campaign_kind"),
            models.CheckConstraint(
                condition=Q(hours_from=None, hours_until=None)
                | Q(hours_from__lt=F("hours_until"), hours_until__lte=24),
                name="hours_of_one_day",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def world(self) -> Campaign | None:
        """Whose evidence and registries count: an exercise's own, or the real world's (None)."""
        return self if self.exercise else None

    @property
    def may_send(self) -> bool:
        """Running and not paused; the claim asks the database again."""
        return self.state == CampaignState.RUNNING and self.paused_at is None


class CampaignPartner(models.Model):
    """A partner takes part in a campaign."""

    campaign = models.ForeignKey(Campaign, models.CASCADE)
    partner = models.ForeignKey(Partner, models.PROTECT)

    class Meta:
        db_table = "campaign_partner"
        constraints = [models.UniqueConstraint(fields=["campaign", "partner"], name="partner_once")]


class Approval(models.Model):
    """Somebody with the right said yes: a start needs two different persons."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="approvals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    what = models.CharField(max_length=10, choices=[("start", "start"), ("go-on", "go-on")])
    at = models.DateTimeField()

    class Meta:
        db_table = "approval"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "user", "what"], name="approval_once")
        ]


class Wave(models.Model):
    """When and why letters of one kind are written; a letter is unique by mailbox and wave."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="waves")
    kind = models.CharField(max_length=10, choices=[(k, k) for k in WaveKind])
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "wave"
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True) | Q(closes_at__gt=F("opens_at")),
                name="wave_closes_after_opening",
            ),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(kind="first"), name="one_first_wave"
            ),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(kind="closing"), name="one_closing_wave"
            ),
        ]


class Exclusion(models.Model):
    """No checks of and no letters about this network; needs the holder's proof to be made."""

    network = CidrField()
    campaign = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="exclusions")
    who = models.CharField(max_length=200)
    how = models.CharField(max_length=200)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    class Meta:
        db_table = "exclusion"


class TimelineEntry(models.Model):
    """Who changed what, when and why. Append-only (trigger), chained by hash per campaign."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, related_name="+")
    partner = models.ForeignKey(Partner, models.PROTECT, null=True, related_name="+")
    subject = models.CharField(max_length=60, help_text="kind:id, e.g. case:12")
    actor = models.CharField(max_length=150, help_text="user:NAME, step:NAME, holder, command")
    at = models.DateTimeField()
    action = models.CharField(max_length=60)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.JSONField(null=True, help_text="Reason as JSON, or {'text': ...} of a person")
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    objects: models.Manager[TimelineEntry] = PartnerScoped["TimelineEntry"].as_manager()

    class Meta:
        db_table = "timeline"
        indexes = [
            models.Index(fields=["subject", "id"], name="timeline_subject"),
            models.Index(fields=["campaign", "-id"], name="timeline_campaign"),
        ]


class LineState(models.Model):
    """What a step reported of itself; the desk and metrics read this and never import the line."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    step = models.CharField(max_length=10, choices=[(s, s) for s in StepName])
    waiting = models.PositiveIntegerField(default=0)
    oldest = models.DateTimeField(null=True)
    done = models.PositiveBigIntegerField(default=0, help_text="rows settled so far")
    rate = models.FloatField(default=0, help_text="rows a minute, last measured minute")
    at = models.DateTimeField()

    class Meta:
        db_table = "line_state"
        constraints = [models.UniqueConstraint(fields=["campaign", "step"], name="line_state_once")]


class Installation(models.Model):
    """The one row that ties this database to its journal and state folder (contracts §1)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    mark = models.UUIDField()
    journal_position = models.PositiveBigIntegerField(default=0)
    leaving_paused_at = models.DateTimeField(null=True)
    leaving_paused_because = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "installation"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_installation")]
