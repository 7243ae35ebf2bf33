"""What goes along with a letter: reports that are valid, texts that name one case, all below size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from openletter.letters import library
from openletter.letters.rules import xarf
from openletter.letters.rules.attached import LARGEST, Attachment
from openletter.letters.rules.facts import MOST_INLINE, MOST_TEXTS, CaseFacts
from openletter.wire import xarf4
from openletter.words import Reader, WaveKind, Weakness, print_reference
from tests.letter_samples import EARLIER, a_case_of, some_facts, written

FEW = [a_case_of(f"192.0.2.{n}", [*Weakness][n % 3]) for n in range(1, MOST_TEXTS + 1)]
DESKS = (Reader.PROVIDER, Reader.CSIRT)


def files_of(
    rows: Sequence[CaseFacts], reader: Reader = Reader.PROVIDER, **changes: object
) -> dict[str, Attachment]:
    return {file.name: file for file in written(some_facts(rows, reader=reader, **changes)).files}


@pytest.mark.parametrize("reader", DESKS)
@pytest.mark.parametrize("number", [1, 3, 51])
def test_every_report_is_valid_by_the_published_schema(reader, number) -> None:
    rows = [a_case_of(f"192.0.2.{n}", [*Weakness][n % 3]) for n in range(1, number + 1)]
    files = files_of(rows, reader)
    told = json.loads(next(file.text for name, file in files.items() if ".xarf." in name))
    reports = [told] if number == 1 else told
    assert [report["source_identifier"] for report in reports] == [case.ip for case in rows]
    assert [xarf4.fault_of(report) for report in reports] == [None] * number


def test_a_report_says_nothing_that_the_format_cannot_say_truly() -> None:
    assert not xarf.as_json(some_facts([a_case_of(exit_only=True)], reader=Reader.PROVIDER))
    case = a_case_of()
    timeless = replace(case, seen=tuple(replace(one, at=None) for one in case.seen))
    assert not xarf.as_json(some_facts([timeless], reader=Reader.PROVIDER))


def test_the_same_letter_makes_the_same_reports() -> None:
    facts = some_facts(reader=Reader.PROVIDER)
    assert xarf.as_json(facts) == xarf.as_json(facts)


def test_a_text_to_pass_on_holds_one_case_and_nothing_of_the_others_or_of_the_contact() -> None:
    facts = some_facts(FEW, reader=Reader.PROVIDER)
    files = {file.name: file.text for file in written(facts).files}
    for case in FEW:
        text = files[f"openletter-{case.reference.lower()}.txt"]
        assert case.ip in text
        assert print_reference(case.reference) in text
        assert case.secret in text
        for secret in (facts.secret, facts.stop_token, print_reference(facts.reference)):
            assert secret not in text
        for other in FEW:
            if other is not case:
                assert f"{other.ip}\n" not in text
                assert other.secret not in text
                assert print_reference(other.reference) not in text


@pytest.mark.parametrize("kind", [WaveKind.UPDATE, WaveKind.REMINDER])
def test_a_customer_reads_a_first_letter_whatever_the_provider_got(kind) -> None:
    files = files_of(FEW[:2], kind=kind, earlier=EARLIER, languages=("en",))
    text = files[f"openletter-{FEW[0].reference.lower()}.txt"].text
    assert "Everything you need is in this letter" in text
    assert EARLIER.sent_at.strftime("%Y-%m-%d") not in text
    assert "No more letters?" not in text, "that wish is the mailbox's own"


def test_owners_and_last_letters_get_no_files() -> None:
    assert not files_of(FEW, Reader.OWNER)
    for kind in (WaveKind.CLOSING, WaveKind.CORRECTION):
        assert not files_of(FEW, kind=kind, earlier=EARLIER)


def test_many_cases_bring_a_table_and_reports_but_no_texts() -> None:
    rows = [a_case_of(f"192.0.2.{n}") for n in range(1, MOST_TEXTS + 2)]
    assert [name.rpartition(".")[2] for name in files_of(rows)] == ["csv", "json"]


def test_above_the_size_the_table_stands_alone() -> None:
    rows = [a_case_of(f"2001:db8::{n:x}") for n in range(1, 900)]
    files = files_of(rows)
    assert [name.rpartition(".")[2] for name in files] == ["csv"]


def test_a_table_that_is_larger_than_all_files_may_be_is_there_all_the_same() -> None:
    rows = [a_case_of(f"2001:db8::{n:x}") for n in range(1, 1_500)]
    letter = written(some_facts(rows, reader=Reader.PROVIDER, languages=("en",)))
    assert letter.files[0].weight > LARGEST
    assert [file.name.rpartition(".")[2] for file in letter.files] == ["csv"]
    assert letter.files[0].name in letter.body, "the letter says that it is attached"


def test_who_wants_no_files_reads_every_row_in_the_letter() -> None:
    rows = [a_case_of(f"192.0.2.{n}") for n in range(1, 200)]
    letter = written(
        some_facts(rows, reader=Reader.PROVIDER, languages=("nl", "en"), no_files=True)
    )
    assert not letter.files
    for case in rows:
        assert f"{case.ip}\n" in letter.body
        assert print_reference(case.reference) in letter.body
    few = written(some_facts(FEW, reader=Reader.PROVIDER, languages=("en",), no_files=True))
    assert not few.files
    assert "a text is attached" not in few.body


def test_rows_beyond_what_a_letter_can_hold_are_attached_whatever_was_wished() -> None:
    rows = [a_case_of(f"2001:db8::{n:x}") for n in range(1, MOST_INLINE + 2)]
    letter = written(some_facts(rows, reader=Reader.PROVIDER, languages=("en",), no_files=True))
    assert [file.name.rpartition(".")[2] for file in letter.files] == ["csv"]
    assert letter.files[0].name in letter.body


@pytest.mark.parametrize("tag", library.languages())
def test_all_texts_fit_in_every_language(tag) -> None:
    languages = (tag,) if tag == "en" else (tag, "en")
    rows = [replace(case, row=n) for n, case in enumerate(FEW, start=1)]
    files = files_of(rows, languages=languages)
    assert len(files) == 2 + MOST_TEXTS, "what the letter promises is there"
    assert sum(file.weight for file in files.values()) <= LARGEST
