"""Processes of the crash tests: prepare letters, send until told to stop, count, settle.

Run as `python -m tests.wires.crash_worker VERB ...` with OPENLETTER_STATE (and OPENLETTER_SMARTHOST).
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def prepare(count: int) -> None:
    """A running real campaign with `count` letters, each to a mailbox of its own."""
    from django.conf import settings

    from openletter.campaigns.models import Campaign
    from tests.mail_builders import a_sending_campaign, an_installation, letters_ready

    an_installation(settings.STATE)
    campaign = a_sending_campaign("real", exercise=False)
    Campaign.objects.update(letters_per_hour=10**9)
    letters_ready(campaign, count)


def send(minutes_back: int = 0) -> None:
    """Hand over until nothing waits or stdin closes; lives through a database that goes away."""
    from django.db import Error, close_old_connections, connection

    from openletter.campaigns.models import Campaign
    from openletter.letters import jobs, sending

    sending.MOST_BEYOND_RECALL = 10**9  # the smarthost's log is read afterwards only
    if os.environ.get("CRASH_IMPATIENT"):
        be_impatient()
    say("ready")
    idle, now = 0, START - timedelta(minutes=minutes_back)
    while idle < 3:
        now += timedelta(minutes=5)  # what was deferred is due
        try:
            close_old_connections()
            done = jobs.hand_over(
                Campaign.objects.get(), now=now, limit=int(os.environ.get("CRASH_LIMIT", "200"))
            )
        except (Error, OSError) as error:
            say(f"trouble {type(error).__name__}")
            connection.close()
            time.sleep(0.2)
            continue
        idle = 0 if done or waiting() else idle + 1
        if not done:
            time.sleep(0.1)
    say("idle")


def be_impatient() -> None:
    """A server that hangs is waited for a second, not ten minutes."""
    from openletter.letters import doorway
    from openletter.net.smtp_door import Timeouts

    real = doorway.real_door
    fast = Timeouts(connect=1, opening=1, reply=1, dot=1)
    doorway.real_door = lambda: dataclasses.replace(real(), timeouts=fast)


def waiting() -> int:
    from openletter.letters.models import Delivery

    return Delivery.objects.filter(state__in=["cleared", "deferred", "handing"]).count()


def count() -> None:
    """One JSON object: Message-ID -> state, and whether everything is paused."""
    from openletter.campaigns.models import Installation
    from openletter.letters.models import Delivery

    say(
        json.dumps(
            {
                "states": dict(Delivery.objects.values_list("message_id", "state")),
                "paused": Installation.objects.get().leaving_paused_because,
            }
        )
    )


def settle(log: str) -> None:
    from openletter.letters.settle import from_log
    from openletter.wire.postfixlog import read_log

    now = datetime.now(UTC)
    lines = list(
        read_log(Path(log).read_text().splitlines(), now=now, zone=now.astimezone().tzinfo or UTC)
    )
    told = from_log(lines, by="user:test", now=now)
    say(
        json.dumps(
            {**told.by_state, "not_sent": told.not_sent, "still_unknown": told.still_unknown}
        )
    )


def resume() -> None:
    from django.conf import settings

    from openletter.letters.settle import go_on

    go_on(settings.STATE, by="test", now=START)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(verb: str, *arguments: str) -> None:
    from openletter.shell import setup

    setup()
    match verb:
        case "prepare":
            prepare(int(arguments[0]))
        case "send":
            send(*map(int, arguments))
        case "count":
            count()
        case "settle":
            settle(arguments[0])
        case "resume":
            resume()


if __name__ == "__main__":
    main(*sys.argv[1:])
