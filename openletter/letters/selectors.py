"""Which key pair signs, since when, and which one comes next: rotation without a broken letter.

A new pair lies beside the old until its records are in DNS; then it signs. The old pair's records
stay until the last letter that it signed has surely arrived or come back. What is here says
so in one small file beside the keys; the setting names only the first pair.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from openletter.letters import keys
from openletter.letters.rules.facts import LetterError

QUEUE_LIFE = timedelta(days=7)
"""Longer than any mail server keeps a letter that it can't deliver (usually five days)."""

OLD = timedelta(days=180)
"""From this age on a signing pair is to be followed by a new one."""

_FILE = "selectors.json"
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One selector's keys (RSA and Ed25519); it signs from `signs_from` until `signs_until`."""

    selector: str
    made: datetime
    signs_from: datetime | None = None
    signs_until: datetime | None = None

    @property
    def retires(self) -> datetime | None:
        """When nothing that it signed can still be on its way."""
        return self.signs_until + QUEUE_LIFE if self.signs_until else None


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What `doctor` needs to know of the signing keys."""

    signing: Pair | None
    age: timedelta
    following: Pair | None
    """Made, perhaps published, not signing yet."""
    leaving: tuple[Pair, ...]
    """Sign no more; their records still stand in DNS."""

    @property
    def is_old(self) -> bool:
        return self.age > OLD


def condition(folder: Path, *, named: str, now: datetime) -> Condition:
    """Which selector signs, how old it is, and what lies beside it."""
    known = pairs(folder, named=named)
    signing = next((pair for pair in known if _signs(pair)), None)
    began = signing.signs_from if signing else None
    return Condition(
        signing=signing,
        age=now - began if began else timedelta(0),
        following=next((pair for pair in known if pair.signs_from is None), None),
        leaving=tuple(pair for pair in known if pair.signs_until is not None),
    )


def signing(folder: Path, *, named: str) -> str:
    """The selector that signs now; before any rotation the one that the setting names."""
    found = next((pair for pair in pairs(folder, named=named) if _signs(pair)), None)
    return found.selector if found else named


def pairs(folder: Path, *, named: str) -> tuple[Pair, ...]:
    """All pairs whose records belong in DNS, oldest first."""
    try:
        told = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _first(folder, named)
    return tuple(_read(one) for one in told)


def add(folder: Path, *, named: str, selector: str = "", now: datetime) -> Pair:
    """Make the pair that will sign next; it signs nothing yet."""
    known = pairs(folder, named=named)
    if not known:
        raise LetterError("no-signing-key", named)
    if any(pair.signs_from is None for pair in known):
        raise LetterError("a-pair-waits-already")
    name = selector or _next_name(folder, named, now)
    if not _LABEL.fullmatch(name) or name == keys.EXERCISE or name.endswith("-ed25519"):
        raise LetterError("not-a-selector", name)
    if keys.exists(folder, selector=name):
        raise LetterError("selector-taken", name)
    keys.make(folder, selector=name)
    fresh = Pair(selector=name, made=now)
    _write(folder, [*known, fresh])
    return fresh


def switch(folder: Path, *, named: str, now: datetime) -> tuple[Pair, Pair]:
    """Let the waiting pair sign from now on: (the one that leaves, the one that signs)."""
    state = condition(folder, named=named, now=now)
    if state.signing is None or state.following is None:
        raise LetterError("no-pair-waits")
    old = replace(state.signing, signs_until=now)
    new = replace(state.following, signs_from=now)
    changed = {old.selector: old, new.selector: new}
    known = pairs(folder, named=named)
    _write(folder, [changed.get(pair.selector, pair) for pair in known])
    return old, new


def retire(folder: Path, *, named: str, selector: str, now: datetime) -> Pair:
    """Forget a pair whose last letter has long arrived; its private keys are deleted."""
    known = pairs(folder, named=named)
    gone = next((pair for pair in known if pair.selector == selector), None)
    if gone is None:
        raise LetterError("no-such-selector", selector)
    if gone.retires is None:
        raise LetterError("selector-in-use", selector)
    if now < gone.retires:
        raise LetterError("letters-still-on-their-way", gone.retires.isoformat(timespec="minutes"))
    _write(folder, [pair for pair in known if pair is not gone])
    keys.delete(folder, selector=selector)
    return gone


def dns_records(folder: Path, *, domain: str, named: str) -> list[tuple[str, str]]:
    """(name, TXT) of every pair that belongs in the zone."""
    found = [pair.selector for pair in pairs(folder, named=named)] or [named]
    return [
        record
        for selector in found
        for record in keys.dns_records(folder, domain=domain, selector=selector)
    ]


def _signs(pair: Pair) -> bool:
    return pair.signs_from is not None and pair.signs_until is None


def _first(folder: Path, named: str) -> tuple[Pair, ...]:
    """The pair that the setting names, as old as its file."""
    if not keys.exists(folder, selector=named):
        return ()
    made = datetime.fromtimestamp(keys.made_at(folder, selector=named), UTC)
    return (Pair(selector=named, made=made, signs_from=made),)


def _next_name(folder: Path, named: str, now: datetime) -> str:
    base = f"{named[:24]}-{now.astimezone(UTC):%Y%m}"
    names = [base, *(f"{base}-{number}" for number in range(2, 100))]
    return next(name for name in names if not keys.exists(folder, selector=name))


def _read(told: dict[str, str | None]) -> Pair:
    def moment(name: str) -> datetime | None:
        text = told.get(name)
        return datetime.fromisoformat(text) if text else None

    made, selector = moment("made"), told.get("selector")
    if not selector or made is None:
        raise LetterError("selectors-file-broken", _FILE)
    return Pair(
        selector=selector, made=made, signs_from=moment("signs_from"),
        signs_until=moment("signs_until"),
    )  # fmt: skip


def _write(folder: Path, known: Iterable[Pair]) -> None:
    """Put in place whole: whoever reads meanwhile sees the old state or the new one."""
    told = [
        {name: value if isinstance(value, str) else value and value.isoformat()
         for name, value in vars(pair).items()}
        for pair in known
    ]  # fmt: skip
    fresh = folder / f".{_FILE}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / _FILE)
