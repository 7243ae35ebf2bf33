"""The step `lookup`: who is asked, how often, and that no case waits for ever. Nothing dials."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign, TimelineEntry
from openletter.cases.models import Case
from openletter.contacts import asking, jobs, lookup_state, steps
from openletter.contacts.desk_of_rows import RowsDesk
from openletter.contacts.lookup_rows import Fetch, LookUp, RegistryServer
from openletter.contacts.models import Choice
from openletter.contacts.rules import pace
from openletter.contacts.rules.course import Ask, Method
from openletter.contacts.walking import Pacer
from openletter.net.reach import PUBLIC
from openletter.shell.outside import LookUp as Setting
from openletter.wire import rdap
from openletter.wire.guessed import Guessed
from openletter.wire.lookup import End, Reply
from openletter.wire.registries import packaged
from openletter.words import Weakness
from tests.builders import NOW, a_campaign, a_partner
from tests.contacts_builders import a_case

pytestmark = pytest.mark.django_db

ARIN = "rdap.arin.net"


class Time:
    """A clock that goes on by what is waited for."""

    def __init__(self) -> None:
        self.now = NOW
        self.waited: list[float] = []

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += timedelta(seconds=seconds)

    def pacer(self, *, until: timedelta = timedelta(seconds=60)) -> Pacer:
        end = self.now + until
        return Pacer(clock=lambda: self.now, stop=lambda: self.now >= end, wait=self.wait)


class KilledError(Exception):
    """Stands for a worker's end in the middle."""


class Registry:
    """Answers from a table by method and address; counts what it was asked."""

    def __init__(self, **answers: Reply | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.otherwise: Reply | None = None

    async def ask(self, ask: Ask, *, now: datetime) -> Reply:
        self.asked.append(f"{ask.method} {ask.about}")
        found = self.answers.get(f"{ask.method} {ask.about}", self.otherwise)
        assert found is not None, ask
        if isinstance(found, Exception):
            raise found
        return found


def answer(
    first: str = "9.9.9.0", last: str = "9.9.9.255", *boxes: str, holder: str = "Provider"
) -> Reply:
    entities = [
        {"handle": "A1", "roles": ["abuse"],
         "vcardArray": ["vcard", [["email", {}, "text", box] for box in boxes]]},
        {"handle": "O1", "roles": ["registrant"],
         "vcardArray": ["vcard", [["fn", {}, "text", holder], ["kind", {}, "text", "org"]]]},
    ]  # fmt: skip
    body = json.dumps({
        "objectClassName": "ip network", "handle": "NET-9", "startAddress": first,
        "endAddress": last, "country": "NL", "entities": entities,
    }).encode()  # fmt: skip
    return Reply(
        end=End.FOUND, server=ARIN, asked="", registrations=tuple(rdap.read(body)), body=body
    )


def ended(end: End, **more: Any) -> Reply:
    return Reply(end=end, server=ARIN, asked="", **more)


FOUND = answer("9.9.9.0", "9.9.9.255", "abuse@provider.nl")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def switch(mode: str) -> None:
        from dataclasses import replace

        from openletter.shell.configuration import Endpoint

        changed = replace(
            settings.OUTSIDE,
            look_up=Setting(mode=mode),
            resolver=Endpoint(host="127.0.0.1", port=9),
        )
        monkeypatch.setattr(settings, "OUTSIDE", changed)

    switch("registries")
    return switch


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def campaign(outside: Callable[[str], None]) -> Campaign:
    return a_campaign("real", lead=a_partner("real", exercise=False), exercise=False)


def run(campaign: Campaign, registry: Registry, time: Time, *, limit: int = 100) -> int:
    return jobs.look_up(campaign, now=time.now, limit=limit, asker=registry, pacer=time.pacer())


def of(case: Case) -> LookUp:
    return LookUp.objects.get(case=case)


def find(campaign: Campaign) -> int:
    return steps.find(campaign, now=NOW, limit=100)


def test_by_default_nobody_is_asked_and_nothing_waits(
    campaign: Campaign, time: Time, outside: Callable[[str], None]
) -> None:
    assert not settings.OUTSIDE.look_up.__class__().is_on
    outside("off")
    a_case(campaign, "9.9.9.1")
    assert asking.waiting(campaign, now=NOW).count() == 0
    assert run(campaign, Registry(), time) == 0
    assert find(campaign) == 1


def test_an_exercise_never_asks_anybody(campaign: Campaign, time: Time) -> None:
    exercise = a_campaign("exercise")
    a_case(exercise, "192.0.2.1")
    assert asking.waiting(exercise, now=NOW).count() == 0
    assert run(exercise, Registry(), time) == 0
    assert find(exercise) == 1
    assert Fetch.objects.count() == 0


def test_find_waits_for_the_look_up_and_then_chooses(campaign: Campaign, time: Time) -> None:
    case = a_case(campaign, "9.9.9.1")
    assert find(campaign) == 0
    assert run(campaign, Registry(**{"rdap 9.9.9.1": FOUND}), time) == 1
    assert of(case).state == "found"
    assert find(campaign) == 1
    choice = steps.current_choice(case)
    assert choice is not None
    assert (choice.mailbox, choice.netblock["holder"]) == ("abuse@provider.nl", "Provider")
    assert choice.candidates[0]["source"] == "rdap"
    entry = TimelineEntry.objects.get(action="looked-up-found")
    assert entry.subject == f"case:{case.pk}"


def test_one_question_for_one_network_now_and_later(campaign: Campaign, time: Time) -> None:
    for last in (1, 2, 200):
        a_case(campaign, f"9.9.9.{last}")
    registry = Registry(**{"rdap 9.9.9.1": FOUND})
    assert run(campaign, registry, time) == 3
    a_case(campaign, "9.9.9.77")
    a_case(campaign, "9.9.9.1", weakness=Weakness.OPEN_SOCKS)
    assert run(campaign, registry, time) == 2
    assert registry.asked == ["rdap 9.9.9.1"]
    assert set(LookUp.objects.values_list("state", flat=True)) == {"found", "covered"}
    assert find(campaign) == 5
    assert set(Choice.objects.values_list("mailbox", flat=True)) == {"abuse@provider.nl"}


def test_an_answer_holds_thirty_days_and_a_nothing_seven(campaign: Campaign, time: Time) -> None:
    """A network that names nobody is not asked about again until then."""
    empty = Registry(**{"rdap 9.9.9.1": answer(), "rdap 9.9.9.3": FOUND})
    empty.otherwise = ended(End.NOTHING, code="not-registered")
    a_case(campaign, "9.9.9.1")
    assert run(campaign, empty, time) == 1
    second = a_case(campaign, "9.9.9.2")
    time.now += timedelta(days=29)
    assert run(campaign, empty, time) == 1
    assert empty.asked == ["rdap 9.9.9.1", "whois 9.9.9.1", "whois 9.9.9.2"]
    assert of(second).state == "found"
    time.now += timedelta(days=2)
    third = a_case(campaign, "9.9.9.3")
    assert run(campaign, empty, time) == 1
    assert empty.asked[3:] == ["rdap 9.9.9.3"]
    assert find(campaign) == 3
    choice = steps.current_choice(third)
    assert choice is not None
    assert choice.mailbox == "abuse@provider.nl"


def test_a_network_is_asked_about_anew_when_its_answer_no_longer_holds(
    campaign: Campaign, time: Time
) -> None:
    moved_on = answer("9.9.9.0", "9.9.9.255", "abuse@successor.nl", holder="Successor")
    registry = Registry(**{"rdap 9.9.9.1": FOUND, "rdap 9.9.9.2": moved_on})
    a_case(campaign, "9.9.9.1")
    assert run(campaign, registry, time) == 1
    time.now += timedelta(days=31)
    case = a_case(campaign, "9.9.9.2")
    assert run(campaign, registry, time) == 1
    assert registry.asked == ["rdap 9.9.9.1", "rdap 9.9.9.2"]
    find(campaign)
    choice = steps.current_choice(case)
    assert choice is not None
    assert (choice.mailbox, choice.netblock["holder"]) == ("abuse@successor.nl", "Successor")


def test_nothing_is_remembered_too(campaign: Campaign, time: Time) -> None:
    case = a_case(campaign, "9.9.9.1")
    registry = Registry(**{"rdap 9.9.9.1": ended(End.NOTHING, code="not-registered")})
    assert run(campaign, registry, time) == 1
    assert of(case).state == "nothing"
    assert of(case).reasons == [{"code": "asked-not-registered", "values": {"server": ARIN}}]
    again = a_case(campaign, "9.9.9.1", weakness=Weakness.OPEN_SOCKS)
    assert run(campaign, registry, time) == 1
    assert of(again).state == "nothing"
    assert registry.asked == ["rdap 9.9.9.1"]
    assert lookup_state.kept(now=time.now)["answers nothing"] == 1
    time.now += timedelta(days=8)
    assert "answers nothing" not in lookup_state.kept(now=time.now)
    assert find(campaign) == 2


def test_refused_answers_go_to_whois_and_are_remembered(campaign: Campaign, time: Time) -> None:
    a_case(campaign, "9.9.9.1")
    registry = Registry(**{
        "rdap 9.9.9.1": ended(End.REFUSED, code="another-network"),
        "whois 9.9.9.1": ended(End.REFUSED, code="too-large"),
    })  # fmt: skip
    assert run(campaign, registry, time) == 1
    a_case(campaign, "9.9.9.1", weakness=Weakness.OPEN_SOCKS)
    assert run(campaign, registry, time) == 1
    assert registry.asked == ["rdap 9.9.9.1", "whois 9.9.9.1"]
    assert set(LookUp.objects.values_list("state", flat=True)) == {"refused"}
    assert find(campaign) == 2


def test_a_busy_registry_is_left_alone_and_asked_again(campaign: Campaign, time: Time) -> None:
    case = a_case(campaign, "9.9.9.1")
    busy = ended(End.BUSY, code="too-often", retry_after=timedelta(minutes=10))
    registry = Registry(**{"rdap 9.9.9.1": busy})
    assert run(campaign, registry, time) == 0
    row = of(case)
    assert (row.state, row.tries) == ("waiting", 1)
    assert find(campaign) == 0
    assert asking.waiting(campaign, now=time.now).count() == 0
    (server,) = lookup_state.servers(now=time.now)
    assert (server["server"], server["because"]) == (ARIN, "too-often")
    time.now += timedelta(minutes=6)
    assert run(campaign, registry, time) == 0
    assert registry.asked == ["rdap 9.9.9.1"]
    time.now += timedelta(minutes=6)
    registry.answers["rdap 9.9.9.1"] = FOUND
    assert run(campaign, registry, time) == 1
    assert of(case).state == "found"


def test_a_registry_that_stays_away_holds_nobody_up_for_ever(
    campaign: Campaign, time: Time
) -> None:
    case = a_case(campaign, "9.9.9.1")
    registry = Registry()
    registry.otherwise = ended(End.FAILED, code="too-slow")
    runs = 0
    while of(case).state == "waiting" if LookUp.objects.exists() else True:
        run(campaign, registry, time)
        time.now = max(time.now, of(case).again_at or time.now)
        runs += 1
        assert runs < 60
    assert of(case).state == "gave-up"
    assert time.now - NOW <= asking.PATIENCE + timedelta(days=1)
    assert find(campaign) == 1
    choice = steps.current_choice(case)
    assert choice is not None
    assert choice.outcome == "nobody"


def test_an_old_case_waits_as_long_as_a_new_one(campaign: Campaign, time: Time) -> None:
    """Look-up may be switched on long after cases were opened."""
    case = a_case(campaign, "9.9.9.1")
    time.now += timedelta(days=90)
    busy = ended(End.BUSY, code="too-often", retry_after=timedelta(minutes=1))
    assert run(campaign, Registry(**{"rdap 9.9.9.1": busy}), time) == 0
    assert of(case).state == "waiting"


def test_cases_behind_a_dead_server_wait_three_days_at_most(campaign: Campaign, time: Time) -> None:
    """None of their own questions ever left; they go on all the same."""
    for last in range(1, 40):
        a_case(campaign, f"9.9.{last}.1")
    registry = Registry()
    registry.otherwise = ended(End.FAILED, code="unreachable")
    for _ in range(8):
        run(campaign, registry, time)
        time.now += timedelta(hours=12)
    assert not LookUp.objects.filter(state="waiting").exists()
    assert find(campaign) == 39


def test_three_failures_open_the_breaker(campaign: Campaign, time: Time) -> None:
    for last in range(1, 6):
        a_case(campaign, f"9.9.{last}.1")
    registry = Registry()
    registry.otherwise = ended(End.FAILED, code="unreachable")
    assert run(campaign, registry, time) == 0
    assert sum(each.startswith("rdap") for each in registry.asked) == pace.FAILURES
    row = RegistryServer.objects.get(host=ARIN)
    assert row.closed_until is not None
    assert (row.failures, row.closed_because) == (3, "unreachable")
    states = list(LookUp.objects.order_by("case").values_list("state", "tries"))
    assert states == [("waiting", 1)] * 3 + [("waiting", 0)] * 2


def test_questions_to_one_server_are_a_second_apart(campaign: Campaign, time: Time) -> None:
    for last in range(1, 6):
        a_case(campaign, f"9.9.{last}.1")
    registry = Registry(**{
        f"rdap 9.9.{last}.1": answer(f"9.9.{last}.0", f"9.9.{last}.255", "abuse@provider.nl")
        for last in range(1, 6)
    })  # fmt: skip
    assert run(campaign, registry, time) == 5
    assert time.waited == [0, 1, 1, 1, 1]


def test_several_workers_keep_one_pace(campaign: Campaign) -> None:
    one, other = RowsDesk(), RowsDesk()
    turns = [
        desk.turn("rdap.lacnic.net", now=NOW, patience=60) for desk in (one, other, one, other)
    ]
    assert [turn and (turn - NOW).total_seconds() for turn in turns] == [0, 7.5, 15, 22.5]
    assert one.turn("rdap.lacnic.net", now=NOW, patience=1) is None


def test_what_is_not_reached_in_time_comes_next(campaign: Campaign, time: Time) -> None:
    cases = [a_case(campaign, f"9.9.{last}.1") for last in range(1, 5)]
    registry = Registry()
    registry.otherwise = ended(End.NOTHING, code="not-registered")
    pacer = time.pacer(until=timedelta(seconds=1.5))
    done = jobs.look_up(campaign, now=NOW, limit=100, asker=registry, pacer=pacer)
    assert done == 3
    assert of(cases[3]).state == "waiting"
    assert of(cases[3]).tries == 0
    time.now += timedelta(minutes=2)
    assert run(campaign, registry, time) == 1


def test_pausing_stops_it_between_two_questions(
    campaign: Campaign, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    for last in (1, 2, 3):
        a_case(campaign, f"9.9.{last}.1")
    registry = Registry()

    async def pauses(ask: Ask, *, now: datetime) -> Reply:
        registry.asked.append(str(ask.about))
        return ended(End.NOTHING, code="not-registered")

    monkeypatch.setattr(registry, "ask", pauses)
    stop = jobs._stop(campaign, until=clock.wall() + timedelta(seconds=60))

    def stopped() -> bool:
        if registry.asked:
            Campaign.objects.update(paused_at=NOW)
        return stop()

    pacer = Pacer(clock=lambda: time.now, stop=stopped, wait=time.wait)
    assert jobs.look_up(campaign, now=NOW, limit=9, asker=registry, pacer=pacer) == 1
    assert registry.asked == ["9.9.1.1"]
    assert run(campaign, registry, time) == 0


def test_a_killed_run_loses_nothing_and_asks_no_answer_twice(
    campaign: Campaign, time: Time
) -> None:
    for last in (1, 2):
        a_case(campaign, f"9.9.{last}.1")
    nothing = ended(End.NOTHING, code="not-registered")
    registry = Registry(**{"rdap 9.9.1.1": nothing})
    registry.answers["rdap 9.9.2.1"] = KilledError("killed")
    with pytest.raises(KilledError):
        run(campaign, registry, time)
    assert LookUp.objects.count() == 0
    registry.answers["rdap 9.9.2.1"] = nothing
    time.now += timedelta(seconds=5)
    assert run(campaign, registry, time) == 2
    assert registry.asked == ["rdap 9.9.1.1", "rdap 9.9.2.1", "rdap 9.9.2.1"]


def test_a_loaded_registry_covers_what_it_names(
    campaign: Campaign, time: Time, tmp_path: Any
) -> None:
    dump = tmp_path / "isp.db.txt"
    dump.write_text(
        "inetnum: 9.9.9.0 - 9.9.9.255\nnetname: X\ncountry: NL\nadmin-c: R1\nstatus: ASSIGNED PA\n"
        "source: TEST\n\nrole: Abuse Desk\nnic-hdl: R1\nabuse-mailbox: abuse@loaded.nl\nsource: TEST\n"
    )
    steps.load_registries([dump], exercise=None, now=NOW)
    case = a_case(campaign, "9.9.9.1")
    assert run(campaign, Registry(), time) == 1
    assert of(case).state == "covered"
    assert TimelineEntry.objects.filter(action__startswith="looked-up").count() == 0


def test_guesses_are_asked_for_last_and_say_so(
    campaign: Campaign, time: Time, outside: Callable[[str], None]
) -> None:
    outside("guesses")
    facts = Guessed(
        about="9.9.9.1", name="mail.provider.nl", zone="provider.nl", mail=("provider.nl",),
        rname="hostmaster@provider.nl",
    )  # fmt: skip
    guess = Reply(end=End.FOUND, server="dns", asked="9.9.9.1", body=facts.as_bytes())
    registry = Registry(**{"rdap 9.9.9.1": answer(), "guess 9.9.9.1": guess})
    registry.otherwise = ended(End.NOTHING, code="no-guess")
    case, neighbour = a_case(campaign, "9.9.9.1"), a_case(campaign, "9.9.9.2")
    assert run(campaign, registry, time) == 2
    assert registry.asked == ["rdap 9.9.9.1", "whois 9.9.9.1", "guess 9.9.9.1", "guess 9.9.9.2"]
    assert find(campaign) == 2
    choice, other = steps.current_choice(case), steps.current_choice(neighbour)
    assert choice is not None
    assert other is not None
    assert (choice.outcome, choice.mailbox) == ("chosen", "hostmaster@provider.nl")
    assert choice.candidates[0]["source"] == "soa"
    assert choice.reasons[0]["code"] == "contact-guess"
    assert (choice.netblock["first"], choice.netblock["holder"]) == ("9.9.9.0", "Provider")
    assert other.outcome == "nobody"


def test_kept_answers_can_be_read_again(campaign: Campaign, time: Time) -> None:
    a_case(campaign, "9.9.9.1")
    run(campaign, Registry(**{"rdap 9.9.9.1": FOUND}), time)
    row = Fetch.objects.get()
    assert (str(row.first), str(row.last), row.end) == ("9.9.9.0", "9.9.9.255", "found")
    ask = Ask(method=Method.RDAP, server=ARIN, target=row.target, about=IPv4Address("9.9.9.1"))
    again = RowsDesk().known(ask, now=time.now)
    assert again is not None
    assert again.registrations == FOUND.registrations
    assert again.body == FOUND.body


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_anybody_is_asked(campaign: Campaign, time: Time) -> None:
    a_case(campaign, "9.9.9.1")
    seen: list[bool] = []

    class Watching(Registry):
        async def ask(self, ask: Ask, *, now: datetime) -> Reply:
            seen.append(connection.in_atomic_block)
            return await super().ask(ask, now=now)

    assert run(campaign, Watching(**{"rdap 9.9.9.1": FOUND}), time) == 1
    assert seen == [False]


def test_what_waits_is_found_by_indexes(campaign: Campaign) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = asking.waiting(campaign, now=NOW)[:10].explain()
    assert "look_up_case_id" in plan
    plan = steps.cases_without_choice(campaign, now=NOW)[:10].explain()
    assert "look_up_case_id" in plan
    assert "Seq Scan" not in plan


def test_cases_of_before_are_looked_up_where_nobody_was_found(
    campaign: Campaign, time: Time, outside: Callable[[str], None]
) -> None:
    outside("off")
    case = a_case(campaign, "9.9.9.1")
    assert find(campaign) == 1
    outside("registries")
    assert run(campaign, Registry(**{"rdap 9.9.9.1": FOUND}), time) == 1
    assert find(campaign) == 1
    choice = steps.current_choice(case)
    assert choice is not None
    assert choice.mailbox == "abuse@provider.nl"
    told = a_case(campaign, "9.9.9.2")
    LookUp.objects.create(case=told, state="found", at=NOW)
    assert find(campaign) == 1
    LookUp.objects.all().delete()
    assert asking.waiting(campaign, now=NOW).count() == 0  # both have a contact


def test_a_slow_server_holds_up_nobody_else(campaign: Campaign, time: Time) -> None:
    """ARIN thinks until RIPE has answered three times."""
    slow = a_case(campaign, "9.9.9.1")
    quick = [a_case(campaign, f"62.0.{last}.1") for last in (1, 2, 3)]
    registry, enough = Registry(), asyncio.Event()

    class Slow(Registry):
        async def ask(self, ask: Ask, *, now: datetime) -> Reply:
            registry.asked.append(ask.server)
            if len(registry.asked) == 4:
                enough.set()
            if ask.server == ARIN:
                await enough.wait()
            return ended(End.NOTHING, code="not-registered")

    assert run(campaign, Slow(), time) == 4
    assert registry.asked == [ARIN] + ["rdap.db.ripe.net"] * 3
    assert {of(case).state for case in (slow, *quick)} == {"nothing"}


@pytest.mark.parametrize("place", ["asking", "reading", "keeping"])
def test_an_answer_that_we_stumble_over_is_refused_and_holds_up_nobody(
    campaign: Campaign, time: Time, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A reader's mistake must neither stop the step nor ask the registry again every ten seconds."""
    one, other = a_case(campaign, "9.9.1.1"), a_case(campaign, "9.9.2.1")
    good = answer("9.9.2.0", "9.9.2.255", "abuse@provider.nl")
    odd = answer("9.9.1.0", "9.9.1.255", "abuse@odd.nl")
    registry = Registry(**{"rdap 9.9.1.1": odd, "rdap 9.9.2.1": good})
    registry.otherwise = ended(End.NOTHING, code="not-registered")
    if place == "asking":
        registry.answers["rdap 9.9.1.1"] = ValueError("odd")
    wanted = {
        "reading": "openletter.contacts.rules.course.candidates_of",
        "keeping": "openletter.contacts.loading.add_answer",
    }
    if place in wanted:
        module, _, name = wanted[place].rpartition(".")
        real = getattr(import_module(module), name)

        def stumbles(found: Any, **more: Any) -> Any:
            first = found if place == "reading" else found[0]
            if str(first.first) == "9.9.1.0":
                raise KeyError("odd")
            return real(found, **more)

        monkeypatch.setattr(wanted[place], stumbles)
    assert run(campaign, registry, time) == 2
    assert of(other).state == "found"
    asked = list(registry.asked)
    again = a_case(campaign, "9.9.1.1", weakness=Weakness.OPEN_SOCKS)
    if place != "reading":
        assert of(one).state == "refused"
        assert run(campaign, registry, time) == 1
        assert of(again).state == "refused"
        assert registry.asked == asked


def test_an_installation_asks_in_its_own_name_and_of_the_public_only(
    campaign: Campaign, outside: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "CONTACT_MAIL", "desk@agency.example")
    monkeypatch.setenv("OPENLETTER_LOOKUP_LOOPBACK", "rdap.arin.net:443=8443")
    plain = jobs.clients()
    assert "desk@agency.example" in plain.http.user_agent
    assert plain.http.reach is plain.whois.reach is PUBLIC
    assert not plain.http.reach.own_servers
    assert plain.guess is None
    outside("guesses")
    guessing = jobs.clients()
    assert guessing.guess is not None
    assert (guessing.guess.resolver.host, guessing.guess.zone) == ("127.0.0.1", "")


def test_a_bootstrap_file_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    good, bad = tmp_path / "ipv4.json", tmp_path / "ipv6.json"
    good.write_text('{"services": [[["9.0.0.0/8"], ["https://rdap.example/"]]]}')
    assert jobs.known_servers((good,)).urls_for(IPv4Address("9.9.9.9")) == (
        "https://rdap.example/",
    )
    bad.write_text("{")
    for files in ((good, bad), (good, tmp_path / "missing.json"), ()):
        assert jobs.known_servers(files) == packaged()
