"""CLDR's plural categories: which variant of a passage a number takes."""

from __future__ import annotations

from functools import cache

from babel import Locale


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


def categories(language: str) -> frozenset[str]:
    """The categories of the language's cardinal numbers as conditions, `other` apart."""
    return frozenset(f"n-{tag}" for tag in _locale(language).plural_form.tags)


@cache
def category(language: str, number: int) -> str:
    """`n-one`, `n-few`, ...: the condition that this number fulfils in this language."""
    return f"n-{_locale(language).plural_form(number)}"
