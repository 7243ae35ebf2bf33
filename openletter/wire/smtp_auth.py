"""Signing in to a submission service (RFC 4954, 4616): AUTH PLAIN, else LOGIN. Pure.

Only said on an encrypted connection; that is the door's business, and it refuses to build this
dialogue on any other. Nothing of it is ever logged: what a server echoes is cut out of its text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from openletter.wire.smtp import Done, Fate, NeedMore, Outcome, Replies, Send, Stage

KNOWN = ("PLAIN", "LOGIN")


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who signs in; the password shows nowhere."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.user or not self.password or "\0" in self.user + self.password:
            raise ValueError("a user and a password without zero bytes were expected")

    @property
    def plain(self) -> bytes:
        """AUTH PLAIN's one word."""
        return b64encode(b"\0" + self.user.encode() + b"\0" + self.password.encode())


SHORTEST_PIECE = 4


def withheld(text: str, login: Login) -> str:
    """What a server wrote, at any time, without our secrets; also where it is cut off in one."""
    password = b64encode(login.password.encode()).decode()
    words = (login.plain.decode(), password, password.rstrip("="), login.password)
    for word in words:
        text = text.replace(word, "(withheld)")
    for word in words:
        for size in range(len(word) - 1, SHORTEST_PIECE - 1, -1):
            if text.endswith(word[:size]):
                text = text[:-size] + "(withheld)"
                break
    return text


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """The server knows us."""


class SigningIn:
    """One way of signing in; `mechanisms` are what the server offers."""

    stage = Stage.AUTH

    def __init__(self, login: Login, mechanisms: Sequence[str]) -> None:
        self._replies = Replies()
        self._login = login
        self.mechanism = next((one for one in KNOWN if one in mechanisms), "")
        user, password = login.user.encode(), login.password.encode()
        self._answers = [b64encode(user), b64encode(password)]

    def start(self) -> Send | Done:
        """Done at once where the server offers no way that we know."""
        if not self.mechanism:
            return Done(fate=self._fate(None, "the server offers neither AUTH PLAIN nor LOGIN"))
        if self.mechanism == "PLAIN":
            return Send(data=b"AUTH PLAIN " + self._login.plain + b"\r\n")
        return Send(data=b"AUTH LOGIN\r\n")

    def feed(self, data: bytes) -> Send | NeedMore | SignedIn | Done:
        reply = self._replies.feed(data)
        if reply is None:
            return NeedMore()
        if reply.code == 235:
            return SignedIn()
        if reply.code == 334 and self.mechanism == "LOGIN" and self._answers:
            return Send(data=self._answers.pop(0) + b"\r\n")
        return Done(fate=self._fate(reply.code, withheld(reply.text, self._login)))

    def end(self) -> Fate:
        """The connection broke while signing in."""
        return self._fate(None, "connection lost while signing in")

    def _fate(self, code: int | None, text: str) -> Fate:
        return Fate(outcome=Outcome.DEFERRED, stage=Stage.AUTH, code=code, text=text)
