"""A whole installation for one benchmark: its own state, database, campaign, and a sink for mail.

Nothing of it is shared with another installation, and nothing of it stays. The sink shows the mark
of the exercises' mailbox, takes everything, keeps nothing, and counts per recipient.
"""

# ruff: noqa: INP001, PLC0415 (programs; Django is set up before its rooms are imported)
from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.operationworld import COUNTRIES

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign

AGENCIES = 6
_MARK_AND_MORE = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 %s\r\n"
_LINE, _DOT = b"\r\n", b"\r\n.\r\n"
_RECIPIENT = b"RCPT TO:<"


# -- the sink ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What the sink was given: messages, bytes, recipients, and messages beyond each's first."""

    messages: int
    bytes: int
    recipients: int
    duplicates: int


class _Sink:
    def __init__(self, mark: str) -> None:
        self.hello = _MARK_AND_MORE % mark.encode()
        self.counts: Counter[bytes] = Counter()
        self.bytes = 0
        self.lock = threading.Lock()

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"220 sink\r\n")
        buffer, in_content, rcpt, seen = bytearray(), False, b"", 0
        while data := _received(connection):
            buffer += data
            answer = bytearray()
            while True:
                mark = _DOT if in_content else _LINE
                end = buffer.find(mark, max(seen - 4, 0))
                if end < 0:
                    seen = len(buffer)
                    break
                line, seen = bytes(buffer[: min(end, 1_000)]), 0
                del buffer[: end + len(mark)]
                if in_content:
                    self.note(rcpt, end)
                    in_content = False
                    answer += b"250 2.0.0 Ok: queued as SINK\r\n"
                else:
                    rcpt = _recipient(line) or rcpt
                    in_content = line[:4].upper() == b"DATA"
                    answer += self.answer(line)
            with contextlib.suppress(OSError):
                connection.sendall(answer)

    def answer(self, line: bytes) -> bytes:
        word = line[:4].upper()
        if word == b"EHLO":
            return self.hello
        return {b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 2.1.0 Ok\r\n")

    def note(self, rcpt: bytes, size: int) -> None:
        with self.lock:
            self.counts[rcpt] += 1
            self.bytes += size

    def told(self) -> Taken:
        with self.lock:
            messages = self.counts.total()
            return Taken(
                messages=messages, bytes=self.bytes, recipients=len(self.counts),
                duplicates=messages - len(self.counts),
            )  # fmt: skip


def _recipient(line: bytes) -> bytes:
    if line[: len(_RECIPIENT)].upper() != _RECIPIENT:
        return b""
    return line[len(_RECIPIENT) :].partition(b">")[0].lower()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(262_144)
    except ConnectionResetError:
        return b""


def _run_sink(mark: str, asked: Connection) -> None:
    kept = _Sink(mark)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        asked.send(listening.getsockname()[1])
        threading.Thread(target=_accept, args=(listening, kept), daemon=True).start()
        while asked.recv() == "told":
            asked.send(kept.told())


def _accept(listening: socket.socket, kept: _Sink) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=kept.serve, args=(connection,), daemon=True).start()


class Sink:
    """A process of its own; `told()` asks it what it was given."""

    def __init__(self, folder: Path) -> None:
        from openletter.wire.smtp import MAILBOX_MARK

        self._ours, theirs = multiprocessing.Pipe()
        made = multiprocessing.get_context("spawn")
        self.process = made.Process(target=_run_sink, args=(MAILBOX_MARK, theirs), daemon=True)
        self.process.start()
        self.port = self._ours.recv()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "port").write_text(f"{self.port}\n")

    def told(self) -> Taken:
        self._ours.send("told")
        told: Taken = self._ours.recv()
        return told

    def stop(self) -> None:
        with contextlib.suppress(OSError):  # it may be gone already
            self._ours.send("stop")
        self.process.join(5)


# -- the installation ----------------------------------------------------------------------------


@contextmanager
def installation() -> Iterator[Path]:
    """A state folder with its own running PostgreSQL and migrated tables; all gone afterwards."""
    state = Path(tempfile.mkdtemp(prefix="openletter-operation-"))
    state.chmod(0o755)
    for name in [name for name in os.environ if name.startswith(("OPENLETTER_", "DATABASE_"))]:
        if name != "OPENLETTER_PG_BIN":
            os.environ.pop(name)
    (state / "openletter.toml").touch()
    os.environ |= {
        "OPENLETTER_STATE": str(state),
        "OPENLETTER_CONFIG": str(state / "openletter.toml"),
        "OPENLETTER_OPERATOR": "Operation of 2004 (exercise)",
        "OPENLETTER_CONTACT_MAIL": "questions@operation.example",
        "OPENLETTER_MAIL_DOMAIN": "operation.example",
    }
    from openletter.cli.operate import prepare, stop_database

    try:
        prepare()
        yield state
        _close_connection()
    finally:
        stop_database(state)
        home = state / "pg.home"
        if home.exists():
            shutil.rmtree(home.read_text().strip(), ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)


def _close_connection() -> None:
    from django.db import connection

    connection.close()


def campaign() -> Campaign:
    """A running exercise of six agencies, without limits of pace, its evidence's sources known."""
    from openletter.campaigns import clock
    from openletter.campaigns import steps as campaigns
    from openletter.campaigns.models import Campaign, CampaignPartner, Constituency, Partner
    from openletter.evidence import steps as evidence
    from openletter.exercise.make_world import WORLD

    agencies = [
        Partner.objects.create(
            slug=f"agency-{number}", name=f"Agency {number}", country=COUNTRIES[number],
            language="en", email=f"help@agency{number}.example", exercise=True,
            website=f"https://agency{number}.example/",
        )
        for number in range(AGENCIES)
    ]  # fmt: skip
    for number, country in enumerate(COUNTRIES):
        Constituency.objects.create(partner=agencies[number % AGENCIES], country=country)
    now = clock.wall()
    made = Campaign.objects.create(
        slug="operation", name="Operation of 2004 (exercise)", exercise=True, lead=agencies[0],
        created_at=now, distance_days=7, first_batch=0, letters_per_hour=100_000_000,
        provider_per_hour=0, recheck_days=[7, 14, 28], sender_name="Operation of 2004",
        sender_address="letters@operation.example", bounce_domain="bounce.operation.example",
        reply_domain="reply.operation.example", site_url="https://operation.example",
    )  # fmt: skip
    for agency in agencies:
        CampaignPartner.objects.create(campaign=made, partner=agency)
    evidence.declare_sources(WORLD / "sources")
    campaigns.plan(made, actor="bench", now=now - timedelta(minutes=1))
    campaigns.start(made, actor="bench", now=now)
    return Campaign.objects.get(pk=made.pk)
