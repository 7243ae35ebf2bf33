"""National response teams: the table in the repository, and which of them may be written to.

Owns: reading the table strictly (a wrong entry refuses the file), the digest that a person signs,
and the candidate that an entry becomes. An entry counts only while its digest is the one that an
installation's named person signed: a changed entry needs a new review.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from openletter.contacts.rules.candidates import Candidate, Tier
from openletter.contacts.rules.refuse import World, refusal_of_mailbox
from openletter.wire import countries, mailaddress
from openletter.words import Reason, Scope

LONGEST_NAME, LONGEST_TAG = 120, 11


class TableError(ValueError):
    """The table, or the entry of one country, is wrong: {what}."""


@dataclass(frozen=True, kw_only=True)
class Team:
    """One country's team, with the page that says so and the day somebody read it."""

    country: str
    name: str
    mailbox: str
    languages: tuple[str, ...]
    source: str
    seen: date

    @property
    def digest(self) -> bytes:
        """What a person signs: SHA-256 over every field in a fixed order."""
        return hashlib.sha256(
            json.dumps(self.as_json(), sort_keys=True, ensure_ascii=False).encode()
        ).digest()

    def as_json(self) -> dict[str, object]:
        """The entry as it is kept with a review."""
        return {
            "country": self.country, "name": self.name, "mailbox": self.mailbox,
            "languages": list(self.languages), "source": self.source,
            "seen": self.seen.isoformat(),
        }  # fmt: skip


def read(text: str, *, world: World) -> dict[str, Team]:
    """The table's teams by country; anything wrong refuses all of it."""
    try:
        rows = tomllib.loads(text).get("team", [])
    except tomllib.TOMLDecodeError as problem:
        raise TableError(str(problem)) from problem
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TableError("`team` is no list of tables")
    found: dict[str, Team] = {}
    for row in rows:
        team = team_of(row, world=world)
        if team.country in found:
            raise TableError(f"{team.country}: stands there twice")
        found[team.country] = team
    return found


def team_of(row: Mapping[str, object], *, world: World) -> Team:
    """One entry; strict, because somebody is going to be written to because of it."""
    team = Team(
        country=str(row.get("country", "")), name=str(row.get("name", "")),
        mailbox=_mailbox(str(row.get("mailbox", "")), world), languages=_tags(row.get("languages")),
        source=str(row.get("source", "")), seen=_day(row.get("seen")),
    )  # fmt: skip
    faults = {
        "country": team.country not in countries.CODES,
        "name": not 0 < len(team.name) <= LONGEST_NAME or not team.name.isprintable(),
        "mailbox": not team.mailbox,
        "languages": not team.languages,
        "source": not team.source.startswith("https://"),
        "seen": team.seen == date.min,
        "reviewed-by": bool(row.get("reviewed-by")),
    }
    if wrong := ", ".join(field for field, is_wrong in faults.items() if is_wrong):
        raise TableError(f"{team.country or '?'}: {wrong}")
    return team


def _mailbox(written: str, world: World) -> str:
    """The mailbox key; empty where letters would never go there."""
    found = mailaddress.one(written)
    if isinstance(found, mailaddress.Refused) or refusal_of_mailbox(found.mailbox, world=world):
        return ""
    return found.mailbox


def _tags(written: object) -> tuple[str, ...]:
    tags = written if isinstance(written, list) else []
    is_right = all(isinstance(tag, str) and 2 <= len(tag) <= LONGEST_TAG for tag in tags)
    return tuple(tags) if is_right else ()


def _day(written: object) -> date:
    """A TOML date, or the text of one as kept with a review."""
    try:
        return date.fromisoformat(written) if isinstance(written, str) else _as_date(written)
    except ValueError:
        return date.min


def _as_date(written: object) -> date:
    return written if isinstance(written, date) else date.min


def candidate_of(team: Team, *, reviewed_by: str) -> Candidate:
    """The team as the last rung of the ladder; `object` is its country."""
    values = {"country": team.country, "name": team.name, "by": reviewed_by, "page": team.source}
    return Candidate(
        address=team.mailbox, mailbox=team.mailbox, source="csirt", registry="",
        object=team.country, role="csirt", depth=0, scope=Scope.CSIRT, tier=Tier.CSIRT, weight=0,
        reason=Reason(code=Tier.CSIRT.code, values=values), for_abuse=True,
        as_of=team.seen.toordinal(),
    )  # fmt: skip


def without_entry(teams: Mapping[str, Team]) -> list[str]:
    """The countries for which the table has nobody."""
    return sorted(countries.CODES - teams.keys())
