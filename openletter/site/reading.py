"""A guide as a page reads it: prose as HTML, commands as blocks that nobody translates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from markdown_it import MarkdownIt

from openletter.guides.model import BlockRole, Command, Piece, Prose, Section, SectionKey
from openletter.guides.values import Values
from openletter.words import Weakness

LABELS: Final[dict[BlockRole, str | Promise]] = {
    BlockRole.CHECK_INSIDE: _("Look, on the server"),
    BlockRole.CHECK_OUTSIDE: _("Check, from another network"),
    BlockRole.FIX: _("Change, on the server"),
    BlockRole.LEGIT: _("Check that it still works"),
    BlockRole.ABUSE: _("Look for misuse, on the server"),
    BlockRole.UNDO: _("Take it back, on the server"),
}
FILE_LABEL = _("Content of the file")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a section: either `html`, or a `command` with its label."""

    id: str = ""
    html: SafeString | str = ""
    command: str = ""
    label: str | Promise = ""
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadSection:
    """A section with its heading, an anchor and its parts in order."""

    id: str
    heading: str
    parts: tuple[Part, ...]


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def _inline(prose: Prose, values: Values) -> SafeString:
    """Our own guide's inline Markdown; raw HTML in it is shown as text."""
    return mark_safe(str(_markdown().renderInline(prose.filled(values))))  # noqa: S308 escaped


def _command(command: Command, values: Values, prefix: str) -> Part:
    is_file = bool(command.file) and command.shell not in {"sh", "bash"}
    return Part(
        id=f"{prefix}{command.id}",
        command=command.filled(values).rstrip("\n"),
        label=FILE_LABEL if is_file else LABELS[command.role],
        file=command.file,
    )


def _kind(piece: Piece) -> str:
    if isinstance(piece, Command):
        return "command"
    return {"": "paragraph", "-": "ul"}.get(piece.marker, "ol")


def _list(kind: str, items: Iterable[Piece], *, values: Values) -> SafeString:
    rows = [item for item in items if isinstance(item, Prose)]
    inside = format_html_join("", "<li>{}</li>", ((_inline(row, values),) for row in rows))
    if kind == "ul":
        return format_html("<ul>{}</ul>", inside)
    start = rows[0].marker.rstrip(".")
    if start in {"1", ""}:
        return format_html("<ol>{}</ol>", inside)
    return format_html('<ol start="{}">{}</ol>', start, inside)


def _parts(section: Section, values: Values, prefix: str) -> Iterator[Part]:
    for kind, group in groupby(section.pieces, key=_kind):
        if kind in {"ul", "ol"}:
            yield Part(html=_list(kind, group, values=values))
            continue
        for piece in group:
            if isinstance(piece, Command):
                yield _command(piece, values, prefix)
            else:
                yield Part(html=format_html("<p>{}</p>", _inline(piece, values)))


def read(
    sections: Iterable[Section],
    *,
    values: Values,
    weakness: Weakness | None = None,
    prefix: str = "",
) -> list[ReadSection]:
    """Sections ready to be shown; `prefix` keeps anchors apart where two guides share a page."""
    return [
        ReadSection(
            id=f"{prefix}{section.key}",
            heading=section.heading,
            parts=tuple(_parts(section.about(weakness), values, f"{prefix}{section.key}-")),
        )
        for section in sections
    ]


FIRST_STEPS = (SectionKey.IS_IT_YOU, SectionKey.FIX, SectionKey.CHECK_OUTSIDE)
"""What a case's page shows of its guide."""
