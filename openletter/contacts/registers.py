"""Partners' own registers: loaded and taken back by a person who administers the partner.

A register goes into the world's registries as a load of its partner (contracts section 5): it
wins over them, but only for the addresses that the partner answers for. A newer one takes the
place of the older, which is kept for `take_back`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from openletter.campaigns.models import Campaign, Partner
from openletter.campaigns.rules import Entry, Level
from openletter.campaigns.steps import record, viewer_of
from openletter.contacts import loading, reading, steps
from openletter.contacts.errors import ContactError
from openletter.contacts.models import Choice, Netblock, RegistryLoad
from openletter.contacts.rules.ownregister import RegisterError, Row, read
from openletter.contacts.rules.refuse import World
from openletter.words import CaseState, Reason, Value

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FORMAT = "partner"
Span = tuple[int, int, int]
"""Version, first, last."""
Untold = Callable[[QuerySet[Choice]], QuerySet[Choice]]
"""Of choices those that nobody was written to by; what has left stays as it was."""


def put(
    file: Path,
    *,
    partner: Partner,
    exercise: Campaign | None,
    user: User,
    now: datetime,
    untold: Untold,
) -> tuple[RegistryLoad, int]:
    """Load the register, all or nothing; how many open cases are asked about again."""
    _may(user, partner, exercise)
    rows = _rows(file, World.EXERCISE if exercise else World.REAL)
    with loading.alone(exercise), transaction.atomic():
        touched = _spans_of(current(partner, exercise))
        load = loading.put(
            rows, name=file.name, format=FORMAT, partner=partner, exercise=exercise, now=now
        )
        touched += [_span(row) for row in rows]
        _note(load, "register-loaded", user=user, now=now)
        return load, _ask_again(untold(_choices_in(touched, load)), user=user, now=now)


@transaction.atomic
def take_back(
    *,
    partner: Partner,
    exercise: Campaign | None,
    user: User,
    now: datetime,
    untold: Untold,
) -> tuple[RegistryLoad | None, int]:
    """The register before the current one; None if there was none before."""
    _may(user, partner, exercise)
    load = current(partner, exercise)
    if load is None:
        raise _refuse("register-none", partner=partner.name)
    touched = _spans_of(load)
    before = loading.take_back(load, now=now)
    touched += _spans_of(before)
    _note(load, "register-taken-back", user=user, now=now)
    return before, _ask_again(untold(_choices_in(touched, load)), user=user, now=now)


def current(partner: Partner, exercise: Campaign | None) -> RegistryLoad | None:
    """The partner's register as it counts in that world."""
    return RegistryLoad.objects.filter(
        partner=partner, exercise=exercise, format=FORMAT, state=RegistryLoad.State.CURRENT
    ).first()


def _may(user: User, partner: Partner, exercise: Campaign | None) -> None:
    if viewer_of(user).level_at(partner.pk) < Level.ADMINISTRATOR:
        raise _refuse("register-no-right", user=user.get_username(), partner=partner.name)
    if partner.exercise is not (exercise is not None):
        raise _refuse("register-other-world", partner=partner.name)
    if exercise is not None and not exercise.partners.filter(pk=partner.pk).exists():
        raise _refuse("partner-not-in-campaign", partner=partner.name)


def _rows(file: Path, world: World) -> list[Row]:
    try:
        rows = read(reading.pieces(file), world=world)
    except RegisterError as wrong:
        raise _refuse(wrong.code, line=wrong.line, what=wrong.what) from wrong
    if not rows:
        raise _refuse("register-header", line=1, what="")
    return rows


def _note(load: RegistryLoad, action: str, *, user: User, now: datetime) -> None:
    record([
        Entry(
            subject=f"partner:{load.partner_id}", actor=f"user:{user.get_username()}",
            action=action, at=now, campaign_id=load.exercise_id, partner_id=load.partner_id,
            after={"file": load.name, "sha256": bytes(load.sha256).hex(), "load": load.pk},
        )
    ])  # fmt: skip


def _ask_again(choices: QuerySet[Choice], *, user: User, now: datetime) -> int:
    """Decide anew about these cases; those told of stay with whom they were told to."""
    actor = f"user:{user.get_username()}"
    return steps.send_back(choices, because="register-changed", actor=actor, now=now)


def _choices_in(touched: Sequence[Span], load: RegistryLoad) -> QuerySet[Choice]:
    """Choices for the partner's open cases at addresses in these networks."""
    partner, exercise = load.partner, load.exercise
    choices = Choice.objects.filter(
        superseded_at=None, partner=partner, case__state=CaseState.OPEN,
        case__campaign__exercise=exercise is not None,
    )  # fmt: skip
    if exercise is not None:
        choices = choices.filter(case__campaign=exercise)
    spans = list(_merged(touched))
    starts = [span[:2] for span in spans]
    found = []
    for key, ip in choices.values_list("pk", "case__ip").iterator():
        at = bisect_right(starts, (ip.version, int(ip))) - 1
        if at >= 0 and spans[at][0] == ip.version and int(ip) <= spans[at][2]:
            found.append(key)
    return Choice.objects.filter(pk__in=found)


def _merged(touched: Iterable[Span]) -> Iterator[Span]:
    """The same addresses in spans that don't overlap, in order."""
    held: Span | None = None
    for version, first, last in sorted(touched):
        if held is not None and held[0] == version and first <= held[2]:
            held = (version, held[1], max(held[2], last))
            continue
        if held is not None:
            yield held
        held = (version, first, last)
    if held is not None:
        yield held


def _span(row: Row) -> Span:
    first, last = row[0].first, row[0].last
    assert first is not None and last is not None  # noqa: S101, PT018 (the reader gives both)
    return first.version, int(first), int(last)


def _spans_of(load: RegistryLoad | None) -> list[Span]:
    if load is None:
        return []
    rows = Netblock.objects.filter(load=load).values_list("first", "last")
    return [(first.version, int(first), int(last)) for first, last in rows.iterator()]


def _refuse(code: str, **values: Value) -> ContactError:
    return ContactError(Reason(code=code, values=values))
