"""What a viewer of the demonstration sees: a live line on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from openletter.words import StepName

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign
    from openletter.exercise.letterbox import ReadLetter
    from openletter.exercise.owners import Act
    from openletter.exercise.play import Scene
    from openletter.exercise.totals import Figures

SHOWN_LINES = 34
FEW_ROWS = 4
LAST_EVENTS = 9
DONE = {
    StepName.INGEST: "files read", StepName.CONSULT: "addresses asked about",
    StepName.WEIGH: "statements weighed",
    StepName.OPEN: "findings taken up", StepName.LOOKUP: "addresses looked up",
    StepName.FIND: "contacts decided",
    StepName.COMPOSE: "rows written and cleared", StepName.SEND: "mails handed over",
    StepName.READ: "replies read", StepName.RECHECK: "second looks",
    StepName.CONCLUDE: "cases concluded",
}  # fmt: skip
DEEDS = {
    "away-message": "is away, says a machine", "ticket-message": "gives it a ticket number",
    "delivery-report": "mailbox closed, reported a day late", "question": "asks a question",
    "fixed-mail": "writes: it is closed", "not-ours-mail": "writes: not ours",
    "stop-mail": "wants no more letters", "passed-on-mail": "has passed it on",
    "fixed-press": "presses: it is fixed", "not-mine-press": "presses: not mine",
    "one-click": "unsubscribes with one click",
    "customer-press": "was passed one row, and presses: it is fixed",
}  # fmt: skip


def register(_app: typer.Typer) -> None:
    """No command of its own."""


def watcher(campaign: Campaign) -> Watcher:
    """A live view where a person watches a terminal, else lines for a log."""
    console = Console(file=sys.stderr, highlight=False)
    return Live_(campaign, console) if console.is_terminal else Watcher(campaign, console)


class Watcher:
    """Says everything in plain lines."""

    def __init__(self, campaign: Campaign, console: Console) -> None:
        self.campaign, self.console = campaign, console
        self.counts: Counter[str] = Counter()
        self.acts: Counter[str] = Counter()
        self._has_shown_letter = False
        self._pending: tuple[str, int] = ("", 0)
        self._sample: ReadLetter | None = None

    def scene(self, scene: Scene) -> None:
        self._tell_step()
        self._tell_acts()
        self.console.print(f"\n== day {scene.day}: {scene.title}", style="bold", markup=False)

    def registries(self, networks: int, candidates: int) -> None:
        if networks:
            self.event(f"registries: {networks} networks, {candidates} addresses to write to")

    def feed(self, name: str) -> None:
        self.event(f"file {name}")

    def step(self, name: str, settled: int) -> None:
        """Batches of one step in a row are one line."""
        self.counts[name] += settled
        before, number = self._pending
        if before != name:
            self._tell_step()
            number = 0
        self._pending = (name, number + settled)

    def _tell_step(self) -> None:
        name, number = self._pending
        self._pending = ("", 0)
        if name:
            self.event(f"{name:<9} {number:>6,} {DONE[StepName(name)]}")

    def letter(self, letter: ReadLetter) -> None:
        if not self._has_shown_letter and 1 < len(letter.rows) <= FEW_ROWS:
            self._has_shown_letter = True
            self.console.print(letter_panel(letter))

    def sample(self, letter: ReadLetter | None) -> None:
        """Where a viewer sees what the reader of one letter sees."""
        self._sample = letter

    def act(self, act: Act) -> None:
        self.acts[act.deed] += 1

    def answered(self, mailbox: str) -> None:
        self._tell_step()
        self.event(f"the desk answers {mailbox}")

    def event(self, text: str) -> None:
        self.console.print(f"  {text}", markup=False)

    def _tell_acts(self) -> None:
        for deed, number in self.acts.items():
            self.event(f"{number:>3} x {DEEDS[deed]}")
        self.acts.clear()

    def table(self, campaign: Campaign, figures: Figures) -> None:
        from openletter.exercise import totals

        self._tell_step()
        self._tell_acts()
        self.console.print(outcome_table(totals.outcomes(campaign)))
        self.console.print(figures_table(figures, totals.replies_by_kind(campaign)))

    def invitation(self, *, site: str, names: Sequence[str], password: str) -> None:
        lines = [f"Site       {site}/", f"Desk       {site}/desk/"]
        lines += [f"Sign in    {' or '.join(names)}, password {password}"]
        if self._sample is not None:
            row = self._sample.rows[0]
            lines += [f"A letter   {self._sample.page}", f"One case   {row.page}"]
            lines += [f"           reference {row.reference}, address {row.ip}"]
        lines += ["", "Ctrl-C closes it; `make demo` opens it again."]
        self.console.print(Panel(Text("\n".join(lines)), title="open", expand=False))


class Live_(Watcher):  # noqa: N801 - rich has the name
    """A table of the line that counts as it goes, and the last things that happened below it."""

    def __init__(self, campaign: Campaign, console: Console) -> None:
        super().__init__(campaign, console)
        self.title = ""
        self.events: list[str] = []
        self.live = Live(console=console, refresh_per_second=6, transient=True)

    def scene(self, scene: Scene) -> None:
        if not self.live.is_started:
            self.live.start()
        self.title = f"day {scene.day}: {scene.title}"
        self.console.print(f"[bold]day {scene.day:>2}[/bold]  {scene.title}")
        self._draw()

    def step(self, name: str, settled: int) -> None:
        self.counts[name] += settled
        self._draw()

    def event(self, text: str) -> None:
        self.events = [*self.events[-LAST_EVENTS + 1 :], text]
        self._draw()

    def act(self, act: Act) -> None:
        super().act(act)
        who = act.letter.mailbox if act.row is None else f"{act.row.ip}'s owner"
        self.event(f"{who} {DEEDS[act.deed]}")

    def table(self, campaign: Campaign, figures: Figures) -> None:
        self.live.stop()
        self.acts.clear()
        super().table(campaign, figures)

    def _draw(self) -> None:
        steps = Table(title=self.title, title_justify="left", box=None, padding=(0, 2))
        for column, justify in (("step", "left"), ("done", "right"), ("", "left")):
            steps.add_column(column, justify=justify)  # type: ignore[arg-type]
        for step in StepName:
            steps.add_row(step, f"{self.counts[step]:,}", DONE[step])
        below = Text("\n".join(self.events), style="dim", no_wrap=True, overflow="ellipsis")
        self.live.update(Group(steps, Text(""), below))


def letter_panel(letter: ReadLetter) -> Panel:
    """The beginning of one letter as its reader sees it."""
    head = f"To: {letter.mailbox}\nSubject: {letter.subject}\n\n"
    lines = letter.text.split("\n")
    rest = f"\n[… {len(lines) - SHOWN_LINES} more lines]" if len(lines) > SHOWN_LINES else ""
    return Panel(
        Text(head + "\n".join(lines[:SHOWN_LINES]) + rest), title="one of the letters", width=84
    )


def outcome_table(outcomes: Mapping[str, Counter[str]]) -> Table:
    """Countries by what became of their cases."""
    table = Table(title="What became of the cases", title_justify="left")
    results = sorted({result for row in outcomes.values() for result in row})
    table.add_column("country")
    for result in results:
        table.add_column(result, justify="right")
    table.add_column("cases", justify="right")
    for country, row in outcomes.items():
        cells = [f"{row[result]:,}" for result in results]
        table.add_row(country or "?", *cells, f"{row.total():,}")
    total = sum(outcomes.values(), Counter[str]())
    table.add_section()
    table.add_row("all", *[f"{total[result]:,}" for result in results], f"{total.total():,}")
    return table


def figures_table(figures: Figures, replies: Mapping[str, int]) -> Table:
    table = Table(title="In figures", title_justify="left", box=None, padding=(0, 2))
    for key, value in figures.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            table.add_row(key.replace("_", " "), f"{value:,}")
    for kind, number in replies.items():
        table.add_row(f"replies: {kind}", f"{number:,}")
    return table
