"""Several composers at a time: each mailbox one letter, none about what was taken back."""

from __future__ import annotations

import threading

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from openletter.campaigns.models import Campaign
from openletter.campaigns.steps import verify_chain
from openletter.cases.models import Case
from openletter.letters import steps, turn
from openletter.letters.models import Delivery, Letter, LetterCase
from openletter.letters.turn import composing
from openletter.words import CaseState
from tests.builders import NOW
from tests.letter_builders import ABUSE, a_campaign_with_wave, chosen_cases


@pytest.mark.django_db(transaction=True)
def test_composers_beside_each_other_write_nothing_about_what_was_taken_back_meanwhile() -> None:
    campaign = a_campaign_with_wave()
    for number in range(12):
        chosen_cases(campaign, [f"192.0.2.{number}"], f"a{number}@network.example")
    plan, last = steps.unwritten(campaign, now=NOW, limit=100, after=0)
    assert len(plan) == 12
    assert steps.unwritten(campaign, now=NOW, limit=100, after=last) == ([], last)
    failed: list[BaseException] = []
    threads = [
        threading.Thread(target=beside_others, args=(campaign, half, failed))
        for half in (plan[:6], plan[6:])
    ]
    with transaction.atomic():
        composing(campaign)
        for thread in threads:
            thread.start()
        threads[0].join(0.3)
        assert all(thread.is_alive() for thread in threads)
        assert not Letter.objects.exists()
        taken_back = Case.objects.filter(ip__in=["192.0.2.0", "192.0.2.11"])
        taken_back.update(state=CaseState.WITHDRAWN)
    for thread in threads:
        thread.join()
    assert not failed
    assert set(Letter.objects.values_list("mailbox", flat=True)) == set(plan[1:11])
    assert LetterCase.objects.count() == 10
    assert verify_chain(campaign.pk) is None
    assert steps.clear(campaign, now=NOW, limit=100) == Delivery.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_a_mailbox_given_to_two_composers_gets_one_letter_all_the_same() -> None:
    campaign = a_campaign_with_wave()
    chosen_cases(campaign, ["192.0.2.1", "192.0.2.2"])
    failed: list[BaseException] = []
    with turn.planning(campaign) as mine:
        assert mine
        deal = threading.Thread(target=try_to_plan, args=(campaign, failed))
        deal.start()
        deal.join()
    threads = [
        threading.Thread(target=beside_others, args=(campaign, [ABUSE], failed)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Letter.objects.get().rows.count() == 2
    assert all(isinstance(error, DatabaseError | psycopg.Error) for error in failed)


def beside_others(campaign: Campaign, plan: list[str], failed: list[BaseException]) -> None:
    try:
        steps.write_beside_others(campaign, plan, now=NOW)
    except BaseException as error:  # noqa: BLE001 - told to the test
        failed.append(error)
    finally:
        connection.close()


def try_to_plan(campaign: Campaign, failed: list[BaseException]) -> None:
    try:
        with turn.planning(campaign) as mine:
            assert not mine
    except BaseException as error:  # noqa: BLE001 - told to the test
        failed.append(error)
    finally:
        connection.close()
