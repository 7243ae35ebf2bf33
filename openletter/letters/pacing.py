"""How many letters may leave now, and of whom: the pace's rows, read and written by the claim.

By campaign (an hour's letters, the first batch, the warm-up, what is beyond recall), by mail
provider over all campaigns, by partner over all its campaigns, and by the reader's clock. Why a
letter waits is told from the same figures (`why_waiting`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Min, Q, QuerySet

from openletter.campaigns.models import Approval, Campaign, CampaignPartner, Installation, Partner
from openletter.letters.door import sql
from openletter.letters.hours import closed_countries
from openletter.letters.models import Delivery, PaceBucket
from openletter.letters.rules.pace import (
    UNBOUNDED,
    Rates,
    WarmUp,
    at_once,
    give_back,
    left_in,
    spend,
)
from openletter.words import DeliveryState, WaveKind

_HOUR = timedelta(hours=1)
Kind = PaceBucket.Kind
Parameter = int | str | bool | datetime | list[str] | list[int]


@dataclass(frozen=True, kw_only=True)
class Room:
    """Letters that the campaign as a whole may let out now, and what bounds them first.

    A person approved the corrections, so no first batch and no warm-up keeps them.
    """

    letters: int
    corrections: int
    because: str = ""

    def without(self, taken: int) -> Room:
        """After so many more have left."""
        return Room(
            letters=max(0, self.letters - taken),
            corrections=max(0, self.corrections - taken),
            because=self.because,
        )


# -- the campaign as a whole ----------------------------------------------------------------------


def beyond_recall(campaign: Campaign) -> int:
    """Letters that the mail server has and nobody has yet: a stop can't call them back.

    A copy that came back to the journal mailbox shows that a submission service has passed its
    letter on; there is no log that could tell more.
    """
    accepted = Delivery.objects.filter(
        campaign=campaign, purpose=Delivery.Purpose.LETTER, state=DeliveryState.ACCEPTED
    )
    return accepted.exclude(reason="journal-mailbox").count()


def room(campaign: Campaign, *, now: datetime, most_beyond: int) -> Room:
    """How many letters pace, recall, warm-up and the first batch allow."""
    bounds = {
        "waits-for-pace": campaign_pace(campaign, now=now),
        "waits-for-recall": most_beyond - beyond_recall(campaign),
        "waits-for-go-on": _before_go_on(campaign),
        "waits-for-warm-up": warm_up_left(campaign, now=now),
    }
    because = min(bounds, key=lambda code: bounds[code])
    approved = min(bounds["waits-for-pace"], bounds["waits-for-recall"])
    return Room(letters=max(0, bounds[because]), corrections=max(0, approved), because=because)


def campaign_pace(campaign: Campaign, *, now: datetime) -> int:
    """What this hour has left; corrections count, too."""
    recent = _letters(campaign).filter(handed_at__gt=now - _HOUR).count()
    return campaign.letters_per_hour - recent


def _letters(campaign: Campaign) -> QuerySet[Delivery]:
    return Delivery.objects.filter(campaign=campaign, purpose=Delivery.Purpose.LETTER)


def _before_go_on(campaign: Campaign) -> int:
    """What is left of the first batch until a person says go on."""
    if campaign.exercise or Approval.objects.filter(campaign=campaign, what="go-on").exists():
        return UNBOUNDED
    left = _letters(campaign).exclude(handed_at=None)
    return campaign.first_batch - left.exclude(letter__wave__kind=WaveKind.CORRECTION).count()


def warm_up_left(campaign: Campaign, *, now: datetime) -> int:
    """What is left of this day of the warm-up plan."""
    plan = WarmUp(letters=campaign.warm_up_letters, growth=campaign.warm_up_growth)
    if not plan.letters:
        return UNBOUNDED
    first = _letters(campaign).aggregate(first=Min("handed_at"))["first"]
    if first is None:
        return plan.of_day(0)
    day, began = plan.day_of(first, now)
    allowed = plan.of_day(day)
    if allowed >= campaign.letters_per_hour * 24:
        return UNBOUNDED
    return max(0, allowed - _letters(campaign).filter(handed_at__gte=began).count())


# -- providers and partners ------------------------------------------------------------------------


def rates_of(campaign: Campaign) -> Rates:
    partners = CampaignPartner.objects.filter(campaign=campaign).values("partner")
    limited = Partner.objects.filter(Q(pk__in=partners) | Q(pk=campaign.lead_id))
    own = limited.exclude(letters_per_hour=None).values_list("pk", "letters_per_hour")
    given = campaign.provider_rates.items()
    return Rates(
        provider=campaign.provider_per_hour,
        providers={str(key): rate for key, rate in given if isinstance(rate, int) and rate >= 0},
        partners={pk: rate or 0 for pk, rate in own},
    )


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """What providers and partners may let out now. `full` holds for a provider not named."""

    rates: Rates
    spent: Mapping[tuple[str, str], datetime]
    exercise: bool
    now: datetime

    def values(self) -> dict[str, Parameter]:
        """The claim's parameters."""
        providers, partners = self._providers(), self._partners()
        return {
            "spent_providers": [key for key, left in providers.items() if left < 1],
            "spent_partners": [key for key, left in partners.items() if left < 1],
            "providers": list(providers),
            "provider_left": [min(left, UNBOUNDED) for left in providers.values()],
            "partners": list(partners),
            "partner_left": list(partners.values()),
            "provider_full": at_once(self.rates.provider),
        }

    def _providers(self) -> dict[str, int]:
        named = {key for kind, key in self.spent if kind == Kind.PROVIDER} | set(
            self.rates.providers
        )
        return {
            key: self._left(Kind.PROVIDER, key, self.rates.of_provider(key))
            for key in sorted(named)
        }

    def _partners(self) -> dict[int, int]:
        return {
            key: self._left(Kind.PARTNER, str(key), rate)
            for key, rate in self.rates.partners.items()
        }

    def _left(self, kind: Kind, key: str, per_hour: int) -> int:
        until = self.spent.get((kind, key), self.now)
        return left_in(until, per_hour=per_hour, now=self.now)

    def charge(self, providers: Iterable[str], partners: Iterable[int]) -> None:
        """Write down what a claim took; the claim's transaction holds the installation's row."""
        rows = self._counted(providers, partners)
        PaceBucket.objects.bulk_create(
            [
                PaceBucket(
                    kind=kind, key=key, exercise=self.exercise,
                    spent_until=spend(
                        self.spent.get((kind, key)), count, per_hour=rate, now=self.now
                    ),
                )
                for kind, key, count, rate in rows
                if rate
            ],
            update_conflicts=True,
            unique_fields=["kind", "key", "exercise"],
            update_fields=["spent_until"],
        )  # fmt: skip

    def give_back(self, providers: Iterable[str], partners: Iterable[int]) -> None:
        """Claimed, charged, and not begun: no letter has left for it."""
        rows = self._counted(providers, partners)
        for kind, key, count, rate in rows:
            if (spent := self.spent.get((kind, key))) is None:
                continue
            until = give_back(spent, count, per_hour=rate, now=self.now)
            bucket = PaceBucket.objects.filter(kind=kind, key=key, exercise=self.exercise)
            bucket.update(spent_until=until)

    def _counted(
        self, providers: Iterable[str], partners: Iterable[int]
    ) -> list[tuple[Kind, str, int, int]]:
        """How many letters of each bucket, with its rate."""
        return [
            (Kind.PROVIDER, key, count, self.rates.of_provider(key))
            for key, count in Counter(providers).items()
        ] + [
            (Kind.PARTNER, str(key), count, self.rates.of_partner(key))
            for key, count in Counter(partners).items()
        ]


def buckets(campaign: Campaign, *, now: datetime) -> Buckets:
    """The buckets that are not full; the others say nothing."""
    rows = PaceBucket.objects.filter(exercise=campaign.exercise, spent_until__gt=now)
    return Buckets(
        rates=rates_of(campaign),
        spent={(kind, key): at for kind, key, at in rows.values_list("kind", "key", "spent_until")},
        exercise=campaign.exercise,
        now=now,
    )


def closed_now(campaign: Campaign, *, now: datetime) -> list[str]:
    """Countries whose readers are not at their desks, where the campaign has hours."""
    return closed_countries(now, hours_from=campaign.hours_from, hours_until=campaign.hours_until)


# -- why letters wait --------------------------------------------------------------------------


def why_waiting(campaign: Campaign, *, now: datetime, most_beyond: int) -> dict[str, int]:
    """Cleared and deferred letters by the first reason why they don't leave now; "" for none."""
    whole = _whole_stop(campaign)
    left = room(campaign, now=now, most_beyond=most_beyond)
    given = buckets(campaign, now=now).values()
    with connection.cursor() as cursor:
        cursor.execute(
            sql("waiting.sql"),
            {
                "campaign": campaign.pk, "now": now, "whole": whole,
                "closed_countries": closed_now(campaign, now=now),
                "spent_providers": given["spent_providers"],
                "spent_partners": given["spent_partners"],
            },
        )  # fmt: skip
        counts = {str(code): int(count) for code, count in cursor.fetchall()}
    return _beyond_room(counts, left)


def _beyond_room(counts: dict[str, int], left: Room) -> dict[str, int]:
    """Of those that nothing else keeps, so many may leave; the rest waits for the campaign."""
    free = counts.pop("", 0)
    if free > left.letters:
        counts[left.because] = counts.get(left.because, 0) + free - left.letters
    if leaving := min(free, left.letters):
        counts[""] = leaving
    return counts


def _whole_stop(campaign: Campaign) -> str:
    """What keeps the whole campaign, if anything does."""
    if Installation.objects.filter(leaving_paused_at__isnull=False).exists():
        return "leaving-paused"
    if Campaign.objects.filter(pk=campaign.pk, paused_at__isnull=False).exists():
        return "campaign-paused"
    return ""
