"""What may be passed on of a source's word, and to whom. Pure; the one rule for letters and pages.

Terms travel with the source: they stand in its folder, are stored with its row, and are asked each
time before something of it is shown to somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Telling(IntEnum):
    """How much of a statement may be told; each holds what stands before it."""

    NOTHING = 0
    NAME = 1
    """Whose statement it is."""
    FACTS = 2
    """When, at which port, how the server introduced itself; no words of the source's own."""
    ALL = 3
    """Its code and words too."""


_LEVELS = {"nothing": Telling.NOTHING, "name": Telling.NAME, "facts": Telling.FACTS,
           "all": Telling.ALL}  # fmt: skip
KEYS: Mapping[str, type] = {
    "redistribute": bool,
    "to_holder": str,
    "cert_only": bool,
    "non_commercial": bool,
    "attribution": str,
    "note": str,
    "queries_a_day": int,
}


class BadTermsError(ValueError):
    """Terms that say something we would not keep; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """`to_holder` is what the holder of the address may learn; nobody else learns of an address.

    A source that forbids to pass its data on lets us say what its purpose needs, unless it says
    less. `cert_only`: a partner that is no national team neither counts nor sees it.
    `queries_a_day`: so many DNS questions are allowed, whatever an operator would like.
    """

    redistribute: bool = False
    to_holder: Telling = Telling.FACTS
    cert_only: bool = False
    non_commercial: bool = False
    attribution: str = ""
    note: str = ""
    queries_a_day: int | None = None


def read_terms(raw: Mapping[str, object]) -> Terms:
    """Terms as they stand in a definition or a row; what is not known is refused by name."""
    for key, value in raw.items():
        if key not in KEYS:
            raise BadTermsError(f"terms: unknown key: {key}")
        if type(value) is not KEYS[key]:  # true is an int, too
            raise BadTermsError(f"terms.{key} must be {KEYS[key].__name__}")
    redistribute = raw.get("redistribute") is True
    told = str(raw.get("to_holder", "all" if redistribute else "facts"))
    if told not in _LEVELS:
        raise BadTermsError(f"terms.to_holder cannot be {told}")
    return Terms(
        redistribute=redistribute,
        to_holder=_LEVELS[told],
        cert_only=raw.get("cert_only") is True,
        non_commercial=raw.get("non_commercial") is True,
        attribution=str(raw.get("attribution", "")),
        note=str(raw.get("note", "")),
        queries_a_day=limit if isinstance(limit := raw.get("queries_a_day"), int) else None,
    )


def to_holder(terms: Terms, *, by_cert: bool) -> Telling:
    """What a partner may tell the holder of an address."""
    return Telling.NOTHING if terms.cert_only and not by_cert else terms.to_holder


def may_hold(terms: Terms, *, is_cert: bool) -> bool:
    """Whether a partner may see the source's statements inside the house."""
    return is_cert or not terms.cert_only


def is_kept_close(terms: Terms) -> bool:
    """Whether even the holder of an address may not be told the facts, or not by everybody."""
    return terms.cert_only or terms.to_holder < Telling.FACTS
