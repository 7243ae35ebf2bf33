"""National response teams of this installation: which entries a named person has signed.

The table lies in the repository (`csirts.toml`); a review lies in the database and holds only for
the entry that was signed. Exercises know the invented teams they were given, and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from django.db import transaction

from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import Entry, Level
from openletter.campaigns.steps import record, viewer_of
from openletter.contacts.errors import ContactError
from openletter.contacts.rules.candidates import Candidate
from openletter.contacts.rules.csirts import TableError, Team, candidate_of, read, team_of
from openletter.contacts.rules.refuse import World
from openletter.contacts.team_rows import CsirtReview
from openletter.words import Reason, Value

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, kw_only=True)
class Listed:
    """An entry of the table with its review; `counts` if campaigns may write to it."""

    team: Team
    review: CsirtReview | None
    counts: bool


@cache
def table() -> dict[str, Team]:
    """The repository's teams by country."""
    text = (files("openletter.contacts") / "csirts.toml").read_text(encoding="utf-8")
    return read(text, world=World.REAL)


def listed() -> list[Listed]:
    """Every entry of the table with what this installation's persons said of it."""
    reviews = {row.country: row for row in _current(None)}
    return [
        Listed(team=team, review=reviews.get(country), counts=_holds(reviews.get(country), team))
        for country, team in sorted(table().items())
    ]


def candidates(campaign: Campaign) -> list[Candidate]:
    """The teams that this campaign may write to."""
    if campaign.exercise:
        return [
            candidate_of(team_of(row.team, world=World.EXERCISE), reviewed_by=row.by)
            for row in _current(campaign)
        ]
    return [
        candidate_of(each.team, reviewed_by=each.review.by)
        for each in listed()
        if each.counts and each.review
    ]


def languages(campaign: Campaign) -> dict[str, tuple[str, ...]]:
    """The languages that those teams' pages name, by mailbox."""
    found = (
        [team_of(row.team, world=World.EXERCISE) for row in _current(campaign)]
        if campaign.exercise
        else [each.team for each in listed() if each.counts]
    )
    return {team.mailbox: team.languages for team in found}


def names(campaign: Campaign) -> dict[str, str]:
    """The signed teams by country, as a letter may name them; no unsigned entry is among them."""
    if campaign.exercise:
        return {row.country: str(row.team["name"]) for row in _current(campaign)}
    return {each.team.country: each.team.name for each in listed() if each.counts}


def _current(exercise: Campaign | None) -> Sequence[CsirtReview]:
    return list(CsirtReview.objects.filter(exercise=exercise, undone_at=None).order_by("country"))


def _holds(review: CsirtReview | None, team: Team) -> bool:
    return review is not None and bytes(review.digest) == team.digest


# -- what persons do ----------------------------------------------------------------------------


@transaction.atomic
def review(country: str, *, user: User, now: datetime) -> CsirtReview:
    """A person who may approve says that the entry's page says what the entry says."""
    team = table().get(country.upper())
    if team is None:
        raise _refuse("csirt-none", country=country.upper())
    _may_approve(user)
    old = _locked(team.country)
    if old is not None and _holds(old, team):
        return old
    if old is not None:
        _undo(old, user=user, now=now)
    row = CsirtReview.objects.create(
        country=team.country, digest=team.digest, team=team.as_json(),
        by=user.get_username(), at=now,
    )  # fmt: skip
    record([_entry(row, "csirt-reviewed", user=user, now=now)])
    return row


@transaction.atomic
def withdraw_review(country: str, *, user: User, now: datetime) -> bool:
    """The signature is taken back: no campaign writes to that team any more."""
    _may_approve(user)
    row = _locked(country.upper())
    if row is None:
        return False
    _undo(row, user=user, now=now)
    record([_entry(row, "csirt-review-withdrawn", user=user, now=now)])
    return True


@transaction.atomic
def load_invented(text: str, *, exercise: Campaign, by: str, now: datetime) -> int:
    """An exercise's own invented teams, in the place of those it had; how many."""
    if not exercise.exercise:
        raise _refuse("csirt-invented-in-real")
    try:
        teams = read(text, world=World.EXERCISE)
    except TableError as problem:
        raise _refuse("csirt-table-wrong", what=str(problem)[:200]) from problem
    CsirtReview.objects.filter(exercise=exercise, undone_at=None).update(
        undone_at=now, undone_by=by[:150]
    )
    CsirtReview.objects.bulk_create(
        CsirtReview(
            exercise=exercise, country=team.country, digest=team.digest, team=team.as_json(),
            by=by[:150], at=now,
        )
        for team in teams.values()
    )  # fmt: skip
    return len(teams)


def _locked(country: str) -> CsirtReview | None:
    rows = CsirtReview.objects.select_for_update()
    return rows.filter(country=country, exercise=None, undone_at=None).first()


def _undo(row: CsirtReview, *, user: User, now: datetime) -> None:
    row.undone_at, row.undone_by = now, user.get_username()
    row.save(update_fields=["undone_at", "undone_by"])


def _may_approve(user: User) -> None:
    if viewer_of(user).highest < Level.APPROVER:
        raise _refuse("csirt-no-right", user=user.get_username())


def _entry(row: CsirtReview, action: str, *, user: User, now: datetime) -> Entry:
    return Entry(
        subject=f"csirt:{row.country}",
        actor=f"user:{user.get_username()}",
        action=action,
        at=now,
        after={"mailbox": row.team["mailbox"], "digest": bytes(row.digest).hex()},
    )


def _refuse(code: str, **values: Value) -> ContactError:
    return ContactError(Reason(code=code, values=values))
