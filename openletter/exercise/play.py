"""The play: twenty-eight days of an exercise campaign in a minute, on the real line.

Each stage moves the exercise's clock, brings what that day brings (feeds, an update wave), walks
the line until nothing waits, and lets the mailbox owners act on what they got. Everything can be
done again without effect, so an interrupted play goes on at the stage it stood in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Protocol

from openletter.campaigns import clock
from openletter.campaigns.models import Campaign, Wave
from openletter.exercise import handler, stage
from openletter.exercise.diary import Diary
from openletter.exercise.letterbox import ReadLetter, is_about_a_letter, read_letter
from openletter.exercise.neighbours import Neighbours
from openletter.exercise.owner_mails import mail_of
from openletter.exercise.owners import Act, Deed, acts
from openletter.exercise.people import Person, people
from openletter.exercise.servers import day
from openletter.exercise.visits import Browser
from openletter.letters import steps as letters
from openletter.letters.models import Letter
from openletter.net.mailbox import Arrived, received
from openletter.net.submit import submit
from openletter.wire.smtp import Outcome
from openletter.words import WaveKind

LATER = timedelta(hours=5)
"""Later scenes play in the afternoon: a day after the letters is then past, however long they
took to leave."""


FEW = 4


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One morning of the exercise and what it brings."""

    day: int
    title: str
    has_feeds: bool = False
    opens_update: bool = False


SCENES = (
    Scene(day=0, title="The databases' files come in, and letters leave", has_feeds=True),
    Scene(day=1, title="The first answers", has_feeds=False),
    Scene(day=2, title="Owners close servers and say so"),
    Scene(
        day=7, title="A week later: new files, a second look, and an update about new cases",
        has_feeds=True, opens_update=True,
    ),
    Scene(day=9, title="Answers to the update"),
    Scene(day=14, title="Two weeks later: a third look", has_feeds=True),
    Scene(day=28, title="Four weeks later: the last look, and what became of it", has_feeds=True),
)  # fmt: skip


class Audience(Protocol):
    """Whoever watches; every call says what just happened."""

    def scene(self, scene: Scene) -> None: ...
    def registries(self, networks: int, candidates: int) -> None: ...
    def feed(self, name: str) -> None: ...
    def step(self, name: str, settled: int) -> None: ...
    def letter(self, letter: ReadLetter) -> None: ...
    def act(self, act: Act) -> None: ...
    def answered(self, mailbox: str) -> None: ...


Walk = Callable[[Campaign, Callable[[str, int], None]], int]
"""The line itself (`line.walk`), handed in from above: rows settled."""


class PlayError(Exception):
    """Something that the real line promises did not happen."""


@dataclass(kw_only=True)
class Play:
    """One run of the play on a state folder."""

    cast: stage.Cast
    around: Neighbours
    diary: Diary
    audience: Audience
    walk: Walk
    stopped: Callable[[], bool] = lambda: False
    feeds: Callable[[int], Sequence[Path]] = stage.feed_files
    _read: dict[str, ReadLetter] = field(default_factory=dict)
    _acts: dict[str, list[Act]] = field(default_factory=dict)

    @property
    def campaign(self) -> Campaign:
        return self.cast.campaign

    @cached_property
    def browser(self) -> Browser:
        return Browser(site=self.campaign.site_url)

    def run(self) -> bool:
        """Play what is left; True when the play is over, False when somebody stopped it."""
        for scene in SCENES:
            key = f"scene {scene.day}"
            if key in self.diary:
                continue
            self._play(scene)
            if self.stopped():
                return False
            self.diary.note(key)
        return True

    def _play(self, scene: Scene) -> None:
        stage.move_clock(self.campaign, day(scene.day) + (LATER if scene.day else timedelta(0)))
        self.audience.scene(scene)
        if scene.day == 0:
            self.audience.registries(*stage.load_registries(self.campaign))
            stage.begin(self.cast)
        if scene.has_feeds:
            for path in self.feeds(scene.day):
                stage.deliver_feed(self.campaign, path)
                self.audience.feed(path.name)
        if scene.opens_update and not self._has_update():
            letters.open_update_wave(self.campaign, actor="exercise", now=self._now())
        while not self.stopped():
            self.walk(self.campaign, self.audience.step)
            acted = self._owners_act()
            if not (self._handler_answers(scene) or acted):
                break

    def _now(self) -> datetime:
        return clock.now(self.campaign)

    def _has_update(self) -> bool:
        return Wave.objects.filter(campaign=self.campaign, kind=WaveKind.UPDATE).exists()

    # -- owners ---------------------------------------------------------------------------------

    def _owners_act(self) -> bool:
        """Do everything that is due and not done; True where anything was done."""
        acted = False
        for act in self._due():
            if self.stopped():
                break
            self._do(act)
            self.diary.note(act.key)
            self.audience.act(act)
            acted = True
        return acted

    def _due(self) -> Iterator[Act]:
        handed = dict(
            Letter.objects.filter(campaign=self.campaign, delivery__isnull=False).values_list(
                "message_id", "delivery__handed_at"
            )
        )
        now = clock.now(self.campaign)
        for letter in self._letters():
            at = handed.get(letter.message_id)
            person = people().get(letter.mailbox)
            if at is None or person is None:
                continue
            for act in self._acts_of(letter, person):
                if act.key not in self.diary and now >= at + timedelta(days=act.after):
                    yield act

    def a_short_letter(self) -> ReadLetter | None:
        """One that is easy to look at: a few addresses, and still what its reader would see."""
        short = [letter for letter in self._letters() if 1 < len(letter.rows) <= FEW]
        return short[0] if short else None

    def _acts_of(self, letter: ReadLetter, person: Person) -> list[Act]:
        if letter.message_id not in self._acts:
            self._acts[letter.message_id] = acts(letter, person)
        return self._acts[letter.message_id]

    def _letters(self) -> list[ReadLetter]:
        """Every letter that arrived, opened once and shown to the audience when it is new."""
        folder = self.around.folder
        for one in received(folder, after=len(self._read)):
            letter = self._open(one, folder)
            self._read[f"{one.number}"] = letter
            if letter.rows:
                self.audience.letter(letter)
        return [letter for letter in self._read.values() if letter.rows]

    @staticmethod
    def _open(one: Arrived, folder: Path) -> ReadLetter:
        raw = one.raw(folder)
        letter = read_letter(raw, rcpt=one.rcpt, envelope_from=one.envelope_from)
        if is_about_a_letter(raw) and not letter.rows:
            raise PlayError(f"a letter without rows that its reader could pass on: {one.file}")
        return letter

    def _do(self, act: Act) -> None:
        if act.deed.is_mail:
            self._mail(act)
        elif act.deed is Deed.ONE_CLICK:
            self.browser.one_click(act.letter.one_click)
        elif act.deed is Deed.CUSTOMER_PRESS and act.row is not None:
            self.browser.press(act.row.page, "fixed")
        elif act.deed is Deed.NOT_MINE_PRESS:
            self.browser.press(act.letter.page, "not-mine")
        else:
            self.browser.press(act.letter.page, "fixed")

    def _mail(self, act: Act) -> None:
        raw, sender = mail_of(act)
        is_report = act.deed is Deed.DELIVERY_REPORT
        recipient = act.letter.bounce_to if is_report else act.letter.reply_to
        fate = submit(raw, sender=sender, recipient=recipient, port=self.around.intake_port)
        if fate.outcome is not Outcome.ACCEPTED:
            raise PlayError(f"the intake did not take a mail: {fate.code} {fate.text}")

    # -- the desk -------------------------------------------------------------------------------

    def _handler_answers(self, scene: Scene) -> bool:
        """The day after, a handler answers questions at the desk, and leaves the last two."""
        if scene.day == 0:
            return False
        answered = handler.answer_questions(self.cast)
        for mailbox in answered:
            self.audience.answered(mailbox)
        return bool(answered)
