"""Sentences for reason codes: one catalogue a language, beside the room that gives the reasons.

`<room>/catalogue/<language>.toml` holds `code = "A sentence with {placeholders}."`. Placeholders
are strict: a sentence that asks for a value the reason lacks is a mistake and raises.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from openletter.words import Reason

FALLBACK = "en"
NOTHING = "–"


@cache
def _read(package: str, language: str) -> Mapping[str, object]:
    source = files(package) / "catalogue" / f"{language}.toml"
    return tomllib.loads(source.read_text(encoding="utf-8")) if source.is_file() else {}


@cache
def sentences(package: str, language: str) -> Mapping[str, str]:
    """The catalogue of a room (`openletter.evidence`) in a language; empty where there is none."""
    return {code: text for code, text in _read(package, language).items() if isinstance(text, str)}


def advice(package: str, code: str, language: str) -> str:
    """What a person can do about it (the catalogue's table `do`); empty where nothing is needed."""
    for tongue in (language, FALLBACK):
        lines = _read(package, tongue).get("do", {})
        if isinstance(lines, dict) and code in lines:
            return str(lines[code])
    return ""


def sentence(package: str, reason: Reason, language: str) -> str:
    """The reason as a sentence; English where the language lacks it, the bare code as a last."""
    for tongue in (language, FALLBACK):
        if text := sentences(package, tongue).get(reason.code):
            return text.format_map(_Printed(reason.values))
    return reason.code


class _Printed(dict[str, object]):
    """Values as people read them: nothing is a dash. A missing one raises KeyError."""

    def __getitem__(self, name: str) -> object:
        value = super().__getitem__(name)
        return NOTHING if value is None else value
