"""The test letter through Debian's Postfix: one that leaves mail alone, and one that does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from openletter.campaigns import clock
from openletter.doctor import house, jobs, trial
from openletter.letters import keys, mark
from openletter.net.mailbox import received
from openletter.shell.configuration import Endpoint
from openletter.wire.smtp import Outcome
from tests.builders import NOW
from tests.servers import run
from tests.wires.sink import sink

pytestmark = pytest.mark.django_db

MEDDLES = """\
/^Reply-To:/ IGNORE
/^Message-ID:/ REPLACE Message-ID: <made@service.example>
/^Auto-Submitted:/ REPLACE Auto-Submitted: no
"""


@contextmanager
def a_way(folder: Path, settings: dict[str, str]) -> Iterator[tuple[run.Server, Path]]:
    """Postfix, and behind it a server that keeps what comes."""
    box = sink(folder / "box")
    with box:
        onward = {"default_transport": f"smtp:[127.0.0.1]:{box.port}", **settings}
        with run.postfix(settings=onward) as server:
            yield server, folder / "box"


def through(way: tuple[run.Server, Path], settings: Any) -> dict[str, str]:
    """What doctor finds of one letter, as its mailbox would have filed it."""
    server, box = way
    settings.SMARTHOST = Endpoint(host="127.0.0.1", port=server.port)
    sender = house.sender_of(None)
    note, fate = jobs.send(sender, "me@mail.example", again=False, now=clock.wall())
    assert fate.outcome is Outcome.ACCEPTED
    until = time.monotonic() + 30
    while not (come := list(received(box))) and time.monotonic() < until:
        time.sleep(0.1)
    (one,) = come
    filed = box / "filed"
    filed.write_bytes(
        f"Return-Path: <{one.envelope_from}>\r\n".encode() + (box / one.file).read_bytes()
    )
    raw = trial.look_for(note, filed)
    assert raw is not None
    return {check.seen.code: str(check.state) for check in trial.judge(note, raw)}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any) -> None:
    settings.STATE, settings.DKIM_SELECTOR, settings.MAIL_DOMAIN = tmp_path, "main", "own.example"
    settings.SITE_ADDRESS = "https://letters.own.example"
    keys.make(tmp_path / "keys", selector="main")
    mark.at_start(tmp_path, now=NOW)


def test_a_postfix_that_leaves_mail_alone(tmp_path: Path, settings: Any) -> None:
    with a_way(tmp_path, {}) as way:
        found = through(way, settings)
    assert set(found.values()) == {"good"}
    assert {"trial-dkim-holds", "trial-body-kept", "trial-headers-kept", "ties-fate-by-log"} <= set(
        found
    )


@pytest.mark.full
def test_a_service_that_rewrites(tmp_path: Path, settings: Any) -> None:
    rules = tmp_path / "header_checks"
    tmp_path.chmod(0o755)
    rules.write_text(MEDDLES)
    meddling = {
        "header_checks": f"regexp:{rules}",
        "sender_canonical_maps": "static:bounces@service.example",
        "sender_canonical_classes": "envelope_sender",
    }
    with a_way(tmp_path, meddling) as way:
        found = through(way, settings)
    assert {
        "trial-envelope-rewritten", "ties-bounces-by-content", "trial-message-id-rewritten",
        "ties-fate-by-journal-mailbox", "trial-headers-changed", "trial-dkim-headers-changed",
        "ties-replies-by-reference-alone",
    } <= {code for code, state in found.items() if state != "good"}  # fmt: skip
    assert found["trial-body-kept"] == "good"
