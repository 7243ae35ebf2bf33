"""Rows of what contacts asked for: how they want their letters, and which mailboxes are one."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from openletter.campaigns.models import Campaign
from openletter.words import Wish


class ContactWish(models.Model):
    """What a contact wants, by its mailbox; `at` and `undone_at` are the world's clock."""

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    mailbox = models.CharField(max_length=320)
    wish = models.CharField(max_length=13, choices=[(w, w) for w in Wish])
    address = models.CharField(max_length=320, blank=True, help_text="where instead, as given")
    instead = models.CharField(max_length=320, blank=True, help_text="that address, normalised")
    said_by = models.CharField(max_length=200, help_text="who asked, and how")
    by = models.CharField(max_length=150, help_text="who stored it")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=150, blank=True)
    undone_because = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "contact_wish"
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "wish", "exercise"],
                condition=Q(undone_at=None),
                nulls_distinct=False,
                name="wish_once",
            ),
            models.CheckConstraint(
                condition=(Q(wish=Wish.OTHER_MAILBOX) & ~Q(instead="") & ~Q(mailbox=F("instead")))
                | (~Q(wish=Wish.OTHER_MAILBOX) & Q(instead="", address="")),
                name="wish_says_where",
            ),
        ]
        indexes = [models.Index(fields=["mailbox"], name="wish_mailbox")]


class SameContact(models.Model):
    """Mailboxes with the same `contact` are one contact's: told once, stopped together.

    A row outlives the wish that made it where a letter followed that wish.
    """

    exercise = models.ForeignKey(Campaign, models.CASCADE, null=True, related_name="+")
    mailbox = models.CharField(max_length=320)
    contact = models.BigIntegerField(help_text="the first wish that tied them")

    class Meta:
        db_table = "same_contact"
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox", "exercise"], nulls_distinct=False, name="one_contact_a_mailbox"
            )
        ]
        indexes = [models.Index(fields=["contact"], name="same_contact_contact")]
