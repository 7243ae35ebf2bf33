"""When sending must stop by itself: complaints, or more and more letters that come back.

Large receivers look at complaints from a share of 0.1 % on (their published sender rules), and a
rising share of bounces says that addresses or our name have gone bad. Both are judged over what
was handed over lately; a person who looked and says go on begins the count anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from openletter.words import Reason

COMPLAINTS_PER_LETTER = 0.001
FEWEST_COMPLAINTS = 2
"""One angry reader among few letters is a person to answer, not a rate."""
ENOUGH = 1_000
"""From this many letters on a single complaint is a rate as well."""
FEWEST_LETTERS = 50
"""Below this a share of bounces says nothing."""
BOUNCED = 0.10
BOUNCED_ANYHOW = 0.20
RISEN = 2.0
"""Times the share of the letters before."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """Letters handed over in a window, and what came of them."""

    letters: int = 0
    bounced: int = 0
    complaints: int = 0

    @property
    def share_bounced(self) -> float:
        return self.bounced / self.letters if self.letters else 0.0


def letters_that_matter(*, bounced: int, complaints: int) -> int:
    """With so many letters or more, neither share is large enough: nobody need count on."""
    if not bounced and not complaints:
        return 0
    return int(max(bounced / BOUNCED, complaints / COMPLAINTS_PER_LETTER)) + 1


def needs_comparison(lately: Count) -> bool:
    """Whether the letters before the window can change the judgement."""
    if _complaints(lately) is not None or lately.letters < FEWEST_LETTERS:
        return False
    return BOUNCED <= lately.share_bounced < BOUNCED_ANYHOW


def judge(lately: Count, before: Count) -> Reason | None:
    """Why to stop now; `lately` is the newest window, `before` the letters ahead of it."""
    return _complaints(lately) or _bounces(lately, before)


def _complaints(lately: Count) -> Reason | None:
    needed = 1 if lately.letters >= ENOUGH else FEWEST_COMPLAINTS
    if lately.complaints < needed:
        return None
    if lately.complaints < COMPLAINTS_PER_LETTER * lately.letters:
        return None
    values: dict[str, str | int] = {"complaints": lately.complaints, "letters": lately.letters}
    return Reason(code="breaker-complaints", values=values)


def _bounces(lately: Count, before: Count) -> Reason | None:
    share = lately.share_bounced
    if lately.letters < FEWEST_LETTERS or share < BOUNCED:
        return None
    is_known = before.letters >= FEWEST_LETTERS
    has_risen = is_known and share >= RISEN * before.share_bounced
    if not has_risen and share < BOUNCED_ANYHOW:
        return None
    values: dict[str, str | int] = {"bounced": lately.bounced, "letters": lately.letters}
    return Reason(code="breaker-bounces", values=values)
