"""Wake-ups: one that waits is enough, none for a step with nothing to do, stalled ones go back."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from procrastinate.contrib.django import app as queue_app
from procrastinate.contrib.django.models import ProcrastinateJob

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, LineState
from openletter.campaigns.rules import CampaignState
from openletter.evidence import steps as evidence
from openletter.line import LINE, step_named
from openletter.shell import queue
from openletter.words import StepName
from tests.builders import NOW, a_campaign

pytestmark = pytest.mark.django_db


def waiting_jobs() -> list[str]:
    jobs = ProcrastinateJob.objects.filter(status="todo").order_by("task_name")
    return [job.task_name for job in jobs]


@pytest.fixture
def campaign() -> Campaign:
    made = a_campaign(exercise=True)
    Campaign.objects.filter(pk=made.pk).update(state=CampaignState.RUNNING)
    made.refresh_from_db()
    return made


def a_waiting_batch(campaign: Campaign) -> None:
    evidence.store_file(b"192.0.2.7:3128\n", name="list-2026-11-02.txt", exercise=campaign, now=NOW)


def test_a_second_wake_up_adds_nothing(campaign: Campaign) -> None:
    queue.wake([step_named("ingest")], campaign)
    queue.wake([step_named("ingest")], campaign)
    assert waiting_jobs() == ["line:ingest"]


def test_a_tick_measures_every_step_and_wakes_those_with_something_waiting(
    campaign: Campaign,
) -> None:
    a_waiting_batch(campaign)
    queue.tick.func(timestamp=600)
    assert waiting_jobs() == ["line:ingest"]
    measured = {state.step: state.waiting for state in LineState.objects.all()}
    assert measured == {step.name: int(step.name is StepName.INGEST) for step in LINE}


def test_between_minutes_only_the_quick_steps_are_asked(campaign: Campaign) -> None:
    queue.tick.func(timestamp=610)
    quick = {step.name for step in LINE if step.every < timedelta(minutes=1)}
    assert {state.step for state in LineState.objects.all()} == quick


def test_a_campaign_that_is_over_is_left_alone(campaign: Campaign) -> None:
    a_waiting_batch(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.FINISHED)
    queue.tick.func(timestamp=600)
    assert waiting_jobs() == []


def test_what_settled_something_wakes_itself_and_what_comes_after(campaign: Campaign) -> None:
    a_waiting_batch(campaign)
    queue.STEP_TASKS[StepName.INGEST].func(campaign.pk)
    assert set(waiting_jobs()) == {f"line:{step.name}" for step in LINE}
    assert campaigns.verify_chain(campaign.pk) is None


def test_what_settled_nothing_wakes_nobody(campaign: Campaign) -> None:
    queue.STEP_TASKS[StepName.INGEST].func(campaign.pk)
    assert waiting_jobs() == []


@pytest.mark.django_db(transaction=True)
def test_the_jobs_of_a_killed_worker_go_back(campaign: Campaign) -> None:
    queue.wake([step_named("ingest")], campaign)
    with connection.cursor() as cursor:  # a worker that took the job and was killed a while ago
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - interval '5 minutes') RETURNING id"
        )
        worker = cursor.fetchone()[0]
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [worker])
    assert waiting_jobs() == []
    connector = queue_app.connector.get_worker_connector()

    async def put_back() -> None:
        async with queue_app.open_async():
            await queue.put_back.func(timestamp=0)

    # aside: Playwright's loop may live in this thread
    with queue_app.replace_connector(connector), ThreadPoolExecutor(1) as aside:
        aside.submit(lambda: asyncio.run(put_back())).result()
    assert waiting_jobs() == ["line:ingest"]
