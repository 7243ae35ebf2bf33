"""The rows of a letter: the evidence as a reader sees it, and the table that is attached."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping

from openletter.guides.layout import NO_BREAK
from openletter.letters.rules.facts import (
    CaseFacts,
    LetterFacts,
    Seen,
    by_its_clock,
    iso,
    one_line,
    utc,
)
from openletter.letters.rules.typeset import columns
from openletter.wire.visible import csv_cell
from openletter.words import LANGUAGES, WaveKind, on_site, print_reference

COLUMNS = (
    "row", "reference", "ip", "ports", "protocol", "weakness", "role", "status",
    "first_seen", "last_seen", "sources", "introduces_itself", "page",
)  # fmt: skip
"""The attached table's columns in order; docs/reference/letter-csv.md says what each holds."""

Names = Mapping[str, str]
"""Labels and the names of weaknesses in one language."""


def page_of(facts: LetterFacts, case: CaseFacts, language: str) -> str:
    return f"{facts.site}/{on_site(language)}/c/{case.secret}"


def weakness_key(case: CaseFacts) -> str:
    return "exit-only" if case.exit_only else case.weakness


def one_case(case: CaseFacts, names: Names, *, rtl: bool = False) -> str:
    """The whole evidence of a letter about one address."""
    return columns([*_facts(case, names), *_seen(case.seen, names)], rtl=rtl)


def _facts(case: CaseFacts, names: Names) -> list[tuple[str, str]]:
    """Address, port, weakness, reference; the port of an exit is another machine's."""
    port = [] if case.exit_only else [(names["port"], case.port_text or names["no-port"])]
    return [
        (names["ip"], case.ip),
        *port,
        (names["what"], names[weakness_key(case)]),
        (names["reference"], print_reference(case.reference)),
    ]


def numbered(facts: LetterFacts, names: Names, *, language: str) -> str:
    """Every case as a part that stands by itself and can be passed on alone."""
    return "\n\n".join(_part(facts, case, names, language=language) for case in facts.cases)


def _part(facts: LetterFacts, case: CaseFacts, names: Names, *, language: str) -> str:
    says = [(names["says"], f'"{case.introduced}"')] if case.introduced else []
    tells = facts.kind is WaveKind.REMINDER
    rows = [
        *_facts(case, names),
        *([(names["status"], names[case.state])] if tells else []),
        *_seen(case.seen, names),
        *says,
        (names["page"], page_of(facts, case, language)),
    ]
    text = columns(rows, indent="     ", rtl=LANGUAGES[language].is_right_to_left)
    return f"{f'{case.row}.':<5}{text[5:]}"


def became(facts: LetterFacts, names: Names, *, rtl: bool = False) -> str:
    """One part a case: its number, its address, how it stands, when it was last seen."""
    return "\n\n".join(_outcome(case, names, rtl=rtl) for case in facts.cases)


def _outcome(case: CaseFacts, names: Names, *, rtl: bool) -> str:
    rows = [
        (names["ip"], case.ip),
        (names["what"], names[weakness_key(case)]),
        (names["reference"], print_reference(case.reference)),
        (names["status"], names[case.state]),
        (names["newest"], utc(case.newest) if case.newest else names["no-time"]),
    ]
    text = columns(rows, indent="     ", rtl=rtl)
    return f"{f'{case.row}.':<5}{text[5:]}"


def _seen(seen: Iterable[Seen], names: Names) -> Iterable[tuple[str, str]]:
    label = names["seen"]
    for one in seen:
        when = _when(one) or names["no-time"]
        detail = f" ({one_line(one.detail)})" if one.detail else ""
        yield label, f"{when}{NO_BREAK} {one_line(one.source)}{detail}"
        label = ""


def _when(seen: Seen) -> str:
    """UTC, and in brackets what the clock showed where the server stands."""
    if seen.at is None:
        return ""
    when = utc(seen.at)
    there = by_its_clock(seen.local, behind=when) if seen.local else ""
    return f"{when} ({there})" if there else when


def summary(facts: LetterFacts, names: Names, *, rtl: bool = False) -> str:
    """What stands inline where the rows themselves are attached."""
    counted = Counter(weakness_key(case) for case in facts.cases)
    newest = max((case.newest for case in facts.cases if case.newest), default=None)
    kinds = [("", f"{number} x {names[key]}") for key, number in sorted(counted.items())]
    return columns(
        [
            (names["total"], str(len(facts.cases))),
            *kinds,
            (names["newest"], utc(newest) if newest else names["no-time"]),
            (names["reference"], print_reference(facts.reference)),
            (names["file"], file_name(facts)),
        ],
        rtl=rtl,
    )


def file_name(facts: LetterFacts) -> str:
    return f"openletter-{facts.reference.lower()}.csv"


def as_csv(facts: LetterFacts, *, language: str) -> str:
    """The attached table: RFC 4180, one row a case, no cell that a spreadsheet would run."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for case in facts.cases:
        writer.writerow([csv_cell(cell) for cell in _cells(facts, case, language)])
    return out.getvalue()


def _cells(facts: LetterFacts, case: CaseFacts, language: str) -> list[str]:
    times = sorted(seen.at for seen in case.seen if seen.at is not None)
    return [
        str(case.row),
        print_reference(case.reference),
        case.ip,
        " ".join(map(str, case.ports)),
        case.protocol.value,
        case.weakness.value,
        "exit" if case.exit_only else "entry",
        case.state.value,
        iso(times[0]) if times else "",
        iso(times[-1]) if times else "",
        "; ".join(map(_said, case.seen)),
        case.introduced,
        page_of(facts, case, language),
    ]


def _said(seen: Seen) -> str:
    """Who says so and when, with what the source asks to be said of it."""
    detail = f" ({seen.detail})" if seen.detail else ""
    return one_line(f"{seen.source} {iso(seen.at) if seen.at else ''}{detail}")
