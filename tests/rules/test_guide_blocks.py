"""The letters' steps in other languages: what makes a file whole, and what its commands are."""

from __future__ import annotations

import re

import pytest

from openletter.guides import blocks, library
from openletter.guides.blocks import digest_of
from openletter.guides.model import Command, GuideError, Prose, SectionKey
from openletter.guides.parse import parse
from openletter.letters import library as letters
from tests.rules.test_guides import SMALL

WRITE = "For LOCAL-NETWORK write `1.2` on port {{port}}, such as 192.168.1.0/24."
GUIDE = parse(
    SMALL.replace("1. Do it:", f"1. Do it:\n\n2. {WRITE}\n\n{{open-relay}} Not if you need it.")
)
ENGLISH = blocks.paragraphs([GUIDE])
GOOD = f"""+++
status = "draft"
reviewed-by = ""
+++

# small

## {digest_of("Do it:")}
Faites-le :

## {digest_of(WRITE)}
Pour LOCAL-NETWORK, écrivez `1.2`
sur le port {{{{port}}}}, par exemple 192.168.1.0/24.

## {digest_of("Not if you need it.")}
Pas si vous en avez besoin.
"""


def told(text: str) -> list[tuple[int, str]]:
    found = blocks.problems(blocks.parse(text, language="fr"), english=ENGLISH)
    return [(problem.line, problem.says) for problem in found]


def test_a_whole_file_gives_the_steps_in_its_language_with_the_english_commands() -> None:
    assert told(GOOD) == []
    read = blocks.in_language(GUIDE, blocks.parse(GOOD, language="fr"))
    here, there = (guide.section(SectionKey.LETTER).pieces for guide in (GUIDE, read))
    assert [p for p in here if isinstance(p, Command)] == [
        p for p in there if not hasattr(p, "marker")
    ]
    assert [p.text for p in there if isinstance(p, Prose)][1] == (
        "Pour LOCAL-NETWORK, écrivez `1.2` sur le port {{port}}, par exemple 192.168.1.0/24."
    )
    prose = [[(p.marker, p.weaknesses) for p in of if isinstance(p, Prose)] for of in (here, there)]
    assert prose[0] == prose[1]
    assert read.page == GUIDE.page


@pytest.mark.parametrize(
    ("bad", "line", "says"),
    [
        (GOOD.replace("{{port}}", "{{ip}}"), 11, "placeholders of the English text are missing"),
        (GOOD.replace("`1.2`", "`1.3`"), 11, "code of the English text are missing: `1.2`"),
        (GOOD.replace("LOCAL-NETWORK", "VOTRE-RESEAU"), 11, "blanks of the English"),
        (GOOD.replace("192.168.1.0/24", "192.168.1.0/16"), 11, "numbers that the English"),
        (GOOD.replace("Faites", "1. Faites"), 8, "no number or dash"),
        (GOOD.replace("Faites-le :", "Do it:"), 8, "not translated: Do it:"),
        (GOOD.replace("Faites-le :\n", ""), 8, "not translated"),
        (GOOD.replace("Faites-le", "Faites\u202ele"), 8, "characters that nobody sees: 0x202e"),
        (GOOD.replace(digest_of("Do it:"), "0" * 12), 8, "is stale"),
        (GOOD.partition(f"\n## {digest_of(WRITE)}")[0], 9,
         f"{digest_of(WRITE)} is missing: For LOCAL-NETWORK"),
        (GOOD + f"\n## {digest_of('Do it:')}\nFaites-le.\n", 18, "stands twice"),
        (GOOD + "\n```sh fix\n", 18, "commands come from the English guide"),
        (GOOD.replace("# small", "#small"), 6, "a heading reads"),
        (GOOD.replace("# small", "Salut"), 6, "text that belongs to no paragraph"),
        (GOOD.replace("status", "statut"), 1, "unknown front matter 'statut'"),
        (GOOD.replace('"draft"', '"draft'), 1, "front matter: "),
    ],
)  # fmt: skip
def test_what_keeps_a_language_from_being_whole_is_said_with_its_line(bad, line, says) -> None:
    found = told(bad)
    assert [at for at, text in found if says in text] == [line], found


def test_a_joiner_that_persian_needs_is_no_unseen_character() -> None:
    assert told(GOOD.replace("Faites-le", "می\u200cخواهم")) == []


def test_a_changed_english_text_makes_that_paragraph_stale_and_only_that() -> None:
    changed = parse(SMALL.replace("1. Do it:", f"1. Do it now:\n\n2. {WRITE}"))
    found = blocks.problems(blocks.parse(GOOD, language="fr"), english=blocks.paragraphs([changed]))
    assert [re.sub(r"[0-9a-f]{12}", "X", problem.says)[:12] for problem in found] == [
        "X is stale: ", "X is stale: ", "X is missing",
    ]  # fmt: skip
    with pytest.raises(GuideError, match="is missing"):
        blocks.in_language(changed, blocks.parse(GOOD, language="fr"))


def test_a_skeleton_holds_what_is_translated_and_the_english_for_the_rest() -> None:
    half = blocks.parse(
        GOOD.partition("\n## " + digest_of("Not if you need it."))[0], language="fr"
    )
    text = blocks.skeleton([GUIDE], current=half)
    assert "Faites-le :" in text
    assert [says for _, says in told(text)] == ["not translated: Not if you need it."]
    assert [says for _, says in told(blocks.skeleton([GUIDE]))] == [
        f"not translated: {paragraph}" for paragraph in ENGLISH.values()
    ]


def test_a_block_longer_than_a_letter_has_room_for_is_named() -> None:
    long = GOOD.replace("Pas si", "Pas si " + "vraiment " * 400)
    found = blocks.too_long(blocks.parse(long, language="fr"), guides=[GUIDE])
    assert [problem.says.split(":")[0] for problem in found] == ["small"]
    assert not blocks.too_long(blocks.parse(GOOD, language="fr"), guides=[GUIDE])


def test_chinese_and_japanese_lines_are_joined_without_a_space() -> None:
    text = GOOD.replace("Faites-le :", "请在服务器上\n查看 YOUR\n规则：")
    assert blocks.parse(text, language="zh-Hans").entries[0].text == "请在服务器上查看 YOUR 规则："


def test_every_file_of_steps_that_lies_here_is_whole() -> None:
    guides = list(library.all_guides())
    english = blocks.paragraphs(guides)
    for tag in library.block_files():
        found = library.blocks(tag)
        assert (tag, blocks.problems(found, english=english)) == (tag, [])
        assert (tag, blocks.too_long(found, guides=guides)) == (tag, [])
        assert (tag, found.status, found.reviewed_by) == (tag, "draft", "")


def test_letters_are_offered_only_in_languages_whose_steps_are_whole() -> None:
    assert set(letters.languages()) <= set(library.block_languages())
