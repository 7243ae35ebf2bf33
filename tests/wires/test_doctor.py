"""`openletter doctor` over loopback: our own DNS, a mail server for our names, a door, a zone."""

from __future__ import annotations

import ast
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from openletter.campaigns import clock
from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.catalogue import sentences
from openletter.cli import app
from openletter.doctor import house, jobs, trial
from openletter.doctor.rules import reach
from openletter.doctor.rules.check import Check, State
from openletter.doctor.rules.verify import Held
from openletter.evidence import jobs as evidence_jobs
from openletter.evidence.models import Observation
from openletter.evidence.models import Zone as BlocklistZone
from openletter.letters import keys, mark, selectors
from openletter.letters.rules.dkim import zone_text
from openletter.net.recipients import Ways
from openletter.shell.configuration import Endpoint
from openletter.shell.outside import Outside
from openletter.shell.telling import Telling
from tests.builders import NOW
from tests.mail_builders import letters_ready
from tests.samples import ROOT
from tests.servers import run
from tests.site_builders import a_running_campaign
from tests.wires.loopback import Authority
from tests.wires.resolving import Zone, resolving
from tests.wires.sink import sink
from tests.wires.test_starttls import contexts
from tests.wires.zone_servers import POINTS, Says, lists, zone_server

pytestmark = pytest.mark.django_db
RUN = CliRunner()
DOMAIN, OUT = "real.example", "203.0.113.25"


class Mx:
    """Takes mail for these addresses; whatever comes as a letter is a mistake of ours."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.asked: list[tuple[str | None, str]] = []
        self.letters = 0

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        self.asked.append((envelope.mail_from, address))
        if address not in self.known:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters += 1
        return "250 OK"


@contextmanager
def taking(tls: ssl.SSLContext | None) -> Iterator[tuple[Mx, int]]:
    mx, port = Mx(), run.free_port()
    running = Controller(mx, hostname="127.0.0.1", port=port, tls_context=tls)
    running._trigger_server = lambda: socket.create_connection(("127.0.0.1", port)).close()  # type: ignore[method-assign]
    running.start()
    try:
        yield mx, port
    finally:
        running.stop()


@pytest.fixture
def zone() -> Zone:
    """A zone where all is well, but for the keys."""
    found = {
        (f"bounce.{DOMAIN}.", "TXT"): f'"v=spf1 ip4:{OUT} -all"',
        (f"_dmarc.{DOMAIN}.", "TXT"): f'"v=DMARC1; p=none; rua=mailto:dmarc@{DOMAIN}"',
        ("25.113.0.203.in-addr.arpa.", "PTR"): f"out.{DOMAIN}.",
        (f"out.{DOMAIN}.", "A"): OUT,
        ("127.0.0.1.", "A"): "127.0.0.1",
    }
    for name in ("", "bounce.", "reply."):
        found[f"{name}{DOMAIN}.", "MX"] = f"10 mx.{DOMAIN}."
    return {**found, (f"mx.{DOMAIN}.", "A"): "127.0.0.1"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any, zone: Zone) -> Iterator[Path]:
    settings.STATE, settings.DKIM_SELECTOR, settings.MAIL_DOMAIN = tmp_path, "main", DOMAIN
    settings.SITE_ADDRESS, settings.OPERATOR = "https://letters.real.example", "Agency"
    settings.CONTACT_MAIL = f"help@{DOMAIN}"
    log = tmp_path / "mail.log"
    log.touch()
    settings.LEAVING = replace(settings.LEAVING, outgoing=(ip_address(OUT),), log=str(log))
    settings.TELLING = Telling(webhook="https://hooks.example/x", disk_floor=0)
    keys.make(tmp_path / "keys", selector="main")
    for name, text in selectors.dns_records(tmp_path / "keys", domain=DOMAIN, named="main"):
        zone[f"{name}.", "TXT"] = zone_text(text)
    mark.at_start(tmp_path, now=NOW)
    door = sink(tmp_path / "door")
    with resolving(zone) as resolver:
        settings.OUTSIDE = Outside(resolver=resolver, zones=(), keys={})
        settings.SMARTHOST = Endpoint(host="127.0.0.1", port=door.start())
        try:
            yield tmp_path
        finally:
            door.stop()


@pytest.fixture
def campaign() -> Campaign:
    made = a_running_campaign(exercise=False)
    Campaign.objects.filter(pk=made.pk).update(
        sender_address=f"letters@{DOMAIN}", bounce_domain=f"bounce.{DOMAIN}",
        reply_domain=f"reply.{DOMAIN}",
    )  # fmt: skip
    made.refresh_from_db()
    return made


def examined(campaign: Campaign | None, ways: Ways) -> list[Check]:
    return list(jobs.examine(campaign, now=clock.wall(), ways=ways))


def state_of(checks: list[Check], code: str) -> State:
    (found,) = {check.state for check in checks if check.seen.code == code}
    return found


def test_a_house_that_is_well(tmp_path: Path, campaign: Campaign) -> None:
    authority = Authority(tmp_path)
    with taking(authority.serving(f"mx.{DOMAIN}")) as (mx, port):
        mx.known = {f"postmaster@{DOMAIN}", f"abuse@{DOMAIN}"}
        (ready,) = letters_ready(campaign, 1)
        ready.letter.envelope_from = f"b+{ready.tokens.bounce}@bounce.{DOMAIN}"
        ready.letter.save()
        mx.known.add(ready.letter.envelope_from)
        checks = examined(campaign, Ways(port=port, trusted=authority.trusted()))
    by = {check.seen.code for check in checks if check.state is State.GOOD}
    assert {
        "spf-covers", "dkim-stands", "dmarc-stands", "ptr-confirmed", "rcpt-taken",
        "rcpt-wrong-refused", "door-open", "tls-not-needed", "clock-agrees-with-database",
        "keys-young", "fate-seen", "alerts-on", "site-https", "contact-set",
    } <= by  # fmt: skip
    wrong = [check for check in checks if check.state is State.BAD]
    assert {check.name for check in wrong} <= {"law", "approvals"}
    assert {who for who, _ in mx.asked} == {"<>"}
    assert len(mx.asked) == 5  # bounce: one known, one wrong; reply: one wrong; two owed
    assert mx.letters == 0
    assert state_of(checks, "mx-encrypted") is State.GOOD


def test_each_thing_that_is_wrong_is_said_with_what_to_publish(zone: Zone) -> None:
    del zone[f"bounce.{DOMAIN}.", "TXT"]
    zone[f"main._domainkey.{DOMAIN}.", "TXT"] = '"v=DKIM1; k=rsa; p=AAAA"'
    del zone[f"main-ed25519._domainkey.{DOMAIN}.", "TXT"]
    zone[f"_dmarc.{DOMAIN}.", "TXT"] = "SERVFAIL"
    zone[f"out.{DOMAIN}.", "A"] = "203.0.113.99"
    with taking(None) as (mx, port):
        checks = examined(None, Ways(port=port))
    bad = {check.seen.code for check in checks if check.state is State.BAD}
    assert bad == {
        "spf-missing", "dkim-differs", "dkim-missing", "ptr-not-confirmed", "rcpt-refused",
    }  # fmt: skip
    assert state_of(checks, "dns-silent") is State.NOT_ASKED
    assert state_of(checks, "mx-in-the-clear") is State.WARNING
    assert state_of(checks, "rcpt-none-given-out") is State.NOT_ASKED
    (missing,) = [check for check in checks if check.seen.code == "spf-missing"]
    assert missing.todo.values["record"] == f'"v=spf1 ip4:{OUT} -all"'
    assert mx.letters == 0


def test_a_certificate_of_another_name_is_told_and_stops_nothing(tmp_path: Path) -> None:
    server, client = contexts(tmp_path)
    with taking(server) as (mx, port):
        mx.known = {f"postmaster@{DOMAIN}", f"abuse@{DOMAIN}"}
        checks = examined(None, Ways(port=port, trusted=client))
    assert state_of(checks, "mx-not-proved") is State.WARNING
    assert state_of(checks, "rcpt-taken") is State.GOOD


def test_without_a_resolver_or_a_door_it_says_so(settings: Any) -> None:
    settings.OUTSIDE = Outside(resolver=None, zones=(), keys={})
    settings.SMARTHOST = Endpoint(host="127.0.0.1", port=run.free_port())
    settings.LEAVING = replace(settings.LEAVING, outgoing=(), log="")
    settings.TELLING = Telling(smtp=settings.SMARTHOST)
    checks = examined(None, Ways(port=run.free_port()))
    assert state_of(checks, "no-resolver") is State.NOT_ASKED
    assert state_of(checks, "door-closed") is State.BAD
    assert state_of(checks, "fate-unseen") is State.WARNING
    assert state_of(checks, "alerts-same-host") is State.WARNING
    assert state_of(checks, "trial-never") is State.NOT_ASKED


def test_every_code_has_its_sentences_and_whatever_is_not_good_says_what_to_do() -> None:
    said = sentences("openletter.doctor", "en")
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "openletter/doctor").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else "bad"
                codes = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
                for code in codes if name in {"good", "warning", "bad", "not_asked"} else []:
                    found.setdefault(str(code), set()).add(name)
    found |= {f"trial-dkim-{held}": {"bad"} for held in Held if held is not Held.HOLDS}
    assert len(found) > 60
    for code, names in found.items():
        assert code in said
        assert names == {"good"} or f"{code}-do" in said, code


def asked(settings: Any, says: Says) -> list[tuple[str, State]]:
    """What a zone of the real world says of our two addresses."""
    zone_name, ours = "dnsbl.dronebl.org", [ip_address(OUT), ip_address("203.0.113.26")]
    with zone_server(says) as server:
        settings.OUTSIDE = Outside(
            resolver=Endpoint(host="127.0.0.1", port=server.port), zones=(zone_name,), keys={}
        )
        BlocklistZone.objects.get_or_create(name=zone_name, defaults={"rate": 2_000})
        told = evidence_jobs.ask_about_own(ours, now=clock.wall())
    (found,) = told
    return [(check.seen.code, check.state) for check in reach.listed(*found, ours)]


def test_own_addresses_on_blocklists(settings: Any) -> None:
    ours = {ip_address(OUT): ["127.0.0.9"]}
    assert asked(settings, lambda address: {**POINTS, **ours}.get(address, [])) == [
        ("own-address-listed", State.BAD), ("own-address-not-listed", State.GOOD),
    ]  # fmt: skip
    assert Observation.objects.count() == 0
    assert asked(settings, lists()) == [("zone-rests", State.NOT_ASKED)]  # asked a moment ago
    BlocklistZone.objects.update(rests_until=None)
    assert asked(settings, lambda _: ["127.0.0.9"]) == [("zone-not-believed", State.NOT_ASKED)]


# -- the command --------------------------------------------------------------------------------


def call(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    told = RUN.invoke(app, ["doctor", "--json", *arguments])
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
    return told.exit_code, [json.loads(line) for line in told.stdout.splitlines()]


def test_the_command_tells_and_remembers(campaign: Campaign, zone: Zone) -> None:
    for name in ("", "bounce.", "reply."):
        zone[f"{name}{DOMAIN}.", "MX"] = "0 ."
    code, rows = call(campaign.slug)
    assert code == 2
    found = {row["code"]: row for row in rows}
    assert found["mx-null"]["do"].startswith("Publish: ")
    assert "NTP" not in found["spf-covers"]["seen"]
    assert found["alarm"]["values"]["todo"]  # no worker lives while this campaign runs
    (line,) = TimelineEntry.objects.filter(action="looked-over")
    assert line.campaign == campaign
    assert line.after["counts"]["bad"] == sum(row["state"] == "bad" for row in rows)
    told = RUN.invoke(app, ["doctor", campaign.slug, "--lang", "nl"]).stdout
    assert "deze naam" in told
    assert "BAD" in told


def test_an_exercise_or_no_domain_is_nothing_to_look_at(settings: Any) -> None:
    assert call(a_running_campaign().slug)[0] == 3
    settings.MAIL_DOMAIN = "openletter.invalid"
    assert call()[0] == 3


# -- the test letter ----------------------------------------------------------------------------


def arrived(folder: Path) -> list[Path]:
    return sorted((folder / "door").rglob("*.eml"))


def test_one_letter_goes_and_is_read_back(place: Path) -> None:
    code, rows = call("--send", "me@mail.example")
    assert (code, [row["code"] for row in rows]) == (0, ["trial-sent"])
    (file,) = arrived(place)
    assert b"\r\nSubject: [test]" in file.read_bytes() or b"\nSubject: [test]" in file.read_bytes()
    code, rows = call("--received", str(file))
    states = {row["code"]: row["state"] for row in rows}
    assert states["trial-dkim-holds"] == "good"
    assert states["trial-body-kept"] == "good"
    assert states["ties-fate-by-log"] == "good"
    assert [row["code"] for row in rows].count("trial-dkim-holds") == 2
    note = trial.read_note(place)
    assert note is not None
    assert note.read_at
    assert trial.state_of(place).seen.code == "trial-read-back"


def test_no_second_one_leaves_by_mistake(place: Path, settings: Any) -> None:
    assert call("--send", "me@mail.example")[0] == 0
    code, rows = call("--send", "me@mail.example")
    assert (code, rows[0]["code"]) == (2, "trial-on-its-way")
    assert len(arrived(place)) == 1
    assert call("--send", "me@mail.example", "--again")[0] == 0
    assert len(arrived(place)) == 2
    (place / "doctor" / "trial.json").write_text("{")
    assert call("--send", "me@mail.example", "--again")[1][0]["code"] == "trial-note-broken"
    assert len(arrived(place)) == 2


def test_what_never_left_may_be_sent_again(place: Path, settings: Any) -> None:
    door, settings.SMARTHOST = settings.SMARTHOST, Endpoint(host="127.0.0.1", port=run.free_port())
    assert call("--send", "me@mail.example")[1][0]["code"] == "trial-not-sent"
    settings.SMARTHOST = door
    assert call("--send", "me@mail.example")[0] == 0


def test_nothing_leaves_while_everything_is_paused(place: Path) -> None:
    campaigns.pause_leaving(because="stopped by jo", now=NOW)
    assert call("--send", "me@mail.example")[1][0]["code"] == "trial-while-paused"
    assert arrived(place) == []
    assert (
        RUN.invoke(app, ["doctor", "--send", "me@mail.example\r\nRCPT TO:<x@y.example>"]).exit_code
        == 2
    )


@pytest.mark.parametrize("form", ["maildir", "mbox"])
def test_it_is_found_in_a_mailbox_among_others(place: Path, form: str) -> None:
    call("--send", "me@mail.example")
    raw = arrived(place)[0].read_bytes().replace(b"\r\n", b"\n")
    other = b"Subject: hello\n\nFrom x\n"
    if form == "maildir":
        box = place / "box"
        for number, mail in enumerate((other, raw, other)):
            (box / "new").mkdir(parents=True, exist_ok=True)
            (box / "new" / str(number)).write_bytes(mail)
    else:
        box = place / "mbox"
        box.write_bytes(
            b"".join(
                b"From x@y.example Mon Mar  2 12:00:00 2026\n" + one + b"\n"
                for one in (other, raw, other)
            )
        )
    note = trial.read_note(place)
    assert note is not None
    assert trial.look_for(note, box) is not None
    _code, rows = call("--mailbox", str(box))
    assert "trial-dkim-holds" in {row["code"] for row in rows}
    (place / "empty").mkdir()
    assert call("--mailbox", str(place / "empty"))[1][0]["code"] == "trial-not-found"


def test_the_clock_of_the_database_is_compared() -> None:
    assert house.database_clock(clock.wall).state is State.GOOD
    late = house.database_clock(lambda: clock.wall() + timedelta(seconds=30))
    assert (late.state, 28 <= int(str(late.seen.values["seconds"])) <= 30) == (State.BAD, True)
