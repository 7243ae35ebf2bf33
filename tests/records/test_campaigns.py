"""The timeline cannot be changed, a start needs two persons, worlds stay apart."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from openletter.campaigns import steps
from openletter.campaigns.models import LineState, Partner, TimelineEntry, Wave
from openletter.campaigns.rules import CampaignState, Entry, MemberRole
from openletter.words import StepName
from tests.builders import NOW, a_campaign, a_partner, a_user

pytestmark = pytest.mark.django_db


def _entries(count: int, campaign_id: int | None) -> list[Entry]:
    return [
        Entry(subject=f"case:{n}", actor="test", action="opened", at=NOW, campaign_id=campaign_id,
              after={"naïve": "ünïcode", "n": n})
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("statement", ["UPDATE timeline SET actor = 'eve'", "DELETE FROM timeline"])
def test_the_timeline_refuses_update_and_delete(statement: str) -> None:
    steps.record(_entries(1, None))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.parametrize("verb", ["UPDATE timeline SET actor = 'eve'", "TRUNCATE timeline"])
def test_the_application_role_has_no_right_to_try(
    app_connection: psycopg.Connection[tuple[object, ...]], verb: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app_connection.cursor().execute(verb)


def test_a_whole_chain_verifies_and_a_changed_row_is_named() -> None:
    campaign = a_campaign()
    steps.record(_entries(3, campaign.pk))
    steps.record(_entries(2, campaign.pk))
    assert steps.verify_chain(campaign.pk) is None
    second = TimelineEntry.objects.filter(campaign=campaign).order_by("id")[1]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE timeline DISABLE TRIGGER timeline_append_only")
        cursor.execute("UPDATE timeline SET actor = 'eve' WHERE id = %s", [second.pk])
    assert steps.verify_chain(campaign.pk) == second.pk


def test_a_real_campaign_starts_with_two_approvers_and_approved_law() -> None:
    lead = a_partner("real", exercise=False)
    campaign = a_campaign("real", lead=lead, exercise=False)
    steps.plan(campaign, actor="user:ann", now=NOW)
    assert Wave.objects.filter(campaign=campaign, kind="first").count() == 1
    ann = a_user("ann", partner=lead, role=MemberRole.APPROVER)
    bob = a_user("bob", partner=lead, role=MemberRole.APPROVER)
    steps.approve(campaign, user=ann, what="start", now=NOW)
    steps.approve(campaign, user=ann, what="start", now=NOW)
    with pytest.raises(steps.CampaignError) as one:
        steps.start(campaign, actor="user:ann", now=NOW)
    assert one.value.reason.code == "approvals-missing"
    steps.approve(campaign, user=bob, what="start", now=NOW)
    with pytest.raises(steps.CampaignError) as two:
        steps.start(campaign, actor="user:ann", now=NOW)
    assert two.value.reason.code == "legal-text-missing"
    Partner.objects.filter(pk=lead.pk).update(legal_approved_at=NOW)
    steps.start(campaign, actor="user:ann", now=NOW)
    assert campaign.state == CampaignState.RUNNING
    assert campaign.arm_commitment


def test_a_handler_may_not_approve() -> None:
    campaign = a_campaign()
    handler = a_user("hal", partner=campaign.lead, role=MemberRole.HANDLER)
    with pytest.raises(steps.CampaignError) as refused:
        steps.approve(campaign, user=handler, what="start", now=NOW)
    assert refused.value.reason.code == "not-an-approver"


def test_pausing_twice_leaves_one_entry_and_resuming_keeps_the_state() -> None:
    campaign = a_campaign(state=CampaignState.RUNNING)
    steps.pause(campaign, actor="user:ann", because="bounces rise", now=NOW)
    steps.pause(campaign, actor="user:ann", because="again", now=NOW)
    assert not campaign.may_send
    assert TimelineEntry.objects.filter(action="paused").count() == 1
    steps.resume(campaign, actor="user:ann", now=NOW)
    assert campaign.may_send


def test_only_an_exercise_moves_its_clock() -> None:
    campaign = a_campaign("real", lead=a_partner("real", exercise=False), exercise=False)
    campaign.clock_offset = timedelta(days=1)
    with pytest.raises(IntegrityError, match="only_exercises_move_clock"), transaction.atomic():
        campaign.save()


@pytest.mark.parametrize(
    ("ip", "world"),
    [
        ("192.0.2.1", "exercise"), ("2001:db8::1", "exercise"), ("10.1.2.3", "exercise"),
        ("127.0.0.1", "exercise"), ("8.8.8.8", "real"), ("2a00::1", "real"),
        ("100.64.0.1", "special"), ("224.0.0.1", "special"), ("255.255.255.255", "special"),
        ("fe80::1", "special"), ("2002::1", "special"), ("169.254.1.1", "special"),
    ],
)  # fmt: skip
def test_the_database_knows_which_world_an_address_belongs_to(ip: str, world: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT address_world(%s)", [ip])
        assert cursor.fetchone() == (world,)


@pytest.mark.parametrize(
    ("mailbox", "reserved"),
    [("a@b.example", True), ("a@example.net", True), ("a@x.example.org", True),
     ("a@notexample.net", False), ("a@example.nl", False), ("example@real.org", False)],
)  # fmt: skip
def test_the_database_knows_reserved_mail_domains(mailbox: str, reserved: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT mailbox_is_reserved(%s)", [mailbox])
        assert cursor.fetchone() == (reserved,)


def test_a_step_reports_what_waits_and_how_fast_it_goes() -> None:
    campaign = a_campaign()
    for n in range(1, 4):
        steps.report(
            campaign, StepName.WEIGH, waiting=5, oldest=NOW, settled=10,
            at=NOW + timedelta(seconds=10 * n),
        )  # fmt: skip
    row = LineState.objects.get(campaign=campaign, step=StepName.WEIGH)
    assert row.done == 30
    assert 15 < row.rate < 60
