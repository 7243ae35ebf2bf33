"""A delivery in the hands of one sender."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from openletter.letters.journal import Line, What


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A delivery in the hands of one sender, with all that leaving needs."""

    id: int
    campaign: int
    partner: int
    number: int
    attempt: int
    worker: str
    exercise: bool
    is_answer: bool
    sender: str
    recipient: str
    message_id: str
    raw: bytes
    provider: str
    handed_before: datetime | None
    """When it was handed over the time before, where it was put off since."""
    journal: Line

    def returned(self, *, now: datetime) -> Line:
        """The journal's line for one whose first byte was never said."""
        return Line(
            what=What.RETURNED, number=self.number, mark=self.journal.mark, at=now,
            message_id=self.message_id,
        )  # fmt: skip
