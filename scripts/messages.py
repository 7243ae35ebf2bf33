"""Collects the texts of the faces and compiles their translations, with Babel alone.

    .venv/bin/python scripts/messages.py          collect into the .po files, write the .mo files
    .venv/bin/python scripts/messages.py check    change nothing; fail where anything is stale

GNU gettext is not needed. The compiled .mo files are committed, so that a fresh clone and a built
wheel speak every language without a build step; `check` proves that they fit the .po files.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

PACKAGE = Path(__file__).resolve().parent.parent / "openletter"
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
Message = str | tuple[str, ...]


def faces() -> Iterator[tuple[Path, Path]]:
    """(folder of a face, one of its .po files)."""
    for po in sorted(PACKAGE.glob("*/locale/*/LC_MESSAGES/django.po")):
        yield po.parents[3], po


def _source(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    return re.sub(r"(?m)^[ \t]+", "", templatize(text, origin=str(path)))


def collect(folder: Path) -> Catalog:
    """Every text of a face, with the files it stands in."""
    found = Catalog(charset="utf-8")
    paths = [*folder.rglob("*.py"), *folder.glob("templates/**/*.*")]
    for path in sorted(paths):
        if "migrations" in path.parts:
            continue
        place = path.relative_to(PACKAGE.parent).as_posix()
        source = io.BytesIO(_source(path).encode())
        for _line, message, _comments, context in extract("python", source, KEYWORDS):
            found.add(message, locations=[(place, 0)], context=context)
    return found


def updated(po: Path, collected: Catalog) -> Catalog:
    """Its translations, with what is new added empty and what is gone left out."""
    locale = po.parents[1].name
    catalog = Catalog(locale=locale, charset="utf-8", header_comment="")
    if po.stat().st_size:
        with po.open("rb") as file:
            catalog = read_po(file, locale=locale)
    catalog.update(collected, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


HEADER = """msgid ""
msgstr ""
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural}\\n"

"""


def as_po(catalog: Catalog) -> bytes:
    """The catalogue without dates and line numbers, so that it changes only with its texts."""
    body = io.BytesIO()
    write_po(body, catalog, omit_header=True, include_lineno=False, sort_output=True, width=100)
    head = HEADER.format(locale=catalog.locale, plural=catalog.plural_forms)
    return head.encode() + body.getvalue().strip() + b"\n"


class Plain(Catalog):
    """A catalogue whose header has no date and no version, so that the same texts compile alike."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", self.plural_forms),
        ]


def as_mo(po: bytes, locale: str) -> bytes:
    """What Django reads; made from the .po alone."""
    plain, compiled = Plain(locale=locale, charset="utf-8"), io.BytesIO()
    for message in read_po(io.BytesIO(po), locale=locale):
        if message.id:
            plain.add(message.id, message.string, context=message.context)
    write_mo(compiled, plain)
    return compiled.getvalue()


def untranslated(po: bytes, locale: str) -> list[str]:
    return [
        str(message.id)
        for message in read_po(io.BytesIO(po), locale=locale)
        if message.id and (message.fuzzy or not all(_strings(message.string)))
    ]


def _strings(translation: Message) -> tuple[str, ...]:
    return (translation,) if isinstance(translation, str) else tuple(translation)


def stale() -> list[str]:
    """What `make messages` would change, and what has no translation."""
    faults = []
    for folder, po in faces():
        locale, name = po.parents[1].name, po.relative_to(PACKAGE.parent).as_posix()
        stored = po.read_bytes()
        if as_po(updated(po, collect(folder))) != stored:
            faults.append(f"{name}: texts have changed; run `make messages`")
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.read_bytes() != as_mo(stored, locale):
            faults.append(f"{name}: the .mo beside it does not fit; run `make messages`")
        faults += [f"{name}: not translated: {text[:70]}" for text in untranslated(stored, locale)]
    return faults


def write() -> None:
    for folder, po in faces():
        locale = po.parents[1].name
        stored = as_po(updated(po, collect(folder)))
        po.write_bytes(stored)
        po.with_suffix(".mo").write_bytes(as_mo(stored, locale))
        empty = len(untranslated(stored, locale))
        sys.stderr.write(f"{po.relative_to(PACKAGE.parent)}: {empty} not translated\n")


def main(arguments: list[str]) -> int:
    if not settings.configured:
        settings.configure(USE_I18N=True)
    if arguments == ["check"]:
        faults = stale()
        sys.stderr.write("".join(f"{fault}\n" for fault in faults))
        return 1 if faults else 0
    write()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
