"""Every reason code reads as a sentence, in each language, with the same placeholders."""

from __future__ import annotations

import ast
import string
import tomllib
from pathlib import Path

from tests.laws.sources import PACKAGE, modules

LANGUAGES = ("en", "nl")


def catalogue(room: Path, language: str) -> dict[str, str]:
    path = room / "catalogue" / f"{language}.toml"
    table = tomllib.loads(path.read_text("utf-8"))
    return {key: value for key, value in table.items() if isinstance(value, str)}


def rooms_with_catalogue() -> list[Path]:
    return sorted(path.parent for path in PACKAGE.glob("*/catalogue"))


def placeholders(sentence: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name}


SAY_A_REASON = {"Reason", "Refused", "_refuse"}
"""Calls whose `code`, or first argument, is the code of a reason."""


def literal_codes() -> set[str]:
    """Find every code that is written out where a reason is made."""
    found = set()
    for _path, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in SAY_A_REASON:
                continue
            given = [word.value for word in node.keywords if word.arg == "code"] + node.args[:1]
            found |= {
                value.value
                for value in given
                if isinstance(value, ast.Constant)
                and isinstance(value.value, str)
                and " " not in value.value
            }
    return found


def test_every_catalogue_speaks_both_languages_with_the_same_placeholders() -> None:
    for room in rooms_with_catalogue():
        first, *others = (catalogue(room, language) for language in LANGUAGES)
        for other in others:
            assert set(first) == set(other), room.name
            for code, sentence in first.items():
                assert placeholders(sentence) == placeholders(other[code]), f"{room.name}: {code}"


def test_every_written_code_has_a_sentence() -> None:
    known = {code for room in rooms_with_catalogue() for code in catalogue(room, "en")}
    assert literal_codes() - known == set()
