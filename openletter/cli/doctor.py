"""`openletter doctor`: looks everything over before a real campaign, and says what to do."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from openletter.campaigns.models import Campaign
    from openletter.doctor.rules.check import Check
    from openletter.doctor.trial import Note

_PACKAGE = "openletter.doctor"
_MARKS = {"good": "ok", "warning": "LOOK", "bad": "BAD", "not-asked": "?"}
_COLOURS: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"}, "warning": {"fg": "yellow", "bold": True},
    "bad": {"fg": "red", "bold": True}, "not-asked": {"dim": True},
}  # fmt: skip
"""For a terminal only: typer takes them out where the output goes elsewhere."""
_INDENT = " " * 7
_LONGEST = 8_000
_LOOK_AGAIN = 2.0


def register(app: typer.Typer) -> None:
    """Mount this part."""
    app.command()(doctor)


def doctor(
    slug: Annotated[
        str, typer.Argument(metavar="[CAMPAIGN]", help="a real campaign's short name")
    ] = "",
    *,
    send: Annotated[
        str, typer.Option(metavar="MAILBOX", help="send one test letter to this own mailbox")
    ] = "",
    received: Annotated[
        Path | None, typer.Option(help="the test letter as it arrived, saved with all headers")
    ] = None,
    mailbox: Annotated[
        Path | None, typer.Option(help="mbox file or Maildir where the test letter arrives")
    ] = None,
    wait: Annotated[int, typer.Option(min=0, help="seconds to wait for it in --mailbox")] = 60,
    again: Annotated[
        bool, typer.Option("--again", help="send a test letter though the last is not read back")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    lang: Annotated[str, typer.Option(help="en or nl")] = "en",
) -> None:
    """Look over DNS, keys, mail servers, clock, blocklists and approvals; say what to do.

    With --send, --received or --mailbox only the test letter: what the way did to it. Nobody
    else is written to. Exit codes: 0 all was asked and is well, 1 something is to be looked at
    or could not be asked, 2 something is bad, 3 there is nothing to look at.
    """
    from openletter.shell import setup

    setup()
    from openletter.doctor.rules.check import exit_code

    campaign = _real(slug) if slug else None
    checks = (
        _trial(campaign, send=send, again=again, place=received or mailbox, wait=wait)
        if send or received or mailbox
        else _everything(campaign)
    )
    shown = _tell(checks, lang, as_json=as_json)
    if campaign is not None and not (send or received or mailbox):
        _remember(campaign, shown)
    raise typer.Exit(exit_code(shown))


def _real(slug: str) -> Campaign:
    from openletter.cli.campaign import campaign_named

    campaign = campaign_named(slug)
    if campaign.exercise:
        typer.echo("openletter: an exercise leaves nowhere; there is nothing to look at", err=True)
        raise typer.Exit(3)
    return campaign


def _everything(campaign: Campaign | None) -> Iterator[Check]:
    from django.conf import settings

    from openletter.campaigns import clock
    from openletter.doctor import jobs

    if campaign is None and settings.MAIL_DOMAIN.endswith(".invalid"):
        typer.echo("openletter: set the sender's domain first: OPENLETTER_MAIL_DOMAIN", err=True)
        raise typer.Exit(3)
    yield from jobs.examine(campaign, now=clock.wall())
    yield from _alarms()


def _alarms() -> Iterator[Check]:
    """What `openletter watch` would tell now, less what was looked at here anyway."""
    from openletter.campaigns import clock
    from openletter.doctor.rules.check import Look
    from openletter.shell import alerts
    from openletter.shell.causes import Code, Notice

    own = {Code.SMARTHOST, Code.NO_KEY, Code.OLD_KEY}
    for cause in alerts.look(now=clock.wall()).found:
        if cause.code not in own:
            told = Notice(cause=cause).as_json(installation="", at="")
            text = f"{told['happened']}. {told['detail']}".strip()
            yield Look("alarm", cause.about or str(cause.code)).bad(
                "alarm", text=text, todo=told["todo"]
            )


# -- the test letter ----------------------------------------------------------------------------


def _trial(
    campaign: Campaign | None, *, send: str, again: bool, place: Path | None, wait: int
) -> Iterator[Check]:
    from openletter.doctor.rules.check import Look
    from openletter.doctor.trial import TrialError

    try:
        if send:
            yield from _send(campaign, send, again=again)
        if place is not None:
            yield from _read_back(place, wait=wait if send else 0)
    except TrialError as refused:
        yield Look("trial", send or str(place)).bad(refused.code, **refused.values)
    except OSError as problem:
        typer.echo(f"openletter: {problem.filename}: {problem.strerror}", err=True)
        raise typer.Exit(2) from None


def _send(campaign: Campaign | None, mailbox: str, *, again: bool) -> Iterator[Check]:
    from openletter.campaigns import clock
    from openletter.doctor import house, jobs
    from openletter.doctor.rules.check import Look
    from openletter.letters.rules.facts import LetterError
    from openletter.wire.smtp import Outcome

    try:
        sender = house.sender_of(campaign)
        note, fate = jobs.send(sender, mailbox, again=again, now=clock.wall())
    except LetterError as refused:
        typer.echo(f"openletter: {refused}", err=True)
        raise typer.Exit(2) from None
    look, recipient = Look("trial", note.sent.message_id), note.sent.recipient
    answer = f"{fate.code or ''} {fate.text or fate.queue_id}".strip() or str(fate.outcome)
    if fate.outcome is Outcome.ACCEPTED:
        yield look.good("trial-sent", answer=answer, recipient=recipient)
    elif fate.outcome is Outcome.UNKNOWN:
        yield look.bad("trial-unknown", answer=answer, recipient=recipient)
    else:
        yield look.bad("trial-not-sent", answer=answer)


def _read_back(place: Path, *, wait: int) -> Iterator[Check]:
    """Looks until it is there or the time is over."""
    from django.conf import settings

    from openletter.campaigns import clock
    from openletter.doctor import trial
    from openletter.doctor.rules.check import Look

    note = trial.read_note(settings.STATE)
    if note is None:
        yield Look("trial", str(place)).bad("trial-nothing-sent")
        return
    raw = _waited_for(note, place, wait)
    if raw is None:
        at = note.sent.at.isoformat(timespec="minutes")
        yield Look("trial", note.sent.recipient).warning("trial-not-found", at=at, place=str(place))
        return
    yield from trial.judge(note, raw)
    trial.mark_read(settings.STATE, note, now=clock.wall())


def _waited_for(note: Note, place: Path, wait: int) -> bytes | None:
    from openletter.doctor import trial

    until = time.monotonic() + wait
    while True:
        try:
            raw = trial.look_for(note, place)
        except FileNotFoundError:
            if not wait:
                raise
            raw = None  # a mailbox may only be made by its first mail
        if raw is not None or time.monotonic() >= until:
            return raw
        time.sleep(_LOOK_AGAIN)


# -- telling ------------------------------------------------------------------------------------


def _tell(checks: Iterable[Check], lang: str, *, as_json: bool) -> list[Check]:
    """Print each as soon as it is known; all of them, in the end."""
    shown = []
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    plain = False if os.environ.get("NO_COLOR") else None
    for check in checks:
        told = _as_json(check, lang) if as_json else _as_text(check, lang, width=width)
        typer.echo(told, color=plain)
        shown.append(check)
    if shown and not as_json:
        typer.echo(f"\n{_count(shown, lang)}")
    return shown


def _as_json(check: Check, lang: str) -> str:
    seen, todo = _sentences(check, lang)
    row = {
        "check": check.name, "about": check.about, "state": check.state, "code": check.seen.code,
        "seen": seen, "do": todo or None, "values": dict(check.seen.values),
    }  # fmt: skip
    return json.dumps(row, ensure_ascii=False)


def _as_text(check: Check, lang: str, *, width: int = 0) -> str:
    """Two or three lines; `width` is the terminal's, 0 where nobody's eyes set a width."""
    from openletter.wire.visible import visible

    seen, todo = (visible(text, limit=_LONGEST) for text in _sentences(check, lang))
    mark = typer.style(f"{_MARKS[check.state]:<5}", **_COLOURS[check.state])
    lines = [f"{mark}{check.name:<17}{visible(check.about)}", *_folded(seen, width=width)]
    if not todo:
        return "\n".join(lines)
    record = visible(str(check.seen.values.get("record", "")), limit=_LONGEST)
    if width and record and record in todo:  # on a line of its own, so that it can be copied
        todo, _, record = todo.partition(": ")
        return "\n".join([*lines, *_folded(f"-> {todo}:", width=width), record])
    return "\n".join([*lines, *_folded(f"-> {todo}", width=width)])


def _folded(text: str, *, width: int) -> list[str]:
    if not width:
        return [_INDENT + text]
    deeper = _INDENT + "   " * text.startswith("-> ")
    return textwrap.wrap(
        text, width=max(width - 1, 40), initial_indent=_INDENT, subsequent_indent=deeper,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _count(checks: Iterable[Check], lang: str) -> str:
    """How many stand how, the worst first."""
    from openletter.catalogue import sentence
    from openletter.words import Reason

    counts = Counter(str(check.state) for check in checks)
    values = {name.replace("-", "_"): counts[name] for name in _MARKS}
    return sentence(_PACKAGE, Reason(code="counted", values=values), lang)


def _sentences(check: Check, lang: str) -> tuple[str, str]:
    from openletter.catalogue import sentence, sentences

    seen = sentence(_PACKAGE, check.seen, lang)
    has_todo = check.todo.code in sentences(_PACKAGE, "en")
    return seen, sentence(_PACKAGE, check.todo, lang) if has_todo else ""


def _remember(campaign: Campaign, checks: Iterable[Check]) -> None:
    """So that planning and starting can say when it was looked over, and with what result."""
    from openletter.campaigns import clock
    from openletter.doctor import steps

    steps.remember(campaign, checks, now=clock.wall())
