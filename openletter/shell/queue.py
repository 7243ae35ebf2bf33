"""Wake-ups for the line, by procrastinate: one task a step, one queue a border of trust.

A job carries no work, only "look again": a lost one delays until the next tick, a repeated one
finds nothing. What a killed worker leaves in `doing` is put back every 30 seconds; that is safe
because every step is (a letter's hand-over claims its row first).
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import structlog
from django.db import transaction
from procrastinate import App, Blueprint
from procrastinate.contrib.django import app as queue_app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign
from openletter.campaigns.rules import CampaignState
from openletter.letters.models import Correction
from openletter.line import LINE, QUEUES, Step, measure, run_step
from openletter.replies import breaker
from openletter.words import StepName

TICK_QUEUE = "tick"
SERVED = QUEUES | {TICK_QUEUE}
"""`openletter worker` serves all of these, or those it is told; a law test compares."""
TICK_SECONDS = 10
PUTS_RIGHT = frozenset({StepName.COMPOSE, StepName.SEND})
"""Steps that still move in a finished campaign, for corrections that somebody approved."""
HEARTBEAT_SECONDS = 10
STALLED_SECONDS = 30

log = structlog.get_logger(__name__)
line_tasks = Blueprint()
_Runner = Callable[[int], None]


def _runner(step: Step) -> _Runner:
    def run(campaign_id: int) -> None:
        campaign = Campaign.objects.get(pk=campaign_id)
        begun, worked = time.monotonic(), time.thread_time()
        settled = run_step(step, campaign)
        if settled:
            log.info(
                "step", step=step.name.value, campaign=campaign.slug, settled=settled,
                seconds=round(time.monotonic() - begun, 3),
                cpu=round(time.thread_time() - worked, 3),
            )  # fmt: skip
            wake(_after(step, campaign), campaign)

    return run


def _after(step: Step, campaign: Campaign) -> list[Step]:
    """This step and those behind it, as far as they may move in this campaign."""
    ended = campaign.state == CampaignState.FINISHED
    return [one for one in LINE[LINE.index(step) :] if not ended or one.name in PUTS_RIGHT]


STEP_TASKS = {
    step.name: line_tasks.task(name=step.name.value, queue=step.queue)(_runner(step))
    for step in LINE
}


def wake(steps: Iterable[Step], campaign: Campaign) -> None:
    """Leave one wake-up a step; one that already waits is enough."""
    for step in steps:
        lock = f"{step.name}:{campaign.pk}"
        job = STEP_TASKS[step.name].configure(queueing_lock=lock, lock=lock)
        try:
            with transaction.atomic():  # a caller's transaction goes on after a refusal
                job.defer(campaign_id=campaign.pk)
        except AlreadyEnqueued:
            continue


def live_campaigns() -> Iterable[Campaign]:
    """Those on which anything may move; a paused one still reads what comes back."""
    states = [CampaignState.PLANNED, CampaignState.RUNNING, CampaignState.WAITING]
    return Campaign.objects.filter(state__in=states)


def ended_with_corrections() -> Iterable[Campaign]:
    """Finished ones whose corrections somebody approved: a wrong letter is put right all the same.

    Nothing else of them moves.
    """
    approved = Correction.objects.filter(approved_at__isnull=False).values("campaign")
    return Campaign.objects.filter(state=CampaignState.FINISHED, pk__in=approved)


@line_tasks.periodic(cron=f"* * * * * */{TICK_SECONDS}")
@line_tasks.task(name="tick", queue=TICK_QUEUE, queueing_lock="tick")
def tick(timestamp: int) -> None:
    """Measure every step that is due and wake those with something waiting.

    Before that the breaker looks whether a campaign goes wrong: it is asked every ten seconds.
    """
    due = [step for step in LINE if timestamp % int(step.every.total_seconds()) < TICK_SECONDS]
    for campaign in live_campaigns():
        breaker.check(campaign, now=clock.now(campaign))
        wake([step for step in due if measure(step, campaign)], campaign)
    putting_right = [step for step in due if step.name in PUTS_RIGHT]
    for campaign in ended_with_corrections():
        wake([step for step in putting_right if measure(step, campaign)], campaign)


@line_tasks.periodic(cron="* * * * * */30")
@line_tasks.task(name="put-back", queue=TICK_QUEUE, queueing_lock="put-back", pass_context=False)
async def put_back(timestamp: int) -> None:
    """Put back the jobs of workers that were killed: their heart no longer beats."""
    manager = queue_app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        await manager.retry_job(job)
        log.warning("put back", job=job.task_name, campaign=job.task_kwargs.get("campaign_id"))


def tasks_by_queue() -> dict[str, list[str]]:
    """Name the tasks that wait in each queue."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, task in line_tasks.tasks.items():
        found[str(task.queue)].append(name)
    return dict(found)


def on_app_ready(app: App) -> None:
    """Give Django's queue our tasks; named in settings."""
    app.add_tasks_from(line_tasks, namespace="line")


def work(queues: Sequence[str] = (), *, concurrency: int = 2) -> None:
    """Serve queues (all by default) until SIGTERM or Ctrl-C; the running batch is finished."""
    unknown = set(queues) - SERVED
    if unknown:
        raise ValueError(f"no such queue: {', '.join(sorted(unknown))}")
    connector = queue_app.connector
    if not isinstance(connector, DjangoConnector):
        raise TypeError("the queue is not connected through Django")
    with queue_app.replace_connector(connector.get_worker_connector()) as app:
        asyncio.run(_serve(app, sorted(queues or SERVED), concurrency))


async def _serve(app: App, queues: Sequence[str], concurrency: int) -> None:
    async with app.open_async():
        await app.run_worker_async(
            queues=queues,
            concurrency=concurrency,
            fetch_job_polling_interval=10,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            shutdown_graceful_timeout=30,
            delete_jobs="successful",
        )
