"""Observations as a reader sees them: one line for each source, port and statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from openletter.evidence.models import Observation
from openletter.evidence.telling import attribution_of, when
from openletter.frame import labels
from openletter.words import Judgement, Role, Weakness

COUNTS = frozenset({Judgement.ACCEPT, Judgement.SAME_AS, Judgement.CORROBORATES})


@dataclass(frozen=True, kw_only=True)
class EvidenceRow:
    """What one source says, first and last time seen."""

    source: str
    place: str
    says: str
    side: str
    code: str
    first_seen: datetime | None
    last_seen: datetime | None


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
Key = tuple[str, str, str, str, str]


def _key(seen: Observation) -> Key:
    port = str(seen.port) if seen.port is not None else ""
    place = f"{port}/{seen.protocol}" if port and seen.protocol else port
    return (seen.source.name, place, seen.weakness or "", seen.role, seen.code or "")


def _says(weakness: str, role: Role) -> str:
    """An exit is not called open: of it the source says only that traffic leaves there."""
    if role is Role.EXIT:
        return str(labels.ROLE[Role.EXIT])
    return str(labels.SAYS[Weakness(weakness)]) if weakness else "–"


def _row(key: Key, seen: list[Observation]) -> EvidenceRow:
    source, place, weakness, role, code = key
    times = [at for one in seen if (at := when(one)) is not None]
    return EvidenceRow(
        source=source,
        place=place,
        says=_says(weakness, Role(role)),
        side=str(labels.ROLE[Role.UNKNOWN]) if role == Role.UNKNOWN else "",
        code="; ".join(filter(None, (code, attribution_of(seen[0])))),
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
    )


def rows_of(observations: Iterable[Observation]) -> list[EvidenceRow]:
    """Observations that count, grouped; the newest statement first, those without a time last.

    They come from `evidence.telling`: what may not be told is not in them.
    """
    counted = sorted((one for one in observations if one.judgement in COUNTS), key=_key)
    rows = [_row(key, list(group)) for key, group in groupby(counted, key=_key)]
    return sorted(rows, key=lambda row: row.last_seen or _LONG_AGO, reverse=True)
