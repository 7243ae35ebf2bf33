"""What waits for a step is found by an index, however much has been settled before."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Model, QuerySet

from openletter.evidence import steps as evidence
from openletter.outcomes import steps as outcomes
from tests.builders import NOW, a_campaign

pytestmark = pytest.mark.django_db


def plan_of(rows: QuerySet[Model]) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    return rows[:10].explain()


def test_steps_find_their_rows_by_index() -> None:
    campaign = a_campaign()
    assert "batch_waiting" in plan_of(evidence.waiting_batches(campaign, now=NOW))
    assert "observation_unweighed" in plan_of(evidence.unweighed(campaign, now=NOW))
    assert "recheck_due" in plan_of(outcomes.due_rechecks(campaign, now=NOW))
