"""Whom to write to: registered netblocks, candidates with provenance, the choice, the ladder."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from openletter.campaigns.fields import CidrField, InetField
from openletter.campaigns.models import Campaign, Partner, PartnerScoped
from openletter.cases.models import Case
from openletter.contacts import lookup_rows, team_rows
from openletter.words import Reader, Scope

TABLES_ELSEWHERE = (lookup_rows, team_rows)
"""Django finds the tables of these modules because this one imports them."""


class RegistryLoad(models.Model):
    """One registry file as loaded; its netblocks go when it is taken back."""

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    sha256 = models.BinaryField(max_length=32)
    name = models.CharField(max_length=300)
    format = models.CharField(max_length=20)
    registry = models.CharField(max_length=20, blank=True)
    netblocks = models.PositiveIntegerField(default=0)
    candidates = models.PositiveIntegerField(default=0)
    rejected = models.JSONField(default=dict, help_text="reason -> count")
    loaded_at = models.DateTimeField()

    class Meta:
        db_table = "registry_load"
        constraints = [
            models.UniqueConstraint(
                fields=["sha256", "exercise"], nulls_distinct=False, name="registry_load_once"
            ),
        ]


class Netblock(models.Model):
    """A registered range; `first` and `last` inclusive, of one address family.

    `parent` is the smallest other block that covers it whole: the next rung of the ladder. It
    and `RegistryRange` are worked out anew at every load of the world.
    """

    load = models.ForeignKey(RegistryLoad, models.CASCADE, related_name="+")
    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    first = InetField()
    last = InetField()
    handle = models.CharField(max_length=200)
    name = models.CharField(max_length=200, blank=True)
    holder = models.CharField(max_length=300, blank=True, help_text="organisation's name")
    holder_key = models.CharField(max_length=200, blank=True, help_text="organisation's handle")
    country = models.CharField(max_length=2, blank=True, help_text="of the organisation")
    registry = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=60, blank=True, help_text="the registry's own word")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "netblock"
        indexes = [models.Index(fields=["exercise", "first", "-last"], name="netblock_first")]


class RegistryRange(models.Model):
    """All blocks of a world as disjoint ranges: from `first` to the next one the block answers.

    The most specific block of an address is one look-up of the nearest `first` at or below it.
    """

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    first = InetField()
    netblock = models.ForeignKey(Netblock, models.CASCADE, null=True, related_name="+")

    class Meta:
        db_table = "registry_range"
        indexes = [
            models.Index(fields=["exercise", "first"], name="registry_range_exercise"),
            models.Index(fields=["first"], condition=Q(exercise=None), name="registry_range_real"),
        ]


class Candidate(models.Model):
    """An address that a registry gives for a netblock, chosen or not, with provenance."""

    netblock = models.ForeignKey(Netblock, models.CASCADE, related_name="candidates")
    address = models.CharField(max_length=320, help_text="as given")
    mailbox = models.CharField(max_length=320, blank=True, help_text="normalised; empty: refused")
    source = models.CharField(max_length=12)
    registry = models.CharField(max_length=20, blank=True)
    object = models.CharField(max_length=200)
    role = models.CharField(max_length=60)
    depth = models.PositiveSmallIntegerField()
    scope = models.CharField(max_length=8, choices=[(s, s) for s in Scope])
    tier = models.PositiveSmallIntegerField(help_text="kind of place, 0 the most trusted")
    rank = models.IntegerField(help_text="lower is better")
    for_abuse = models.BooleanField(help_text="the registry declares it an abuse contact")
    reason = models.JSONField()
    refused = models.CharField(max_length=20, blank=True, help_text="reason code of refusal")

    class Meta:
        db_table = "candidate"
        indexes = [models.Index(fields=["mailbox"], name="candidate_mailbox")]


class MailboxHealth(models.Model):
    """What is known of a mailbox whoever's contact it is; outlives every reload."""

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    mailbox = models.CharField(max_length=320)
    dead_at = models.DateTimeField(null=True)
    dead_because = models.CharField(max_length=200, blank=True)
    bounces = models.PositiveIntegerField(default=0)
    language = models.CharField(max_length=11, blank=True, help_text="of an earlier reply")
    language_stored = models.CharField(max_length=11, blank=True, help_text="a person's choice")
    not_ours = models.JSONField(default=list, help_text="networks it said are not its own")

    class Meta:
        db_table = "mailbox_health"
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "exercise"], nulls_distinct=False, name="mailbox_once"
            ),
        ]


class Suppression(models.Model):
    """A standing "do not write here" (contracts §2): this campaign, or all of them."""

    mailbox = models.CharField(max_length=320)
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, null=True, related_name="+", help_text="null: all campaigns"
    )
    who = models.CharField(max_length=200)
    how = models.CharField(max_length=60)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    class Meta:
        db_table = "suppression"
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "campaign"],
                condition=Q(undone_at=None),
                nulls_distinct=False,
                name="suppression_once",
            ),
        ]


class Override(models.Model):
    """A handler's word on whom to write to for a network, with a reason; wins over registries."""

    network = CidrField()
    campaign = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    address = models.CharField(max_length=320)
    mailbox = models.CharField(max_length=320)
    scope = models.CharField(max_length=8, choices=[(s, s) for s in Scope], default=Scope.UNKNOWN)
    by = models.CharField(max_length=150)
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "override"


class Holder(models.Model):
    """Who holds the networks of a campaign's cases; gets its arm once and keeps it."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    name = models.CharField(max_length=300, blank=True)
    country = models.CharField(max_length=2, blank=True)
    stratum = models.CharField(max_length=60)
    arm = models.CharField(max_length=30)
    assigned_at = models.DateTimeField()

    class Meta:
        db_table = "holder"
        constraints = [models.UniqueConstraint(fields=["campaign", "key"], name="holder_once")]


class Choice(models.Model):
    """Whom to write to about a case, as decided once; superseded by the next decision."""

    class Outcome(models.TextChoices):
        CHOSEN = "chosen"
        NOBODY = "nobody"
        CONFLICT = "conflict"
        NEEDS_PERSON = "needs-person"

    case = models.ForeignKey(Case, models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=12, choices=Outcome)
    mailbox = models.CharField(max_length=320, blank=True)
    address = models.CharField(max_length=320, blank=True, help_text="as given")
    reader = models.CharField(max_length=8, blank=True, choices=[(r, r) for r in Reader])
    holder = models.ForeignKey(Holder, models.PROTECT, null=True, related_name="+")
    netblock = models.JSONField(default=dict, help_text="first, last, handle, holder, registry")
    candidates = models.JSONField(default=list, help_text="all of the ladder with their reasons")
    languages = ArrayField(models.CharField(max_length=11), default=list)
    language_reason = models.JSONField(default=dict)
    reasons = models.JSONField(default=list)
    rule_version = models.CharField(max_length=20)
    chosen_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True)
    superseded_because = models.CharField(max_length=60, blank=True)

    objects: models.Manager[Choice] = PartnerScoped["Choice"].as_manager()

    class Meta:
        db_table = "choice"
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(superseded_at=None), name="one_current_choice"
            ),
        ]
        indexes = [
            models.Index(fields=["mailbox"], condition=Q(superseded_at=None), name="choice_mailbox")
        ]
