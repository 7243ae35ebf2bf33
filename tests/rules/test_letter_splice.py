"""The short way makes the same bytes as the long way, or steps aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address, IPv6Address
from itertools import cycle, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openletter.guides import library as guides
from openletter.letters import library, preview
from openletter.letters.rules.body import encode_base64
from openletter.letters.rules.facts import CaseFacts, LetterError, LetterFacts, RowState, Seen
from openletter.letters.rules.message import Addressing, build
from openletter.letters.rules.slots import Template
from openletter.letters.rules.splice import Splicer
from openletter.letters.rules.windows import windowed
from openletter.words import Reader, WaveKind, Weakness, new_reference, new_secret
from tests.letter_samples import AT, EARLIER, a_case_of, addressing, some_facts

KEYS = preview.fresh_keys()
V4 = ("1.2.3.4", "203.0.113.255", "192.0.2.17", "10.200.30.4", "9.9.99.9")
V6 = ("2001:db8::5", "2001:db8:0:1::a", "::1", "2001:db8:1:2:3:4:5:6", "2001:db8::face:5")


def a_splicer() -> Splicer:
    return library.splicer(eager=True)


def addressed(facts: LetterFacts) -> Addressing:
    thread = f"<{new_secret()}@campaign.example>" if facts.earlier else ""
    return addressing(languages=facts.languages, sender_name=facts.campaign, thread=thread)


def another(facts: LetterFacts, *, days: int = 1) -> LetterFacts:
    """A letter of the same shape with all values of its own new."""
    earlier = facts.earlier
    return replace(
        facts, reference=new_reference(), secret=new_secret(), stop_token=new_secret(),
        cases=tuple(another_case(case, days) for case in facts.cases),
        earlier=earlier and replace(
            earlier, sent_at=earlier.sent_at + timedelta(days), reference=new_reference()
        ),
    )  # fmt: skip


def another_case(case: CaseFacts, days: int) -> CaseFacts:
    later = timedelta(days, 77)
    seen = tuple(
        replace(s, at=s.at and s.at + later, local=s.local and s.local + later) for s in case.seen
    )
    same_length = "".join(
        "4" if sign in "12356789" and at + 1 == len(case.ip) else sign
        for at, sign in enumerate(case.ip)
    )
    return replace(
        case, reference=new_reference(), secret=new_secret(), seen=seen, ip=same_length
    )  # fmt: skip


def went_the_short_way(splicer: Splicer, facts: LetterFacts) -> bool:
    """Twice the same: a letter that the skeleton was learnt at, and one that fills its slots."""
    short = True
    for one in (facts, another(facts)):
        to = addressed(one)
        assert splicer.message(one, to, keys=KEYS) == build(library.written(one), to, keys=KEYS)
        short &= splicer.composer.splice(one) is not None
    return short


@pytest.mark.parametrize(
    ("language", "kind"), list(zip(library.languages(), cycle(library.kinds()), strict=False))
)
def test_every_language_is_the_same_either_way(language: str, kind: WaveKind) -> None:
    """Where a line breaks inside of a value one letter may step aside, in no language both."""
    splicer = a_splicer()
    short = [
        went_the_short_way(
            splicer,
            preview.facts_of(
                preview.Asked(language=language, kind=kind, to=Reader.OWNER, about=about)
            ),
        )
        for about in ("open-relay", "several")
    ]
    assert any(short)


@pytest.mark.full
@pytest.mark.parametrize("language", library.languages())
def test_every_letter_is_the_same_either_way(language: str) -> None:
    """Few step aside: where a line is broken inside of an address, before a dot."""
    splicer, aside = a_splicer(), 0
    for asked, ip in product(preview.every([language]), ("192.0.2.17", "2001:db8::5")):
        facts = preview.facts_of(replace(asked, ip=ip))
        to = addressed(facts)
        made = splicer.message(facts, to, keys=KEYS)
        assert made == build(library.written(facts), to, keys=KEYS)
        aside += splicer.composer.splice(facts) is None
    assert aside <= 15, "of 150"


ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=1)), timezone(-timedelta(hours=9.5))])


def by_clock(seen: Seen) -> Seen:
    """Its local time is that of its moment, in the zone that was drawn."""
    zone = seen.local and seen.local.tzinfo
    return replace(seen, local=seen.at.astimezone(zone) if seen.at and zone else None)


CASES = st.builds(
    a_case_of,
    ip=st.sampled_from(V4 + V6),
    weakness=st.sampled_from(list(Weakness)),
    ports=st.sampled_from([(), (25,), (3128, 8080), (1080,)]),
    exit_only=st.booleans(),
    introduced=st.sampled_from(["", "squid/5.7", "ESMTP Postfix (100% Debian)"]),
    guide_id=st.sampled_from(["unknown", "unknown", "postfix"]),
    seen=st.lists(
        st.builds(
            Seen,
            source=st.sampled_from(["DroneBL", "A long name of a source, longer than a line is wide, indeed"]),
            at=st.one_of(st.none(), st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))),
            detail=st.sampled_from(["", "100%b {ip} =3D", "127.0.0.2", "漢字 détail"]),
            local=ZONES.map(lambda zone: zone and datetime(2020, 1, 1, tzinfo=zone)),
        ).map(by_clock),
        max_size=3,
    ).map(tuple),
)  # fmt: skip


def fits(case: CaseFacts) -> CaseFacts:
    """A product only where it fits the weakness, as the find step leaves it."""
    guide = guides.guide(case.guide_id)
    known = case.guide_id == "unknown" or case.weakness in guide.weaknesses
    return case if known else replace(case, guide_id="unknown")


@given(
    cases=st.lists(CASES, min_size=1, max_size=6),
    language=st.sampled_from(library.languages()),
    kind=st.sampled_from(library.kinds()),
    reader=st.sampled_from(Reader),
    authority=st.sampled_from(["", "Agency Alpha", "100% %b"]),
)
@settings(deadline=None, max_examples=12)
@example(
    cases=[a_case_of("::")], language="en", kind=WaveKind.FIRST, reader=Reader.OWNER, authority=""
)
def test_whatever_the_cases_are_the_bytes_are_the_same(
    cases: list[CaseFacts], language: str, kind: WaveKind, reader: Reader, authority: str
) -> None:
    facts = some_facts(
        [fits(case) for case in cases], kind=kind, reader=reader, authority=authority,
        languages=tuple(dict.fromkeys((language, "en"))),
        earlier=None if kind is WaveKind.FIRST else EARLIER,
    )  # fmt: skip
    for one in (facts, another(facts)):
        to = addressed(one)
        assert SPLICER.message(one, to, keys=()) == build(library.written(one), to, keys=())


SPLICER = a_splicer()


TIPPING = [tag for tag in ("bg", "el", "ru", "fa", "ja") if tag in library.languages()]


def test_a_table_too_big_for_reports_stands_alone_either_way() -> None:
    facts = some_facts([a_case_of(f"2001:db8::{n:x}") for n in range(1, 500)], reader=Reader.CSIRT)
    to, splicer = addressed(facts), a_splicer()
    made = splicer.short(facts, to)
    assert made is not None
    assert made.sign(()) == build(library.written(facts), to, keys=())


def test_the_right_encoding_is_chosen_for_rows_that_tip_the_scale() -> None:
    """Many rows in ASCII make a text quoted-printable that is base64 with few."""
    splicer = a_splicer()
    for language, count in product(TIPPING, (2, 30)):
        cases = [a_case_of(f"192.0.2.{n}") for n in range(1, count)]
        facts = some_facts(cases, languages=tuple(dict.fromkeys((language, "en"))))
        for one in (facts, another(facts)):
            to = addressed(one)
            assert splicer.message(one, to, keys=()) == build(library.written(one), to, keys=())


@pytest.mark.parametrize("language", ["nl", "fr", "ar", "ja"])
@pytest.mark.parametrize("count", [1, 3, 60])
def test_a_desks_files_are_the_same_either_way(language: str, count: int) -> None:
    """Table, reports and texts to pass on, of cases of all sorts."""
    splicer = a_splicer()
    for reader in (Reader.PROVIDER, Reader.CSIRT):
        cases = [
            a_case_of(f"192.0.2.{n}", [*Weakness][n % 3], exit_only=n % 7 == 6)
            for n in range(count)
        ]
        facts = some_facts(cases, languages=(language, "en"), reader=reader)
        for one in (facts, another(facts)):
            to = addressed(one)
            made = splicer.short(one, to)
            assert made is not None, "the short way was not taken"
            assert made.sign(KEYS) == build(library.written(one), to, keys=KEYS)


ADDRESSES = st.integers(0x01000000, 0xFFFFFFFF).map(IPv4Address) | st.integers(0, 2**128 - 1).map(
    IPv6Address
)


@given(
    ips=st.lists(ADDRESSES, min_size=1, max_size=4), language=st.sampled_from(["fr", "tr", "en"])
)
@settings(deadline=None, max_examples=25)
def test_wherever_an_address_has_its_dots_the_bytes_are_the_same(
    ips: list[IPv4Address | IPv6Address], language: str
) -> None:
    """Quoted-printable may break a line inside of it, and a dot that begins a line is encoded."""
    for ip in ips:
        facts = some_facts([a_case_of(str(ip))], languages=tuple(dict.fromkeys((language, "en"))))
        to = addressed(facts)
        assert SPLICER.message(facts, to, keys=()) == build(library.written(facts), to, keys=())


@given(st.lists(st.binary(max_size=90), min_size=2, max_size=6), st.data())
def test_base64_with_slots_is_what_base64_of_the_whole_is(
    literals: list[bytes], data: st.DataObject
) -> None:
    taken = tuple((number, None, None) for number in range(len(literals) - 1))
    sizes = [data.draw(st.integers(1, 70)) for _ in taken]
    template = Template(tuple(literals), taken)
    first, second = (tuple(sign * size for size in sizes) for sign in (b"x", b"\xff"))
    windows = windowed(template, like=first)
    if windows is not None:
        assert windows.fill(second) == encode_base64(template.fill(second))
    else:
        assert len(literals[-1]) < 3


def strange() -> Iterator[LetterFacts]:
    facts = some_facts()
    yield replace(facts, secret="short")
    yield replace(facts, secret="a" * 19 + "=")
    yield replace(facts, stop_token="漢" * 20)
    yield replace(facts, reference="ab\r\nX: y")
    yield replace(facts, cases=(replace(facts.cases[0], secret="%b" * 10),))
    yield replace(facts, cases=(replace(facts.cases[0], reference="a\u2028bcdefg"),))


@pytest.mark.parametrize("facts", list(strange()))
def test_what_no_slot_takes_goes_the_long_way(facts: LetterFacts) -> None:
    splicer, to = a_splicer(), addressed(facts)
    assert splicer.composer.splice(facts) is None
    try:
        expected = build(library.written(facts), to, keys=())
    except LetterError as error:
        with pytest.raises(LetterError, match=error.code):
            splicer.message(facts, to, keys=())
    else:
        assert splicer.message(facts, to, keys=()) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": "abuse@bücher.example"},
        {"recipient": "o'neill+x@a.example"},
        {"reply_to": "somebody@campaign.example"},
        {"reply_to": f"reply+{'a' * 20}@bücher.example"},
        {"stop_url": "https://campaign.example/=?x?="},
        {"sender_name": "Schließt die Tür"},
        {"feedback_id": "a-very-long-name-of-a-campaign" * 4},
        {"date": AT + timedelta(days=9, seconds=1)},
        {"languages": ("zh-Hant", "en")},
    ],
)
def test_addresses_of_every_sort_are_the_same_either_way(changes: dict[str, object]) -> None:
    splicer = a_splicer()
    for _ in range(2):
        facts, to = some_facts(), addressing(**changes)
        assert splicer.message(facts, to, keys=KEYS) == build(library.written(facts), to, keys=KEYS)


def test_a_skeleton_is_learnt_at_the_second_letter_only() -> None:
    splicer = library.splicer()
    facts = some_facts()
    assert splicer.composer.splice(facts) is None
    assert splicer.composer.splice(another(facts)) is not None


def test_rows_of_a_later_letter_keep_their_numbers_and_states() -> None:
    splicer = a_splicer()
    cases = [a_case_of(f"192.0.2.{n % 9}", row=n, state=RowState.REMAINING) for n in (3, 7, 913)]
    for kind in (WaveKind.REMINDER, WaveKind.CLOSING):
        if kind in library.kinds():
            assert went_the_short_way(splicer, some_facts(cases, kind=kind, earlier=EARLIER))
