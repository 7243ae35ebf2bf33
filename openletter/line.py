"""The line: the steps in order. Read this first.

A step never calls the next one. It leaves rows; the next step's `ready` finds them. A job is only
a wake-up: losing one delays, repeating one does nothing. From this table come the workers'
queues, `openletter line`, the desk's front page, the metrics and the end-to-end test.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Model, QuerySet

import openletter.cases.steps as cases
import openletter.contacts.asking as asking
import openletter.contacts.jobs as contact_jobs
import openletter.contacts.steps as contacts
import openletter.evidence.consulting as consulting
import openletter.evidence.jobs as evidence_jobs
import openletter.evidence.steps as evidence
import openletter.evidence.taking as taking
import openletter.letters.jobs as letter_jobs
import openletter.letters.sending as sending
import openletter.letters.steps as letters
import openletter.letters.writing as writing
import openletter.outcomes.steps as outcomes
import openletter.replies.steps as replies
from openletter.campaigns import clock
from openletter.campaigns.models import Campaign
from openletter.campaigns.steps import report
from openletter.words import StepName


class Ready(Protocol):
    """What waits for a step: rows of one campaign (or of its world), oldest first."""

    def __call__(self, campaign: Campaign, *, now: datetime) -> QuerySet[Model]: ...


class Run(Protocol):
    """Settle at most `limit` waiting rows; the number settled. Zero means nothing more to do."""

    def __call__(self, campaign: Campaign, *, now: datetime, limit: int) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the line; `since` names the column that says how long a row has waited."""

    name: StepName
    ready: Ready
    run: Run
    queue: str
    batch: int
    every: timedelta
    since: str | None = None


_MINUTE, _OFTEN = timedelta(minutes=1), timedelta(seconds=10)

LINE: tuple[Step, ...] = (
    Step(
        name=StepName.INGEST, ready=evidence.waiting_batches, run=taking.ingest,
        queue="ingest", batch=1, every=_MINUTE, since="stored_at",
    ),
    Step(
        name=StepName.CONSULT, ready=consulting.waiting, run=evidence_jobs.consult,
        queue="consult", batch=200, every=_MINUTE, since="weighed_at",
    ),
    Step(
        name=StepName.WEIGH, ready=evidence.unweighed, run=evidence.weigh,
        queue="ingest", batch=20_000, every=_MINUTE,
    ),
    Step(
        name=StepName.OPEN, ready=cases.findings_without_case, run=cases.open_cases,
        queue="ingest", batch=20_000, every=_MINUTE, since="weighed_at",
    ),
    Step(
        name=StepName.LOOKUP, ready=asking.waiting, run=contact_jobs.look_up,
        queue="find", batch=500, every=_OFTEN, since="opened_at",
    ),
    Step(
        name=StepName.FIND, ready=contacts.cases_without_choice, run=contacts.find,
        queue="find", batch=10_000, every=_MINUTE, since="opened_at",
    ),
    Step(
        name=StepName.COMPOSE, ready=letters.waiting, run=writing.compose,
        queue="send", batch=4_000, every=_MINUTE, since="chosen_at",
    ),
    Step(
        name=StepName.SEND, ready=sending.cleared_to_leave, run=letter_jobs.hand_over,
        queue="send", batch=1_000, every=_OFTEN, since="cleared_at",
    ),
    Step(
        name=StepName.READ, ready=replies.unread, run=replies.read,
        queue="read", batch=50, every=_OFTEN, since="received_at",
    ),
    Step(
        name=StepName.RECHECK, ready=outcomes.due_rechecks, run=outcomes.recheck,
        queue="ingest", batch=1_000, every=_MINUTE, since="due_at",
    ),
    Step(
        name=StepName.CONCLUDE, ready=outcomes.undecided, run=outcomes.conclude,
        queue="ingest", batch=1_000, every=_MINUTE,
    ),
)  # fmt: skip

QUEUES: frozenset[str] = frozenset(step.queue for step in LINE)


def step_named(name: str) -> Step:
    """The step of that name; KeyError where there is none."""
    return {step.name.value: step for step in LINE}[name]


def run_step(step: Step, campaign: Campaign) -> int:
    """One batch of one step at the campaign's time; reports what is left to `LineState`.

    What is left is counted when a step has come to its end, and every few seconds until then.
    """
    now = clock.now(campaign)
    settled = step.run(campaign, now=now, limit=step.batch)
    at, last = time.monotonic(), _counted.get((campaign.pk, step.name))
    if settled and last is not None and at - last < COUNT_EVERY:
        report(campaign, step.name, waiting=None, oldest=None, settled=settled, at=clock.wall())
    else:
        measure(step, campaign, settled=settled)
        _counted[campaign.pk, step.name] = time.monotonic()
    return settled


COUNT_EVERY = 5.0
"""Seconds between two counts of what waits for a step, while it settles batch after batch."""
_counted: dict[tuple[int, StepName], float] = {}


def measure(step: Step, campaign: Campaign, *, settled: int = 0) -> int:
    """Write down how much waits for a step, since when, and how fast it goes; returns waiting."""
    now = clock.now(campaign)
    rows = step.ready(campaign, now=now)
    waiting = rows.count()
    oldest = (
        rows.order_by(step.since).values_list(step.since, flat=True).first()
        if (step.since and waiting)
        else None
    )
    report(campaign, step.name, waiting=waiting, oldest=oldest, settled=settled, at=clock.wall())
    return waiting


def walk(
    campaign: Campaign,
    *,
    seen: Callable[[Step, int], None] = lambda _step, _settled: None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Go down the line until nothing is ready or `stop` says so; returns rows settled in all.

    The same steps as the workers', in one process: for the exercise and the tests.
    """
    total = 0
    while not stop():
        settled = sum(_exhaust(step, campaign, seen=seen, stop=stop) for step in LINE)
        campaign.refresh_from_db()
        total += settled
        if not settled:
            break
    return total


def _exhaust(
    step: Step, campaign: Campaign, *, seen: Callable[[Step, int], None], stop: Callable[[], bool]
) -> int:
    """One step until nothing is ready for it; returns rows settled."""
    total = 0
    while not stop() and (settled := run_step(step, campaign)):
        seen(step, settled)
        total += settled
    return total
