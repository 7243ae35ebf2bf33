"""What is said of an address: sources, files, observations, findings.

Every row belongs to one world: `exercise` null is the real one, else that exercise's own.
Observations are written by COPY (steps), read by the ORM.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from openletter.campaigns.fields import InetField
from openletter.campaigns.models import Campaign
from openletter.evidence.rules.spaces import ListKind, Space
from openletter.evidence.rules.zones import Condition
from openletter.words import (
    AddressClass,
    DnsblAnswer,
    FindingState,
    Judgement,
    Protocol,
    Role,
    Weakness,
)


class Source(models.Model):
    """A public database or feed; what it is stands in `sources/<name>/source.toml`.

    A declared source (an operator's own, an exercise's) carries its definition here.
    """

    id = models.SlugField(primary_key=True)
    name = models.CharField(max_length=200)
    family = models.CharField(max_length=60, help_text="independent origin; copies share one")
    terms = models.JSONField(default=dict)
    definition = models.JSONField(null=True, help_text="of a declared source, as its file says")
    suspended_at = models.DateTimeField(null=True)
    suspended_because = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "source"


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
    fetched_at = models.DateTimeField(null=True, help_text="when the same bytes came again")
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
    read_at = models.DateTimeField()
    day_file = models.CharField(
        max_length=300, blank=True, help_text="its statements as Parquet below the state's days"
    )
    compared = models.JSONField(
        null=True, help_text="new, changed, same, gone beside the feed before; why gone isn't told"
    )

    class Meta:
        db_table = "batch_part"
        indexes = [models.Index(fields=["source", "-feed_at"], name="part_source")]


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
    needs_cert = models.BooleanField(
        default=False,
        db_default=False,
        help_text="open only by sources that national teams alone may hold",
    )
    first_seen = models.DateTimeField(null=True)
    last_seen = models.DateTimeField(null=True, help_text="newest evidence that counts")
    fresh_until = models.DateTimeField(
        null=True, help_text="when the last of the evidence that counts stops counting"
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
    batch = models.ForeignKey(Batch, models.SET_NULL, null=True, related_name="+")

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
