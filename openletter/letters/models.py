"""Letters and their fate. A letter is unique by campaign, mailbox and wave (contracts §1)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value

from openletter.campaigns.models import Campaign, Partner, PartnerScoped, Wave
from openletter.cases.models import Case, CaseLink
from openletter.contacts.models import Choice
from openletter.evidence.models import Withdrawal
from openletter.words import DeliveryState, Reader, TokenPurpose, WaveKind


class Delivery(models.Model):
    """One handing-over and its fate; of a letter, or of an answer that a person wrote."""

    class Purpose(models.TextChoices):
        LETTER = "letter"
        ANSWER = "answer"

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+", db_index=False)
    exercise = models.BooleanField(help_text="equals the campaign's; a composite key holds it")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=6, choices=Purpose)
    mailbox = models.CharField(max_length=320)
    domain = models.GeneratedField(
        expression=Func(
            F("mailbox"), Value("@([^@]*)$"), function="substring", output_field=models.TextField()
        ),
        output_field=models.TextField(),
        db_persist=True,
    )
    recipient = models.CharField(max_length=320, help_text="RCPT TO")
    envelope_from = models.CharField(max_length=320)
    message_id = models.CharField(max_length=200)
    raw = models.BinaryField(
        null=True, help_text="an answer's bytes, CRLF; those of a letter stand in the letter only"
    )
    body_sha256 = models.BinaryField(max_length=32)
    state = models.CharField(max_length=9, choices=[(s, s) for s in DeliveryState])
    cleared_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True, help_text="deferred: next try")
    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=100, blank=True)
    handed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    queue_id = models.CharField(max_length=100, blank=True)
    smtp_code = models.PositiveSmallIntegerField(null=True)
    smtp_text = models.CharField(max_length=300, blank=True)
    not_sent_at = models.DateTimeField(
        null=True, help_text="`settle` found it never left; only a person clears it again"
    )
    settled_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(
        max_length=60, blank=True, help_text="code: why cancelled, unknown or sent back"
    )

    objects: models.Manager[Delivery] = PartnerScoped["Delivery"].as_manager()

    class Meta:
        db_table = "delivery"
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose="letter", raw=None) | Q(purpose="answer", raw__isnull=False),
                name="bytes_stand_once",
            ),
            models.UniqueConstraint(fields=["message_id"], name="delivery_message_id"),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "purpose", "id"],
                name="to_leave",
                condition=Q(state__in=[DeliveryState.CLEARED, DeliveryState.DEFERRED]),
            ),
            models.Index(fields=["id"], condition=Q(state="handing"), name="in_hand"),
            models.Index(fields=["campaign", "handed_at"], name="delivery_pace"),
            models.Index(fields=["campaign"], condition=Q(state="accepted"), name="beyond_recall"),
            models.Index(fields=["campaign"], condition=Q(state="unknown"), name="fate_unknown"),
            models.Index(
                fields=["campaign", "handed_at"], condition=Q(state="bounced"), name="came_back"
            ),
        ]


class Letter(models.Model):
    """One message to one mailbox about one or more cases; a draft until it has a delivery."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+", db_index=False)
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="+")
    kind = models.CharField(
        max_length=10, choices=[(k, k) for k in WaveKind], default=WaveKind.FIRST,
        help_text="the wave's, but a mailbox that never got a letter gets a first one",
    )  # fmt: skip
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    mailbox = models.CharField(max_length=320)
    recipient = models.CharField(max_length=320, help_text="as given, for RCPT TO and To")
    reader = models.CharField(max_length=8, choices=[(r, r) for r in Reader])
    languages = ArrayField(models.CharField(max_length=11))
    country = models.CharField(max_length=2, blank=True)
    reference = models.CharField(max_length=8)
    secret_hash = models.BinaryField(max_length=32, unique=True)
    message_id = models.CharField(max_length=200)
    envelope_from = models.CharField(max_length=320)
    subject = models.CharField(max_length=200)
    raw = models.BinaryField(help_text="signed bytes, CRLF; secrets stand nowhere else")
    body_sha256 = models.BinaryField(max_length=32)
    wording_version = models.CharField(max_length=40)
    wordings = ArrayField(
        models.CharField(max_length=60), default=list,
        help_text="one a language: what its partner must have approved",
    )  # fmt: skip
    told = ArrayField(
        models.CharField(max_length=40), default=list,
        help_text="case:state of all that earlier letters told; asked again at the door",
    )  # fmt: skip
    thread = models.CharField(max_length=200, blank=True, help_text="first letter's Message-ID")
    composed_at = models.DateTimeField(help_text="campaign's clock")
    delivery = models.OneToOneField(Delivery, models.PROTECT, null=True, related_name="letter")

    objects: models.Manager[Letter] = PartnerScoped["Letter"].as_manager()

    class Meta:
        db_table = "letter"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "mailbox", "wave"], name="never_twice"),
            models.UniqueConstraint(fields=["reference"], name="letter_reference"),
            models.UniqueConstraint(fields=["message_id"], name="letter_message_id"),
            models.UniqueConstraint(
                fields=["campaign", "mailbox", "kind"],
                condition=Q(kind__in=[WaveKind.REMINDER, WaveKind.CLOSING]),
                name="one_reminder_one_closing",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "id"], condition=Q(delivery=None), name="draft")
        ]


class LetterCase(models.Model):
    """A case in a letter, by the choice that led there and the link printed for it."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="rows", db_index=False)
    wave = models.ForeignKey(Wave, models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", db_index=False)
    choice = models.ForeignKey(Choice, models.PROTECT, related_name="+")
    link = models.ForeignKey(CaseLink, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(
        help_text="the case's number, the same in every letter to the mailbox"
    )

    class Meta:
        db_table = "letter_case"
        constraints = [
            models.UniqueConstraint(fields=["wave", "choice"], name="choice_once_a_wave"),
            models.UniqueConstraint(fields=["letter", "case"], name="case_once_a_letter"),
        ]
        indexes = [models.Index(fields=["case"], name="letter_case_case")]


class Correction(models.Model):
    """What a withdrawal asks of one campaign: its letters to be corrected, once a person approves.

    The wave opens with the approval; before that a restored withdrawal drops it.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    withdrawal = models.ForeignKey(Withdrawal, models.PROTECT, related_name="+")
    wave = models.OneToOneField(Wave, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=150, blank=True)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "correction"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "withdrawal"], name="correction_once"),
            models.CheckConstraint(
                condition=Q(approved_at=None, wave=None)
                | Q(approved_at__isnull=False, wave__isnull=False, dropped_at=None),
                name="approved_with_a_wave",
            ),
        ]


class WordingApproval(models.Model):
    """A partner lets one version of one wording go out in its name, until somebody takes it back.

    Another text has another version, so that a change needs a new approval.
    """

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=[(k, k) for k in WaveKind])
    language = models.CharField(max_length=11)
    version = models.CharField(max_length=60)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)

    objects: models.Manager[WordingApproval] = PartnerScoped["WordingApproval"].as_manager()

    class Meta:
        db_table = "wording_approval"
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "version"], condition=Q(undone_at=None),
                name="wording_approved_once",
            )
        ]  # fmt: skip


class MailToken(models.Model):
    """A random token in the letter's mail addresses, kept as SHA-256, found by look-up."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="tokens", db_index=False)
    purpose = models.CharField(max_length=6, choices=[(p, p) for p in TokenPurpose])
    token_hash = models.BinaryField(max_length=32, unique=True)

    class Meta:
        db_table = "mail_token"
        constraints = [
            models.UniqueConstraint(fields=["letter", "purpose"], name="one_token_a_purpose")
        ]


class HandedElsewhere(models.Model):
    """A line of the journal that this database does not know: handed over after its backup.

    It stands for the letter that must not leave a second time (contracts §1).
    """

    message_id = models.CharField(max_length=200, unique=True)
    campaign = models.CharField(max_length=50, help_text="slug")
    wave = models.PositiveBigIntegerField(null=True, help_text="null: this database has none such")
    kind = models.CharField(max_length=10)
    mailbox_hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        db_table = "handed_elsewhere"
        indexes = [models.Index(fields=["campaign", "mailbox_hash"], name="handed_elsewhere_key")]


class MailRoute(models.Model):
    """Who takes the mail of a domain, as DNS said; asked by the sender's job, never in a claim."""

    domain = models.TextField(unique=True)
    provider = models.TextField(
        help_text="what its mail servers' names have in common; the domain itself where unknown"
    )
    hosts = ArrayField(models.TextField(), default=list, help_text="mail servers, best ones only")
    fault = models.CharField(max_length=40, blank=True, help_text="why DNS could not say")
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField()
    again_at = models.DateTimeField(help_text="until then the answer holds")

    class Meta:
        db_table = "mail_route"


class PaceBucket(models.Model):
    """How far a provider's or a partner's letters have run ahead of their pace.

    Each letter moves `spent_until` on by the time that its pace gives to one letter; when it is
    too far ahead of now, the next letter waits.
    """

    class Kind(models.TextChoices):
        PROVIDER = "provider"
        PARTNER = "partner"

    kind = models.CharField(max_length=8, choices=Kind)
    key = models.TextField(help_text="provider, or the partner's id")
    exercise = models.BooleanField()
    spent_until = models.DateTimeField()

    class Meta:
        db_table = "pace_bucket"
        constraints = [
            models.UniqueConstraint(fields=["kind", "key", "exercise"], name="one_bucket_a_key")
        ]
