"""Zones on the command line and on the desk: state, reason, what is left; and persons' verbs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from typer.testing import CliRunner, Result

from openletter import shell
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.campaigns.rules import MemberRole
from openletter.cli import app
from openletter.evidence import jobs, zonekeeping
from openletter.evidence.known import all_sources
from openletter.evidence.models import Zone
from openletter.shell.configuration import Endpoint
from openletter.shell.outside import Outside
from tests.builders import NOW, a_campaign, a_partner, a_user
from tests.records.evidence_builders import a_scan
from tests.records.test_consult import ZONE, in_doubt
from tests.wires.zone_servers import ZoneServer, lists, zone_server

pytestmark = pytest.mark.django_db

ALL = (ZONE, "dnsbl.dronebl.org", "nobody-knows.example")


@pytest.fixture(autouse=True)
def no_second_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "setup", lambda **_: None)


@pytest.fixture
def campaign() -> Campaign:
    return a_campaign()


@pytest.fixture
def served(settings: Any) -> Iterator[ZoneServer]:
    with zone_server(lists("192.0.2.7")) as server:
        settings.OUTSIDE = Outside(
            resolver=Endpoint(host="127.0.0.1", port=server.port), zones=ALL, keys={}
        )
        Zone.objects.create(name=ZONE, rate=2_000)
        yield server


@pytest.fixture
def run() -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(app, ["zones", *words])


def rows(result: Result) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {one["zone"]: one for one in found}


def test_without_zones_it_says_where_to_begin(run: Any) -> None:
    assert "ask-dnsbl-zones" in run().stderr


def test_every_zone_shows_its_state_and_why(
    run: Any, served: ZoneServer, campaign: Campaign
) -> None:
    in_doubt(campaign)
    jobs.consult(campaign, now=NOW, limit=10)
    told = rows(run("--json"))
    assert told[ZONE]["condition"] == "healthy"
    assert told[ZONE]["last_round"] == {"listed": 1, "not-listed": 2}
    assert told["dnsbl.dronebl.org"]["asked"] is True
    assert told["dnsbl.dronebl.org"]["left_today"] == 20_000
    assert told["nobody-knows.example"]["reason"]["code"] == "zone-without-source"
    text = run().stdout
    assert f"{ZONE}: healthy" in text
    assert "nobody-knows.example: not asked" in text
    assert "No source that we know speaks through this zone" in text


def test_a_check_looks_now(run: Any, served: ZoneServer) -> None:
    told = run("check", ZONE)
    assert (told.exit_code, f"{ZONE}: healthy" in told.stdout) == (0, True)
    assert len(served.asked) == 24
    served.says = lambda _: ["127.0.0.2"]
    told = run("check", ZONE)
    assert told.exit_code == 1
    assert "suspended by step:consult" in told.stdout
    assert "It lists what nobody lists" in told.stdout


@pytest.mark.parametrize("name", ["nobody-knows.example", "never-heard-of.example"])
def test_what_is_not_asked_is_not_checked_either(run: Any, served: ZoneServer, name: str) -> None:
    assert run("check", name).exit_code == 2
    assert served.asked == []


def test_a_check_keeps_to_the_budget(run: Any, served: ZoneServer) -> None:
    a_user("ann", partner=a_partner(), role=MemberRole.APPROVER)
    assert run("limit", ZONE, "--a-day", "100", "--a-second", "500", "--by", "ann").exit_code == 0
    assert [run("check", ZONE).exit_code for _ in range(5)] == [0, 0, 0, 2, 2]
    assert len(served.asked) == 72
    assert TimelineEntry.objects.filter(action="zone-limited", actor="user:ann").count() == 1


def test_persons_suspend_and_resume_with_a_reason(run: Any, served: ZoneServer) -> None:
    a_user("ann", partner=a_partner(), role=MemberRole.HANDLER)
    a_user("ben", partner=a_partner(), role=MemberRole.APPROVER)
    assert run("suspend", ZONE, "--because", "their wish", "--by", "ann").exit_code == 0
    assert "their wish" in run().stdout
    assert run("resume", ZONE, "--because", "agreed", "--by", "ann").exit_code == 2
    assert run("resume", ZONE, "--because", "agreed", "--by", "ben").exit_code == 0
    assert run("suspend", ZONE, "--because", "x", "--by", "nobody").exit_code == 2
    entries = TimelineEntry.objects.order_by("id").values_list("actor", "action", "reason")
    assert list(entries) == [
        ("user:ann", "zone-suspended", {"text": "their wish"}),
        ("user:ben", "zone-resumed", {"text": "agreed"}),
    ]


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            ("It lists what nobody lists", "suspended", "Example DNSBL (invented)", "not asked"),
        ),
        (
            "nl",
            ("Hij vermeldt wat niemand vermeldt", "geschorst", "Bronnen die iets gezegd hebben"),
        ),
    ],
)
def test_the_desk_shows_sources_and_zones(
    served: ZoneServer, campaign: Campaign, settings: Any, language: str, texts: tuple[str, ...]
) -> None:
    a_scan("192.0.2.7", campaign=campaign)
    served.says = lambda _: ["127.0.0.2"]
    in_doubt(campaign)
    jobs.consult(campaign, now=NOW, limit=10)
    browser = Client()
    browser.force_login(a_user("eve", partner=campaign.lead, role=MemberRole.READER))
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = browser.get(reverse("desk:sources")).content.decode()
    for text in (*texts, ZONE, "Shadowserver"):
        assert text in page
    assert "192.0.2.7" not in page
    assert len(queries) < 16


def test_a_hostile_source_name_is_only_shown(campaign: Campaign, served: ZoneServer) -> None:
    a_scan("192.0.2.7", campaign=campaign)
    from openletter.evidence.models import Source

    Source.objects.update(name="<script>\u202ex", terms={"note": "<b>\u202e"})
    browser = Client()
    browser.force_login(a_user("eve", partner=campaign.lead, role=MemberRole.READER))
    page = browser.get(reverse("desk:sources")).content.decode()
    assert "<script>" not in page.split("</head>")[1]
    assert "\u202e" not in page


def test_terms_set_a_limit_that_nobody_raises(run: Any, settings: Any) -> None:
    """Spamhaus answers fewer than 300,000 questions a day for free."""
    a_user("ann", partner=a_partner(), role=MemberRole.APPROVER)
    told = run("limit", "zen.spamhaus.org", "--a-day", "300000", "--by", "ann")
    assert told.exit_code == 2
    assert "299,999 questions a day" in told.stderr
    assert not Zone.objects.exists()
    assert run("limit", "zen.spamhaus.org", "--a-day", "299999", "--by", "ann").exit_code == 0
    assert Zone.objects.get().daily_budget == 299_999


def test_a_new_zone_begins_within_its_terms() -> None:
    feed = replace(all_sources().by_zone(ZONE), terms={"queries_a_day": 100})  # type: ignore[type-var]
    with transaction.atomic():
        assert zonekeeping.made(ZONE, feed).daily_budget == 100
