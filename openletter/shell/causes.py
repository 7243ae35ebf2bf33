"""What a person must hear of, in which words, and once for each cause. Pure: no clock, no wire."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

LONGEST_DETAIL = 300


class Code(StrEnum):
    """The kinds of causes, this set and no other."""

    BREAKER = "breaker"
    LEAVING_PAUSED = "leaving-paused"
    WORKER = "worker"
    DISK = "disk"
    NO_KEY = "no-key"
    OLD_KEY = "old-key"
    SMARTHOST = "smarthost"
    DATABASE = "database"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Something that is wrong now. `about`: a campaign's name where it concerns one."""

    code: Code
    about: str = ""
    detail: str = ""

    @property
    def key(self) -> str:
        return f"{self.code}:{self.about}"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A cause as it was seen: how often, how often in a row it was missed since, whether told."""

    cause: Cause
    seen: int = 1
    missed: int = 0
    is_told: bool = False


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing to tell: a cause that began, or one that ended."""

    cause: Cause
    has_ended: bool = False

    @property
    def subject(self) -> str:
        about = f" ({self.cause.about})" if self.cause.about else ""
        said = _SAID[self.cause.code]
        return f"{'over: ' if self.has_ended else ''}{said.headline}{about}"

    @property
    def text(self) -> str:
        """What happened, what stopped by itself, what to do; or one line that it is over."""
        if self.has_ended:
            return f"{self.subject}."
        said = _SAID[self.cause.code]
        detail = f"\n  {one_line(self.cause.detail)}" if self.cause.detail else ""
        return (
            f"{self.subject}.{detail}\n\nStopped by itself: {said.stopped}\nWhat to do: {said.todo}"
        )

    def as_json(self, *, installation: str, at: str) -> dict[str, str]:
        """The same for a webhook; `text` is for services that show only that."""
        said = _SAID[self.cause.code]
        return {
            "installation": installation,
            "at": at,
            "state": "ended" if self.has_ended else "begun",
            "cause": self.cause.code.value,
            "about": self.cause.about,
            "happened": said.headline,
            "detail": one_line(self.cause.detail),
            "stopped": "" if self.has_ended else said.stopped,
            "todo": "" if self.has_ended else said.todo,
            "text": f"openletter {installation}: {self.text}",
        }


@dataclass(frozen=True)
class _Said:
    headline: str
    stopped: str
    todo: str


_SAID: Mapping[Code, _Said] = {
    Code.BREAKER: _Said(
        "A campaign paused itself: too many complaints or bounces",
        "this campaign hands over no letter. Replies are still read.",
        "read the complaints and bounces on the desk; `openletter campaign resume NAME` goes on "
        "and begins the count anew.",
    ),
    Code.LEAVING_PAUSED: _Said(
        "Everything that leaves is paused",
        "no letter and no answer leaves this installation. Replies are still read.",
        "read docs/howto/after-a-crash.md, look at the cause, then `openletter resume`.",
    ),
    Code.WORKER: _Said(
        "No worker is alive while a campaign runs",
        "nothing moves: no letters, no reading of replies, and the breaker does not look.",
        "look at the log; `openletter status`, then `openletter up` (or start the worker's unit).",
    ),
    Code.DISK: _Said(
        "The disk with the state folder is nearly full",
        "everything that leaves, unless the line above says that this failed; mail "
        "that comes in may be refused until there is room.",
        "make room, then `openletter resume`. Never delete the journal or the keys.",
    ),
    Code.NO_KEY: _Said(
        "The signing key is missing or can't be read while a real campaign is open",
        "no letter can be signed, so none leaves.",
        "bring the keys back from the backup; only where they are lost: `openletter keys`, and "
        "publish the new records first.",
    ),
    Code.OLD_KEY: _Said(
        "The signing key is old",
        "nothing.",
        "rotate it: docs/howto/change-the-signing-keys.md.",
    ),
    Code.SMARTHOST: _Said(
        "The mail server that letters leave by can't be reached",
        "letters wait; none is lost or sent twice.",
        "`openletter smarthost offers` says what is in the way; look at that server and its log.",
    ),
    Code.DATABASE: _Said(
        "The database is away",
        "everything: site, desk, letters, replies. Mail that comes in is refused for now and "
        "tried again by who sends it.",
        "start the database and look at its log; nothing needs to be said to openletter after.",
    ),
    Code.DOWN: _Said(
        "`openletter up` gave up: a part of it keeps ending",
        "everything: site, desk, letters, replies.",
        "its log says why; mend that and start `openletter up` again.",
    ),
}

_LOOKS: Mapping[Code, int] = {Code.WORKER: 2, Code.SMARTHOST: 2, Code.DATABASE: 2}
"""What a single look may get wrong (a restart, a hiccup) is believed the second time."""

_MISSES: Mapping[Code, int] = {**_LOOKS, Code.DOWN: 6}
"""So often in a row a cause is not there before it is over; what keeps ending is up in between."""


def compare(
    known: Mapping[str, Known], found: Iterable[Cause], *, unseen: Collection[Code] = ()
) -> tuple[dict[str, Known], list[Notice]]:
    """What is known after this look, and what is to be told.

    A cause of a kind in UNSEEN could not be looked at: it is neither there nor gone.
    """
    now_there = {cause.key: cause for cause in found}
    after = {key: _again(known.get(key), cause) for key, cause in now_there.items()}
    for key, one in known.items():
        if key in now_there:
            continue
        if one.cause.code in unseen:
            after[key] = one
        elif one.is_told:
            after[key] = replace(one, missed=one.missed + 1)
    begun = [Notice(cause=one.cause) for one in after.values() if _is_news(one)]
    ended = [
        Notice(cause=one.cause, has_ended=True)
        for one in after.values()
        if one.is_told and one.missed >= _MISSES.get(one.cause.code, 1)
    ]
    return after, begun + ended


def told(known: Mapping[str, Known], notice: Notice) -> dict[str, Known]:
    """What is known once somebody heard: a cause that ended is forgotten."""
    key = notice.cause.key
    if notice.has_ended:
        return {other: one for other, one in known.items() if other != key}
    return {**known, key: replace(known[key], is_told=True)}


def one_line(text: str) -> str:
    """What came from outside, as one printable line of bounded length."""
    clean = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(clean.split())[:LONGEST_DETAIL]


def _again(before: Known | None, cause: Cause) -> Known:
    if before is None:
        return Known(cause=cause)
    return replace(before, cause=cause, seen=before.seen + 1, missed=0)


def _is_news(one: Known) -> bool:
    return not one.is_told and not one.missed and one.seen >= _LOOKS.get(one.cause.code, 1)
