"""Alerts over loopback: a webhook and a second mail route hear of each cause once, then of its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, Installation
from openletter.letters import keys, mark
from openletter.net import alarm
from openletter.replies import breaker
from openletter.shell import alerts
from openletter.shell.causes import Cause, Code, Notice
from openletter.shell.configuration import Endpoint
from openletter.shell.telling import Telling
from tests.builders import NOW
from tests.servers.run import free_port
from tests.site_builders import a_running_campaign
from tests.wires.loopback import Server
from tests.wires.sink import sink
from tests.wires.test_starttls import contexts
from tests.wires.test_submission import LOGIN, a_service

pytestmark = pytest.mark.django_db


@dataclass(kw_only=True)
class Hook:
    """A webhook that keeps what it is told, or refuses."""

    status: str = "204 No Content"
    told: list[dict[str, str]] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        size = int(head.partition("content-length:")[2].split("\r\n")[0])
        body = json.loads(await reader.readexactly(size))
        if self.status.startswith("2"):
            self.told.append(body)
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture(autouse=True)
def house(tmp_path: Path, settings: Any, hook: Hook) -> Iterator[Path]:
    """An installation that is well: a key, a smarthost that answers, a worker that lives."""
    settings.STATE, settings.DKIM_SELECTOR = tmp_path, "main"
    keys.make(tmp_path / "keys", selector="main")
    with Server(hook.talk) as server, contextlib.ExitStack() as stack:
        doors = [sink(tmp_path / name) for name in ("letters", "route")]
        for door in doors:
            door.start()
            stack.callback(door.stop)
        settings.SMARTHOST = Endpoint(host="127.0.0.1", port=doors[0].port)
        settings.TELLING = Telling(
            webhook=f"http://127.0.0.1:{server.port}/hook?key=x",
            smtp=Endpoint(host="127.0.0.1", port=doors[1].port),
            sender="watch@own.example", recipient="person@own.example", disk_floor=0,
        )  # fmt: skip
        mark.at_start(tmp_path, now=NOW)
        beat()
        yield tmp_path


def beat(*, seconds_ago: int = 0) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 s')",
            [seconds_ago],
        )


def codes(found: list[Cause]) -> set[Code]:
    return {cause.code for cause in found}


def a_real_campaign() -> Campaign:
    return a_running_campaign(exercise=False)


def mails(folder: Path) -> list[str]:
    return [
        str(message_from_bytes(file.read_bytes(), policy=policy.default)["Subject"])
        for file in sorted((folder / "route").rglob("*.eml"))
    ]


def test_all_is_well() -> None:
    a_real_campaign()
    assert alerts.look(now=NOW).found == []


def test_a_tripped_breaker_reaches_a_person_once_by_both_ways(house: Path, hook: Hook) -> None:
    campaign = a_real_campaign()
    campaigns.pause(campaign, actor=breaker.ACTOR, because="3 complaints of 1,000", now=NOW)
    for _ in range(3):  # each a process of its own: what was told is in the folder
        alerts.Watch(state=house).once(now=NOW)
    campaigns.resume(campaign, actor="user:anna", now=NOW)
    alerts.Watch(state=house).once(now=NOW)
    assert [(row["state"], row["cause"], row["about"]) for row in hook.told] == [
        ("begun", "breaker", campaign.slug), ("ended", "breaker", campaign.slug),
    ]  # fmt: skip
    assert "3 complaints of 1,000" in hook.told[0]["text"]
    first, second = mails(house)
    assert "paused itself" in first
    assert second == f"openletter: over: {first.removeprefix('openletter: ')}"


def test_a_persons_pause_is_no_alert() -> None:
    campaigns.pause(a_real_campaign(), actor="user:anna", because="lunch", now=NOW)
    assert alerts.look(now=NOW).found == []


def test_a_silent_worker_counts_while_a_campaign_runs() -> None:
    beat(seconds_ago=61)
    assert alerts.look(now=NOW).found == []
    a_running_campaign()
    assert codes(alerts.look(now=NOW).found) == {Code.WORKER}
    beat(seconds_ago=50)
    assert alerts.look(now=NOW).found == []


def test_a_full_disk_stops_what_leaves_and_says_so_once(settings: Any, hook: Hook) -> None:
    settings.TELLING = Telling(webhook=settings.TELLING.webhook, disk_floor=10**9)
    watch = alerts.Watch(state=settings.STATE)
    watch.once(now=NOW)
    watch.once(now=NOW)
    assert Installation.objects.get().leaving_paused_because == alerts.NO_ROOM
    assert [row["cause"] for row in hook.told] == ["disk"]
    settings.TELLING = Telling(webhook=settings.TELLING.webhook, disk_floor=0)
    watch.once(now=NOW)  # there is room again, and a person still has to say go on
    assert [(row["cause"], row["state"]) for row in hook.told[1:]] == [
        ("leaving-paused", "begun"), ("disk", "ended"),
    ]  # fmt: skip


def test_a_folder_that_takes_no_file_does_not_say_it_again(
    settings: Any, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = alerts.Watch(state=settings.STATE / "gone")
    for _ in range(2):
        watch.hear([Cause(code=Code.DISK)], now=NOW)
    assert len(hook.told) == 1


def test_keys_missing_broken_and_old(house: Path) -> None:
    assert alerts.look(now=NOW + timedelta(days=4000)).found == []  # no real campaign
    a_real_campaign()
    assert codes(alerts.look(now=NOW + timedelta(days=4000)).found) == {Code.OLD_KEY}
    (house / "keys" / "selectors.json").write_text("{")
    assert codes(alerts.look(now=NOW).found) == {Code.NO_KEY}
    (house / "keys" / "selectors.json").unlink()
    keys.delete(house / "keys", selector="main")
    assert codes(alerts.look(now=NOW).found) == {Code.NO_KEY}


def test_an_unreachable_smarthost(settings: Any, hook: Hook) -> None:
    campaign = a_real_campaign()
    settings.SMARTHOST = Endpoint(host="127.0.0.1", port=free_port())
    watch = alerts.Watch(state=settings.STATE)
    assert watch.once(now=NOW) == []
    assert [notice.cause.code for notice in watch.once(now=NOW)] == [Code.SMARTHOST]
    assert "none is lost or sent twice" in hook.told[0]["stopped"]
    campaigns.pause(campaign, actor="user:anna", because="x", now=NOW)
    assert alerts.look(now=NOW).found == []


def test_a_database_that_is_away(house: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_real_campaign()
    campaigns.pause(campaign, actor=breaker.ACTOR, because="x", now=NOW)
    watch = alerts.Watch(state=house)
    watch.once(now=NOW)

    def away(_now: object) -> list[Cause]:
        raise OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(alerts, "_in_database", away)
        patched.setattr(connection, "close", lambda: None)
        watch.once(now=NOW)
        watch.once(now=NOW)
    watch.once(now=NOW)
    watch.once(now=NOW)
    assert [(row["cause"], row["state"]) for row in hook.told] == [
        ("breaker", "begun"), ("database", "begun"), ("database", "ended"),
    ]  # fmt: skip


def test_one_way_is_enough_and_none_is_tried_again(house: Path, settings: Any, hook: Hook) -> None:
    hook.status = "500 No"
    watch, cause = alerts.Watch(state=house), Cause(code=Code.DISK)
    assert len(watch.hear([cause], now=NOW)) == 1  # by mail
    settings.TELLING = Telling(webhook=settings.TELLING.webhook)
    other = Cause(code=Code.BREAKER, about="spring")
    assert watch.hear([cause, other], now=NOW) == []
    hook.status = "200 OK"
    assert [notice.cause for notice in watch.hear([cause, other], now=NOW)] == [other]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_the_second_route_is_encrypted_and_signed_in(
    tmp_path: Path, settings: Any, tls: str
) -> None:
    server, _ = contexts(tmp_path)
    with a_service(server, at_once=tls == "implicit") as (service, port):
        settings.TELLING = Telling(
            smtp=Endpoint(host="127.0.0.1", port=port), sender="watch@own.example",
            recipient="person@own.example", disk_floor=0, tls=tls, user=LOGIN.user,
            password=LOGIN.password, authority=tmp_path / "cert.pem",
        )  # fmt: skip
        assert alerts.tell(Notice(cause=Cause(code=Code.DISK)), now=NOW)
        ((who, _),) = service.taken
        assert who == "letters"
        settings.TELLING = replace(settings.TELLING, authority=None)
        assert not alerts.tell(Notice(cause=Cause(code=Code.BREAKER)), now=NOW)
        assert len(service.taken) == 1


def test_without_a_way_the_log_is_all(settings: Any) -> None:
    settings.TELLING = Telling()
    assert alerts.tell(Notice(cause=Cause(code=Code.DISK)), now=NOW)


def test_whoever_hangs_holds_up_nobody() -> None:
    def hangs() -> str:
        time.sleep(2)
        return ""

    begun = time.monotonic()
    assert alarm.within(0.2, [hangs, lambda: ""]) == [alarm.TOO_LATE, ""]
    assert time.monotonic() - begun < 1


def test_a_broken_file_is_begun_anew(house: Path) -> None:
    for text in ("{", "[1]", '[{"cause": {"code": "x"}}]', "{}"):
        (house / "alerts.json").write_text(text)
        assert alerts.read_known(house) == {}
