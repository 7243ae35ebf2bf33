"""Guides: what may not be one, commands the same in every language, the letter's block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openletter.guides import heard, library, record
from openletter.guides.blocks import LINES
from openletter.guides.layout import fill, width
from openletter.guides.letter import block
from openletter.guides.model import BlockRole, Command, Guide, GuideError, Kind, Prose, SectionKey
from openletter.guides.parse import parse, parse_translation
from openletter.guides.recognise import Facts
from openletter.guides.values import Values
from openletter.words import Weakness
from tests.samples import shared
from tests.servers.greetings import of_tables

WHERE = [(name, tag) for name in library.ids() for tag in library.languages(name)]

SMALL = """+++
id = "small"
title = "A small guide"
kind = "advice"
weaknesses = ["open-relay"]
+++
## About {#about}

Text with `code` and {{port}}.

## Outside {#check-outside}

```sh check-outside id=check open='250' closed='554'
swaks -s {{ip}} -p {{port}}
```

## Letter {#letter}

1. Do it:

[[check]]
"""


FINGERPRINT = "[[fingerprint]]\non = 'nose'\npattern = 'x'\nconfidence = 90\n"


def with_lab(more: str) -> str:
    return SMALL + "\n## Lab {#lab}\n\n" + more


def test_the_small_guide_is_a_guide() -> None:
    assert parse(SMALL).commands["check"].role is BlockRole.CHECK_OUTSIDE


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (SMALL.replace("check-outside id", "check-outsde id"), "one known role"),
        (SMALL.replace("id=check ", "id=check colour=red "), "unknown attribute"),
        (SMALL.replace("{{ip}}", "{{banner}}"), "unknown variable 'banner'"),
        (SMALL.replace("{{ip}}", "{{ ip }}"), "broken variable"),
        (SMALL.replace("{#about}", "{#abuot}"), "unknown section"),
        (SMALL.replace("## About {#about}", "## About"), "a heading reads"),
        (SMALL.replace("[[check]]", "[[chekc]]"), "no command is called"),
        (
            SMALL.replace("[[check]]", "```sh fix id=f\nrm x\n```\n\n[[check]]"),
            "without a way back",
        ),
        (SMALL.replace("554'\nswaks", "554('\nswaks"), "missing )"),
        (SMALL.replace('["open-relay"]', '["open-door"]'), "open-door"),
        (SMALL.replace("title", "titel"), "unknown front matter"),
        (SMALL[3:], "opens with front matter"),
        (SMALL.rsplit("```", 1)[0], "no end"),
        (SMALL.replace("[[check]]", "```sh legit id=l\nx\n```"), "from where"),
        (with_lab("```sh open case=wide\nx\n```\n"), "no check-inside"),
        (SMALL.replace('"advice"', '"outside"'), "no letter carries steps"),
        (with_lab("```sh check-inside id=inside\nx\n```\n"), "and only they"),
        (SMALL.replace("## Letter {#letter}", "## Letter {#undo}"), "no section {#letter}"),
        (SMALL.replace('"small"', '"Small"'), "lower-case word"),
        (SMALL.replace('["open-relay"]', "[]"), "which weaknesses"),
        (SMALL.replace("{#check-outside}", "{#about}"), "stands twice"),
        (
            SMALL.replace("{#about}", "{#undo}").replace("{#check-outside}", "{#about}"),
            "in the order of every guide",
        ),
        (SMALL.replace("+++\n## About", f"{FINGERPRINT}+++\n## About"), "on one of banner"),
        (
            SMALL.replace("+++\n## About", FINGERPRINT.replace("x'", "('") + "+++\n## About"),
            "fingerprint 1",
        ),
        (SMALL.replace("## About", "Text\n## About"), "before the first heading"),
        (SMALL.replace("[[check]]", "```sh undo id=check\nx\n```"), "two commands"),
        (with_lab("```sh open id=o\nx\n```\n"), "has a case"),
        (with_lab("```sh lived id=o\nx\n```\n"), "has a name"),
        (with_lab("```sh lab-use id=o from=lan\nx\n```\n"), "from where"),
        (with_lab("```sh lab-check id=o open=x\nx\n```\n"), "open and closed look"),
        (SMALL.replace('kind = "advice"\n', ""), "bad states and lived-in"),
        (SMALL.replace('"advice"', '"rumour"'), "rumour"),
        (SMALL.replace('"advice"', '"vendor"'), "the maker's page"),
        (SMALL.replace("id=check ", "id=check case=wide "), "there is no 'wide'"),
        (SMALL.replace("kind =", '[[reference]]\npage = "http://x"\n[x]\nkind ='), "front matter"),
        (SMALL.replace('title = "A small guide"\n', ""), "has a title"),
    ],
)
def test_what_may_not_be_a_guide_is_refused_with_the_rule(bad, says) -> None:
    with pytest.raises(GuideError, match=re.escape(says)):
        parse(bad)


DUTCH = """+++
title = "Een kleine"
source = "DIGEST"
+++
## Over {#about}

Tekst met `code` en {{port}}.

## Buiten {#check-outside}

[[check]]
""".replace("DIGEST", parse(SMALL).digest)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (DUTCH.replace(parse(SMALL).digest, "0" * 64), "another English text"),
        (DUTCH.replace("`code`", "`kode`"), "differ"),
        (DUTCH.replace("{{port}}", "{{ip}}"), "differ"),
        (DUTCH.replace("## Buiten {#check-outside}\n\n[[check]]\n", ""), "other sections"),
        (DUTCH.replace("{#check-outside}\n\n[[check]]", "{#check-outside}\n\nTekst"), "differ"),
        (DUTCH.replace("[[check]]", "```sh fix\nx\n```"), "holds none"),
        (DUTCH + "\n## Brief {#letter}\n\n1. Doe dit:\n\n[[check]]\n", "other sections"),
    ],
)
def test_a_translation_is_current_and_of_the_same_build(bad, says) -> None:
    source = parse(SMALL)
    assert parse_translation(DUTCH, of=source, language="nl").title == "Een kleine"
    with pytest.raises(GuideError, match=says):
        parse_translation(bad, of=source, language="nl")


def test_there_are_guides_for_every_weakness_in_both_languages() -> None:
    assert {"postfix", "squid", "unknown"} <= set(library.ids())
    assert all({"en", "nl"} <= set(library.languages(name)) for name in library.ids())
    assert {w for g in library.all_guides() for w in g.weaknesses} == set(Weakness)
    assert library.guide("unknown").weaknesses == set(Weakness)


@pytest.mark.parametrize("name", library.ids())
def test_commands_are_byte_identical_in_every_language(name) -> None:
    def commands(tag: str) -> list[tuple[str, str]]:
        page = library.guide(name, language=tag).page
        letter = library.for_letter(name, tag).section(SectionKey.LETTER)
        sections = [*page, letter] if letter else page
        return [(s.key, p) for s in sections for p in s.pieces if isinstance(p, Command)]

    tags = {*library.languages(name), *library.block_languages()}
    assert all(commands(tag) == commands("en") for tag in tags)


def test_nobody_has_signed_for_a_translation_and_the_guides_say_so() -> None:
    for name, tag in WHERE:
        guide = library.guide(name, language=tag)
        assert guide.reviewed_by == ""
        assert guide.status == ("" if tag == "en" else "draft")


def letters_in(tag: str) -> Iterator[tuple[Guide, Weakness]]:
    """Each block that a letter of this language can carry."""
    for name in library.ids():
        guide = library.for_letter(name, tag)
        assert guide.language == tag
        if guide.is_for_letters:
            yield from ((guide, weakness) for weakness in guide.weaknesses)
        else:
            assert guide.section(SectionKey.LETTER) is None


@pytest.mark.parametrize("tag", library.block_languages())
def test_the_letters_block_is_72_columns_and_30_lines_and_keeps_commands_whole(tag) -> None:
    values = Values(ip="2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", port=65535)
    for guide, weakness in letters_in(tag):
        text = block(guide, values=values, weakness=weakness)
        section = guide.section(SectionKey.LETTER).about(weakness)
        commands = [p.filled(values) for p in section.pieces if isinstance(p, Command)]
        lines = {f"     {line}" for command in commands for line in command.splitlines()}
        assert len(text.splitlines()) <= (30 if tag == "en" else LINES), guide.id
        assert all(width(line) <= 72 for line in set(text.splitlines()) - lines), guide.id
        assert lines <= set(text.splitlines())
        assert "{{" not in text


def test_a_guide_without_a_letter_section_has_no_block() -> None:
    guide = library.guide("postfix")
    bare = replace(guide, sections=guide.page)
    with pytest.raises(ValueError, match="no block for letters"):
        block(bare, values=Values())


def test_a_second_language_points_to_the_commands_of_the_first() -> None:
    text = block(
        library.guide("postfix"), values=Values(), weakness=None, pointer="[above, {step}]"
    )
    assert "postconf -e" not in text
    assert "     [above, 2]" in text
    assert text.count("[above, 2]") == 1


def test_what_speaks_of_another_weakness_is_left_out() -> None:
    unknown = library.guide("unknown")
    text = block(unknown, values=Values(port=1080), weakness=Weakness.OPEN_SOCKS)
    assert "socks5h://ADDRESS:1080" in text
    assert "swaks" not in text
    assert "curl -sS -m 10 -x http:" not in text


def test_an_ipv6_address_stands_in_brackets_where_a_url_needs_it() -> None:
    guide = library.guide("squid")
    assert "http://[2001:db8::1]:3128" in block(guide, values=Values(ip="2001:db8::1", port=3128))


@pytest.mark.parametrize(
    "values", [{"ip": "192.0.2.1; reboot"}, {"ip": "2001:DB8::1"}, {"port": 0}, {"proto": "sctp"}]
)
def test_values_are_typed(values) -> None:
    with pytest.raises(ValueError):
        Values(**values)


def test_no_command_a_reader_sees_pipes_a_download_into_a_shell() -> None:
    for name in library.ids():
        for command in library.guide(name).commands.values():
            assert not ("curl" in command.text and "| sh" in command.text)


def test_postfix_introduces_itself() -> None:
    facts = Facts(weakness=Weakness.OPEN_RELAY, banner="220 mx1.example.net ESMTP Postfix (Debian)")
    (found,) = library.match(facts)
    assert (found.guide_id, found.cut) == ("postfix", "ESMTP Postfix")
    assert library.recognised(facts) == found


def test_squid_introduces_itself_in_server_and_via() -> None:
    for facts in (Facts(server="squid/5.7"), Facts(via="1.1 gw.example.net (squid/5.7)")):
        assert library.recognised(facts).cut == "squid/5.7"


def test_traffic_server_introduces_itself_and_web_servers_in_between_do_not() -> None:
    """What the laboratory's servers said while they were open; a web server may be the origin."""
    assert library.recognised(Facts(server="ATS/9.2.9")).guide_id == "trafficserver"
    via = "http/1.1 gw.example.net (ApacheTrafficServer/9.2.9 [uScMsSf pSeN:t cCMp sS])"
    assert library.recognised(Facts(via=via)).cut == "ApacheTrafficServer/9.2.9"
    assert library.recognised(Facts(via="1.1 gw.example.net (Apache/2.4.71)")).guide_id == "apache"
    for server in ("Apache/2.4.71 (Debian)", "Apache", "nginx/1.22.1", "Apache-Coyote/1.1"):
        assert library.match(Facts(server=server)) == ()
    for banner in (
        "HTTP/1.1 400 Invalid header received from client",
        "HTTP/1.0 200 Connection Established\r\nProxy-agent: Apache/2.4.71 (Debian)",
        "HTTP/1.1 400 Bad request\r\nContent-length: 90\r\nCache-Control: no-cache",
    ):
        assert library.match(Facts(banner=banner)) == ()


def test_two_candidates_are_no_answer() -> None:
    facts = Facts(banner="220 a.example ESMTP Postfix", server="squid/4.13")
    assert len(library.match(facts)) == 2
    assert library.recognised(facts) is None


def test_a_product_that_cannot_have_the_weakness_is_no_candidate() -> None:
    facts = Facts(weakness=Weakness.OPEN_HTTP_PROXY, banner="220 a.example ESMTP Postfix")
    assert library.match(facts) == ()


@given(st.text(max_size=600), st.text(max_size=600))
def test_a_hostile_banner_gives_a_short_printable_cut_or_nothing(banner, server) -> None:
    for found in library.match(Facts(banner=banner, server=server)):
        assert len(found.cut) <= 60
        assert found.cut.isascii()
        assert found.cut.isprintable()


@given(st.text(max_size=300))
def test_filled_text_loses_no_word(text) -> None:
    filled = fill(text, first="1. ", rest="   ")
    assert filled.split() == ["1.", *text.split()]
    for line in filled.split("\n"):
        assert width(line) <= 72 or len(line.split()) <= 2


def test_the_page_shows_neither_the_lab_nor_the_letters_text() -> None:
    for name, tag in WHERE:
        keys = {section.key for section in library.guide(name, language=tag).page}
        assert not keys & {SectionKey.LETTER, SectionKey.LAB}
        if library.guide(name).kind is not Kind.PAGE:
            assert {SectionKey.ABOUT, SectionKey.FIX, SectionKey.STILL_OPEN} <= keys


def test_a_link_to_another_guide_leads_to_one_and_stands_on_the_site_only() -> None:
    """A link's target is an id: what a letter or a case's page prints cannot resolve it."""
    for name, tag in WHERE:
        guide = library.guide(name, language=tag)
        prose = [p.text for s in guide.sections for p in s.pieces if isinstance(p, Prose)]
        leads_to = {found for text in prose for found in re.findall(r"\]\(([^)]*)\)", text)}
        assert leads_to <= set(library.ids()), (name, tag)
        assert not leads_to or not guide.is_for_letters, (name, tag)
        if tag != "en":
            there = [
                p.text for s in library.guide(name).page for p in s.pieces if isinstance(p, Prose)
            ]
            assert leads_to == {f for text in there for f in re.findall(r"\]\(([^)]*)\)", text)}


def test_every_cause_outside_a_product_is_reached_from_still_open() -> None:
    prose = [
        p.text for s in library.guide("still-open").page for p in s.pieces if isinstance(p, Prose)
    ]
    outside = {g.id for g in library.all_guides() if g.kind is Kind.OUTSIDE}
    assert outside <= {f for text in prose for f in re.findall(r"\]\(([^)]*)\)", text)}
    assert outside


def test_an_unknown_guide_is_an_error_and_a_missing_language_is_english() -> None:
    with pytest.raises(GuideError):
        library.guide("../etc")
    assert library.guide("squid", language="tlh").language == "en"
    assert library.for_letter("squid", "tlh") == library.guide("squid")


def test_prose_keeps_its_markers() -> None:
    pieces = library.guide("unknown").section(SectionKey.IS_IT_YOU).pieces
    assert [p.marker for p in pieces if isinstance(p, Prose)] == ["1.", "2.", "3."]


def test_executed_guides_were_followed_and_the_record_says_whether_that_still_holds() -> None:
    """Every state in every configuration; a guide that changed since says so by itself."""
    for guide in library.all_guides():
        run = record.tested(guide)
        assert (run is not None) == guide.is_followed, guide.id
        if run is not None and run.is_current:
            states = {c.case for c in guide.commands.values() if c.role is BlockRole.OPEN}
            assert run.states == len(states)
            assert run.checks >= 5 * run.states
            assert run.held == run.checks


def test_a_record_of_an_older_text_or_of_a_failed_check_proves_nothing() -> None:
    run = {"digest": "a" * 64, "version": "5.7", "date": "2026-03-02"}
    good = run | {"cases": {"wide / plain": {"b": True}}}
    assert record.read_run(good, digest="a" * 64).is_proven
    older = record.read_run(good, digest="b" * 64)
    assert (older.is_proven, older.is_current) == (False, False)
    failed = record.read_run(run | {"cases": {"x / y": {"b": True, "c": False}}}, digest="a" * 64)
    assert (failed.is_proven, failed.held, failed.checks) == (False, 1, 2)
    assert not record.read_run(run | {"cases": {}}, digest="a" * 64).is_proven


def test_the_table_says_by_itself_that_a_guide_changed_since(monkeypatch) -> None:
    guide = library.guide("squid")
    before = dict(record._record()["squid"])
    monkeypatch.setattr(record, "_record", lambda: {"squid": before | {"digest": "0" * 64}})
    assert "not tested since it changed" in record.table([guide])
    monkeypatch.setattr(record, "_record", lambda: {"squid": before | {"digest": guide.followed}})
    assert "not tested since it changed" not in record.table([guide])


def test_a_known_defect_is_counted_and_named() -> None:
    run = {"digest": "a", "version": "6.8", "date": "2026-03-02"}
    case = {"after the fix: works-tls (known defect: OpenSMTPD 1171)": True, "b": True}
    assert record.read_run(run | {"cases": {"x / y": case}}, digest="a").defects == (
        "OpenSMTPD 1171",
    )


def test_what_the_laboratorys_servers_said_names_no_other_product() -> None:
    """Real words of open servers; whoever names himself is known, nobody is taken for another."""
    guides = list(library.all_guides())
    judged = {guide.id: heard.judge(guide, guides=guides) for guide in guides}
    assert {name: one.wrong for name, one in judged.items() if one.wrong} == {}
    silent = {name for name, one in judged.items() if one.sayings and not one.named}
    assert silent == {"apache", "haproxy", "nginx"}, "a web server may be the origin"
    named = {name for name, one in judged.items() if one.named}
    assert named >= {"postfix", "exim", "sendmail", "opensmtpd", "squid", "tinyproxy", "privoxy"}


def test_a_wrong_saying_would_be_counted(monkeypatch) -> None:
    said = {"servers": {"exim": [{"on": "banner", "text": "220 a.example ESMTP Postfix"}]}}
    monkeypatch.setattr(heard, "_record", lambda: said)
    told = heard.judge(library.guide("exim"), guides=library.all_guides())
    assert (told.sayings, told.named, told.wrong, told.cuts) == (1, 0, 1, ("ESMTP Postfix",))


TOLD_IN_REPORTS = {"squid/4.10": "squid", "ESMTP Exim 4.80": "exim", "ESMTP EXIM 4.86_2": "exim"}


def test_no_server_of_the_sample_reports_is_taken_for_another_product() -> None:
    """Each that names a product of ours is known by its own words, and nothing else is known."""
    found = {}
    for said in of_tables(shared("samples", "reports")):
        match = library.recognised(Facts(**said))
        found |= {match.cut: match.guide_id} if match else {}
    assert found == TOLD_IN_REPORTS


def test_what_was_open_over_ipv6_too_was_closed_there_too() -> None:
    """The guides that every run follows have a mistake that opens both; each is closed in both."""
    for name in ("postfix", "exim", "squid", "tinyproxy", "dante"):
        cases = record._record()[name]["cases"].values()
        told = [held for case in cases for what, held in case.items() if "over IPv6" in what]
        assert told, name
        assert all(told), name
