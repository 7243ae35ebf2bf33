"""No letter leaves that names a suspended source, whether or not it rests on it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from openletter.campaigns.models import Campaign
from openletter.cases.models import Case
from openletter.evidence.models import Finding, Observation, Source, Suspension
from openletter.letters import sending, steps
from openletter.letters.models import Letter
from tests.builders import NOW
from tests.letter_builders import a_campaign_with_wave, chosen_cases
from tests.mail_builders import an_installation

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NAME = "Nachtlamp proxy watch"


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    an_installation(tmp_path)
    found = a_campaign_with_wave()
    chosen_cases(found, ["192.0.2.1", "192.0.2.2"])
    return found


def suspended(campaign: Campaign) -> None:
    Suspension.objects.create(
        source=Source.objects.get(name=NAME), exercise=campaign, at=NOW + HOUR, by="user:hanna",
        because={"text": "ill"},
    )  # fmt: skip


def weighed(at: object) -> None:
    """Weighing leaves the suspended source's rows out; the case stands on the others."""
    mute = set(Observation.objects.filter(source__name=NAME).values_list("pk", flat=True))
    for finding in Finding.objects.all():
        finding.rows = [row for row in finding.rows if row not in mute]
        finding.weighed_at = at
        finding.save()
    Case.objects.update(judged_at=at)


@pytest.mark.parametrize("says", ["accept", "corroborates", "reachable-only"])
def test_a_letter_that_names_it_goes_back_whatever_it_had_said(
    campaign: Campaign, says: str
) -> None:
    Observation.objects.filter(source__name=NAME).update(says=says)
    steps.compose(campaign, now=NOW, limit=10)
    assert NAME in bytes(Letter.objects.get().raw).decode()
    suspended(campaign)
    assert sending.claim(campaign, worker="w", now=NOW + HOUR, limit=10) == []
    assert sending.send_back(campaign, now=NOW + HOUR) == {"source-suspended": 1}


@pytest.mark.parametrize("says", ["accept", "corroborates"])
def test_a_letter_written_before_the_weighing_goes_back_after_it(
    campaign: Campaign, says: str
) -> None:
    Observation.objects.filter(source__name=NAME).update(says=says)
    suspended(campaign)
    steps.compose(campaign, now=NOW + 2 * HOUR, limit=10)
    assert NAME in bytes(Letter.objects.get().raw).decode()
    weighed(NOW + 3 * HOUR)
    assert sending.claim(campaign, worker="w", now=NOW + 4 * HOUR, limit=10) == []
    assert sending.send_back(campaign, now=NOW + 4 * HOUR) == {"source-suspended": 1}
    steps.compose(campaign, now=NOW + 5 * HOUR, limit=10)
    (one,) = sending.claim(campaign, worker="w", now=NOW + 6 * HOUR, limit=10)
    assert NAME not in one.raw.decode()
