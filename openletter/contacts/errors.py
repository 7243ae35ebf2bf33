"""What this room refuses, for a person."""

from __future__ import annotations

from openletter.words import Reason


class ContactError(Exception):
    """A load, a suppression or an override that the rules refuse; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason
