"""What is said of an address: sources, files, observations, findings.

Every row belongs to one world: `exercise` null is the real one, else that exercise's own.
Observations are written by COPY (steps), read by the ORM.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from openletter.campaigns.fields import InetField
from openletter.campaigns.models import Campaign
from openletter.evidence.rules.spaces import ListKind, Space
from openletter.evidence.zonerows import Zone, ZoneAnswer, ZoneRun
from openletter.words import (
    AddressClass,
    FindingState,
    Judgement,
    Protocol,
    Role,
    Weakness,
)

__all__ = [
    "Batch", "Finding", "Observation", "Part", "RangeListing", "Reject", "Source", "SpaceList",
    "Suspension", "Withdrawal", "Zone", "ZoneAnswer", "ZoneRun",
]  # fmt: skip


class Source(models.Model):
    """A public database or feed; what it is stands in `sources/<name>/source.toml`.

    A declared source (an operator's own, an exercise's) carries its definition here.
    """

    id = models.SlugField(primary_key=True)
    name = models.CharField(max_length=200)
    family = models.CharField(max_length=60, help_text="independent origin; copies share one")
    terms = models.JSONField(default=dict)
    definition = models.JSONField(null=True, help_text="of a declared source, as its file says")

    class Meta:
        db_table = "source"


class Suspension(models.Model):
    """A source that counts for nothing in one world for a while; standing until a person ends it.

    What comes in meanwhile is kept and set aside (`Part.set_aside`).
    """

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    source = models.ForeignKey(Source, models.PROTECT, related_name="suspensions")
    at = models.DateTimeField()
    by = models.CharField(max_length=150, help_text="user:NAME, command or step:ingest")
    because = models.JSONField(help_text="Reason as JSON, or {'text': ...}")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)
    ended_because = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "suspension"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "exercise"], condition=Q(ended_at=None), nulls_distinct=False,
                name="suspended_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("at")), name="suspension_in_order"
            ),
        ]  # fmt: skip


class Batch(models.Model):
    """One file as it came; its bytes lie in the spool under their SHA-256."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        REFUSED = "refused"

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    sha256 = models.BinaryField(max_length=32)
    name = models.CharField(max_length=300)
    declared_source = models.CharField(max_length=50, blank=True)
    mapping = models.JSONField(null=True)
    complete = models.BooleanField(default=False, help_text="a full feed: absence means gone")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    format = models.CharField(max_length=40, blank=True)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    rows = models.PositiveIntegerField(default=0)
    by_judgement = models.JSONField(default=dict)
    by_reason = models.JSONField(default=dict)
    stored_at = models.DateTimeField()
    fetched_at = models.DateTimeField(
        null=True, help_text="when a live source last answered with these bytes; of an upload null"
    )
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "batch"
        constraints = [
            models.UniqueConstraint(
                fields=["sha256", "exercise"], nulls_distinct=False, name="batch_once"
            ),
        ]
        indexes = [
            models.Index(fields=["stored_at"], condition=Q(state="waiting"), name="batch_waiting")
        ]


class Part(models.Model):
    """What became of a file, or of each member of an archive: one source's word of one day."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="parts")
    file = models.CharField(max_length=600, help_text="archive member after `!`")
    outcome = models.CharField(max_length=15)
    format = models.CharField(max_length=12, blank=True)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    rows = models.PositiveIntegerField(default=0)
    by_judgement = models.JSONField(default=dict)
    by_reason = models.JSONField(default=dict)
    feed_at = models.DateTimeField(help_text="newest row's time: the day that the feed speaks of")
    undated_at = models.DateTimeField(
        null=True, help_text="time of rows without one: first seen, or the last fetch alike"
    )
    undated_sha256 = models.BinaryField(
        max_length=32, null=True, help_text="of what its rows without a time say, in any order"
    )
    set_aside = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="why its rows don't count"
    )
    counts_from = models.DateTimeField(
        null=True, help_text="since when a person lets its rows count all the same"
    )
    read_at = models.DateTimeField()
    day_file = models.CharField(
        max_length=300, blank=True, help_text="its statements as Parquet below the state's days"
    )
    compared = models.JSONField(
        null=True, help_text="new, changed, same, gone beside the feed before; why gone isn't told"
    )

    class Meta:
        db_table = "batch_part"
        indexes = [
            models.Index(fields=["source", "-feed_at"], name="part_source"),
            models.Index(
                fields=["source", "undated_sha256"],
                condition=Q(undated_sha256__isnull=False),
                name="part_undated",
            ),
        ]


class Reject(models.Model):
    """A row that was refused or set aside, with what a person needs to mend it."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="rejects")
    file = models.CharField(max_length=600, help_text="archive member after `!`")
    row = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    judgement = models.CharField(max_length=14, choices=[(j, j) for j in Judgement])
    reason = models.CharField(max_length=60)
    excerpt = models.CharField(max_length=200, help_text="cut and escaped")

    class Meta:
        db_table = "reject"


class Withdrawal(models.Model):
    """Statements of one source that count for nothing, because they were wrong; until restored.

    It stands: a row of its scope that comes in later is taken back as well. `since` (inclusive)
    and `until` (exclusive) are times of the source, as in `Observation.seen_at`.
    """

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    batch = models.ForeignKey(Batch, models.RESTRICT, null=True, related_name="+")
    rows = ArrayField(
        models.BigIntegerField(), default=list, help_text="only these observations; empty: all"
    )
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=150, help_text="user:NAME or command")
    at = models.DateTimeField()
    counts = models.JSONField(default=dict, help_text="what it changed, when it was made")
    restored_at = models.DateTimeField(null=True)
    restored_by = models.CharField(max_length=150, blank=True)

    class Meta:
        db_table = "withdrawal"
        indexes = [
            models.Index(fields=["source"], condition=Q(restored_at=None), name="withdrawal_stands")
        ]


class Observation(models.Model):
    """One statement of a source about an address, at one time."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="observations")
    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    part = models.ForeignKey(Part, models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    row = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    ip = InetField()
    port = models.PositiveIntegerField(null=True)
    protocol = models.CharField(max_length=3, null=True, choices=[(p, p) for p in Protocol])
    weakness = models.CharField(max_length=15, null=True, choices=[(w, w) for w in Weakness])
    role = models.CharField(max_length=7, choices=[(r, r) for r in Role])
    code = models.CharField(max_length=40, null=True)
    seen_at = models.DateTimeField(help_text="the source's time; `dated_by` says whose word it is")
    dated_by = models.CharField(
        max_length=5,
        choices=[("row", "row"), ("day", "day"), ("file", "file"), ("fetch", "fetch")],
        help_text="row: its own second; day: its own, but coarser; file: the file's; else fetch",
    )
    space = models.CharField(
        max_length=20,
        choices=[(s, s) for s in Space],
        blank=True,
        default="",
        db_default="",
        help_text="what is known of the address: moving or shared space, an exit, a scanner",
    )
    address_class = models.CharField(max_length=13, choices=[(a, a) for a in AddressClass])
    judgement = models.CharField(max_length=14, choices=[(j, j) for j in Judgement])
    says = models.CharField(
        max_length=14, choices=[(j, j) for j in Judgement], help_text="before doubles were counted"
    )
    reason = models.CharField(max_length=60)
    about = models.JSONField(default=dict, help_text="banner, server, via, hostname, tags: cut")
    weighed_at = models.DateTimeField(null=True)
    withdrawn = models.ForeignKey(
        Withdrawal, models.RESTRICT, null=True, db_index=False, related_name="+"
    )

    class Meta:
        db_table = "observation"
        indexes = [
            models.Index(fields=["exercise", "ip", "weakness"], name="observation_target"),
            models.Index(
                fields=["exercise", "id"],
                condition=Q(weighed_at=None),
                name="observation_unweighed",
            ),
            models.Index(fields=["source", "ip"], name="observation_source"),
            models.Index(
                fields=["withdrawn"],
                condition=Q(withdrawn__isnull=False),
                name="observation_withdrawn",
            ),
        ]


class RangeListing(models.Model):
    """A source's statement about a network: kept beside the observations, never counted with them.

    It names nobody's server, so there is no address that it could be a statement about.
    """

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="+")
    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    part = models.ForeignKey(Part, models.CASCADE, related_name="+")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    row = models.PositiveIntegerField()
    line = models.PositiveIntegerField()
    first = InetField()
    last = InetField()
    weakness = models.CharField(max_length=15, null=True, choices=[(w, w) for w in Weakness])
    code = models.CharField(max_length=40, null=True)
    seen_at = models.DateTimeField()
    judgement = models.CharField(max_length=14, choices=[(j, j) for j in Judgement])
    reason = models.CharField(max_length=60)
    about = models.JSONField(default=dict)

    class Meta:
        db_table = "range_listing"
        constraints = [
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="range_in_order")
        ]
        indexes = [models.Index(fields=["exercise", "first"], name="range_listing_first")]


class SpaceList(models.Model):
    """A list of networks that an operator loaded: what space they are, who says so, as of when.

    Loading it again replaces it. It is looked up when a row is judged, and recorded with the row.
    """

    id = models.SlugField(primary_key=True)
    kind = models.CharField(max_length=16, choices=[(k, k) for k in ListKind])
    said_by = models.CharField(max_length=300, help_text="where the list comes from")
    as_of = models.DateTimeField(help_text="when the list was made")
    networks = models.JSONField(default=list, help_text="single addresses are networks too")
    sha256 = models.BinaryField(max_length=32)
    loaded_at = models.DateTimeField()
    loaded_by = models.CharField(max_length=150)

    class Meta:
        db_table = "space_list"


class Finding(models.Model):
    """What weighing concludes of an address and weakness, why, and from which rows."""

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    ip = InetField()
    weakness = models.CharField(max_length=15, choices=[(w, w) for w in Weakness])
    ports = ArrayField(models.PositiveIntegerField(), default=list)
    state = models.CharField(max_length=9, choices=[(s, s) for s in FindingState])
    confidence = models.FloatField()
    families = ArrayField(models.CharField(max_length=60), default=list)
    reasons = models.JSONField(default=list)
    rows = ArrayField(models.BigIntegerField(), default=list, help_text="observation ids")
    rule_version = models.CharField(max_length=20)
    knobs = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="`Policy.knobs` of it"
    )
    needs_cert = models.BooleanField(
        default=False,
        db_default=False,
        help_text="open only by sources that national teams alone may hold",
    )
    first_seen = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True, help_text="newest evidence that counts")
    fresh_until = models.DateTimeField(
        null=True, help_text="open until then, unless more is said; else: its last row counts"
    )
    weighed_at = models.DateTimeField()

    class Meta:
        db_table = "finding"
        constraints = [
            models.UniqueConstraint(
                fields=["exercise", "ip", "weakness"], nulls_distinct=False, name="finding_once"
            ),
        ]
        indexes = [
            models.Index(fields=["exercise", "id"], condition=Q(state="open"), name="finding_open"),
            models.Index(
                fields=["exercise", "id"], condition=Q(state="suspected"), name="finding_suspected"
            ),
        ]
