"""Whom to write to: registered netblocks, candidates with provenance, the choice, the ladder."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from openletter.campaigns.fields import CidrField, InetField
from openletter.campaigns.models import Campaign, Partner, PartnerScoped
from openletter.cases.models import Case
from openletter.contacts import decision_rows, lookup_rows, team_rows, wish_rows
from openletter.words import Reader, Scope

TABLES_ELSEWHERE = (decision_rows, lookup_rows, team_rows, wish_rows)
"""Django finds the tables of these modules because this one imports them."""


class RegistryLoad(models.Model):
    """What one registry (or partner) said of one kind of block, as loaded; it can be taken back.

    The world's pages name blocks of `current` loads only. A `replaced` load is kept until the one
    that took its place is replaced itself, so that taking that back brings the world before.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        CURRENT = "current"
        REPLACED = "replaced"

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    partner = models.ForeignKey(
        Partner, models.CASCADE, null=True, related_name="+", help_text="whose own register it is"
    )
    sha256 = models.BinaryField(max_length=32, help_text="of all its files together")
    name = models.CharField(max_length=300, help_text="its files")
    format = models.CharField(max_length=20)
    kind = models.CharField(
        max_length=100, blank=True, help_text="a newer one of registry and kind takes its place"
    )
    registry = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.CURRENT)
    replaces = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="+", help_text="comes back with take-back"
    )
    redistributable = models.BooleanField(
        default=True, help_text="false: the registry's terms let nobody pass its rows on"
    )
    stands_for = models.JSONField(
        default=dict, help_text="NRTMv4: session and version of what is loaded"
    )
    revision = models.PositiveIntegerField(default=0, help_text="goes up with every answer added")
    netblocks = models.PositiveIntegerField(default=0)
    candidates = models.PositiveIntegerField(default=0)
    rejected = models.JSONField(default=dict, help_text="reason -> count")
    loaded_at = models.DateTimeField()

    class Meta:
        db_table = "registry_load"
        constraints = [
            models.UniqueConstraint(
                fields=["registry", "kind", "partner", "exercise"],
                condition=Q(state="current"),
                nulls_distinct=False,
                name="registry_load_current",
            ),
        ]


class ContactSet(models.Model):
    """The candidates that many blocks share, judged once: JSON of `rules.candidates.Candidate`."""

    load = models.ForeignKey(
        RegistryLoad, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    candidates = models.TextField(default="[]", help_text="JSON, only ever read whole")

    class Meta:
        db_table = "contact_set"
        indexes = [models.Index(fields=["load"], name="contact_set_load")]


class Netblock(models.Model):
    """A registered range; `first` and `last` inclusive, of one address family.

    Which blocks lie around it is not kept here but in the world's pages. Keys without database
    constraint: millions of rows are copied in at once, and only `contacts.storing` writes them.
    """

    load = models.ForeignKey(
        RegistryLoad, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    contacts = models.ForeignKey(
        ContactSet, models.DO_NOTHING, null=True, related_name="+", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    first = InetField()
    last = InetField()
    handle = models.CharField(max_length=200)
    name = models.CharField(max_length=200, blank=True)
    holder = models.CharField(max_length=300, blank=True, help_text="organisation's name")
    holder_key = models.CharField(max_length=200, blank=True, help_text="organisation's handle")
    country = models.CharField(max_length=2, blank=True, help_text="of the organisation")
    registry = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=60, blank=True, help_text="the registry's own word")
    ends_walk = models.BooleanField(
        default=False, help_text="maintained by the registry itself: nothing is inherited over it"
    )
    digest = models.BigIntegerField(default=0, help_text="of all that it says, to see changes")

    class Meta:
        db_table = "netblock"
        indexes = [models.Index(fields=["load", "first"], name="netblock_of_load")]


class RegistryPage(models.Model):
    """A run of a world's disjoint ranges: from each start to the next one its blocks answer.

    `ladders` has, for each of `starts`, the ids of the blocks from the most specific one up,
    "12,7,3"; empty where no block is. An address is looked up in the page of the nearest `first`
    at or below it. One family a page; each family has a page at its lowest address.
    """

    exercise = models.ForeignKey(
        Campaign, models.CASCADE, null=True, related_name="+", db_index=False
    )
    first = InetField()
    starts = ArrayField(InetField())
    ladders = ArrayField(models.TextField())

    class Meta:
        db_table = "registry_page"
        indexes = [
            models.Index(fields=["exercise", "first"], name="registry_page_exercise"),
            models.Index(fields=["first"], condition=Q(exercise=None), name="registry_page_real"),
        ]


class MailboxSpread(models.Model):
    """In which countries how many blocks of a load name a mailbox that may be written to."""

    load = models.ForeignKey(RegistryLoad, models.CASCADE, related_name="+")
    mailbox = models.CharField(max_length=320)
    country = models.CharField(max_length=2, blank=True)
    blocks = models.PositiveIntegerField()

    class Meta:
        db_table = "mailbox_spread"
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "load", "country"], name="mailbox_spread_once"
            ),
        ]


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
