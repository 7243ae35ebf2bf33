"""Contacts in figures: how many addresses have one, of which kind and rank, and what bounced.

Counted from the choices and letters that the asker may see; `None` counts all of them, for the
command line. An address is counted once a campaign, by its current choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, F, Func, IntegerField, Q, QuerySet
from django.db.models.fields.json import KT, KeyTextTransform, KeyTransform
from django.db.models.functions import Coalesce

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Viewer
from openletter.contacts.models import Choice
from openletter.desk.queries.scope import mine
from openletter.letters.models import LetterCase
from openletter.words import DeliveryState

LEFT = (
    DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED, DeliveryState.UNKNOWN,
)  # fmt: skip
"""What has left us; the rest of the letters can bounce no more than they can arrive."""
MOST_CONFLICTS = 200


@dataclass(kw_only=True)
class Share:
    """Addresses of one country, registry or all: with a contact, and what the others are."""

    key: str
    addresses: int = 0
    chosen: int = 0
    nobody: int = 0
    needs_person: int = 0
    conflict: int = 0

    @property
    def share(self) -> float:
        return self.chosen / self.addresses if self.addresses else 0.0

    def add(self, outcome: str, count: int) -> None:
        self.addresses += count
        name = outcome.replace("-", "_")
        setattr(self, name, getattr(self, name) + count)

    def as_json(self) -> dict[str, object]:
        return {
            "key": self.key, "addresses": self.addresses, "with_contact": self.chosen,
            "share": round(self.share, 4), "nobody": self.nobody,
            "needs_person": self.needs_person, "conflict": self.conflict,
        }  # fmt: skip


@dataclass(kw_only=True)
class KindOfContact:
    """One kind of place that contacts were taken from, and how its letters fared."""

    code: str
    addresses: int = 0
    first: int = 0
    second_or_third: int = 0
    later: int = 0
    letters: int = 0
    bounced: int = 0

    @property
    def bounce_rate(self) -> float | None:
        return self.bounced / self.letters if self.letters else None

    def as_json(self) -> dict[str, object]:
        rate = self.bounce_rate
        return {
            "kind": self.code.removeprefix("contact-"), "addresses": self.addresses,
            "rank_1": self.first, "rank_2_3": self.second_or_third, "rank_4_on": self.later,
            "letters": self.letters, "bounced": self.bounced,
            "bounce_rate": None if rate is None else round(rate, 4),
        }  # fmt: skip


@dataclass(kw_only=True)
class ContactReport:
    """The whole report of one campaign."""

    total: Share
    countries: list[Share] = field(default_factory=list)
    registries: list[Share] = field(default_factory=list)
    kinds: list[KindOfContact] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return {
            "total": self.total.as_json(),
            "countries": [each.as_json() for each in self.countries],
            "registries": [each.as_json() for each in self.registries],
            "kinds": [each.as_json() for each in self.kinds],
        }


def report(campaign: Campaign, *, viewer: Viewer | None) -> ContactReport:
    """Three queries, however many addresses: outcomes, kinds with ranks, letters of each kind."""
    made = ContactReport(total=Share(key="all"))
    countries: dict[str, Share] = {}
    registries: dict[str, Share] = {}
    choices = _choices(viewer).filter(case__campaign=campaign, superseded_at=None)
    for country, registry, outcome, count in _outcomes(choices):
        made.total.add(outcome, count)
        countries.setdefault(country, Share(key=country)).add(outcome, count)
        registries.setdefault(registry, Share(key=registry)).add(outcome, count)
    made.countries = _largest(countries.values())
    made.registries = _largest(registries.values())
    made.kinds = _kinds(choices, _letters(campaign, viewer))
    return made


def conflicts(viewer: Viewer) -> QuerySet[Choice]:
    """Choices that wait for a person because two partners answer for the same."""
    rows = mine(Choice.objects, viewer).filter(
        outcome=Choice.Outcome.CONFLICT, superseded_at=None
    )  # fmt: skip
    return rows.select_related("case__campaign", "partner").order_by("-id")


def _choices(viewer: Viewer | None) -> QuerySet[Choice]:
    return Choice.objects.all() if viewer is None else mine(Choice.objects, viewer)


def _outcomes(choices: QuerySet[Choice]) -> Iterable[tuple[str, str, str, int]]:
    rows = (
        choices.annotate(country=KT("netblock__country"), registry=KT("netblock__registry"))
        .values_list("country", "registry", "outcome")
        .annotate(addresses=Count("case__ip", distinct=True))
        .order_by()
    )
    for country, registry, outcome, count in rows:
        yield country or "", registry or "", outcome, count


def _largest(found: Iterable[Share]) -> list[Share]:
    return sorted(found, key=lambda each: (-each.addresses, each.key))


class _Rank(Func):
    """The place of the chosen mailbox among the choice's candidates, out of the kept ladder."""

    template = (
        "(SELECT (one->>'rank')::int FROM jsonb_array_elements(%(expressions)s) AS one"
        " WHERE one->>'mailbox' = choice.mailbox AND one->>'rank' IS NOT NULL LIMIT 1)"
    )
    output_field = IntegerField()


def _kinds(choices: QuerySet[Choice], letters: dict[str, tuple[int, int]]) -> list[KindOfContact]:
    found: dict[str, KindOfContact] = {}
    rows = (
        choices.filter(outcome=Choice.Outcome.CHOSEN)
        .annotate(kind=KT("reasons__0__code"), place=Coalesce(_Rank(F("candidates")), 1))
        .values_list("kind", "place")
        .annotate(addresses=Count("case__ip", distinct=True))
        .order_by()
    )
    for code, place, count in rows:
        each = found.setdefault(code or "", KindOfContact(code=code or ""))
        each.addresses += count
        name = "first" if place == 1 else "second_or_third" if place <= 3 else "later"
        setattr(each, name, getattr(each, name) + count)
    for code, (left, bounced) in letters.items():
        each = found.setdefault(code, KindOfContact(code=code))
        each.letters, each.bounced = left, bounced
    return sorted(found.values(), key=lambda each: (-each.addresses, each.code))


def _letters(campaign: Campaign, viewer: Viewer | None) -> dict[str, tuple[int, int]]:
    """Kind -> letters that left, and those that came back, whatever was chosen afterwards."""
    rows = LetterCase.objects.filter(letter__campaign=campaign, letter__delivery__state__in=LEFT)
    if viewer is not None:
        rows = rows.filter(letter__partner_id__in=viewer.partner_ids)
    bounced = Q(letter__delivery__state=DeliveryState.BOUNCED)
    counted = (
        rows.annotate(kind=KeyTextTransform("code", KeyTransform("0", F("choice__reasons"))))
        .values_list("kind")
        .annotate(
            left=Count("letter", distinct=True),
            came_back=Count("letter", distinct=True, filter=bounced),
        )
        .order_by()
    )
    return {kind or "": (left, came_back) for kind, left, came_back in counted}
