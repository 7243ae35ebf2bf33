"""How a day file was read, kept with it, so that its rows can be read again. No Django."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from openletter.columns.engine import Desk, file, literal
from openletter.evidence.rules.feeds import Format, SourceBook
from openletter.evidence.rules.recognise import Recognised
from openletter.wire.mappedcsv import CsvMapping


def labels_of(known: Recognised) -> dict[str, str]:
    """What is needed to read the file's rows again as they were read."""
    told = {
        "format": known.format,
        "source": known.feed.id,
        "only_by_tag": known.only_by_tag,
        "header": known.header,
        "is_json": known.is_json,
        "mapping": asdict(known.mapping) if known.mapping else None,
        "file_time": known.file_time.isoformat() if known.file_time else None,
    }
    return {"openletter": json.dumps(told)}


def join(desk: Desk, files: Sequence[Path], *, labels: Mapping[str, str]) -> Path:
    """One file of several with the same columns."""
    if len(files) == 1:
        return files[0]
    listed = ", ".join(file(path) for path in files)
    told = ", ".join(f"{name}: {literal(text)}" for name, text in labels.items())
    whole = files[0].with_suffix(".whole.parquet")
    desk.run(
        f"COPY (SELECT * FROM read_parquet([{listed}])) TO {file(whole)} "
        f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{told}}})"
    )
    return whole


def read_labels(desk: Desk, path: Path, book: SourceBook) -> Recognised | None:
    """The same again; None where the source is known no more."""
    query = (
        f"SELECT decode(value) FROM parquet_kv_metadata({file(path)}) "
        "WHERE decode(key) = 'openletter'"
    )
    told = json.loads(str(next(desk.rows(query))[0]))
    feed = book.get(told["source"])
    if feed is None:
        return None
    time = told["file_time"]
    return Recognised(
        format=Format(told["format"]),
        feed=feed,
        only_by_tag=told["only_by_tag"],
        header=tuple(told["header"]),
        is_json=told.get("is_json", False),
        mapping=_mapping(told["mapping"]),
        file_time=datetime.fromisoformat(time) if time else None,
    )


def _mapping(raw: dict[str, dict[str, object]] | None) -> CsvMapping | None:
    if raw is None:
        return None
    tuples = {name: _tupled(value) for name, value in raw.items()}
    return CsvMapping(**tuples)  # type: ignore[arg-type]


def _tupled(value: object) -> object:
    """JSON knows lists where a mapping has tuples."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {name: _tupled(one) for name, one in value.items()}
    return value
