"""Guides that nobody here could follow: what they rest on, and that they say so themselves."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from openletter.guides import library
from openletter.guides.letter import block
from openletter.guides.model import BlockRole, Guide, Kind, SectionKey
from openletter.guides.recognise import Facts
from openletter.guides.values import Values
from openletter.words import Weakness

VENDOR = [guide for guide in library.all_guides() if guide.kind is Kind.VENDOR]

GREETINGS = [
    (Facts(server="Mikrotik HttpProxy"), "mikrotik", "Mikrotik HttpProxy"),
    (Facts(via="1.1 203.0.113.9 (Mikrotik HttpProxy)"), "mikrotik", "Mikrotik HttpProxy"),
    (
        Facts(banner="220 a.example ESMTP MDaemon 23.5.2; Tue, 24 Nov"),
        "mdaemon",
        "ESMTP MDaemon 23.5.2",
    ),
    (
        Facts(banner="220 a.example Kerio Connect 9.4.1 ESMTP ready"),
        "kerio",
        "Kerio Connect 9.4.1 ",
    ),
    (
        Facts(banner="220 a.example ESMTP Service (HCL Domino Release 12.0.2) ready at Tue"),
        "domino",
        "ESMTP Service (HCL Domino",
    ),
]
UNSURE = [
    ("220 a.example Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026", "exchange"),
    (
        "220 a.example Microsoft ESMTP MAIL Service, Version: 10.0.17763.1697 ready at Tue",
        "iis-smtp",
    ),
]


@pytest.mark.parametrize("guide", VENDOR, ids=lambda guide: guide.id)
def test_it_names_pages_of_the_maker_and_says_in_every_letter_that_nobody_tried_it(
    guide: Guide,
) -> None:
    assert all(reference.title for reference in guide.references)
    assert all(urlsplit(reference.page).hostname for reference in guide.references)
    for tag, says in (("en", "could not try this"), ("nl", "niet zelf beproeven")):
        read = library.for_letter(guide.id, tag)
        for weakness in guide.weaknesses:
            text = block(read, values=Values(port=25), weakness=weakness)
            assert says in " ".join(text.split())


@pytest.mark.parametrize("guide", VENDOR, ids=lambda guide: guide.id)
def test_each_weakness_has_its_own_check_from_outside_and_a_way_back(guide: Guide) -> None:
    section = guide.section(SectionKey.CHECK_OUTSIDE)
    for weakness in guide.weaknesses:
        checks = [p.text for p in section.about(weakness).pieces if hasattr(p, "role")]
        tool = "swaks" if weakness is Weakness.OPEN_RELAY else "curl"
        assert [check.split()[0] for check in checks] == [tool]
    assert guide.section(SectionKey.UNDO).pieces
    assert all(command.role is not BlockRole.LEGIT for command in guide.commands.values())


@pytest.mark.parametrize(("facts", "guide_id", "cut"), GREETINGS)
def test_what_names_its_product_is_recognised(facts: Facts, guide_id: str, cut: str) -> None:
    found = library.recognised(facts)
    assert (found.guide_id, found.cut) == (guide_id, cut)


@pytest.mark.parametrize(("banner", "guide_id"), UNSURE)
def test_a_greeting_of_two_products_is_a_candidate_and_names_none(
    banner: str, guide_id: str
) -> None:
    facts = Facts(weakness=Weakness.OPEN_RELAY, banner=banner)
    assert [found.guide_id for found in library.match(facts)] == [guide_id]
    assert library.recognised(facts) is None
