"""docs/howto/smarthost-postfix.md, followed with Debian's Postfix: letters have a queue of their own."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openletter.letters.rules.logs import gather
from openletter.letters.rules.recipe import Tls, postfix
from openletter.net.mailbox import received
from openletter.net.smtp_client import Door
from openletter.net.smtp_fleet import Fleet
from openletter.wire.postfixlog import read_log
from openletter.wire.smtp import Envelope, Fate, Outcome
from tests.servers import debian, run
from tests.wires.sink import sink

QUICK = {"minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s"}


@dataclass
class Site:
    """Postfix by the recipe, a sink behind its letters and another behind its other mail."""

    server: run.Server
    letters: Path
    others: Path

    def tool(self, name: str, *arguments: str, given: str = "") -> str:
        command = [str(debian.UNPACKED / "usr/sbin" / name), "-c", str(self.server.home / "etc")]
        done = subprocess.run(
            [*command, *arguments], input=given, capture_output=True, text=True, check=False,
            env=debian.environment(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def defer(self, transports: str) -> None:
        """`postconf -e defer_transports=... && postfix reload`."""
        self.tool("postconf", "-e", f"defer_transports={transports}")
        self.server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)


@contextmanager
def a_site() -> Iterator[Site]:
    made = postfix("Bounce.Example.ORG", concurrency=2)
    with run.folder() as home:
        ours, theirs = sink(home / "letters"), sink(home / "others")
        with ours, theirs:
            nexthop = f"letters:[127.0.0.1]:{ours.port}"  # the recipient's own, where there is DNS
            assert "=letters:}" in made.main
            settings = {**QUICK, "default_transport": f"smtp:[127.0.0.1]:{theirs.port}"}
            more = (made.main.replace("=letters:}", f"={nexthop}}}"), made.master)
            with run.postfix(settings=settings, more=more) as server:
                yield Site(server, home / "letters", home / "others")


def mail(number: int, sender: str) -> Envelope:
    raw = f"From: <{sender}>\r\nMessage-ID: <{number}@x>\r\nSubject: x\r\n\r\n.x\r\n".encode()
    return Envelope(sender=sender, recipient=f"abuse@net{number}.example", raw=raw)


def hand_over(site: Site, mails: list[Envelope]) -> list[Fate]:
    fates: list[Fate] = []
    door = Door(host="127.0.0.1", port=site.server.port, exercise=False)
    with Fleet(door, connections=3) as fleet:
        fleet.hand_over(mails, settled=lambda _, fate: fates.append(fate), look=lambda: True)
    assert {fate.outcome for fate in fates} == {Outcome.ACCEPTED}
    return fates


def come(folder: Path) -> set[str]:
    return {one.message_id for one in received(folder)}


def until(true: Callable[[], bool], patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert true()


@pytest.mark.full
def test_a_stop_holds_letters_and_nothing_else_and_the_log_tells_all() -> None:
    with a_site() as site:
        site.defer("letters")
        letters = [mail(number, f"b+t{number}@bounce.example.org") for number in range(12)]
        fates = hand_over(site, letters)
        hand_over(site, [mail(100, "jo@else.example")])
        until(lambda: come(site.others) == {"<100@x>"})
        time.sleep(1)
        assert come(site.letters) == set()

        held = [fate.queue_id for fate in fates[:3]]
        site.tool("postsuper", "-h", "-", given="".join(f"{one}\n" for one in held))
        site.defer("")
        site.tool("postqueue", "-f")
        until(lambda: len(come(site.letters)) == 9)
        site.tool("postsuper", "-H", "ALL")
        until(lambda: len(come(site.letters)) == 12)
        assert come(site.others) == {"<100@x>"}

        text = (site.server.home / "log").read_text()
        assert "postfix/letters/smtp" in text
        now = datetime.now(UTC)
        lines = read_log(text.splitlines(), now=now, zone=now.astimezone().tzinfo or UTC)
        facts = gather(lines)
        assert {facts.by_message[f"<{number}@x>"].status for number in range(12)} == {"sent"}


def test_the_recipe_is_what_postfix_reads() -> None:
    """Also with DANE; Postfix itself says what it understood."""
    run.needs("postfix")
    made = postfix("bounce.example.org", tls=Tls.DANE)
    with run.folder() as home:
        etc = home / "etc"
        etc.mkdir()
        (etc / "main.cf").write_text(made.main)
        (etc / "master.cf").write_text(made.master)
        told = subprocess.run(
            [debian.UNPACKED / "usr/sbin/postconf", "-c", etc, "-n"],
            capture_output=True, text=True, check=True, env=debian.environment(),
        )  # fmt: skip
        assert "unused parameter" not in told.stderr
        assert "letters_destination_concurrency_limit = 3" in told.stdout
        options = subprocess.run(
            [debian.UNPACKED / "usr/sbin/postconf", "-c", etc, "-P"],
            capture_output=True, text=True, check=True, env=debian.environment(),
        ).stdout  # fmt: skip
        assert "letters/unix/smtp_tls_security_level = dane" in options


def test_a_recipe_needs_a_domain() -> None:
    with pytest.raises(ValueError, match="no domain"):
        postfix("not a domain}")
