"""Registries in bulk: what a load would change, taken in whole or not at all, and taken back."""

from __future__ import annotations

import gzip
import json
import random
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest
from django.db import connection
from typer.testing import CliRunner

from openletter import shell
from openletter.campaigns.models import Campaign
from openletter.cli import app
from openletter.contacts import difference, loading, pages, steps
from openletter.contacts.errors import ContactError
from openletter.contacts.ladder import ids_of, ladders, spread
from openletter.contacts.models import (
    Choice,
    ContactSet,
    MailboxSpread,
    Netblock,
    RegistryLoad,
)
from openletter.contacts.rules.blocks import NOBODY, Block
from openletter.letters import steps as letters
from openletter.letters.models import Delivery, Letter
from openletter.wire.registry import Place, Registration, Source, Subject, Written
from openletter.words import DeliveryState, Weakness
from tests.builders import NOW, a_campaign
from tests.contacts_builders import DUMP, a_case, a_dump, an_rdap_answer
from tests.letter_builders import a_campaign_with_wave
from tests.site_builders import some_cases

pytestmark = pytest.mark.django_db
OWNER, ABUSE = "abuse@dekorst.example", "abuse@laagland.example"
CHANGED = (
    DUMP.replace("abuse@dekorst.example", "security@dekorst.example")
    .replace("198.51.100.128 - 198.51.100.159", "198.51.100.160 - 198.51.100.191")
    .replace("ORG-BK1-TEST", "ORG-BK99-TEST")
    .replace("ABU2-TEST", "ABU77-TEST")
)


def world(exercise: Campaign | None) -> list[tuple[str, object]]:
    """Everything that look-ups see, without ids."""
    asked = [ip_address(f"198.51.100.{host}") for host in range(0, 256, 8)]
    asked += [ip_address("203.0.113.9"), ip_address("192.0.2.7"), ip_address("9.9.9.9")]
    return [(str(ip), rungs) for ip, rungs in ladders(asked, world=exercise).items()]


def numbers() -> tuple[int, ...]:
    tables = (RegistryLoad, Netblock, ContactSet, MailboxSpread)
    return tuple(each.objects.count() for each in tables)


def prepared(tmp_path: Path, campaign: Campaign | None, text: str = CHANGED) -> loading.Prepared:
    return loading.prepare([a_dump(tmp_path, text=text)], exercise=campaign, now=NOW)


# -- the difference -----------------------------------------------------------------------------


def test_what_a_load_would_change_is_shown_before_it_counts(tmp_path: Path) -> None:
    campaign = a_campaign()
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    case, _ = a_case(campaign, "198.51.100.70"), a_case(campaign, "198.51.100.3")
    steps.find(campaign, now=NOW, limit=10)
    before, seen = world(campaign), numbers()
    ready = prepared(tmp_path, campaign)
    found = difference.of(ready, now=NOW)
    assert found.blocks == difference.Blocks(new=1, changed=1, gone=1, same=2)
    boxes = {each.mailbox: (each.before, each.after) for each in found.boxes}
    assert boxes == {OWNER: (1, 0), "security@dekorst.example": (0, 1)}
    assert (found.choices.cases, found.choices.touched, found.choices.decided) == (2, 1, 1)
    assert found.choices.other == {(OWNER, "security@dekorst.example"): 1}
    told = difference.as_json(found)
    assert json.loads(json.dumps(told))["choices"]["would_be_other"] == 1  # type: ignore[index]
    assert world(campaign) == before
    loading.discard(ready)
    assert (world(campaign), numbers()) == (before, seen)
    assert Choice.objects.get(case=case, superseded_at=None).mailbox == OWNER


def test_a_load_is_taken_back_and_the_world_before_is_there_again(tmp_path: Path) -> None:
    campaign = a_campaign()
    files = [a_dump(tmp_path), an_rdap_answer(tmp_path)]
    steps.load_registries(files, exercise=campaign, now=NOW)
    before, seen = world(campaign), numbers()
    old = RegistryLoad.objects.get(format="rpsl")
    for text in (CHANGED, CHANGED.replace("security@", "third@")):
        steps.load_registry(a_dump(tmp_path, text=text), exercise=campaign, now=NOW)
    assert not RegistryLoad.objects.filter(pk=old.pk).exists()  # one version back is kept
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    load = RegistryLoad.objects.get(format="rpsl", state="current")
    assert load.replaces is not None
    back = steps.take_back_registry(load, now=NOW)
    assert back == load.replaces
    found = {each["mailbox"] for each in _candidates(campaign, "198.51.100.70")}
    assert "third@dekorst.example" in found
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    assert world(campaign) == before
    for each in RegistryLoad.objects.filter(state="current").order_by("-id"):
        steps.take_back_registry(each, now=NOW)
    assert all(not rungs for _, rungs in world(campaign)) or RegistryLoad.objects.exists()
    assert seen[0] == 2


def _candidates(campaign: Campaign, ip: str) -> list[dict[str, object]]:
    rungs = ladders([ip_address(ip)], world=campaign)[ip_address(ip)]
    return [{"mailbox": each.mailbox} for rung in rungs for each in rung.candidates]


def test_half_a_load_is_never_seen_and_is_swept_away(tmp_path: Path) -> None:
    campaign = a_campaign()
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    before, seen = world(campaign), numbers()
    prepared(tmp_path, campaign)  # and then the machine stops
    assert RegistryLoad.objects.filter(state="pending").exists()
    assert world(campaign) == before
    bad = tmp_path / "bad.gz"
    bad.write_bytes(b"\x1f\x8b\x08\x00broken")
    with pytest.raises(ContactError):
        steps.load_registries([a_dump(tmp_path, text=CHANGED), bad], exercise=campaign, now=NOW)
    steps.load_registry(a_dump(tmp_path, text=DUMP + "\n"), exercise=campaign, now=NOW)
    assert not RegistryLoad.objects.filter(state="pending").exists()
    assert world(campaign) == before
    assert numbers() == tuple(2 * each for each in seen)


def test_an_answer_between_looking_and_loading_is_not_lost(tmp_path: Path) -> None:
    ready = prepared(tmp_path, None, DUMP.replace(".example", ".nl"))
    difference.of(ready, now=NOW)
    answer = _answer("203.0.113.0", "203.0.113.255", "abuse@provider.nl")
    loading.add_answer([answer], format="rdap", now=NOW)
    loading.activate(ready)
    assert [rung.handle for rung in ladders([ip_address("203.0.113.7")], world=None)[
        ip_address("203.0.113.7")]] == ["A-203.0.113.0"]  # fmt: skip


def test_arins_and_afrinics_rows_are_marked_and_mirrors_never_go_back(tmp_path: Path) -> None:
    campaign = a_campaign()
    text = DUMP.replace("source:         TEST", "source:         ARIN")
    steps.load_registry(a_dump(tmp_path, text=text), exercise=campaign, now=NOW)
    assert not RegistryLoad.objects.get().redistributable
    steps.load_registry(_snapshot(tmp_path, 7), exercise=campaign, now=NOW)
    mirror = RegistryLoad.objects.get(stands_for__version=7)
    assert (mirror.registry, mirror.redistributable) == ("test", True)
    with pytest.raises(ContactError) as refused:
        steps.load_registry(_snapshot(tmp_path, 6), exercise=campaign, now=NOW)
    assert refused.value.reason.code == "nrtm-older"
    assert RegistryLoad.objects.filter(state="current").count() == 2


def _snapshot(folder: Path, version: int) -> Path:
    header = {"nrtm_version": 4, "type": "snapshot", "source": "TEST", "session_id": "s",
              "version": version}  # fmt: skip
    records = [header, *({"object": each} for each in DUMP.split("\n\n"))]
    path = folder / f"nrtm-snapshot.{version}.json"
    path.write_text("".join(f"\x1e{json.dumps(each)}\n" for each in records))
    return path


def test_blocks_that_the_registry_keeps_itself_end_the_walk(tmp_path: Path) -> None:
    campaign = a_campaign()
    text = DUMP.replace("mnt-by:         LAAGLAND-MNT\nsource:         TEST\n\norganisation:   ORG-LL1",
                        "mnt-by:         RIPE-NCC-HM-MNT\nsource:         TEST\n\norganisation:   ORG-LL1")  # fmt: skip
    text += "\ninetnum: 198.0.0.0 - 198.255.255.255\nnetname: TOP\nsource: TEST\n"
    steps.load_registry(a_dump(tmp_path, text=text), exercise=campaign, now=NOW)
    ip = ip_address("198.51.100.70")
    assert [rung.name for rung in ladders([ip], world=campaign)[ip]] == ["BAKKERIJ", "LAAGLAND-NET"]


def test_every_file_of_many_keeps_a_load_of_its_own_name(tmp_path: Path) -> None:
    campaign = a_campaign()
    whole = json.loads(an_rdap_answer(tmp_path).read_text())
    files = []
    for number in range(60):
        first = 0x0A000000 + number * 256
        ends = {"startAddress": str(ip_address(first)), "endAddress": str(ip_address(first + 255))}
        files.append(tmp_path / f"answer-{number}.json")
        files[-1].write_text(json.dumps(whole | ends | {"handle": f"NET-{number}"}))
    loads = steps.load_registries([*files, a_dump(tmp_path)], exercise=campaign, now=NOW)
    assert {each.name for each in loads} == {each.name for each in files} | {"laagland.db.txt"}
    assert sum(each.netblocks for each in loads) == Netblock.objects.count() == 64
    asked = [ip_address(0x0A000000 + number * 256) for number in range(60)]
    assert all(ids_of(asked, world=campaign).values())


@pytest.mark.parametrize("head", [b'{"handle": "', b"Address Block,Name,RFC\n"])
def test_a_small_file_that_unpacks_to_a_large_one_is_refused(tmp_path: Path, head: bytes) -> None:
    bomb = tmp_path / "small.gz"
    bomb.write_bytes(gzip.compress(head + b"x" * 70_000_000, compresslevel=1))
    with pytest.raises(ContactError) as refused:
        steps.load_registry(bomb, exercise=a_campaign(), now=NOW)
    assert refused.value.reason.values["why"] == "too-large"


def test_a_split_file_of_another_class_is_no_reason_to_refuse(tmp_path: Path) -> None:
    campaign = a_campaign()
    other = tmp_path / "ripe.db.as-block"
    other.write_text("# terms\n\nas-block: AS64496 - AS64511\ndescr: x\nsource: TEST\n")
    loads = steps.load_registries([a_dump(tmp_path), other], exercise=campaign, now=NOW)
    assert [each.netblocks for each in loads] == [4]


# -- look-ups -----------------------------------------------------------------------------------


def _random_world(seed: int) -> list[tuple[int, int, int]]:
    """(family, first, last), nested, equal and apart, in both families."""
    chance = random.Random(seed)
    found = []
    for _ in range(120):
        version = chance.choice((4, 6))
        size = 2 ** chance.randint(0, 12)
        base = 0x0A000000 if version == 4 else 0x20010DB8 << 96
        first = base + chance.randrange(8192 // size or 1) * size
        found.append((version, first, first + size - 1))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_ladders_are_those_of_all_blocks_around_an_address(seed: int) -> None:
    campaign = a_campaign()
    blocks = _random_world(seed)
    rows = [
        (loading.Group("test", f"k{version}", "rpsl"),
         Block(version, first, last, str(number), "", "", "", "", "test", "", False, NOBODY))
        for number, (version, first, last) in enumerate(blocks)
    ]  # fmt: skip
    loading.activate(
        loading.written(rows, name="x", digest=b"x", exercise=campaign, now=NOW, most=4)
    )
    chance = random.Random(seed)
    edges = [(v, end) for v, first, last in blocks for end in (first - 1, first, last, last + 1)]
    for version, value in chance.sample(edges, 100):
        ip = ip_address(value.to_bytes(4 if version == 4 else 16, "big"))
        around = [(last - first, -number) for number, (v, first, last) in enumerate(blocks)
                  if v == version and first <= value <= last]  # fmt: skip
        expected = [str(-number) for _, number in sorted(around)]
        assert [rung.handle for rung in ladders([ip], world=campaign)[ip]] == expected
    many = [ip_address(0x0A000000 + chance.randrange(8192)) for _ in range(50)]
    assert ladders(many, world=campaign) == {
        each: ladders([each], world=campaign)[each] for each in many
    }


def _answer(first: str, last: str, address: str = "abuse@provider.nl") -> Registration:
    box = Written(value=address, place=Place.ABUSE_BOX, role="abuse", object="A1")
    return Registration(
        source=Source.RDAP, registry="ripencc", subject=Subject.NETWORK, handle=f"A-{first}",
        first=ip_address(first), last=ip_address(last), country="NL", written=(box,),
    )  # fmt: skip


def test_answers_added_one_by_one_make_the_pages_that_all_of_them_make() -> None:
    chance = random.Random(3)
    for number in range(60):
        size = 2 ** chance.randint(0, 10)
        first = 0x09090000 + chance.randrange(2048 // size) * size
        ends = [str(ip_address(first + at)) for at in (0, size - 1)]
        added = loading.add_answer([_answer(*ends)], format="rdap", now=NOW)
        assert len(added) == 1
        if not number % 7:
            victims = Netblock.objects.order_by("?").values_list("pk", flat=True)[:2]
            loading.drop_answers(list(victims))
    loading.add_answer([_answer("2a00:1::", "2a00:1::ffff")], format="whois", now=NOW)
    before = list(pages.ranges(None))
    pages.rebuild(None)
    assert list(pages.ranges(None)) == before
    ranges = set(Netblock.objects.values_list("load", "first", "last"))
    assert len(ranges) == Netblock.objects.count()
    named = MailboxSpread.objects.filter(mailbox="abuse@provider.nl", load__format="rdap").get()
    assert named.blocks == Netblock.objects.filter(load__format="rdap").count()
    assert spread(["abuse@provider.nl", "nobody@x.nl"], world=None) == {"abuse@provider.nl": 1}
    assert ids_of([], world=None) == {}


# -- in the middle of a campaign ----------------------------------------------------------------


def write(campaign: Campaign) -> None:
    """The line from choices to what may leave."""
    letters.compose(campaign, now=NOW, limit=100)
    letters.clear(campaign, now=NOW, limit=100)


def test_a_reload_writes_to_nobody_twice_and_to_nobody_who_wants_no_letters(tmp_path: Path) -> None:
    campaign = a_campaign_with_wave()
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
    addresses = [f"198.51.100.{host}" for host in (3, 66, 70, 130, 161)]
    some_cases(campaign, [(each, Weakness.OPEN_RELAY) for each in addresses], at=NOW)
    assert steps.find(campaign, now=NOW, limit=100) == 5
    write(campaign)
    sent = {each.mailbox: each.pk for each in Letter.objects.all()}
    assert set(sent) == {OWNER, ABUSE}
    assert Delivery.objects.update(state=DeliveryState.ACCEPTED, handed_at=NOW) == 2
    steps.suppress(
        "security@dekorst.example", campaign=campaign, actor="holder", how="reply", now=NOW
    )
    chosen = dict(Choice.objects.values_list("case", "mailbox"))

    for text in (CHANGED, CHANGED.replace("ORG-LL1-TEST", "ORG-LL5-TEST")):
        loads = steps.load_registry(a_dump(tmp_path, text=text), exercise=campaign, now=NOW)
        assert loads.state == "current"
        assert steps.find(campaign, now=NOW, limit=100) == 0
        write(campaign)
    assert {each.mailbox: each.pk for each in Letter.objects.all()} == sent
    assert dict(Choice.objects.filter(superseded_at=None).values_list("case", "mailbox")) == chosen

    some_cases(campaign, [("198.51.100.71", Weakness.OPEN_RELAY)], at=NOW)
    steps.find(campaign, now=NOW, limit=100)
    late = Choice.objects.get(case__ip="198.51.100.71", superseded_at=None)
    assert late.mailbox == ABUSE  # the new contact of the network wants no letters
    write(campaign)
    assert {each.mailbox: each.pk for each in Letter.objects.all()} == sent
    assert Delivery.objects.count() == 2
    assert steps.is_suppressed("security@dekorst.example", campaign=campaign)


# -- commands -----------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setattr(shell, "setup", lambda **_: None)
    return CliRunner()


def test_the_commands_show_ask_load_list_and_take_back(command: CliRunner, tmp_path: Path) -> None:
    a_campaign("drill")
    broken = (
        "\ninetnum: nonsense\nnetname: X\nsource: TEST\n\nroute: 192.0.2.0/24\norigin: AS64496\n"
    )
    file = str(a_dump(tmp_path, text=DUMP + broken))
    of_drill = ["--exercise", "drill"]
    asked = command.invoke(app, ["registry", "load", file, *of_drill])
    assert (asked.exit_code, RegistryLoad.objects.count()) == (3, 0)
    assert "nothing was changed" in asked.stderr
    assert "blocks: 4 new, 0 changed, 0 gone" in asked.stderr
    line = (DUMP + broken)[: (DUMP + broken).index("inetnum: nonsense")].count("\n") + 1
    assert f"laagland.db.txt:{line}: The range of this block can't be read" in asked.stderr
    assert "route" in asked.stderr
    done = command.invoke(app, ["registry", "load", file, *of_drill, "--yes", "--json"])
    assert done.exit_code == 1, done.output
    said = [json.loads(each) for each in done.stdout.splitlines()]
    assert [each["type"] for each in said] == ["passed-over", "difference", "load"]
    listed = command.invoke(app, ["registry", "list", *of_drill, "--json"])
    load = json.loads(listed.stdout)
    assert (load["netblocks"], load["kind"], load["state"]) == (4, "inetnum", "current")
    wrong = command.invoke(app, ["registry", "take-back", "999999", "--yes"])
    assert wrong.exit_code == 2
    not_yet = command.invoke(app, ["registry", "take-back", str(load["load"])])
    assert (not_yet.exit_code, RegistryLoad.objects.count()) == (3, 1)
    back = command.invoke(app, ["registry", "take-back", str(load["load"]), "--yes"])
    assert (back.exit_code, RegistryLoad.objects.count()) == (0, 0)
    loading.add_answer([_answer("9.9.9.0", "9.9.9.255")], format="rdap", now=NOW)
    fetched = RegistryLoad.objects.get()
    kept = command.invoke(app, ["registry", "take-back", str(fetched.pk), "--yes"])
    assert (kept.exit_code, RegistryLoad.objects.count()) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_two_loads_of_a_world_at_once_are_one(tmp_path: Path) -> None:
    campaign = a_campaign()
    refused: list[str] = []

    def other() -> None:
        try:
            steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
        except ContactError as problem:
            refused.append(problem.reason.code)
        connection.close()

    with loading.alone(campaign):
        worker = threading.Thread(target=other)
        worker.start()
        worker.join(60)
    assert refused == ["registry-busy"]
    steps.load_registry(a_dump(tmp_path), exercise=campaign, now=NOW)
