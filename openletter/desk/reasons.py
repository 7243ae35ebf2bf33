"""Reason codes as sentences: asks the catalogue of each room, in the order of the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import get_language

from openletter.catalogue import FALLBACK, sentence, sentences
from openletter.words import Reason

ROOMS = (
    "desk", "letters", "contacts", "evidence", "cases", "replies", "outcomes", "campaigns",
)  # fmt: skip


def told(reason: Reason) -> str:
    """The sentence for a reason in the page's language; code and values where none is written."""
    language = (get_language() or FALLBACK).partition("-")[0]
    for room in ROOMS:
        package = f"openletter.{room}"
        if reason.code in sentences(package, FALLBACK):
            try:
                return sentence(package, reason, language)
            except KeyError:
                break
    return bare(reason)


def bare(reason: Reason) -> str:
    """Nothing is hidden where a sentence is missing: `code (name value, name value)`."""
    values = ", ".join(f"{name} {value}" for name, value in reason.values.items())
    return f"{reason.code} ({values})" if values else reason.code


def stored(row: object) -> str:
    """A reason as it lies in a column: a code with values, a person's words, a bare code."""
    if isinstance(row, Mapping):
        if "code" in row:
            return told(Reason.from_json(row))
        return str(row.get("text", "")) or ", ".join(f"{key}: {row[key]}" for key in row)
    return told(Reason(code=row)) if isinstance(row, str) and row else ""


def all_stored(rows: object) -> list[str]:
    """Several reasons of a JSON column, in their order."""
    if isinstance(rows, Mapping):
        return [stored(rows)]
    return [stored(row) for row in rows] if isinstance(rows, Iterable) else []
