"""The whole line on a small world: listings, letters, bounces, second looks, outcomes.

Two hundred listings of one provider's networks go through every step by real SMTP and the real
site; then again from the start, and again after being stopped in the middle: the same letters.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from openletter import line
from openletter.campaigns import steps as campaigns
from openletter.campaigns.models import Campaign
from openletter.evidence.models import Batch
from openletter.exercise import make_world, stage, totals
from openletter.exercise.diary import Diary
from openletter.exercise.letterbox import ReadLetter
from openletter.exercise.neighbours import neighbours
from openletter.exercise.owners import Act
from openletter.exercise.play import Play, Scene
from openletter.exercise.servers import FEED_DAYS, day
from openletter.exercise.totals import Figures
from openletter.letters.models import LetterCase
from openletter.outcomes.models import Outcome
from openletter.replies.models import ReplyKind
from openletter.words import OutcomeResult

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("line")]

NETWORKS = [ip_network(text) for text in ("192.0.2.160/27", "203.0.113.160/27", "203.0.113.96/27")]
KEPT_FILES = ("scan_http", "scan_socks", "proxylijst", "wierhaven", "certwacht-open")

Told = set[tuple[str, str, str]]


@dataclass
class Quiet:
    """An audience that only counts."""

    steps: int = 0
    acts: list[str] = field(default_factory=list)

    def scene(self, scene: Scene) -> None: ...
    def registries(self, networks: int, candidates: int) -> None: ...
    def feed(self, name: str) -> None: ...
    def letter(self, letter: ReadLetter) -> None: ...
    def answered(self, mailbox: str) -> None: ...

    def step(self, name: str, settled: int) -> None:
        self.steps += 1

    def act(self, act: Act) -> None:
        self.acts.append(act.deed)


def _is_ours(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in NETWORKS if network.version == address.version)


def _small(name: str, content: bytes) -> bytes:
    """The file's head and the lines about this world's few networks."""
    kept = []
    for number, row in enumerate(make_world.unpacked(content).decode().split("\n")):
        words = row.replace('"', " ").replace(",", " ").replace("/", " ").replace(":", " ").split()
        if number == 0 or row[:1] in "$#:" or any(map(_is_ours, words)):
            kept.append(row)
    small = "\n".join(kept).encode() + b"\n"
    return gzip.compress(small) if name.endswith(".gz") else small


@pytest.fixture(scope="module")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Path]]:
    """A few files a day, in the formats of the whole world."""
    root, found = tmp_path_factory.mktemp("world"), dict[int, list[Path]]()
    for on in FEED_DAYS:
        folder = root / str(on)
        folder.mkdir()
        for path in stage.feed_files(on):
            if any(part in path.name for part in KEPT_FILES) and not path.name.endswith(".zip"):
                (folder / path.name).write_bytes(_small(path.name, path.read_bytes()))
        found[on] = sorted(folder.iterdir())
    return found


@dataclass
class House:
    """One state folder with a database behind it."""

    state: Path
    files: dict[int, list[Path]]

    def play(self, *, stop_after: int | None = None) -> tuple[Figures | None, Quiet]:
        """Play on; None for the figures where it was stopped before the end."""
        cast, audience = stage.set_up(site_url="http://testserver"), Quiet()

        def stopped() -> bool:
            return stop_after is not None and audience.steps > stop_after

        with neighbours(cast.campaign.pk, self.state) as around:
            before = totals.received_letters(cast.campaign, around.folder).letters
            play = Play(
                cast=cast, around=around, diary=Diary(self.state / "diary"), audience=audience,
                walk=_walk(stopped), stopped=stopped, feeds=lambda on: self.files[on],
            )  # fmt: skip
            if not play.run():
                return None, audience
            told = totals.figures(cast.campaign, around.folder, sent_before=before, seconds=0.0)
        return told, audience

    def forget(self) -> None:
        call_command("flush", verbosity=0, interactive=False)
        shutil.rmtree(self.state)
        self.state.mkdir()


def _walk(stopped: Callable[[], bool]) -> Callable[[Campaign, Callable[[str, int], None]], int]:
    return lambda campaign, seen: line.walk(
        campaign, seen=lambda step, settled: seen(step.name, settled), stop=stopped
    )


@pytest.fixture
def house(tmp_path: Path, settings: object, small_world: dict[int, list[Path]]) -> House:
    state = tmp_path / "state"
    state.mkdir()
    settings.STATE = state  # type: ignore[attr-defined]
    return House(state=state, files=small_world)


def _told() -> Told:
    """Who was told of which case, in which wave."""
    rows = LetterCase.objects.values_list("letter__mailbox", "wave__kind", "case__ip")
    return {(mailbox, kind, str(ip)) for mailbox, kind, ip in rows}


def _without_run(figures: Figures | None) -> Figures:
    assert figures is not None
    return {key: value for key, value in figures.items() if key != "sent_this_run"}


WHOLE: dict[str, object] = {}
"""What the uninterrupted play said, for the tests after it."""


def test_two_hundred_listings_become_letters_answers_and_outcomes(house: House) -> None:
    with CaptureQueriesContext(connection) as queries:
        figures, audience = house.play()
    assert figures is not None
    campaign = Campaign.objects.get()
    first_day = Batch.objects.filter(stored_at__lt=day(1))
    assert 150 <= sum(first_day.values_list("rows", flat=True)) <= 400
    assert figures["sent_this_run"] == figures["delivered"]
    assert figures["duplicates"] == figures["unknown"] == 0
    assert int(str(figures["bounced"])) > 0
    results = set(Outcome.objects.values_list("result", flat=True))
    assert {OutcomeResult.STILL_OPEN, OutcomeResult.CLOSED, OutcomeResult.GONE} <= results
    kinds = totals.replies_by_kind(campaign)
    assert {ReplyKind.QUESTION, ReplyKind.FIXED, ReplyKind.AUTO_REPLY} <= set(kinds)
    assert campaigns.verify_chain(campaign.pk) is None
    assert len(set(audience.acts)) >= 6
    letters = int(str(figures["letters"]))
    assert len(queries) < 250 * letters, "queries grow with letters and looks, not with rows"
    WHOLE.update(figures=_without_run(figures), told=_told(), steps=audience.steps)
    _again(house)


def _again(house: House) -> None:
    """A second run, and one without its diary, send nothing and say the same."""
    for without_diary in (False, True):
        if without_diary:
            (house.state / "diary").unlink()
        again, _ = house.play()
        assert again is not None
        assert again["sent_this_run"] == 0
        assert _without_run(again) == WHOLE["figures"]
        assert _told() == WHOLE["told"]


def test_stopped_at_several_steps_it_goes_on_to_the_same_letters(house: House) -> None:
    if not WHOLE:
        whole, audience = house.play()
        WHOLE.update(figures=_without_run(whole), told=_told(), steps=audience.steps)
        house.forget()
    for stop_after in (4, 3, 2, 5, 6):
        stopped, _ = house.play(stop_after=stop_after)
        assert stopped is None
    rest, _ = house.play()
    assert _without_run(rest) == WHOLE["figures"]
    assert _told() == WHOLE["told"]
