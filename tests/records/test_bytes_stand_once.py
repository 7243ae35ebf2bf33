"""The migration that keeps a letter's bytes once changes no byte of a letter under way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from openletter.letters import sending
from openletter.letters.models import Delivery, Letter
from openletter.words import DeliveryState
from tests.builders import NOW
from tests.mail_builders import a_sending_campaign, an_installation, letters_ready

MINUTE = timedelta(minutes=1)


def migrated(name: str = "") -> None:
    """To this migration, or to the last of all rooms."""
    executor = MigrationExecutor(connection)
    executor.migrate([("letters", name)] if name else executor.loader.graph.leaf_nodes())


def stored(table: str) -> list[tuple[str, bytes]]:
    """What a table has, as far as it has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT message_id, raw FROM {table} WHERE raw IS NOT NULL ORDER BY message_id"
        )
        return [(name, bytes(raw)) for name, raw in cursor.fetchall()]


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
def test_letters_under_way_keep_their_bytes_there_and_back(tmp_path: Path) -> None:
    an_installation(tmp_path)
    campaign = a_sending_campaign()
    cleared, deferred, unknown, delivered = letters_ready(campaign, 4)
    answer = Delivery.objects.create(
        campaign=campaign, exercise=True, partner=campaign.lead, purpose="answer",
        mailbox="a@net9.example", recipient="a@net9.example", envelope_from="b@campaign.example",
        message_id="<answer@campaign.example>", raw=b"Subject: Re\r\n\r\nYes.\r\n",
        body_sha256=b"0" * 32, state=DeliveryState.CLEARED, cleared_at=NOW,
    )  # fmt: skip
    for one, state in (
        (deferred, DeliveryState.DEFERRED), (unknown, DeliveryState.UNKNOWN),
        (delivered, DeliveryState.DELIVERED),
    ):  # fmt: skip
        Delivery.objects.filter(pk=one.delivery.pk).update(state=state, not_before=NOW)
    letters, answers = stored("letter"), [(answer.message_id, bytes(answer.raw or b""))]
    try:
        migrated("0005_later_letters")
        assert stored("delivery") == sorted(letters + answers)
    finally:
        migrated()
    assert stored("letter") == letters
    assert stored("delivery") == answers
    claimed = sending.claim(campaign, worker="w1", now=NOW + MINUTE, limit=10)
    raws = {one.message_id: one.raw for one in claimed}
    waiting = Letter.objects.filter(pk__in=[cleared.letter.pk, deferred.letter.pk])
    assert raws == dict(answers) | {one.message_id: bytes(one.raw) for one in waiting}
