"""A guide as JSON, for partners who show it on pages of their own.

Commands keep their `{{variables}}`: `fill_in` names the typed ones, which a partner may fill from a
case of his own, and `left_blank` the words in capitals that only the reader can replace. What
belongs to the laboratory is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from openletter.guides.model import Command, Guide, Piece, Section, SectionKey
from openletter.guides.record import Tested
from openletter.guides.values import BLANKS, TYPED, VARIABLE

FORM = 1
"""Counts up when a field changes its meaning or goes."""


def as_json(page: Guide, *, letter: Guide, tested: Tested | None) -> dict[str, object]:
    """The guide's page, and its steps as a letter gives them (each says its own language)."""
    steps = letter.section(SectionKey.LETTER)
    used = {
        name for section in (*page.page, *([steps] if steps else [])) for name in _used(section)
    }
    return {
        "form": FORM,
        "id": page.id,
        "language": page.language,
        "title": page.title,
        "product": page.product,
        "kind": page.kind.value,
        "weaknesses": sorted(page.weaknesses),
        "ports": list(page.ports),
        "digest": page.digest,
        "status": page.status,
        "reviewed_by": page.reviewed_by,
        "tested": _tested(tested),
        "references": [
            {"title": each.title, "page": each.page, "seen": each.seen.isoformat()}
            for each in page.references
        ],
        "docs": list(page.docs),
        "fill_in": [name for name in TYPED if name in used],
        "left_blank": {name: blank for name, blank in BLANKS.items() if name in used},
        "sections": [_section(section) for section in page.page],
        "letter": None if steps is None else {"language": letter.language, **_section(steps)},
    }


def in_list(guide: Guide, *, tested: Tested | None) -> dict[str, object]:
    """A guide's line in a list of all."""
    return {
        "id": guide.id,
        "title": guide.title,
        "product": guide.product,
        "kind": guide.kind.value,
        "weaknesses": sorted(guide.weaknesses),
        "ports": list(guide.ports),
        "digest": guide.digest,
        "proven": tested is not None and tested.is_proven,
    }


def _used(section: Section) -> Iterator[str]:
    for piece in section.pieces:
        yield from VARIABLE.findall(piece.text)


def _tested(run: Tested | None) -> Mapping[str, object] | None:
    if run is None:
        return None
    return {
        "date": run.date,
        "version": run.version,
        "proven": run.is_proven,
        "current": run.is_current,
        "states": run.states,
        "configurations": run.configurations,
        "held": run.held,
        "checks": run.checks,
        "changes": list(run.changes),
        "defects": list(run.defects),
    }


def _section(section: Section) -> dict[str, object]:
    return {
        "key": section.key.value,
        "heading": section.heading,
        "pieces": [_piece(piece) for piece in section.pieces],
    }


def _piece(piece: Piece) -> dict[str, object]:
    about = {"about": sorted(piece.weaknesses)} if piece.weaknesses else {}
    if not isinstance(piece, Command):
        return {"type": "prose", "marker": piece.marker, "markdown": piece.text, **about}
    named = {
        "file": piece.file,
        "from": piece.where,
        "open": piece.opened,
        "closed": piece.closed,
        "expect": piece.expect,
    }
    return {
        "type": "command",
        "id": piece.id,
        "role": piece.role.value,
        "shell": piece.shell,
        "text": piece.text,
        **about,
        **{name: value for name, value in named.items() if value},
    }
