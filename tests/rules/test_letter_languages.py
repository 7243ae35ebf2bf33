"""The laws of every letter in every language: whole, readable, links to spare, nothing invisible.

`make test` shows each language each kind once, with readers and subjects in turn; the full matrix
is `make test-full`.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import cycle, product

import pytest

from openletter.guides.direction import END, MARK
from openletter.guides.layout import width
from openletter.letters import library
from openletter.letters.rules.facts import LetterFacts, utc
from openletter.letters.rules.typeset import RULE
from openletter.words import LANGUAGES, Reader, WaveKind, Weakness, on_site, print_reference
from tests.letter_samples import EARLIER, a_case_of, some_facts, table_of, written

LINK = re.compile(r"https?://\S+")
SUBJECTS = {
    **{weakness.value: [a_case_of(weakness=weakness)] for weakness in Weakness},
    "exit-only": [a_case_of(weakness=Weakness.OPEN_HTTP_PROXY, exit_only=True)],
    "unknown-relay": [a_case_of(guide_id="unknown", introduced="")],
    "several": [a_case_of(f"192.0.2.{n}", w) for n, w in enumerate(Weakness, start=1)],
    "attached": [a_case_of(f"192.0.2.{n}") for n in range(1, 52)],
    "ipv6": [a_case_of("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", ports=(65535,))],
}
TURNS = cycle(product(SUBJECTS, Reader))
SOME = [(tag, kind, *next(TURNS)) for tag, kind in product(library.languages(), library.kinds())]


def a_letter(tag: str, kind: WaveKind, name: str, reader: Reader) -> LetterFacts:
    return some_facts(
        SUBJECTS[name], kind=kind, reader=reader, languages=tuple(dict.fromkeys((tag, "en"))),
        earlier=None if kind is WaveKind.FIRST else EARLIER,
    )  # fmt: skip


@pytest.mark.parametrize(("tag", "kind", "name", "reader"), SOME)
def test_every_letter_keeps_the_laws(tag, kind, name, reader) -> None:
    keeps_the_laws(a_letter(tag, kind, name, reader))


@pytest.mark.full
@pytest.mark.parametrize("tag", library.languages())
def test_every_letter_of_all_keeps_the_laws(tag) -> None:
    for kind, name, reader in product(library.kinds(), SUBJECTS, Reader):
        keeps_the_laws(a_letter(tag, kind, name, reader))


def keeps_the_laws(facts: LetterFacts) -> None:
    made = written(facts)
    fits(made.body)
    loses_no_fact_with_its_links(facts, made.body + table_of(made))
    runs_the_right_way(made.body)
    tells_no_stranger_too_much(facts, made.body)
    assert len(made.subject) < 120
    assert "： " not in made.subject, "a wide colon brings its own space"
    assert made.subject.endswith(f"{print_reference(facts.printed_reference)}]")


def fits(body: str) -> None:
    """72 columns, but for commands and links; no blank, no brace, no hole."""
    assert "{" not in re.sub(r"(?m)^ {5}.*$", "", body)
    assert "\n\n\n" not in body
    for line in body.splitlines():
        is_command = line.startswith("     ") and line.isascii()
        assert width(line) <= 72 or is_command or LINK.fullmatch(line.split()[-1]), line
        assert line == line.rstrip()


def loses_no_fact_with_its_links(facts: LetterFacts, text: str) -> None:
    """R16: zero clicks; whoever follows no link still knows everything."""
    bare = re.sub(r"[\u2066-\u2069\u200f]", "", LINK.sub("", text))
    flat, dense = " ".join(bare.split()), "".join(bare.split())
    known = {facts.writer.name, facts.writer.email, facts.domain, facts.campaign}
    for case in facts.cases:
        known |= {case.ip, print_reference(case.reference)}
        if facts.kind is not WaveKind.CLOSING:
            known |= {seen.source for seen in case.seen}
            known |= set() if case.exit_only else {str(port) for port in case.ports}
    if not facts.has_attachment and facts.kind is not WaveKind.CLOSING:
        known |= {utc(seen.at) for case in facts.cases for seen in case.seen if seen.at}
    assert not {fact for fact in known if "".join(fact.split()) not in dense}
    for tag in facts.languages:
        labels = library.wordings(library.FRAME)[tag].labels
        asked = ["closed", "passed-on", "not-ours", "stop"]
        if facts.kind in (WaveKind.FIRST, WaveKind.UPDATE, WaveKind.REMINDER):
            said = [word for word in asked if "".join(labels[f"reply-{word}"].split()) in dense]
            assert {"not-ours", "stop"} < set(said)
        assert labels["only-you"] in flat


def runs_the_right_way(body: str) -> None:
    """Nothing invisible but isolates that close in their line, and marks that open one."""
    for line in body.splitlines():
        hidden = [c for c in line if unicodedata.category(c) == "Cf" and c not in "\u200c\u200d"]
        assert {*hidden} <= {MARK, "\u2068", END}, line
        assert line.count("\u2068") == line.count(END), line
        assert MARK not in line[1:]
        if LINK.search(line):
            assert LINK.search(line)[0].isascii()


def tells_no_stranger_too_much(facts: LetterFacts, body: str) -> None:
    passed_on = body.split(RULE, maxsplit=1)[0]
    assert facts.secret not in passed_on
    assert facts.stop_token not in passed_on
    if facts.is_one:
        assert facts.reference not in passed_on.replace("-", "")


@pytest.mark.parametrize("tag", LANGUAGES)
def test_what_there_is_of_a_language_is_right(tag) -> None:
    """A file that is there is whole and current, or it is not committed."""
    there = [doc for doc in library.documents() if tag in library.sources(doc)]
    assert not [(doc, str(wrong)) for doc in there for wrong in library.faults(doc, tag)]


def test_the_list_of_languages_says_which_are_whole() -> None:
    said = tuple(tag for tag, one in LANGUAGES.items() if one.letters == "complete")
    assert said == library.languages()


def test_links_lead_to_a_language_that_the_site_has() -> None:
    for tag in library.languages():
        body = written(some_facts(languages=tuple(dict.fromkeys((tag, "en"))))).body
        found = set(re.findall(r"https://campaign\.example/([^/]+)/(?:c/|l/|genuine)", body))
        assert found <= {on_site(tag), "en"}
    assert on_site("nl") == "nl"
    assert on_site("pt-BR") in {"pt-br", "en"}
    assert on_site("tlh") == "en"
