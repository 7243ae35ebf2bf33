"""What comes back: mails stored raw first, what they are, and what persons answered."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from openletter.campaigns.models import Campaign, Partner, PartnerScoped
from openletter.cases.models import Case
from openletter.letters.models import Delivery, Letter
from openletter.words import TokenPurpose


class ReplyKind(models.TextChoices):
    """What a reply is; a person may correct it."""

    BOUNCE_HARD = "bounce-hard"
    BOUNCE_SOFT = "bounce-soft"
    DELAYED = "delayed"
    AUTO_REPLY = "auto-reply"
    CHALLENGE = "challenge"
    FEEDBACK = "feedback"
    QUESTION = "question"
    FIXED = "fixed"
    NOT_OURS = "not-ours"
    FORWARDED = "forwarded"
    OPT_OUT = "opt-out"
    COMPLAINT = "complaint"
    UNCLEAR = "unclear"


class Mail(models.Model):
    """A mail as received; parsed later, never in the SMTP dialogue."""

    sha256 = models.BinaryField(max_length=32)
    raw = models.BinaryField()
    envelope_from = models.CharField(max_length=320, blank=True)
    rcpt = models.CharField(max_length=320)
    letter = models.ForeignKey(Letter, models.CASCADE, null=True, related_name="+")
    purpose = models.CharField(max_length=6, blank=True, choices=[(p, p) for p in TokenPurpose])
    of_answer = models.BooleanField(default=False, help_text="came to an answer's bounce address")
    received_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "mail"
        constraints = [models.UniqueConstraint(fields=["sha256", "rcpt"], name="mail_once")]
        indexes = [models.Index(fields=["id"], condition=Q(read_at=None), name="mail_unread")]


class Reply(models.Model):  # type: ignore[django-manager-missing, unused-ignore] # Answer comes below
    """What a mail, or a button on a letter's page, says; tied to the letter."""

    class Channel(models.TextChoices):
        MAIL = "mail"
        PAGE = "page"
        ONE_CLICK = "one-click"

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    letter = models.ForeignKey(Letter, models.CASCADE, null=True, related_name="+")
    case = models.ForeignKey(Case, models.CASCADE, null=True, related_name="+")
    mail = models.OneToOneField(Mail, models.CASCADE, null=True, related_name="reply")
    channel = models.CharField(max_length=9, choices=Channel)
    kind = models.CharField(max_length=11, choices=ReplyKind)
    confidence = models.FloatField()
    reasons = models.JSONField(default=list)
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True, help_text="new words only, quoted part stripped; plain")
    language = models.CharField(max_length=11, blank=True)
    tickets = ArrayField(models.CharField(max_length=60), default=list)
    at = models.DateTimeField()
    automatic = models.BooleanField(default=False, help_text="no person wrote it: never answered")
    needs_person = models.BooleanField(default=False)
    handled_at = models.DateTimeField(null=True)
    handled_by = models.CharField(max_length=150, blank=True)
    undone_at = models.DateTimeField(null=True)

    objects: models.Manager[Reply] = PartnerScoped["Reply"].as_manager()

    class Meta:
        db_table = "reply"
        indexes = [
            models.Index(
                fields=["partner", "at"],
                condition=Q(needs_person=True, handled_at=None),
                name="reply_inbox",
            ),
            models.Index(fields=["case"], name="reply_case"),
            models.Index(fields=["letter"], name="reply_letter"),
            models.Index(
                fields=["campaign", "at"],
                condition=Q(kind__in=["complaint", "feedback"]),
                name="reply_complaint",
            ),
        ]


class Answer(models.Model):
    """A person's answer to a reply; leaves through the same delivery states as a letter."""

    reply = models.ForeignKey(Reply, models.CASCADE, related_name="answers")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    text = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    delivery = models.OneToOneField(Delivery, models.PROTECT, related_name="+")
    token_hash = models.BinaryField(max_length=32, unique=True, help_text="of its bounce address")

    objects: models.Manager[Answer] = PartnerScoped["Answer"].as_manager()

    class Meta:
        db_table = "answer"


class StopQuestion(models.Model):
    """Asked once, by mail, to the letter's own mailbox; its answer stops all campaigns."""

    mailbox = models.CharField(max_length=320)
    letter = models.ForeignKey(Letter, models.CASCADE, related_name="+")
    reply = models.ForeignKey(Reply, models.CASCADE, related_name="+", help_text="who asked for it")
    answer = models.OneToOneField(
        Answer, models.CASCADE, related_name="+", help_text="our mail that asks back"
    )
    token_hash = models.BinaryField(max_length=32, unique=True, help_text="of its reply address")
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(Mail, models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "stop_question"
        indexes = [models.Index(fields=["mailbox", "asked_at"], name="stop_question_mailbox")]
