"""Collects, checks and compiles translations: `python -m openletter.shell.messages compile`.

Compiling is pure Python (Babel), so a fresh machine needs no gettext; collecting needs `xgettext`.
Each face owns its catalogue, in `openletter/<face>/locale/<language>/LC_MESSAGES/django.po`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
_PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|\{[a-z_]+\}")


def catalogues() -> Iterator[Path]:
    """Give every catalogue of the package."""
    yield from sorted(PACKAGE.glob("**/locale/*/LC_MESSAGES/*.po"))


def compile_all() -> None:
    """Write each .mo that is missing or older than its .po."""
    for source in catalogues():
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        from babel.messages.mofile import write_mo  # noqa: PLC0415 (0.2 s, mostly not needed)
        from babel.messages.pofile import read_po  # noqa: PLC0415

        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parent.parent.name)
        fresh = target.with_suffix(f".{os.getpid()}")
        with fresh.open("wb") as file:
            write_mo(file, catalogue)
        fresh.replace(target)


def problems() -> Iterator[str]:
    """Name every sentence that is empty, fuzzy, or has other placeholders than its source."""
    from babel.messages.pofile import read_po  # noqa: PLC0415

    for source in catalogues():
        name = source.relative_to(PACKAGE)
        with source.open("rb") as text:
            catalogue = read_po(text, locale=source.parent.parent.name)
        for message in catalogue:
            if not message.id:
                continue
            sources = message.id if isinstance(message.id, tuple) else (message.id,)
            given = message.string if isinstance(message.string, tuple) else (message.string,)
            shown = sources[0][:60]
            if message.fuzzy or not all(given):
                yield f"{name}: not translated: {shown}"
            elif _placeholders(sources[-1]) != _placeholders(given[-1]):
                yield f"{name}: other placeholders: {shown}"


def _placeholders(sentence: str) -> set[str]:
    return set(_PLACEHOLDER.findall(sentence))


def collect() -> None:
    """Read every face's sources again into its catalogues."""
    from django.core.management import call_command  # noqa: PLC0415

    here = Path.cwd()
    for face in sorted({path.parents[3] for path in catalogues()}):
        os.chdir(face)
        languages = sorted(path.name for path in (face / "locale").iterdir() if path.is_dir())
        call_command("makemessages", locale=languages, no_location=True, no_wrap=True)
    os.chdir(here)


def main(verbs: list[str]) -> int:
    """Do the verbs in order; 1 if a check found something."""
    if "collect" in verbs:
        collect()
    if "compile" in verbs:
        compile_all()
    found = list(problems()) if "check" in verbs else []
    for line in found:
        sys.stdout.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
