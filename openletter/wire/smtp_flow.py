"""Many transactions over one connection, pipelined where the server offers it (RFC 2920).

MAIL, RCPT and DATA of a letter leave together, and with the next letter's content: content, dot
and the following envelope are one write, so a letter costs one turn of the network. Content is
said only after a 354, and a stop is asked for before it.

What a lost connection means: without pipelining the old rule (before the dot nothing was taken);
with it, everything begun and not answered is `unknown`.

How long a verdict after the dot is held: an acceptance until the 354 of a later letter shows that
the server is in step, which costs nothing; a refusal, after which the letter may leave once more,
until the batch ends or three are held. Then the server is asked: by EHLO, which RFC 5321 section
4.1.4 allows at any time, which forgets a refused envelope as RSET does, and whose several lines
are no verdict; or else by QUIT and its 221. A server that says one thing too many before that is
believed in none of them: they are `unknown`. So is a refusal that was followed by silence; a lost
connection takes nothing away from an acceptance.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter

from openletter.wire.smtp import (
    Envelope,
    Fate,
    Outcome,
    Replies,
    Reply,
    Stage,
    as_text,
    checked,
    dot_stuffed,
    final,
    refused,
)

Take = Callable[[], tuple[int, Envelope] | None]
"""Gives the next letter with its number, or None where there is none, or none any more."""
_RESET, _QUIT = b"RSET\r\n", b"QUIT\r\n"
_DOT = b".\r\n"
_CLOSES = 421
MOST_HELD = 3
"""So many refusals are held before the server is asked whether it is in step."""
_GOOD_TURN = re.compile(
    rb"250 ([^\r\n]{0,500})\r\n(?:250 [^\r\n]{0,500}\r\n){2}354 ?[^\r\n]{0,500}\r\n"
)


@dataclass(slots=True, kw_only=True)
class _Begun:
    """A letter of which something was said."""

    key: int
    mail: bytes
    rcpt: bytes
    body: bytes
    awaits: list[Stage] = field(default_factory=list)
    fate: Fate | None = None


class OutOfStepError(Exception):
    """The server's answers are not to what was asked."""


class Flow:
    """One connection's letters, in order. Feed it what arrives; write what it gives."""

    def __init__(
        self, extensions: frozenset[str], *, name: str = "localhost", said: tuple[str, ...] = ()
    ) -> None:
        """`name` is what we say in EHLO, `said` the lines of the server's answer to it."""
        self.pipelines = "PIPELINING" in extensions
        self._name, self._said = checked(name), said
        self._eight_bit = "8BITMIME" in extensions
        self._replies = Replies()
        self._dotted: _Begun | None = None
        self._enveloped: _Begun | None = None
        self._shown: list[tuple[int, Fate]] = []
        self._fresh: list[tuple[int, Fate]] = []
        """Acceptances after which nothing was said yet."""
        self._due: list[tuple[int, Fate]] = []
        """Verdicts that stand once what was said last is answered in step."""
        self._refusals: list[tuple[int, Fate]] = []
        self._asked: Stage | None = None
        self._to_say: list[bytes] = []
        self._needs_reset = self._drains = self._is_closing = False
        self.is_over = False
        """We said QUIT and heard 221: hang up."""
        self.broken = ""
        self.heard = 0
        """Whole answers so far: bytes that drip are none."""

    # -- what to say -----------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Nothing is begun and nothing held, so that hanging up harms nobody."""
        if self._dotted is not None or self._enveloped is not None:
            return False
        return not (self._drains or self._asked or self._holds)

    @property
    def _holds(self) -> bool:
        return bool(self._fresh or self._due or self._refusals)

    @property
    def is_begun(self) -> bool:
        """Something of a letter is on the way."""
        return self._dotted is not None or self._enveloped is not None or self._drains

    @property
    def has_envelope(self) -> bool:
        """An envelope is said and taken, and nothing of its content."""
        return self.wants_to_go_on and self._enveloped is not None

    @property
    def awaits_end(self) -> bool:
        """The server said that it hangs up (421), and should do so in a moment."""
        return self._is_closing and not self.is_begun

    @property
    def awaits_dot(self) -> bool:
        return self._dotted is not None

    @property
    def wants_to_go_on(self) -> bool:
        """The next word is ours: content, or another letter. Ask for a stop before it."""
        begun = self._enveloped
        if self._dotted is not None or self._drains or self._asked or self._is_closing:
            return False
        return not self.is_over and (begun is None or not begun.awaits)

    def say(self, take: Take) -> list[bytes]:
        """What is to be written now, in one piece; nothing: wait for the server."""
        if self.broken:
            return []
        if self._to_say:
            told, self._to_say = self._to_say, []
            return told
        if not self.wants_to_go_on:
            return []
        ready, self._enveloped = self._enveloped, None
        if ready is None:
            held_enough = len(self._refusals) >= MOST_HELD
            asks_first = held_enough or (self._needs_reset and self._holds)
            return (self._begin(take) if not asks_first else []) or self.ask()
        self._dotted = ready
        goes_on = self.pipelines and len(self._refusals) < MOST_HELD
        return [ready.body, _DOT, *(self._begin(take) if goes_on else ())]

    def ask(self) -> list[bytes]:
        """Where no letter follows: a word whose answer shows whether the server is in step."""
        if not self.wants_to_go_on or self._enveloped is not None:
            return []
        if self.broken or not self._holds:
            return []
        self._due = sorted([*self._due, *self._fresh, *self._refusals], key=itemgetter(0))
        self._fresh, self._refusals = [], []
        self._needs_reset = False
        self._asked = Stage.EHLO if len(self._said) > 1 else Stage.QUIT
        return [f"EHLO {self._name}\r\n".encode("ascii") if self._asked is Stage.EHLO else _QUIT]

    def _begin(self, take: Take) -> list[bytes]:
        """The envelope of the next letter; one that is not fit for SMTP is refused here."""
        while (found := take()) is not None:
            key, envelope = found
            try:
                begun = self._begun(key, envelope)
            except ValueError as error:
                self._shown.append(
                    (key, Fate(outcome=Outcome.REFUSED, stage=Stage.RCPT, text=str(error)[:300]))
                )
                continue
            self._enveloped = begun
            return self._envelope(begun)
        return []

    def _begun(self, key: int, envelope: Envelope) -> _Begun:
        eight = " BODY=8BITMIME" if self._eight_bit and not envelope.raw.isascii() else ""
        return _Begun(
            key=key,
            mail=f"MAIL FROM:<{checked(envelope.sender)}>{eight}\r\n".encode("ascii"),
            rcpt=f"RCPT TO:<{checked(envelope.recipient)}>\r\n".encode("ascii"),
            body=dot_stuffed(envelope.raw),
        )

    def _envelope(self, begun: _Begun) -> list[bytes]:
        said = [_RESET] if self._needs_reset else []
        begun.awaits = [Stage.RSET] if self._needs_reset else []
        self._needs_reset = False
        if self._fresh:
            self._due, self._fresh = self._due + self._fresh, []
        begun.awaits += [Stage.MAIL, Stage.RCPT, Stage.DATA]
        if self.pipelines:
            return [b"".join((*said, begun.mail, begun.rcpt, b"DATA\r\n"))]
        return said or [begun.mail]

    # -- what is heard ---------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take in what arrived; `broken` says why nothing more may be said here."""
        if self._is_good_turn(data):
            return
        try:
            while (reply := self._replies.feed(data)) is not None:
                data = b""
                self.heard += 1
                self._heard(reply)
        except OutOfStepError as problem:
            self.broken = str(problem)

    def _is_good_turn(self, data: bytes) -> bool:
        """The one turn that nearly all are, whole in one piece: taken, and the next may be said.

        The long way reads it alike, a word at a time.
        """
        dotted, begun = self._dotted, self._enveloped
        if dotted is None or begun is None or len(begun.awaits) != 3 or self._replies.has_more:
            return False
        found = _GOOD_TURN.fullmatch(data)
        if found is None:
            return False
        text = as_text(found[1])
        fate = final(Reply(code=250, lines=(text,)))
        if fate.outcome is not Outcome.ACCEPTED:
            return False
        self._stand()
        self._fresh.append((dotted.key, fate))
        self._dotted = None
        begun.awaits.clear()
        self.heard += 4
        return True

    def _heard(self, reply: Reply) -> None:
        if self._to_say:
            raise OutOfStepError(f"answers before it was asked: {reply.code} {reply.text}"[:300])
        if self._dotted is not None:
            self._heard_final(self._dotted, reply)
        elif self._drains:
            self._drains = False
        elif self._enveloped is not None and self._enveloped.awaits:
            self._heard_on_envelope(self._enveloped, reply)
        elif self._asked is not None:
            self._heard_asked(self._asked, reply)
        else:
            raise OutOfStepError(f"said without being asked: {reply.code} {reply.text}"[:300])

    def _heard_final(self, begun: _Begun, reply: Reply) -> None:
        if reply.code // 100 not in (2, 4, 5):
            raise OutOfStepError(f"no answer to a letter: {reply.code} {reply.text}"[:300])
        self._dotted = None
        fate = final(reply)
        held = self._refusals if fate.outcome is not Outcome.ACCEPTED else self._fresh
        held.append((begun.key, fate))
        self._is_closing = self._is_closing or reply.code == _CLOSES

    def _heard_asked(self, asked: Stage, reply: Reply) -> None:
        """The answer to EHLO or QUIT. Whoever wants no second EHLO is asked by QUIT."""
        self._asked = None
        if asked is Stage.QUIT:
            if reply.code != 221 or self._replies.has_more:
                raise OutOfStepError(f"no answer to QUIT: {reply.code} {reply.text}"[:300])
            self.is_over = True
        elif not self._greets(reply):
            self._asked, self._to_say = Stage.QUIT, [_QUIT]
            return
        elif self._replies.has_more:
            raise OutOfStepError("answers more than was asked")
        self._stand()

    def _greets(self, reply: Reply) -> bool:
        """Answers EHLO as it did before: its name, and several lines, as no verdict has."""
        if reply.code != 250 or len(reply.lines) < 2:
            return False
        return reply.lines[0].lower().split()[:1] == self._said[0].lower().split()[:1]

    def _heard_on_envelope(self, begun: _Begun, reply: Reply) -> None:
        """One answer of RSET, MAIL, RCPT, DATA. The first refusal is the letter's fate."""
        stage, good = begun.awaits[0], reply.code // 100 == 2
        if stage is Stage.DATA:
            self._heard_on_data(begun, reply)
            return
        if not (good or reply.code // 100 in (4, 5)):
            raise OutOfStepError(f"no answer to {stage}: {reply.code} {reply.text}"[:300])
        if self.pipelines and good and begun.fate is not None:
            raise OutOfStepError(f"accepts {stage} after a refusal: {reply.text}"[:300])
        begun.awaits.pop(0)
        if not good and stage is not Stage.RSET:
            begun.fate = begun.fate or refused(reply, stage)
        if not self.pipelines:
            self._next_word(begun)

    def _next_word(self, begun: _Begun) -> None:
        """Without pipelining one command follows the answer to the one before."""
        if begun.fate is not None:
            self._give_up(begun)
            return
        words = {Stage.MAIL: begun.mail, Stage.RCPT: begun.rcpt, Stage.DATA: b"DATA\r\n"}
        self._to_say = [words[begun.awaits[0]]]

    def _heard_on_data(self, begun: _Begun, reply: Reply) -> None:
        if reply.code == 354 and begun.fate is not None:
            if begun.fate.stage is Stage.MAIL:
                raise OutOfStepError("wants the content of a letter whose sender it refused")
            self._drains, self._to_say = True, [_DOT]
        elif reply.code != 354 and reply.code // 100 not in (4, 5):
            raise OutOfStepError(f"no answer to data: {reply.code} {reply.text}"[:300])
        begun.awaits.clear()
        goes_on = reply.code == 354 and begun.fate is None
        if goes_on and self._replies.has_more:
            raise OutOfStepError("answers before anything was said")
        if goes_on:
            self._stand()
            return
        begun.fate = begun.fate or refused(reply, Stage.DATA)
        self._give_up(begun)

    def _give_up(self, begun: _Begun) -> None:
        """Refused on the way to its content; the server forgets it before the next."""
        if begun.fate is not None:
            self._shown.append((begun.key, begun.fate))
        self._enveloped, self._needs_reset = None, not self._drains

    def _stand(self) -> None:
        """In step: what was due stands."""
        if self._due:
            self._shown += self._due
            self._due = []

    def fates(self) -> list[tuple[int, Fate]]:
        """What is settled since the last call."""
        if not self._shown:
            return []
        shown, self._shown = self._shown, []
        return shown

    # -- how it ends -----------------------------------------------------------------------------

    def take_back(self) -> int | None:
        """We hang up: the number of a letter whose envelope was said and nothing of its content.

        Only while `wants_to_go_on`: nothing of ours is on the way then.
        """
        begun, self._enveloped = self._enveloped, None
        return begun.key if begun is not None else None

    def end(self, *, dot_was_said: bool, is_clean: bool = False) -> list[tuple[int, Fate]]:
        """The connection is lost, or the server is not to be believed: what became of the rest.

        `is_clean`: the server itself ended it, so that no word of its can be on the way.
        """
        ended = self.fates()
        is_clean = is_clean and not self._replies.has_more
        held = [*self._due, *self._fresh, *self._refusals]
        ended += [(key, self._left(fate, is_clean=is_clean)) for key, fate in held]
        for begun, stage in ((self._dotted, Stage.DOT), (self._enveloped, Stage.PIPELINED)):
            if begun is not None:
                ended.append((begun.key, self._end_of(begun, stage, dot_was_said=dot_was_said)))
        self._due, self._fresh, self._refusals, self._asked = [], [], [], None
        self._dotted = self._enveloped = None
        return ended

    def _left(self, fate: Fate, *, is_clean: bool) -> Fate:
        """A verdict that nothing confirmed. 421 announces the end, so its end confirms it."""
        if self.broken:
            return _unknown(self.broken)
        if fate.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
            return fate
        if fate.code == _CLOSES and is_clean:
            return fate
        return _unknown(f"refused, and the connection was lost: {fate.code} {fate.text}"[:300])

    def _end_of(self, begun: _Begun, stage: Stage, *, dot_was_said: bool) -> Fate:
        if begun.fate is not None and not self.broken:
            return begun.fate
        if self.pipelines or (stage is Stage.DOT and dot_was_said):
            return _unknown(self.broken or "connection lost", stage)
        at = begun.awaits[0] if begun.awaits else Stage.BODY
        why = self.broken or "connection lost"
        return Fate(outcome=Outcome.DEFERRED, stage=at, text=why)


def _unknown(why: str, stage: Stage = Stage.DOT) -> Fate:
    return Fate(outcome=Outcome.UNKNOWN, stage=stage, text=why)
