"""A source's definition (TOML, already parsed) as feeds; what isn't known is refused by name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import fields

from openletter.evidence.rules.feeds import Downgrade, Feed, Format, Meaning
from openletter.evidence.rules.spaces import Space
from openletter.evidence.rules.terms import BadTermsError, read_terms
from openletter.wire.mappedcsv import BadMappingError, CsvMapping, read_mapping
from openletter.words import Judgement, Role, Weakness

Raw = Mapping[str, object]
_PLAIN_KEYS = frozenset({"id", "name", "family", "operator", "reason", "citation", "dead"})
_LISTS = frozenset({"copies", "reports", "zones", "marks", "skip"})
_FLAGS = frozenset(
    {
        "by_columns",
        "needs_time",
        "needs_port",
        "needs_transcript",
        "made_up",
        "neighbours",
        "lists_64s",
        "unnamed",
    }
)
_WORTHS = frozenset({Judgement.ACCEPT, Judgement.CORROBORATES, Judgement.REACHABLE_ONLY})
_KNOWN = frozenset(one.name for one in fields(Feed)) | {"feeds"}


class BadDefinitionError(ValueError):
    """The definition says something that cannot be followed; the message names it."""


def read_definition(raw: Raw) -> list[Feed]:
    """The feeds of one source; `[[feeds]]` inherit what stands above them."""
    own = {key: value for key, value in raw.items() if key != "feeds"}
    parts = raw.get("feeds", [{}])
    if not isinstance(parts, list):
        raise BadDefinitionError("feeds must be a list of tables")
    return [_feed({**own, **_table(part, "feeds")}) for part in parts]


def _feed(raw: Raw) -> Feed:
    if unknown := set(raw) - _KNOWN:
        raise BadDefinitionError(f"unknown key: {min(unknown)}")
    texts = {key: _text(raw.get(key, ""), key) for key in _PLAIN_KEYS}
    if missing := [key for key in ("id", "name", "family") if not texts[key]]:
        raise BadDefinitionError(f"{missing[0]} is missing")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,49}", texts["id"]):
        raise BadDefinitionError(f"id is no slug: {texts['id']}")
    lists = {key: _texts(raw.get(key, []), key) for key in _LISTS}
    return Feed(
        id=texts["id"],
        name=texts["name"],
        family=texts["family"],
        operator=texts["operator"],
        reason=texts["reason"] or "says-open",
        citation=texts["citation"],
        dead=texts["dead"],
        copies=lists["copies"],
        reports=lists["reports"],
        zones=lists["zones"],
        marks=_patterns(lists["marks"]),
        skip=_patterns(lists["skip"]),
        format=Format(_text(raw.get("format", "plain"), "format")),
        role=Role(_text(raw.get("role", "unknown"), "role")),
        worth=_worth(raw.get("worth", "accept")),
        weakness=_weaknesses(raw.get("weakness", [])),
        tags=_meanings(raw.get("tags", {}), "tags"),
        codes=_meanings(raw.get("codes", {}), "codes"),
        phrases=_meanings(raw.get("phrases", {}), "phrases"),
        downgrades=_downgrades(raw.get("downgrades", [])),
        verdicts=_verdicts(raw.get("verdicts", {})),
        refusals=_codes(_texts(raw.get("refusals", []), "refusals")),
        mapping=_mapping(raw.get("mapping")),
        fillers=tuple(map(ipaddress.ip_network, _texts(raw.get("fillers", []), "fillers"))),
        columns=frozenset(_texts(raw.get("columns", []), "columns")),
        common_columns=frozenset(_texts(raw.get("common_columns", []), "common_columns")),
        dated=_dated(raw.get("dated")),
        terms=_terms(raw.get("terms", {})),
        **{key: _flag(raw.get(key, False), key) for key in _FLAGS},
    )


def _meanings(raw: object, name: str) -> dict[str, tuple[Meaning, ...]]:
    return {key: _meaning(value, f"{name}.{key}") for key, value in _table(raw, name).items()}


def _meaning(raw: object, name: str) -> tuple[Meaning, ...]:
    """One meaning for each weakness named; none named: what is said is not about ours."""
    table = _table(raw, name)
    weaknesses = _weaknesses(table.get("weakness", []))
    worth = _worth(table.get("worth", "accept" if weaknesses else "corroborates"))
    given = _text(table.get("reason", ""), f"{name}.reason")
    reason = given or ("says-open" if weaknesses else "says-something-else")
    about: tuple[Weakness | None, ...] = weaknesses or (None,)
    space = _text(table.get("space", ""), f"{name}.space")
    if space and Space(space).is_set_aside:
        raise BadDefinitionError(
            f"{name}.space: a code tells of space that moves, {space} does not"
        )
    return tuple(Meaning(weakness=one, worth=worth, reason=reason, space=space) for one in about)


def _verdicts(raw: object) -> dict[str, tuple[Judgement, str]]:
    """What a check found -> its worth and reason; `withdrawn` says that it found nothing open."""
    found = {}
    for verdict, told in _table(raw, "verdicts").items():
        table = _table(told, f"verdicts.{verdict}")
        worth = Judgement(_text(table.get("worth"), f"verdicts.{verdict}.worth"))
        if worth not in _WORTHS | {Judgement.WITHDRAWN}:
            raise BadDefinitionError(f"verdicts.{verdict}: worth cannot be {worth}")
        found[verdict] = (worth, _text(table.get("reason"), f"verdicts.{verdict}.reason"))
    return found


def _codes(given: tuple[str, ...]) -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(map(ipaddress.IPv4Network, given))


def _mapping(raw: object) -> CsvMapping | None:
    """The saved mapping of a source whose files are tables."""
    try:
        return None if raw is None else read_mapping(_table(raw, "mapping"))
    except BadMappingError as problem:
        raise BadDefinitionError(f"mapping: {problem}") from None


def _downgrades(raw: object) -> tuple[Downgrade, ...]:
    if not isinstance(raw, list):
        raise BadDefinitionError("downgrades must be a list of tables")
    return tuple(_downgrade(_table(one, "downgrades")) for one in raw)


def _downgrade(raw: Raw) -> Downgrade:
    return Downgrade(
        fact=_text(raw.get("fact"), "downgrades.fact"),
        values=frozenset(_texts(raw.get("values", []), "downgrades.values")),
        meaning=_meaning({"worth": "reachable-only", **raw}, "downgrades")[0],
    )


def _dated(raw: object) -> tuple[str, str] | None:
    """Where a list says when it was written: a pattern with the group `time`, and its format."""
    if raw is None:
        return None
    table = _table(raw, "dated")
    pattern = _text(table.get("pattern"), "dated.pattern")
    if "time" not in re.compile(pattern).groupindex:
        raise BadDefinitionError("dated.pattern has no group `time`")
    return pattern, _text(table.get("format", ""), "dated.format")


def _worth(raw: object) -> Judgement:
    worth = Judgement(_text(raw, "worth"))
    if worth not in _WORTHS:
        raise BadDefinitionError(f"worth cannot be {worth}")
    return worth


def _weaknesses(raw: object) -> tuple[Weakness, ...]:
    return tuple(Weakness(one) for one in _texts(raw, "weakness"))


def _terms(raw: object) -> dict[str, str | int]:
    table = _table(raw, "terms")
    try:
        read_terms(table)
    except BadTermsError as problem:
        raise BadDefinitionError(str(problem)) from None
    return {key: one if isinstance(one, int) else _text(one, key) for key, one in table.items()}


def _patterns(given: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in given:
        re.compile(pattern)
    return given


def _table(raw: object, name: str) -> Raw:
    if not isinstance(raw, Mapping):
        raise BadDefinitionError(f"{name} must be a table")
    return raw


def _text(raw: object, name: str) -> str:
    if not isinstance(raw, str):
        raise BadDefinitionError(f"{name} must be a text")
    return raw


def _texts(raw: object, name: str) -> tuple[str, ...]:
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise BadDefinitionError(f"{name} must be a list of texts")
    return tuple(raw)


def _flag(raw: object, name: str) -> bool:
    if not isinstance(raw, bool):
        raise BadDefinitionError(f"{name} must be true or false")
    return raw
