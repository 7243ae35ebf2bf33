"""What a guide may not be; every refusal names the guide and the rule."""

from __future__ import annotations

import re

from openletter.guides.model import (
    LAB_ROLES,
    BlockRole,
    Command,
    Guide,
    GuideError,
    Kind,
    Prose,
    Section,
    SectionKey,
)
from openletter.guides.recognise import SPOKEN
from openletter.guides.values import VARIABLE, VARIABLES

_NEEDED = {
    Kind.PAGE: (SectionKey.ABOUT,),
    Kind.OUTSIDE: (SectionKey.ABOUT, SectionKey.CHECK_OUTSIDE),
}
_NEEDED_IN_LETTERS = (SectionKey.ABOUT, SectionKey.CHECK_OUTSIDE, SectionKey.LETTER)
_CODE = re.compile(r"`[^`]+`")


def check(guide: Guide) -> None:
    """Everything that is refused when the English file is read."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", guide.id):
        raise GuideError(f"{guide.id}: an id is a lower-case word")
    if not guide.weaknesses:
        raise GuideError(f"{guide.id}: a guide says which weaknesses it closes")
    _check_sections(guide)
    _check_variables(guide)
    _check_ways_back(guide)
    _check_expectations(guide)
    _check_cases(guide)
    _check_kind(guide)
    for fingerprint in guide.fingerprints:
        if fingerprint.on not in SPOKEN or not 1 <= fingerprint.confidence <= 100:
            raise GuideError(f"{fingerprint.id}: on one of {', '.join(SPOKEN)}, with a confidence")


def _check_sections(guide: Guide) -> None:
    keys = [section.key for section in guide.sections]
    if len(keys) != len(set(keys)):
        raise GuideError(f"{guide.id}: a section stands twice")
    if keys != sorted(keys, key=list(SectionKey).index):
        raise GuideError(f"{guide.id}: the sections stand in the order of every guide")
    for needed in _NEEDED.get(guide.kind, _NEEDED_IN_LETTERS):
        if needed not in keys:
            raise GuideError(f"{guide.id}: there is no section {{#{needed}}}")
    if not guide.is_for_letters and SectionKey.LETTER in keys:
        raise GuideError(f"{guide.id}: of this kind no letter carries steps")
    lab = guide.section(SectionKey.LAB)
    inside = set(_commands(lab)) if lab else set()
    for command in guide.commands.values():
        if (command.role in LAB_ROLES) != (command in inside):
            raise GuideError(f"{guide.id}: {command.id}: lab commands, and only they, stand in lab")


def _commands(section: Section) -> list[Command]:
    return [piece for piece in section.pieces if isinstance(piece, Command)]


def _check_variables(guide: Guide) -> None:
    for section in guide.sections:
        for piece in section.pieces:
            if unknown := set(VARIABLE.findall(piece.text)) - VARIABLES:
                raise GuideError(f"{guide.id}: unknown variable {min(unknown)!r}")
            if "{{" in VARIABLE.sub("", piece.text):
                raise GuideError(f"{guide.id}: a broken variable in {piece.text[:40]!r}")


def _check_ways_back(guide: Guide) -> None:
    roles = {command.role for command in guide.commands.values()}
    if BlockRole.FIX in roles and BlockRole.UNDO not in roles:
        raise GuideError(f"{guide.id}: a fix without a way back")


def _check_expectations(guide: Guide) -> None:
    """A check says how open and closed look, a legitimate use what it expects."""
    for command in guide.commands.values():
        for pattern in (command.opened, command.closed, command.expect):
            try:
                re.compile(pattern)
            except re.error as error:
                raise GuideError(f"{guide.id}: {command.id}: {error}") from None
        is_use = command.role in {BlockRole.LEGIT, BlockRole.LAB_USE}
        if is_use and not (command.expect and command.where):
            raise GuideError(f"{guide.id}: {command.id}: a use says from where and what it expects")
        if command.role is BlockRole.LAB_CHECK and not (command.opened and command.closed):
            raise GuideError(f"{guide.id}: {command.id}: a check says how open and closed look")
        if command.role is BlockRole.OPEN and not command.case:
            raise GuideError(f"{guide.id}: {command.id}: a bad state has a case")
        if command.role is BlockRole.LIVED and not command.lived:
            raise GuideError(f"{guide.id}: {command.id}: a lived-in configuration has a name")


def _check_cases(guide: Guide) -> None:
    commands = guide.commands.values()
    for case in {command.case for command in commands if command.role is BlockRole.OPEN}:
        for role in (BlockRole.CHECK_OUTSIDE, BlockRole.CHECK_INSIDE):
            checks = [c for c in commands if c.role is role and c.speaks_of(case=case)]
            if not any(c.opened and c.closed for c in checks):
                raise GuideError(f"{guide.id}: case {case} has no {role} for open and closed")


def _check_kind(guide: Guide) -> None:
    """What is executed has states to be executed in; what isn't rests on a page somebody saw."""
    commands = guide.commands.values()
    cases = {command.case for command in commands if command.role is BlockRole.OPEN}
    lived = {command.lived for command in commands if command.role is BlockRole.LIVED}
    if guide.is_followed and not (cases and lived):
        raise GuideError(f"{guide.id}: executed, so it has bad states and lived-in set-ups")
    if cases and not guide.is_followed:
        raise GuideError(f"{guide.id}: a guide with bad states is of the kind `executed`")
    if guide.kind is Kind.VENDOR and not guide.references:
        raise GuideError(f"{guide.id}: not followed, so it names the maker's page and its date")
    for command in commands:
        for named, known in ((command.case, cases), (command.lived, lived)):
            if set(named.split(",")) - known - {""}:
                raise GuideError(f"{guide.id}: {command.id}: there is no {named!r}")


def check_same_build(source: Guide, translation: Guide) -> None:
    """Same sections, same commands in the same places, same variables and code spans."""
    name = f"{source.id} ({translation.language})"
    if [s.key for s in source.page] != [s.key for s in translation.sections]:
        raise GuideError(f"{name}: other sections than the English page")
    for here, there in zip(source.page, translation.sections, strict=True):
        if _build(here) != _build(there):
            raise GuideError(f"{name}: {here.key}: paragraphs or commands differ from English")
        for found in (VARIABLE, _CODE):
            if _spans(here, found) != _spans(there, found):
                raise GuideError(
                    f"{name}: {here.key}: {_spans(here, found) ^ _spans(there, found)} differ"
                )


def _build(section: Section) -> list[tuple[str, frozenset[str]]]:
    return [
        (f"prose {p.marker}" if isinstance(p, Prose) else p.id, frozenset(p.weaknesses))
        for p in section.pieces
    ]


def _spans(section: Section, pattern: re.Pattern[str]) -> set[str]:
    return {
        found
        for piece in section.pieces
        if isinstance(piece, Prose)
        for found in pattern.findall(piece.text)
    }
