"""In which languages a letter is written, and why.

The order: a stored choice, the language of an earlier reply, the country of the organisation,
the country of the delegation, English. Countries of several languages give all of them that we
have, so a letter may carry a pair; English always comes last.
"""

from __future__ import annotations

from dataclasses import dataclass

from openletter.words import Reason, normalise_language

ENGLISH = "en"
MANY_COUNTRIES = 3
"""A contact with networks in more countries than this serves the world: English."""

_TABLE = """
NL nl|BE nl fr|SR nl|AW nl|CW nl|SX nl|BQ nl|DE de|AT de|LI de|CH de fr it|LU fr de|FR fr|MC fr
CI fr|SN fr|ML fr|BF fr|NE fr|TG fr|BJ fr|GN fr|GA fr|CG fr|CD fr|CM fr|TD fr ar|CF fr|DJ fr ar
MG fr|KM fr ar|HT fr|RE fr|GP fr|MQ fr|GF fr|NC fr|PF fr|YT fr|PM fr|WF fr|BL fr|MF fr|BI fr
RW fr|VU fr|CA en fr|ES es|MX es|AR es|CO es|CL es|PE es|VE es|EC es|BO es|PY es|UY es|CR es
PA es|NI es|HN es|SV es|GT es|DO es|CU es|PR es|GQ es|AD es|BR pt-BR|PT pt|AO pt|MZ pt|CV pt
GW pt|ST pt|TL pt|MO zh-Hant pt|IT it|SM it|VA it|PL pl|CZ cs|SK sk|HU hu|RO ro|MD ro ru|BG bg
GR el|CY el tr|SE sv|AX sv|FI fi sv|DK da|FO da|GL da|NO nb|SJ nb|LT lt|UA uk|RU ru|BY ru|KZ ru
KG ru|TJ ru|UZ ru|TM ru|TR tr|SA ar|AE ar|EG ar|IQ ar|JO ar|LB ar|SY ar|KW ar|QA ar|BH ar|OM ar
YE ar|PS ar|LY ar|TN ar fr|DZ ar fr|MA ar fr|MR ar fr|SD ar|IR fa|AF fa|CN zh-Hans|SG zh-Hans
TW zh-Hant|HK zh-Hant|JP ja|KR ko|KP ko|ID id
"""


def _countries() -> dict[str, tuple[str, ...]]:
    entries = (entry.split() for entry in _TABLE.replace("\n", "|").split("|") if entry.strip())
    return {country: tuple(tags) for country, *tags in entries}


OF_COUNTRY = _countries()
"""Country -> its languages among ours, the one most letters are read in first."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known that could decide the language."""

    stored: str | None = None
    of_reply: str | None = None
    organisation: str | None = None
    delegated: str | None = None
    countries_of_contact: int = 1


def languages(known: Known) -> tuple[tuple[str, ...], Reason]:
    """The letter's languages in their order, English last, and the reason."""
    if known.stored:
        return _with_english(known.stored), Reason(code="language-stored")
    if known.of_reply:
        return _with_english(known.of_reply), Reason(code="language-of-reply")
    if known.countries_of_contact > MANY_COUNTRIES:
        count = known.countries_of_contact
        return (ENGLISH,), Reason(code="language-many-countries", values={"countries": count})
    if known.organisation:
        return _of_country(known.organisation, "organisation")
    if known.delegated:
        return _of_country(known.delegated, "delegated")
    return (ENGLISH,), Reason(code="language-unknown")


def _of_country(country: str, origin: str) -> tuple[tuple[str, ...], Reason]:
    tags = OF_COUNTRY.get(country, ())
    code = f"language-{origin}" if tags else f"language-{origin}-english"
    found = _with_english(*tags)
    return found, Reason(code=code, values={"country": country, "languages": ", ".join(found)})


def _with_english(*tags: str) -> tuple[str, ...]:
    ordered = [normalise_language(tag) for tag in tags]
    return (*dict.fromkeys(tag for tag in ordered if tag != ENGLISH), ENGLISH)
