"""A letter cut into parts is the same letter; which languages are cut follows from how they write."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

import openletter.letters
from openletter.exercise import letterbox
from openletter.letters import library, preview
from openletter.letters.rules import parted
from openletter.letters.rules.typeset import RULE, THIN
from openletter.words import LANGUAGES, Reader

WORDINGS = Path(openletter.letters.__file__).parent / "wordings"
MANY = 0.016
"""From this share of letters on with marks, a filter that expects English takes offence."""


def bodies(tag: str) -> list[str]:
    asked = (
        preview.Asked(language=tag, kind=kind, to=reader, about=about)
        for kind, reader, about in product(library.kinds(), Reader, ("exit-only",))
    )
    return [preview.written(one)[1].body for one in asked]


def together(parts: tuple[tuple[str, str], ...]) -> str:
    return "\n\n".join(text for _, text in parts) + "\n"


@pytest.mark.parametrize("tag", ["tr", "fr"])
def test_the_parts_are_the_letter(tag: str) -> None:
    for body in bodies(tag):
        parts = parted.texts(body, (tag, "en"))
        assert [named for named, _ in parts] == [tag, "en", f"{tag}, en"]
        assert together(parts) == body
        local, english, own = (text for _, text in parts)
        assert english.startswith(f"{THIN}\n\n")
        assert own.startswith(f"{RULE}\n")
        assert ["/l/" in text for text in (local, english, own)] == [False, False, True]


@pytest.mark.parametrize("tag", ["en", "nl", "ar", "ru", "ja"])
def test_all_others_leave_in_one_piece(tag: str) -> None:
    languages = tuple(dict.fromkeys((tag, "en")))
    for body in bodies(tag):
        assert parted.texts(body, languages) == ((", ".join(languages), body),)


@pytest.mark.parametrize("line", [THIN, RULE])
def test_a_text_that_draws_such_a_line_itself_loses_nothing(line: str) -> None:
    body = bodies("cs")[0]
    above, below = body.replace("\n\n", f"\n\n{line}\n\n", 1), f"{body}\n{line}\n\n{line}\n"
    for drawn in (above, below, f"a\n\n{line}\n\nb\n"):
        parts = parted.texts(drawn, ("cs", "en"))
        assert parts == (("cs, en", drawn),) or together(parts) == drawn


@pytest.mark.parametrize("tag", library.languages())
def test_a_language_says_of_itself_whether_it_writes_many_accents(tag: str) -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in WORDINGS.glob(f"[cfru]*/{tag}.md"))
    said = re.sub(r"(?m)^##.*|\{.*?\}", "", text)
    letters = re.findall(r"[A-Za-z\u00C0-\u024F\u1E00-\u1EFF]", said)
    marked = sum(not letter.isascii() for letter in letters)
    is_latin = len(letters) > sum(letter.isalpha() for letter in said) / 2
    assert LANGUAGES[tag].is_accented is (is_latin and marked > MANY * len(letters))


def test_the_exercises_mailbox_reads_the_parts_as_one_letter() -> None:
    asked = preview.Asked(language="tr")
    raw = preview.signed(asked, with_keys=()).raw
    assert raw.count(b"Content-Disposition: inline") == 3
    read = letterbox.read_letter(raw, rcpt="a@b.example", envelope_from="c@d.example")
    assert "\n" + RULE + "\n" in read.text
    assert "/l/" in read.text
