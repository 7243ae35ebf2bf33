"""Questions that depend on answers, without a socket: a talk asks, is told, and ends in a value.

    def talk() -> Talk[bool]:
        told = yield Ask("example.net", Type.MX)
        return bool(told.values)

`net` holds such a talk with the one resolver that was configured; a test holds it with a table.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeVar

from openletter.wire.dns import Type, Value

Result = TypeVar("Result")


class Ask(NamedTuple):
    """One question; a name that cannot be asked for is told as one that does not exist."""

    name: str
    kind: Type


class Told(NamedTuple):
    """What is said: values of the asked type, or that nobody could say (`fault`)."""

    values: tuple[Value, ...] = ()
    fault: str = ""
    exists: bool = True

    @property
    def texts(self) -> tuple[bytes, ...]:
        return tuple(value for value in self.values if isinstance(value, bytes))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(value for value in self.values if isinstance(value, str))


Talk = Generator[Ask, Told, Result]


def hold(talk: Talk[Result], answer: Callable[[Ask], Told]) -> Result:
    """The talk to its end, each answer given at once."""
    try:
        asked = next(talk)
        while True:
            asked = talk.send(answer(asked))
    except StopIteration as ended:
        found: Result = ended.value
        return found
