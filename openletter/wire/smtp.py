"""Handing one letter to a mail server (RFC 5321), as a dialogue without sockets.

The dialogue knows at every byte what a broken connection would mean: before the final dot the
server certainly took nothing; after it, and without an answer, nobody can tell. That knowledge
(`Fate`) is what the rule "no machine resends" rests on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

LONGEST_REPLY = 64 * 1024
MAILBOX_MARK = "XOPENLETTER-MAILBOX"
"""The EHLO word by which the built-in mailbox of exercises is known."""


class Outcome(StrEnum):
    """What became of one letter at the server."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Stage(StrEnum):
    """How far a dialogue came."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    AUTH = "auth"
    RSET = "rset"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"
    PIPELINED = "pipelined"
    QUIT = "quit"


_BEFORE_RECIPIENT = (Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.AUTH, Stage.MAIL)


@dataclass(frozen=True, kw_only=True)
class Fate:
    """The server's last word on a letter, or that there was none."""

    outcome: Outcome
    stage: Stage
    code: int | None = None
    text: str = ""
    queue_id: str = ""

    @property
    def is_about_us(self) -> bool:
        """Refused before the recipient was named: our set-up, never the mailbox."""
        return self.stage in _BEFORE_RECIPIENT


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A letter as it is handed over: addresses are checked, bytes are final."""

    sender: str
    recipient: str
    raw: bytes


@dataclass(frozen=True, kw_only=True)
class Send:
    """Write these bytes; `dot` says that with them the server may accept the letter."""

    data: bytes
    dot: bool = False


@dataclass(frozen=True, kw_only=True)
class NeedMore:
    """The reply is not complete yet."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The server is ready; the words of its EHLO reply in upper case, and its lines."""

    extensions: frozenset[str]
    said: tuple[str, ...] = field(default=(), compare=False)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """How one may sign in (RFC 4954), in the server's order."""
        lines = [line.upper().replace("=", " ").split() for line in self.said]
        found = [word for line in lines if line and line[0] == "AUTH" for word in line[1:]]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class Done:
    fate: Fate


class LocalProtocolError(ValueError):
    """We were about to say something that is not SMTP: an address with spaces or control bytes."""


class Reply(NamedTuple):
    """A whole answer, without the codes of its lines."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.lines)[:300]


_LINE = re.compile(rb"(\d{3})([ -]?)([^\r\n]*)\r?\n")


def as_text(said: bytes) -> str:
    """A server's words without zero bytes, which no database takes and which hide other words."""
    return said.replace(b"\0", b"").decode("utf-8", "replace")


class Replies:
    """Splits a byte stream into replies; nonsense is a reply with code 0."""

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[str] = []
        self._code = b""

    @property
    def has_more(self) -> bool:
        """Bytes were received that are not read yet."""
        return bool(self._buffer or self._lines)

    def feed(self, data: bytes) -> Reply | None:
        """The next whole reply, or None. Call with b"" for replies already in the buffer."""
        if data:
            self._buffer += data
        while (end := self._buffer.find(b"\n") + 1) > 0:
            found = _LINE.fullmatch(self._buffer, 0, end)
            self._buffer = self._buffer[end:]
            if found is None or (self._lines and found[1] != self._code):
                self._lines = []
                return Reply(code=0, lines=("not SMTP" if found is None else "two codes",))
            self._code = found[1]
            self._lines.append(as_text(found[3]))
            if found[2] != b"-":
                lines, self._lines = tuple(self._lines), []
                return Reply(code=int(found[1]), lines=lines)
        too_long = len(self._buffer) + sum(map(len, self._lines)) > LONGEST_REPLY
        return Reply(code=0, lines=("reply too long",)) if too_long else None


class Opening:
    """Greeting and EHLO."""

    def __init__(self, ehlo_name: str, *, greeted: bool = False) -> None:
        self._name = checked(ehlo_name)
        self._replies = Replies()
        self.stage = Stage.EHLO if greeted else Stage.GREETING

    def start(self) -> Send | NeedMore:
        """Wait for the greeting; after STARTTLS there is none (RFC 3207)."""
        return self._ehlo() if self.stage is Stage.EHLO else NeedMore()

    def _ehlo(self) -> Send:
        return Send(data=f"EHLO {self._name}\r\n".encode("ascii"))

    def feed(self, data: bytes) -> Send | NeedMore | Opened | Done:
        reply = self._replies.feed(data)
        if reply is None:
            return NeedMore()
        if self.stage is Stage.GREETING and reply.code == 220:
            self.stage = Stage.EHLO
            return self._ehlo()
        if self.stage is Stage.EHLO and reply.code == 250:
            words = (line.split(" ")[0].split("=")[0].upper() for line in reply.lines[1:] if line)
            return Opened(extensions=frozenset(words), said=reply.lines)
        return Done(fate=refused(reply, self.stage))

    def end(self) -> Fate:
        """The connection broke: nothing was handed over yet."""
        return Fate(outcome=Outcome.DEFERRED, stage=self.stage, text="connection lost")


class HandOver:
    """One transaction: MAIL, RCPT, DATA, the letter, the final dot."""

    def __init__(self, envelope: Envelope, *, extensions: frozenset[str] = frozenset()) -> None:
        self._sender = checked(envelope.sender)
        self._recipient = checked(envelope.recipient)
        self._body = dot_stuffed(envelope.raw)
        self._pipelined = "PIPELINING" in extensions
        self._eight_bit = "8BITMIME" in extensions and not envelope.raw.isascii()
        self._replies = Replies()
        self.stage = Stage.MAIL

    def start(self) -> Send:
        """MAIL, and RCPT with it where the server pipelines; DATA waits for both answers."""
        mail = f"MAIL FROM:<{self._sender}>" + (" BODY=8BITMIME" if self._eight_bit else "")
        lines = [mail, *([self._rcpt()] if self._pipelined else [])]
        return Send(data="".join(f"{line}\r\n" for line in lines).encode("ascii"))

    def _rcpt(self) -> str:
        return f"RCPT TO:<{self._recipient}>"

    def feed(self, data: bytes) -> Send | NeedMore | Done:
        reply = self._replies.feed(data)
        if reply is None:
            return NeedMore()
        if self.stage is Stage.DOT:
            return Done(fate=final(reply))
        if not _goes_on(reply, self.stage):
            return Done(fate=refused(reply, self.stage))
        return self._next()

    def _next(self) -> Send | NeedMore | Done:
        if self.stage is Stage.MAIL:
            self.stage = Stage.RCPT
            if self._pipelined:
                return self.feed(b"")
            return Send(data=f"{self._rcpt()}\r\n".encode("ascii"))
        if self.stage is Stage.RCPT:
            self.stage = Stage.DATA
            return Send(data=b"DATA\r\n")
        self.stage = Stage.BODY
        return Send(data=self._body)

    def dot(self) -> Send:
        """Said when the whole body is written: from here on only the server knows."""
        if self.stage is not Stage.BODY:
            raise LocalProtocolError("the dot follows the body")
        self.stage = Stage.DOT
        return Send(data=b".\r\n", dot=True)

    def end(self) -> Fate:
        """What a broken connection or silence means at this stage."""
        if self.stage is Stage.DOT:
            return Fate(outcome=Outcome.UNKNOWN, stage=self.stage, text="no answer to final dot")
        return Fate(outcome=Outcome.DEFERRED, stage=self.stage, text="connection lost")


def _goes_on(reply: Reply, stage: Stage) -> bool:
    return reply.code == 354 if stage is Stage.DATA else reply.code in (250, 251, 252)


def refused(reply: Reply, stage: Stage) -> Fate:
    """Refused before the end of data: certainly not accepted. 5xx about us can be put right."""
    permanent = 500 <= reply.code < 600 and stage in (Stage.RCPT, Stage.DATA)
    return Fate(
        outcome=Outcome.REFUSED if permanent else Outcome.DEFERRED,
        stage=stage,
        code=reply.code,
        text=reply.text,
    )


_QUEUED = re.compile(
    r"\b(?:queued as|ok id=|id=|message accepted for delivery,? id)[ ]?([\w.-]{5,40})",
    re.IGNORECASE,
)


_STATUS = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?!\S)")


def final(reply: Reply) -> Fate:
    """The answer to the final dot. What is no SMTP reply says nothing: unknown.

    Nor does one whose enhanced code (RFC 2034) says the contrary of its code.
    """
    outcomes = {2: Outcome.ACCEPTED, 4: Outcome.DEFERRED, 5: Outcome.REFUSED}
    outcome = outcomes.get(reply.code // 100, Outcome.UNKNOWN)
    status = _STATUS.match(reply.lines[0])
    if status is not None and int(status[1]) != reply.code // 100:
        outcome = Outcome.UNKNOWN
    found = _QUEUED.search(reply.text) if outcome is Outcome.ACCEPTED else None
    return Fate(
        outcome=outcome,
        stage=Stage.DOT,
        code=reply.code,
        text=reply.text,
        queue_id=found[1] if found else "",
    )


def dot_stuffed(raw: bytes) -> bytes:
    """A letter for DATA (RFC 5321 section 4.5.2): lines that begin with a dot get another."""
    body = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    body = b"." + body if body.startswith(b".") else body
    return body.replace(b"\r\n.", b"\r\n..")


_SAFE = re.compile(r"[!-~]{1,320}")


def checked(word: str) -> str:
    """Printable ASCII without spaces or angle brackets: it can't end a command."""
    if word and (not _SAFE.fullmatch(word) or "<" in word or ">" in word):
        raise LocalProtocolError(f"not fit for SMTP: {word!r:.80}")
    return word
