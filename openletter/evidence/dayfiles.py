"""The statements of big feeds, a Parquet file for each feed and day; which of them rows need.

PostgreSQL holds what a letter can rest on: every statement about a target (address and weakness)
that two families name or that it knew before. All else stays here, read again whenever a target
becomes one of those. So weighing concludes as if every row were there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import connection

from openletter.campaigns.models import Campaign
from openletter.columns import keys
from openletter.columns.engine import Desk, file
from openletter.evidence.copying import copy_observations
from openletter.evidence.kinds import moment_of
from openletter.evidence.known import known_sources
from openletter.evidence.labels import read_labels
from openletter.evidence.layouts import Layout, layout_of
from openletter.evidence.models import Part
from openletter.evidence.rules import signs
from openletter.evidence.rules.judge import Circumstances, Judge, Judged
from openletter.evidence.rules.spaces import Spaces
from openletter.wire.address import address_class
from openletter.wire.table import Record
from openletter.words import Judgement

REMEMBERED = timedelta(days=90)
"""As long as weighing looks back (`weighing.REMEMBERED`)."""
PIECE = 5_000


# -- places --------------------------------------------------------------------------------------


def folder() -> Path:
    """Where the days of all worlds lie."""
    return Path(settings.STATE).resolve() / "days"


def place_of(part: Part) -> Path:
    """The file of a part."""
    return folder() / part.day_file


def name_of(part: Part, *, number: int) -> str:
    """`<world>/<source>/<date>/<sha256 of the feed>.parquet`, below `folder()`."""
    world = f"exercise-{part.batch.exercise_id}" if part.batch.exercise_id else "real"
    day = part.feed_at.astimezone(UTC).date().isoformat()
    member = f"-{number}" if number else ""
    return f"{world}/{part.source_id}/{day}/{bytes(part.batch.sha256).hex()}{member}.parquet"


def kept(exercise: Campaign | None, *, now: datetime) -> list[Part]:
    """Parts whose statements lie in files and still count, the newest first."""
    found = (
        Part.objects.filter(batch__exercise=exercise, feed_at__gt=now - REMEMBERED)
        .exclude(day_file="")
        .select_related("batch", "source")
        .order_by("-feed_at", "-id")
    )
    return [part for part in found if place_of(part).is_file()]


def is_there_any(exercise: Campaign | None) -> bool:
    """Whether the world has any such file; most small installations have none."""
    return Part.objects.filter(batch__exercise=exercise).exclude(day_file="").exists()


# -- what PostgreSQL holds -----------------------------------------------------------------------

_HELD = """
SELECT encode(inet_send(ip), 'hex'), weakness, bool_or(is_whole) FROM (
  SELECT ip, weakness, true AS is_whole FROM finding
  WHERE exercise_id IS NOT DISTINCT FROM %s
  UNION ALL
  SELECT o.ip, o.weakness, p.day_file <> '' FROM observation AS o
  JOIN batch_part AS p ON p.id = o.part_id
  WHERE o.exercise_id IS NOT DISTINCT FROM %s AND weighed_at IS NULL AND weakness IS NOT NULL
) AS held GROUP BY ip, weakness
"""


def held(desk: Desk, exercise: Campaign | None) -> None:
    """Table `held`: targets that PostgreSQL knows, and whether it has all statements about them.

    It has, once they were weighed, or once a day file brought them. Until then only what came row
    by row is there.
    """
    desk.fill("held", [*TARGET, "is_whole BOOLEAN"], [])
    types = [column.partition(" ")[2] for column in TARGET]
    world = exercise.pk if exercise else None
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [world, world])
        while rows := cursor.fetchmany(50_000):
            told = [(*_target(str(octets), str(kind)), whole) for octets, kind, whole in rows]
            desk.add("held", [*types, "BOOLEAN"], told)


TARGET = ["hi UBIGINT", "lo UBIGINT", "weakness UTINYINT"]


def _target(octets: str, weakness: str) -> tuple[int, int, int]:
    """An address as PostgreSQL sends it (family, bits, flag, length, octets) and a weakness."""
    number = int(octets[8:], 16)
    code = signs.code_of(weakness)
    if len(octets) == 16:
        return 0, keys.MAPPED | number, code
    return number >> 64, number & ((1 << 64) - 1), code


def times(place: Path) -> str:
    """SQL: the first and the last time of rows that have one, and how many rows those are."""
    return (
        f"SELECT min(seen)::BIGINT, max(seen)::BIGINT, count(seen) FROM read_parquet({file(place)})"
    )


def undated(desk: Desk, place: Path) -> bytes | None:
    """A digest of what rows without a time say, all together; None where all have their own."""
    told = "concat_ws('|', hi, lo, sign, code)"
    query = (
        f"SELECT count(*), sum(md5_number_lower({told})::HUGEINT), "
        f"sum(md5_number_upper({told})::HUGEINT) FROM read_parquet({file(place)}) "
        "WHERE seen IS NULL AND judgement <> 'same-as'"
    )
    count, *sums = next(desk.rows(query))
    if not count:
        return None
    return hashlib.sha256(f"{count} {sums}".encode()).digest()


# -- into PostgreSQL -----------------------------------------------------------------------------


def promote(
    desk: Desk, parts: Iterable[Part], *, targets: str, spaces: Spaces, now: datetime
) -> int:
    """Write what `parts` say of the targets in a desk's table; returns rows written."""
    count = 0
    for part in parts:
        book = known_sources(part.batch.exercise)
        known = read_labels(desk, place_of(part), book)
        layout = layout_of(known) if known else None
        if known is None or layout is None:
            continue
        around = Circumstances(
            feed=known.feed, now=now, file_time=known.file_time, spaces=spaces,
            only_by_tag=known.only_by_tag,
            time_form=known.mapping.time_format if known.mapping else "",
            time_zone=known.mapping.time_zone if known.mapping else "",
        )  # fmt: skip
        rows = _rows(desk, place_of(part), layout, around, targets=targets)
        while piece := list(islice(rows, PIECE)):
            copy_observations(piece, batch=part.batch, part=part, now=now)
            count += len(piece)
    return count


def _rows(
    desk: Desk, path: Path, layout: Layout, around: Circumstances, *, targets: str
) -> Iterator[Judged]:
    cells = "".join(f", c{at}" for at in layout.wanted)
    found = desk.rows(
        f"SELECT row, line, hi, lo, sign, judgement, reason, code, seen, same_as{cells} "
        f"FROM read_parquet({file(path)}) AS told "
        f"WHERE (hi, lo, sign >> {signs.WEAKNESS_SHIFT}) IN "
        f"(SELECT hi, lo, weakness FROM {targets}) "
        "ORDER BY line, sign"
    )
    for row, line, hi, lo, sign, judgement, reason, code, seen, same_as, *texts in found:
        address = keys.address_of(int(str(hi)), int(str(lo)))
        wanted = [str(address) if one is None else str(one) for one in texts]
        record = Record(int(str(row)), int(str(line)), layout.cells_of(wanted))
        said = signs.said_by(int(str(sign)))
        again = Judge(around).judge(layout.row(record))
        alike = next((one for one in again if one.weakness is said.weakness), again[0])
        yield replace(
            alike,
            ip=address, port=said.port, protocol=said.protocol, weakness=said.weakness,
            role=said.role, says=said.says, judgement=Judgement(str(judgement)),
            reason=str(reason), code=str(code) if code is not None else None,
            seen_at=moment_of(seen) if isinstance(seen, int) else None,
            same_as=same_as if isinstance(same_as, int) else None,
            address_class=address_class(address), source=around.feed.id,
        )  # fmt: skip
