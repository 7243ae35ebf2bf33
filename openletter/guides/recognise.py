"""Which product a server introduces itself as, from what the evidence carries. No certainty.

A banner is free text of a stranger: only the part that our own pattern matched is kept (the raw
cut; its group `said` where there is one), and it is quoted, never obeyed. The result picks a
guide; two candidates or a weak match pick the guide for those who don't know what runs there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openletter.guides.model import Guide
from openletter.words import Weakness

SPOKEN = ("banner", "server", "via")
"""A greeting; the Server header; the Via header."""

ENOUGH = 70
"""Confidence from which a letter names the product."""

UNKNOWN = "unknown"
_MAX_CUT = 60
_LOOKED_AT = 500
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the evidence says of one address and port."""

    weakness: Weakness | None = None
    banner: str = ""
    server: str = ""
    via: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    guide_id: str
    product: str
    confidence: int
    cut: str
    pattern_id: str


def candidates(facts: Facts, *, guides: Iterable[Guide]) -> tuple[Candidate, ...]:
    """Every guide with a pattern that fits, the most confident first, once each."""
    best: dict[str, Candidate] = {}
    for guide in guides:
        if facts.weakness is not None and facts.weakness not in guide.weaknesses:
            continue
        for found in _matches(guide, facts):
            if guide.id not in best or best[guide.id].confidence < found.confidence:
                best[guide.id] = found
    return tuple(sorted(best.values(), key=lambda c: (-c.confidence, c.guide_id)))


def _matches(guide: Guide, facts: Facts) -> Iterable[Candidate]:
    said = {"banner": facts.banner, "server": facts.server, "via": facts.via}
    for fingerprint in guide.fingerprints:
        found = fingerprint.pattern.search(said[fingerprint.on][:_LOOKED_AT])
        if found:
            yield Candidate(
                guide_id=guide.id,
                product=guide.product,
                confidence=fingerprint.confidence,
                cut=_UNPRINTABLE.sub("?", found.groupdict().get("said") or found[0])[:_MAX_CUT],
                pattern_id=fingerprint.id,
            )


def choose(found: Sequence[Candidate]) -> Candidate | None:
    """The one candidate worth naming; None where there is no one, or more than one."""
    if len(found) == 1 and found[0].confidence >= ENOUGH:
        return found[0]
    return None
