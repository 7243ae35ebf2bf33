"""Whether a server takes mail for these recipients, without a letter: MAIL, RCPT, RSET, no DATA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from openletter.wire.smtp import NeedMore, Replies, Reply, Send, checked


class Taken(NamedTuple):
    """What the server said to one recipient; code 0: it said nothing to him."""

    recipient: str
    code: int = 0
    text: str = ""

    @property
    def is_taken(self) -> bool:
        return self.code in {250, 251}

    @property
    def is_refused(self) -> bool:
        return 500 <= self.code <= 599


class Asking:
    """Asks as a bounce does: with an empty sender; each recipient is a transaction of its own."""

    def __init__(self, recipients: Sequence[str]) -> None:
        self._left = [checked(one) for one in recipients]
        self._replies = Replies()
        self._now = ""
        self.taken: list[Taken] = []

    def start(self) -> Send | None:
        """The next words; None where all were asked."""
        if not self._left:
            return None
        self._now = ""
        return Send(data=b"MAIL FROM:<>\r\n")

    def feed(self, data: bytes) -> Send | NeedMore | None:
        """What to say now; None where it is over."""
        reply = self._replies.feed(data)
        if reply is None:
            return NeedMore()
        if self._now in {"", "reset"} and reply.code != 250:
            self._refused(reply)
            return None
        if self._now == "reset":
            return self.start()
        if not self._now:
            self._now = self._left[0]
            return Send(data=f"RCPT TO:<{self._now}>\r\n".encode("ascii"))
        self.taken.append(Taken(self._left.pop(0), reply.code, reply.text))
        self._now = "reset"
        return Send(data=b"RSET\r\n") if reply.code else None

    def _refused(self, reply: Reply) -> None:
        """Refused before a recipient was named: that says nothing of the recipients."""
        self.taken += [Taken(one, 0, f"{reply.code} {reply.text}") for one in self._left]
        self._left = []

    def end(self) -> list[Taken]:
        """Everybody who was asked about, with those that nothing was said of."""
        return [*self.taken, *(Taken(one) for one in self._left)]
