"""A big file judged by representatives: the same judgements as row by row, in tables.

Each distinct combination of what a judgement rests on (a row's cells apart from address and time)
goes once through the form's parser and `rules.judge`; addresses and times that are plain go through
SQL. A row with anything else about it goes through parser and judge as it is, so nothing is decided
here. Statements come out in the desk's tables (`sheetsql`), refused rows and counts in the sheet.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from openletter.columns import keys
from openletter.columns.engine import Desk, file
from openletter.columns.straight import Straight, straighten
from openletter.evidence import sheetsql as sql
from openletter.evidence.kinds import Meaning, Told, microseconds, special_ranges
from openletter.evidence.layouts import Layout, lines_of
from openletter.evidence.pieces import ALL, Piece
from openletter.evidence.plaintimes import form_of
from openletter.evidence.rules import signs
from openletter.evidence.rules.judge import (
    CLOCKS_DIFFER,
    FIRST_PLAUSIBLE,
    Circumstances,
    Judge,
    Judged,
)
from openletter.evidence.rules.times import parse_time
from openletter.wire.lines import Line
from openletter.wire.table import Record
from openletter.words import Judgement

KEPT = 20_000
"""So many refused rows are kept to be looked at; all are counted."""
PIECE_LINES = 16_000_000
"""So many lines are united at once; a longer file is in pieces by address."""
_PIECE = 50_000
_RANKED = frozenset({Judgement.ACCEPT, Judgement.REACHABLE_ONLY, Judgement.CORROBORATES})
_STATED = _RANKED | {Judgement.WITHDRAWN}
_ODD_TYPES = ("UBIGINT", "UBIGINT", "UBIGINT", "UINTEGER", "BIGINT", "VARCHAR[]")
_SPOKEN = """
CREATE OR REPLACE TEMP TABLE spoken AS
SELECT t, meanings.* RENAME (seen AS says_when) FROM said JOIN meanings USING (m)
"""
_COUNTS = f"""
SELECT m, count(*), sum(n)::BIGINT FROM (
  SELECT first & {(1 << sql.LINE_SHIFT) - 1} AS m, n FROM uniq4
  UNION ALL SELECT first & {(1 << sql.LINE_SHIFT) - 1}, n FROM uniq6)
GROUP BY m
"""
_REFUSED_COUNTS = "SELECT t, count(*), min(line) FROM refused WHERE g IS NULL GROUP BY t"
_REFUSED_KEPT = f"SELECT line FROM refused ORDER BY line LIMIT {KEPT}"
Cells = Sequence[str]


class Sheet:
    """One file at a desk."""

    def __init__(
        self, desk: Desk, *, layout: Layout, around: Circumstances, counts_only: bool = False
    ) -> None:
        self.desk, self.around = desk, around
        self.layout = layout.keeping(facts=not counts_only)
        self.counts_only = counts_only
        self.told = Told()
        self.refused: list[Judged] = []
        self._networks: list[Judged] = []
        self._special = special_ranges(around)
        self._numbers: dict[Meaning, int] = {}
        self._said: list[tuple[int, int]] = []
        self._skips: list[int] = []
        self._header_end = 0
        self._straight = Straight(path=desk.place("straight.csv"))
        self._odd: list[tuple[object, ...]] = []

    # -- from bytes to a table -------------------------------------------------------------------

    def read(self, chunks: Iterable[bytes], *, head: Sequence[Line], original: Path | None) -> None:
        """Make the text straight and read it; rows that stick out are judged on the way."""
        self.desk.run(sql.MAKE_ODD)
        if self.layout.has_header:
            self._header_end = self.layout.header_end(head)
        made = straighten(
            chunks,
            copy=self.desk.place("straight.csv"),
            original=None if self.layout.odd else original,
            shape=self.layout.shape,
            odd=self._odd_line,
        )
        self.told.lines = made.lines
        self._straight = made
        self.desk.fill("apart", ["line UBIGINT"], [(line,) for line in sorted(made.odd)])

    def _odd_line(self, number: int, window: Sequence[bytes]) -> int:
        """A line that isn't plain, with those behind it: a record, part of one, or none."""
        if number <= self._header_end:
            return 1
        record, taken = self._record(number, window)
        if record is None:
            self._skips.append(number)
            return 1
        self._skips.extend(range(number + 1, number + taken))
        self._judge(
            Record(self.row_of(number), number, record.cells, record.problem, record.excerpt)
        )
        return taken

    def _record(self, number: int, window: Sequence[bytes]) -> tuple[Record | None, int]:
        if self.layout.odd:
            return self.layout.odd(number, window[0]), 1
        record = next(self.layout.records(lines_of(number, window[:1])), None)
        if record is None or record.problem != "unclosed-quote":
            return record, 1
        found = self.layout.records(lines_of(number, window))
        record, behind = next(found, None), next(found, None)
        return record, behind.line - number if behind else len(window)

    # -- judging ---------------------------------------------------------------------------------

    @property
    def is_one_piece(self) -> bool:
        """Whether all of the file is united at once."""
        return self.told.lines <= PIECE_LINES

    def pieces(self) -> Iterator[Piece]:
        """Judge the file, then unite it in pieces by address; each stands in the tables in turn."""
        self._lay_lines()
        self._judge_rows()
        count = -(-self.told.lines // PIECE_LINES)
        for piece in [ALL] if self.is_one_piece else [Piece(at, count) for at in range(count)]:
            self.desk.run(sql.plain(piece, header_end=self._header_end))
            self.desk.run(
                f"CREATE OR REPLACE TEMP TABLE odd AS SELECT * FROM odd_rows WHERE {piece.holds}"
            )
            self._unite()
            yield piece

    def _lay_lines(self) -> None:
        """The file as a table, each row with its key, its time and its kind."""
        made, run = self._straight, self.desk.run
        sample = self.desk.place("sample.csv")
        sample.write_bytes(made.sample)
        run(keys.PAIRS)
        run(sql.kinds(sample, self.layout))
        texts = (str(text) for (text,) in self.desk.rows(sql.sampled_times(sample, self.layout)))
        form = form_of(texts, self.around) if self.layout.time else None
        run(sql.lines(made.path, self.layout, form=form, around=self.around))
        self.layout = replace(self.layout, spelled=form.spelled("seen") if form else "")
        sample.unlink()
        self.desk.place("straight.csv").unlink(missing_ok=True)

    def _judge_rows(self) -> None:
        """Judge all rows of the table: by representatives, and what sticks out by itself."""
        run = self.desk.run
        run(sql.odds(self.layout, header_end=self._header_end))
        self._read_times()
        if self.layout.rest:
            run(sql.late_kinds(self.layout))
        run(sql.late(self.layout))
        run(sql.SIX)
        run(sql.plain(ALL, header_end=self._header_end))
        self._mark_special()
        unclear, refusing = self._judge_kinds()
        self.desk.fill("unclear", ["t UINTEGER"], [(t,) for t in unclear])
        self.desk.fill("refusing", ["t UINTEGER"], [(t,) for t in refusing])
        self._judge_alike()
        run(sql.STRAYS)
        for line, cells in self._cells_of("SELECT line FROM strays"):
            self._judge(Record(self.row_of(line), line, self.layout.cells_of(cells)), cells)
        self._flush()
        self._count_refused()
        self._fill_meanings()

    def _read_times(self) -> None:
        found: list[tuple[str, int]] = []
        if self.layout.time:
            latest = self.around.now + CLOCKS_DIFFER
            for (text,) in self.desk.rows(sql.ODD_TIMES):
                told = parse_time(
                    str(text).strip(), form=self.around.time_form, zone=self.around.time_zone
                )
                if told is not None and FIRST_PLAUSIBLE <= told <= latest:
                    found.append((str(text), microseconds(told)))
        self.desk.fill("times", ["w VARCHAR", "seen BIGINT"], found)

    def _mark_special(self) -> None:
        """Addresses whose row is judged for its address: fillers, exceptions, exits, scanners."""
        four = [ends for version, *ends in self._special if version == 4]
        six = [ends for version, *ends in self._special if version == 6]
        self.desk.fill("special4", ["first UINTEGER", "last UINTEGER"], four)
        self.desk.fill("special6", ["first UHUGEINT", "last UHUGEINT"], six)
        self.desk.run(sql.SPECIAL if self._special else sql.NO_SPECIAL)

    def _judge_kinds(self) -> tuple[list[int], list[int]]:
        """Each kind's first plain row speaks for it; returns what is unclear, and what refuses."""
        first = sql.first_plain(special=bool(self._special))
        kinds = {int(str(line)): int(str(t)) for t, line in self.desk.rows(first)}
        self.desk.fill("asked", ["line UBIGINT"], [(line,) for line in sorted(kinds)])
        unclear, refusing = [], []
        for line, cells in self._cells_of("SELECT line FROM asked"):
            judged = self._judged(Record(self.row_of(line), line, self.layout.cells_of(cells)))
            if all(self._speaks_for_others(one) for one in judged):
                self._said += [(kinds[line], self._number(one)) for one in judged]
            elif all(one.ip is not None and one.says not in _STATED for one in judged):
                refusing.append(kinds[line])
            else:
                unclear.append(kinds[line])
        return unclear, refusing

    def _judge_alike(self) -> None:
        """Loose rows that are refused for what they have in common are judged once and counted."""
        self.desk.run(sql.LOOSE)
        self.desk.run(sql.ALIKE)
        groups = {
            int(str(line)): (int(str(g)), int(str(n)))
            for g, line, n in self.desk.rows("SELECT g, first_line, n FROM alike")
        }
        refusing: list[tuple[int]] = []
        for line, cells in self._cells_of("SELECT first_line FROM alike"):
            group, count = groups[line]
            judged = self._judged(Record(self.row_of(line), line, self.layout.cells_of(cells)))
            if all(one.first is None and one.says not in _STATED for one in judged):
                refusing.append((group,))
                for one in judged:
                    self._count(one, count)
        self.desk.fill("refusing_alike", ["g UINTEGER"], refusing)

    def _speaks_for_others(self, one: Judged) -> bool:
        """A statement about an ordinary address, seen at an ordinary time."""
        if one.says not in _RANKED or one.ip is None:
            return False
        version, number = one.ip.version, int(one.ip)
        at = bisect_right(self._special, (version, number, 1 << 128)) - 1
        before = self._special[at] if at >= 0 else (0, 0, 0)
        return before[0] != version or before[2] < number

    def _judge(self, record: Record, cells: Cells = ()) -> None:
        """One row by itself: what it states goes to the table `odd`."""
        self.told.rows_by_judge += 1
        wanted = list(cells) or self.layout.wanted_of(record)
        for one in self._judged(record):
            if one.says in _STATED and one.ip is not None:
                high, low = keys.key_of(one.ip)
                told = microseconds(one.seen_at) if one.seen_at else None
                self._odd.append((one.line, high, low, self._number(one), told, wanted))
                if one.says not in _RANKED:
                    self._count(one)
            else:
                self._refuse(one)
        if len(self._odd) >= _PIECE:
            self._flush()

    def _judged(self, record: Record) -> list[Judged]:
        return Judge(self.around).judge(self.layout.row(record))

    def _count(self, one: Judged, times: int = 1) -> None:
        self.told.by_judgement[one.judgement] += times
        self.told.by_reason[one.reason] += times

    def _refuse(self, one: Judged) -> None:
        self._count(one)
        if one.first is not None:
            self._networks.append(one)
        elif len(self.refused) < 2 * KEPT:
            self.refused.append(one)

    def _count_refused(self) -> None:
        """Rows of kinds that state nothing are counted; the first are kept to be read."""
        self.desk.run(sql.REFUSED)
        counts = {int(str(line)): int(str(n)) for _, n, line in self.desk.rows(_REFUSED_COUNTS)}
        self.desk.fill("asked", ["line UBIGINT"], [(line,) for line in sorted(counts)])
        for line, cells in self._cells_of("SELECT line FROM asked"):
            record = Record(self.row_of(line), line, self.layout.cells_of(cells))
            for one in self._judged(record):
                self._count(one, counts[line])
        if self.counts_only:
            return
        self.desk.run(f"CREATE OR REPLACE TEMP TABLE asked AS {_REFUSED_KEPT}")
        for line, cells in self._cells_of("SELECT line FROM asked"):
            record = Record(self.row_of(line), line, self.layout.cells_of(cells))
            self.refused.extend(self._judged(record))

    def kept_refusals(self) -> list[Judged]:
        """The first refused rows of the file, in its order."""
        return sorted(self.refused, key=lambda one: one.row)[:KEPT]

    def networks(self) -> list[Judged]:
        """Statements about networks instead of single addresses."""
        return sorted(self._networks, key=lambda one: one.row)

    # -- tables ----------------------------------------------------------------------------------

    def _number(self, one: Judged) -> int:
        meaning = Meaning(
            sign=signs.sign_of(
                signs.Said(
                    weakness=one.weakness, protocol=one.protocol, port=one.port,
                    says=one.says, role=one.role,
                )
            ),
            says=one.says,
            reason=one.reason,
            code=one.code,
            seen=microseconds(one.seen_at) if one.seen_at and not self.layout.time else None,
        )  # fmt: skip
        return self._numbers.setdefault(meaning, len(self._numbers))

    def _flush(self) -> None:
        if self._odd:
            self.desk.add("odd_rows", _ODD_TYPES, self._odd)
            self._odd = []

    def _fill_meanings(self) -> None:
        rows = [
            (m, one.sign, one.says, one.reason, one.code, one.seen, one.says in _RANKED)
            for one, m in self._numbers.items()
        ]
        columns = ["m UINTEGER", "sign UINTEGER", "says VARCHAR", "reason VARCHAR", "code VARCHAR",
                   "seen BIGINT", "is_ranked BOOLEAN"]  # fmt: skip
        self.desk.fill("meanings", columns, rows)
        self.desk.fill("said", ["t UINTEGER", "m UINTEGER"], sorted(self._said))
        self.desk.run(_SPOKEN)

    def _unite(self) -> None:
        """Each statement once, in `uniq4` and `uniq6`, and the counts of what became of rows."""
        apart = bool(self._special)
        self.desk.run(sql.unique4(self.layout, apart=apart))
        self.desk.run(sql.unique6(self.layout, apart=apart))
        by_number = {m: one for one, m in self._numbers.items()}
        for m, firsts, rows in self.desk.rows(_COUNTS):
            one, first = by_number[int(str(m))], int(str(firsts))
            self.told.by_judgement[one.says] += first
            self.told.by_reason[one.reason] += first
            if double := int(str(rows)) - first:
                self.told.by_judgement[Judgement.SAME_AS] += double
                self.told.by_reason["same-target"] += double

    def write(self, path: Path, *, labels: Mapping[str, str]) -> int:
        """All statements of the file as Parquet; returns how many there are."""
        skips = [(line, at + 1) for at, line in enumerate(self._skips)]
        self.desk.fill("skips", ["line UBIGINT", "n UBIGINT"], skips)
        self.desk.run(
            sql.write(
                path,
                self.layout,
                header_end=self._header_end,
                labels=labels,
                with_skips=bool(skips),
                apart=bool(self._special),
            )
        )
        return self.desk.number(f"SELECT count(*) FROM read_parquet({file(path)})")

    def row_of(self, line: int) -> int:
        """The number of the record that begins at a line."""
        return line - self._header_end - bisect_left(self._skips, line)

    def _cells_of(self, lines: str) -> Iterator[tuple[int, list[str]]]:
        """Wanted cells of the rows at these lines, in order."""
        query = f"SELECT * FROM ({sql.texts(self.layout)}) WHERE line IN ({lines}) ORDER BY line"
        for line, number, *cells in list(self.desk.rows(query)):
            spelled = str(IPv4Address(number)) if isinstance(number, int) else ""
            yield int(str(line)), [spelled if one is None else str(one) for one in cells]
