"""Keeping to a number of questions a second."""

from __future__ import annotations


class Pace:
    """At most `rate` a second, without saving up for more than `burst`. Time is the caller's."""

    def __init__(self, rate: float, *, burst: int = 10) -> None:
        self._gap, self._slack = 1 / rate, burst / rate
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Take a turn and give 0, or give the seconds until there is one."""
        start = max(self._next, now - self._slack)
        if start > now:
            return start - now
        self._next = start + self._gap
        return 0.0
