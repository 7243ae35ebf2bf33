"""The test letter to a mailbox of our own: signed like a campaign's, sent once, and remembered.

A note lies in the state folder, forced to disk before the first byte leaves. While it has not
been read back nobody sends another one by mistake: only a person says so.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from django.conf import settings

from openletter.campaigns.models import Installation
from openletter.doctor.house import Sender
from openletter.doctor.rules.check import Check, Look
from openletter.doctor.rules.received import LARGEST, Sent, Signer, compare, is_it
from openletter.letters import keys, selectors
from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.facts import LetterError
from openletter.letters.rules.message import Addressing, addr_spec, build
from openletter.letters.rules.text import Written
from openletter.wire.mailfile import mails_of
from openletter.words import new_reference, new_secret, print_reference

_FILE = "trial.json"
_TEXT = """\
This is a test letter of openletter. It asks nothing of you, and nobody
else has got it.

It was signed and sent the way a campaign's letters are, so that whoever
looks after this installation can see what the way did to it. Hand it
back as it arrived: save it as a file with all its headers, then run

    openletter doctor --received FILE

Signs that some ways spoil: é ü ñ ø ł ж ع 日.
From a line that begins with this word, and one that is a single dot:
.
"""


class TrialError(Exception):
    """No test letter leaves: {code}, with what a person needs to know."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code, self.values = code, values


@dataclass(frozen=True, kw_only=True)
class Note:
    """What is remembered of the last test letter."""

    sent: Sent
    domain: str
    selector: str
    fate: str = ""
    """What the mail server said; empty while nobody knows whether it left."""
    read_at: str = ""
    never_left: bool = False
    """The mail server refused it, so nothing is on its way."""

    @property
    def is_on_its_way(self) -> bool:
        return not self.read_at and not self.never_left


def prepare(sender: Sender, recipient: str, *, again: bool, now: datetime) -> Note:
    """The letter, and the note on disk; TrialError where none may leave now."""
    state = Path(settings.STATE)
    before = read_note(state)
    if before is not None and before.is_on_its_way and not again:
        raise TrialError(
            "trial-on-its-way", recipient=before.sent.recipient, at=before.sent.at.isoformat()
        )
    if Installation.objects.exclude(leaving_paused_at=None).exists():
        raise TrialError("trial-while-paused")
    selector = selectors.signing(state / "keys", named=settings.DKIM_SELECTOR)
    signing = keys.load(state / "keys", domain=sender.domains.sender, selector=selector)
    note = Note(
        sent=_letter(sender, addr_spec(recipient), signing, now),
        domain=sender.domains.sender, selector=selector,
    )  # fmt: skip
    keep(state, note)
    return note


def _letter(sender: Sender, recipient: str, signing: tuple[SigningKey, ...], now: datetime) -> Sent:
    reference, domains = new_reference(), sender.domains
    bounce, reply, stop = new_secret(), new_secret(), new_secret()
    to = Addressing(
        recipient=recipient,
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=f"reply+{reply}@{domains.reply}",
        message_id=f"<doctor.{reference.lower()}.{new_secret()}@{domains.sender}>",
        stop_url=f"{settings.SITE_ADDRESS}/o/{stop}",
        stop_mailto=f"stop+{stop}@{domains.reply}",
        feedback_id="doctor:en:test:openletter",
        languages=("en",),
        date=now,
    )
    subject = f"[test] A test letter of openletter [{print_reference(reference)}]"
    message = build(Written(subject=subject, body=_TEXT), to, keys=signing)
    return Sent(
        raw=message.raw, sender=f"b+{bounce}@{domains.bounce}", recipient=recipient,
        message_id=to.message_id, reply_to=to.reply_to, reference=print_reference(reference),
        at=now,
    )  # fmt: skip


# -- the note -----------------------------------------------------------------------------------


def _path(state: Path) -> Path:
    return state / "doctor" / _FILE


def keep(state: Path, note: Note) -> None:
    """Whole, and on disk when this returns."""
    path = _path(state)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    row = asdict(note)
    row["sent"] |= {"raw": base64.b64encode(note.sent.raw).decode(), "at": note.sent.at.isoformat()}
    beside = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(row, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_note(state: Path) -> Note | None:
    """None where there is none; one that can't be read stops everything until a person looks."""
    try:
        row = json.loads(_path(state).read_text(encoding="utf-8"))
        sent = dict(row.pop("sent"))
        sent |= {
            "raw": base64.b64decode(sent["raw"]), "at": datetime.fromisoformat(sent["at"]),
        }  # fmt: skip
        return Note(sent=Sent(**sent), **row)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError):
        raise TrialError("trial-note-broken", file=str(_path(state))) from None


# -- read back ----------------------------------------------------------------------------------


def look_for(note: Note, place: Path) -> bytes | None:
    """The letter as it arrived: a saved mail, an mbox file, a Maildir or a folder of mails."""
    return next((raw for raw in _mails(place) if is_it(raw, note.sent)), None)


def _mails(place: Path) -> list[bytes]:
    if not place.is_dir():
        raw = place.read_bytes()[: 64 * LARGEST]
        if raw.startswith(b"From "):
            return list(mails_of(raw.splitlines(keepends=True), largest=LARGEST))
        return [raw[:LARGEST]]
    folders = [place / "cur", place / "new"]
    found = [
        path
        for folder in ([one for one in folders if one.is_dir()] or [place])
        for path in folder.iterdir()
        if path.is_file()
    ]
    newest = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.read_bytes()[:LARGEST] for path in newest[:500]]


def judge(note: Note, raw: bytes) -> list[Check]:
    """What the way did to the letter."""
    folder = Path(settings.STATE) / "keys"
    try:
        signing = keys.load(folder, domain=note.domain, selector=note.selector)
    except LetterError as problem:
        raise TrialError("trial-key-gone", selector=note.selector) from problem
    signers = [
        Signer(domain=key.domain, selector=key.selector, public=key.private.public_key())
        for key in signing
    ]
    return compare(raw, note.sent, signers=signers)


def mark_read(state: Path, note: Note, *, now: datetime) -> None:
    """Somebody has seen what became of it: another one may be sent."""
    keep(state, replace(note, read_at=now.isoformat()))


def state_of(state: Path) -> Check:
    """Whether a test letter has been through the door, for the list of checks."""
    look = Look("trial", "-")
    note = read_note(state)
    if note is None or note.never_left:
        return look.not_asked("trial-never")
    at, recipient = note.sent.at.isoformat(timespec="minutes"), note.sent.recipient
    if not note.read_at:
        return look.warning("trial-not-read-back", at=at, recipient=recipient)
    return look.good("trial-read-back", at=at, recipient=recipient)
