"""Telling a person that something is wrong: one POST of JSON, or one mail by a route of its own.

Everything here is given seconds, name look-up included, and ends in a sentence; nothing raises.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from openletter.net.smtp_client import Door, DoorClosedError, Session, Timeouts
from openletter.wire.smtp import Envelope, Outcome

SECONDS = 5.0
IN_ALL = 12.0
TOO_LATE = "no answer in time"
Way = Callable[[], str]
"""Tries once; gives what stood in the way, or nothing."""


def post(url: str, told: Mapping[str, str]) -> str:
    """POST of JSON to a webhook; redirects are not followed. The address is never repeated."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        caller = kind(parts.hostname or "", parts.port, timeout=SECONDS)
        try:
            headers = {"Content-Type": "application/json", "User-Agent": "openletter"}
            caller.request("POST", target, json.dumps(told).encode(), headers)
            status = caller.getresponse().status
        finally:
            caller.close()
    except (OSError, http.client.HTTPException) as problem:
        return f"webhook: {type(problem).__name__}"
    return "" if 200 <= status < 300 else f"webhook: status {status}"


def mail(door: Door, envelope: Envelope) -> str:
    """One mail to whoever looks after it, by that server; each of its answers is given seconds."""
    limits = Timeouts(connect=SECONDS, opening=SECONDS, reply=SECONDS, dot=SECONDS)
    try:
        with Session(replace(door, timeouts=limits)) as session:
            fate = session.hand_over(envelope)
    except DoorClosedError as closed:
        fate = closed.fate
    return "" if fate.outcome is Outcome.ACCEPTED else f"mail: {fate.code or ''} {fate.text}"


def within(seconds: float, ways: Sequence[Way]) -> list[str]:
    """All at once; what each said in time. One that hangs is left behind and holds up nobody."""
    said = [TOO_LATE] * len(ways)

    def try_one(number: int, way: Way) -> None:
        said[number] = way()

    threads = [
        threading.Thread(target=try_one, args=(number, way), daemon=True)
        for number, way in enumerate(ways)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(said)
