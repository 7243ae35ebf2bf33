"""Every queue is served, and the names of the steps are the same everywhere."""

from __future__ import annotations

from openletter.line import LINE, QUEUES
from openletter.shell.queue import SERVED, tasks_by_queue
from openletter.words import StepName


def test_every_queue_of_the_line_is_served() -> None:
    assert QUEUES <= SERVED


def test_every_task_waits_in_a_served_queue() -> None:
    assert set(tasks_by_queue()) <= SERVED


def test_the_line_has_every_named_step_once() -> None:
    assert [step.name for step in LINE] == list(StepName)


def test_steps_that_sign_or_read_hostile_mail_share_no_queue() -> None:
    queues = {step.name: step.queue for step in LINE}
    assert queues[StepName.SEND] != queues[StepName.READ]
