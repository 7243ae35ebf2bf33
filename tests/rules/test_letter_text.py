"""What a letter says: everything inline, readable, and nothing of others in what is passed on."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openletter.letters import library
from openletter.letters.rules import rows
from openletter.letters.rules.facts import LetterError, LetterFacts, Writer, one_line
from openletter.letters.rules.typeset import RULE, THIN
from openletter.letters.rules.wording import fill, parse
from openletter.words import Reader, WaveKind, Weakness, print_reference
from tests.letter_samples import EARLIER, a_case_of, some_facts, table_of, written
from tests.samples import ROOT

COMMAND = re.compile(r" {5}\S")
LINK = re.compile(r"https?://\S+")
MANY = [a_case_of(f"192.0.2.{n}", w) for n, w in enumerate(Weakness, start=1)]
SETS = {
    **{weakness.value: [a_case_of(weakness=weakness)] for weakness in Weakness},
    "exit-only": [a_case_of(weakness=Weakness.OPEN_HTTP_PROXY, exit_only=True)],
    "unknown-relay": [a_case_of(guide_id="unknown", introduced="")],
    "several": MANY,
    "attached": [a_case_of(f"192.0.2.{n}") for n in range(1, 52)],
    "ipv6": [a_case_of("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", ports=(65535,))],
}


def letter(kind: WaveKind, reader: Reader, languages: tuple[str, ...], name: str) -> LetterFacts:
    return some_facts(
        SETS[name], kind=kind, reader=reader, languages=languages,
        earlier=None if kind is WaveKind.FIRST else EARLIER,
    )  # fmt: skip


def above_the_line(body: str) -> str:
    return body.split(RULE, maxsplit=1)[0]


@pytest.mark.parametrize("name", [n for n in SETS if n != "attached"])
@pytest.mark.parametrize("languages", [("nl", "en"), ("en",)])
def test_commands_stand_once(name, languages) -> None:
    body = written(letter(WaveKind.FIRST, Reader.OWNER, languages, name)).body
    for command in ("postconf -e 'relay_domains ='", "squid -k reconfigure", "ss -ltnp"):
        lines = [line for line in body.splitlines() if line.strip().endswith(command)]
        assert len({*lines}) == len(lines)


def test_the_essentials_of_a_letter_about_one_address_are_on_one_screen() -> None:
    body = written(some_facts()).body
    screen = "\n".join(body.splitlines()[:30])
    for needed in ("192.0.2.17", "25/tcp", "2026-03-01 04:10:03 UTC", "Wierhaven", "gesloten"):
        assert needed in screen
    assert "3. Is het niet van u, geef het dan door" in screen


def test_what_is_passed_on_holds_nothing_of_the_letter_or_of_the_contact() -> None:
    for kind in (WaveKind.UPDATE, WaveKind.REMINDER):
        facts = some_facts(kind=kind, earlier=EARLIER)
        passed_on = above_the_line(written(facts).body)
        _holds_nothing_else(facts, passed_on)


def _holds_nothing_else(facts: LetterFacts, passed_on: str) -> None:
    for own in (facts.secret, facts.stop_token, facts.reference, EARLIER.reference, "7K3Q-D9MX"):
        assert own not in passed_on
    assert facts.cases[0].secret in passed_on


def test_each_part_of_a_letter_about_several_stands_alone() -> None:
    facts = some_facts(MANY)
    body = written(facts).body
    parts = re.split(r"\n\n(?=\d\.   )", body)[1:]
    for case, part in zip(facts.cases, parts, strict=True):
        own = part.split("\n\n")[0]
        assert case.ip in own
        assert case.secret in own
        assert print_reference(case.reference) in own
        for other in facts.cases:
            if other is not case:
                assert other.ip not in own.split()
                assert other.secret not in own


def test_the_steps_that_go_along_with_one_part_name_no_address() -> None:
    facts = some_facts(MANY, languages=("en",))
    steps = written(facts).body.split("How to close them")[1].split("Who is writing")[0]
    assert "-x http://ADDRESS:3128" in steps
    assert not [case.ip for case in facts.cases if case.ip in steps]


def test_a_row_of_a_letter_about_812_addresses_tells_nothing_of_the_other_811() -> None:
    cases = [a_case_of(f"198.51.{n // 256 + 100}.{n % 256}") for n in range(812)]
    facts = some_facts(cases, reader=Reader.PROVIDER)
    made = written(facts)
    table = list(csv.DictReader(io.StringIO(table_of(made))))
    assert len(table) == 812
    for case, row in zip(cases, table, strict=True):
        assert row["ip"] == case.ip
        assert row["page"] == f"https://campaign.example/nl/c/{case.secret}"
        text = " ".join(row.values())
        assert facts.secret not in text
        assert facts.stop_token not in text
        assert facts.reference not in text.replace("-", "")
    assert len({row["page"] for row in table}) == len({row["reference"] for row in table}) == 812
    passed_on = above_the_line(made.body)
    assert not [case for case in cases if case.secret in passed_on or case.ip in passed_on.split()]


def test_the_table_has_the_documented_columns_and_no_formula() -> None:
    cases = [
        a_case_of(f"192.0.2.{n}", introduced="=cmd|' /C calc'!A0" if n == 1 else "")
        for n in range(1, 60)
    ]
    made = written(some_facts(cases))
    first = next(csv.DictReader(io.StringIO(table_of(made))))
    assert tuple(first) == rows.COLUMNS
    assert first["introduces_itself"].startswith("'=")
    documented = (ROOT / "docs/reference/letter-csv.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z_]+)`", documented, flags=re.MULTILINE) == list(rows.COLUMNS)


def test_each_way_to_close_says_for_which_rows_it_is() -> None:
    mixed = [a_case_of(f"198.51.100.{n}", [*Weakness][n % 3]) for n in range(1, 13)]
    body = written(some_facts(mixed, languages=("en",))).body
    assert 'A. Introduces itself as "Postfix" (No. 3, 6, 9, 12)' in body
    assert "C. Open SOCKS proxy, program not known (No. 2, 5, 8, 11)" in body
    many = [a_case_of(f"198.51.100.{n}", [*Weakness][n % 2]) for n in range(1, 120)]
    body = written(some_facts(many, languages=("en",))).body
    assert 'A. Introduces itself as "Postfix"\n' in body, "a list too long to read is left out"


def test_up_to_fifty_rows_stand_inline() -> None:
    assert not written(some_facts(SETS["attached"][:50])).files
    assert [file.name for file in written(some_facts(SETS["attached"])).files]


def test_the_subject_has_address_and_reference_in_ascii() -> None:
    case = SETS["ipv6"][0]
    for kind, languages in product(library.kinds(), (("nl", "en"), ("en",))):
        made = written(letter(kind, Reader.OWNER, languages, "ipv6"))
        assert case.ip in made.subject
        assert made.subject.endswith(f"[{print_reference(case.reference)}]")
        assert len(made.subject) < 82
    several = some_facts(MANY)
    assert written(several).subject.endswith(f"[{print_reference(several.reference)}]")


def test_an_exit_is_never_called_an_open_server() -> None:
    body = written(some_facts(SETS["exit-only"], languages=("en",))).body
    assert "No server is reported open here" in " ".join(body.split())
    assert "Port " not in body
    assert "squid" not in body


def test_a_real_letter_without_approved_law_is_refused_and_an_exercise_says_what_it_is() -> None:
    writer = Writer(name="Agency Alpha", email="help@alpha.example")
    with pytest.raises(LetterError, match="legal-text-missing"):
        some_facts(writer=writer)
    body = written(some_facts(writer=writer, exercise=True)).body
    assert "Dit is een oefening" in body
    assert "Juridisch" not in body


def test_without_a_participant_in_the_readers_country_the_letter_says_so() -> None:
    body = " ".join(written(some_facts(authority="", languages=("en",))).body.split())
    assert "Nobody from your country takes part. You can ask Agency Alpha." in body
    facts = some_facts(authority="", responder="CERT Example", languages=("en",))
    body = " ".join(written(facts).body.split())
    assert "Nobody from your country takes part. You can ask its response team, CERT" in body


def test_no_threat_and_no_attack_story() -> None:
    for kind, reader, name in product(library.kinds(), Reader, ("open-relay", "several")):
        body = written(letter(kind, reader, ("nl", "en"), name)).body.lower()
        for word in ("hacker", "criminal", "crimin", "deadline", "fine of", "boete", "attack",
                     "aanval", "police", "politie", "immediately", "onmiddellijk", "urgent"):  # fmt: skip
            assert word not in body, (word, kind, name)


@given(st.text(max_size=300))
def test_a_strangers_text_becomes_one_harmless_line(text: str) -> None:
    line = one_line(text)
    assert line == "" or line.isprintable()
    assert len(line) <= 200
    assert not set(line) & set("\u202e\u2066\u200b\r\n\x00")


@given(st.text(max_size=80))
@settings(deadline=None)
def test_names_from_outside_break_no_line_and_fill_no_placeholder(name: str) -> None:
    facts = some_facts(
        writer=Writer(name=f"A{name}", email="help@alpha.example", legal={"nl": "x"}),
        campaign=f"{name}{{legal}}",
    )
    body = written(facts).body
    assert "{legal}" in body.replace("\n", "")
    assert all(character == "\n" or character.isprintable() for character in body)


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(LetterError, match="value-missing"):
        fill("{ip}", {})


ENGLISH = "+++\n+++\n## subject (one)\nOpen at {ip}\n"


@pytest.mark.parametrize(
    "bad",
    [
        ENGLISH.replace("{ip}", "{ipp}"),
        ENGLISH.replace("(one)", "(uno)"),
        ENGLISH.replace("{ip}", "{"),
        ENGLISH.replace("## subject", "##subject"),
        ENGLISH.replace("+++\n+++", "+++\ncolour = 1\n+++"),
        "no front matter",
    ],
)
def test_a_broken_wording_is_refused(bad: str) -> None:
    with pytest.raises(LetterError, match="wording-broken"):
        parse(bad, kind="first", language="en")


def test_wordings_are_unsigned_drafts_until_somebody_from_outside_signs() -> None:
    for doc in library.documents():
        for tag, wording in library.wordings(doc).items():
            assert wording.reviewed_by == ""
            assert tag == "en" or wording.status == "draft"


def test_the_wording_version_changes_with_kind_and_languages() -> None:
    versions = {
        library.version(kind, tags) for kind in library.kinds() for tags in (("en",), ("nl", "en"))
    }
    assert len(versions) == 10


def test_only_what_is_written_can_be_asked_for() -> None:
    with pytest.raises(LetterError, match="no-wording"):
        library.texts(WaveKind.FIRST, "xx")


def test_a_letter_is_about_something_and_an_update_refers_to_something() -> None:
    with pytest.raises(LetterError, match="no-cases"):
        some_facts(cases=())
    with pytest.raises(LetterError, match="nothing-earlier"):
        some_facts(kind=WaveKind.UPDATE)
    with pytest.raises(LetterError, match="address-not-canonical"):
        a_case_of("2001:DB8::1")
    with pytest.raises(LetterError, match="port-out-of-range"):
        replace(a_case_of(), ports=(0,))


@pytest.mark.parametrize("language", ["nl", "ar"])
def test_the_partners_law_is_never_left_out(language: str) -> None:
    """In the reader's own language, else its heading says where it stands; never twice."""
    writer = Writer(name="Alpha", email="help@alpha.example", legal={"en": "Two lines of law."})
    body = written(some_facts(writer=writer, languages=(language, "en"))).body
    local, _, english = body.partition(THIN)
    title = library.texts(WaveKind.FIRST, language).frame.passage("legal", frozenset())
    _, heading, below = local.partition(f"\n{title.split(chr(10))[0].removeprefix('# ')}\n---")
    assert heading
    assert "(English text below.)" in below.partition("\n\n")[0]
    assert [text.count("Two lines of law.") for text in (local, english)] == [0, 1]
