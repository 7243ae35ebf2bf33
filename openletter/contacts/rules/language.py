"""In which languages a letter is written, and why.

The order: a stored choice, the language of an earlier reply, what a partner's register or a
team's page declares, English for a contact with networks in many countries, the country of the
organisation, the country of the delegation, the registry, English. Countries of several languages
give all of them that we have, so a letter may carry a pair; English always comes last. Which
country reads what is Unicode's CLDR (supplemental territory information, as Babel carries it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from babel.core import get_global

from openletter.words import Reason, normalise_language

ENGLISH = "en"
MANY_COUNTRIES = 3
"""A contact with networks in more countries than this serves the world: English."""

OURS = frozenset(
    "en nl de fr es pt-BR pt it pl cs sk hu ro bg el sv da fi nb lt uk ru tr ar fa zh-Hans zh-Hant "
    "ja ko id".split()
)
"""The tags that letters and site are to speak (contracts section 4)."""

_SPOKEN_BY = 10
"""Per cent of a country; less is too few to be the language of its network desks."""
_OFFICIAL = frozenset({"official", "de_facto_official"})
_SPELLED = {"zh": "zh-Hans", "zh_Hant": "zh-Hant", "no": "nb", "nn": "nb"}
_ELSEWISE: dict[str, tuple[str, ...]] = {
    "UA": ("uk",),  # Ukrainian is the language of the state; CLDR counts Russian as in use
    "IL": (),  # Hebrew is not ours; English reads further than Arabic there
    "BE": ("nl", "fr"),  # the two of the whole country; German is one region's
    "AD": ("es",),  # Catalan is not ours
    "MD": ("ro", "ru"), "TJ": ("ru",), "TM": ("ru",), "UZ": ("ru",),  # in use between offices
    "FO": ("da",), "GL": ("da",),  # official, though CLDR marks it for neither
}  # fmt: skip
"""Where Unicode's table is no answer to "in what does a desk there read best": our own word."""

_OF_REGISTRY = {
    "jpnic": "JP", "krnic": "KR", "twnic": "TW", "cnnic": "CN", "idnic": "ID", "vnnic": "VN",
    "registro.br": "BR", "nic.mx": "MX", "lacnic": "MX",
}  # fmt: skip
"""A national registry's members are in its country; most of LACNIC's other ones read Spanish."""


def _countries() -> dict[str, tuple[str, ...]]:
    """From CLDR's territory information: official languages that are spoken enough and ours."""
    found = {
        country: _of(country, spoken)
        for country, spoken in get_global("territory_languages").items()
        if len(country) == 2
    }
    return {country: tags for country, tags in {**found, **_ELSEWISE}.items() if tags}


def _of(country: str, spoken: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    shares = {
        _spelled(language, country): float(str(facts.get("population_percent") or 0))
        for language, facts in spoken.items()
        if facts.get("official_status") in _OFFICIAL
    }
    enough = [tag for tag, share in shares.items() if share >= _SPOKEN_BY and tag in OURS]
    return tuple(sorted(enough, key=lambda tag: (-shares[tag], tag)))


def _spelled(language: str, country: str) -> str:
    if language == "pt" and country == "BR":
        return "pt-BR"
    return _SPELLED.get(language, language)


OF_COUNTRY = _countries()
"""Country -> its languages among ours, the one that most people read first."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known that could decide the language."""

    stored: str | None = None
    of_reply: str | None = None
    organisation: str | None = None
    delegated: str | None = None
    declared: tuple[str, ...] = ()
    """what a partner's register or a team's own page says"""
    registry: str | None = None
    countries_of_contact: int = 1


def languages(known: Known) -> tuple[tuple[str, ...], Reason]:
    """The letter's languages in their order, English last, and the reason."""
    if known.stored:
        return _with_english(known.stored), Reason(code="language-stored")
    if known.of_reply:
        return _with_english(known.of_reply), Reason(code="language-of-reply")
    if known.declared:
        return _with_english(*known.declared), Reason(code="language-declared")
    if known.countries_of_contact > MANY_COUNTRIES:
        count = known.countries_of_contact
        return (ENGLISH,), Reason(code="language-many-countries", values={"countries": count})
    if known.organisation:
        return _of_country(known.organisation, "organisation")
    if known.delegated:
        return _of_country(known.delegated, "delegated")
    if known.registry in _OF_REGISTRY:
        found = _with_english(*OF_COUNTRY.get(_OF_REGISTRY[known.registry], ()))
        values = {"registry": known.registry, "languages": ", ".join(found)}
        return found, Reason(code="language-registry", values=values)
    return (ENGLISH,), Reason(code="language-unknown")


def _of_country(country: str, origin: str) -> tuple[tuple[str, ...], Reason]:
    tags = OF_COUNTRY.get(country, ())
    code = f"language-{origin}" if tags else f"language-{origin}-english"
    found = _with_english(*tags)
    return found, Reason(code=code, values={"country": country, "languages": ", ".join(found)})


def _with_english(*tags: str) -> tuple[str, ...]:
    ordered = [normalise_language(tag) for tag in tags]
    return (*dict.fromkeys(tag for tag in ordered if tag != ENGLISH), ENGLISH)
