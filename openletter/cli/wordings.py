"""`openletter letter wordings`: what each language still lacks, and what is wrong with a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from openletter.cli.letters import letter

FRONT = '+++\nsource = "{digest}"\nstatus = "draft"\nreviewed-by = ""\n+++\n'
_SOURCE = re.compile(r'^source = "[0-9a-f]*"$', re.MULTILINE)


def register(_: typer.Typer) -> None:
    letter.command()(wordings)


def wordings(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files called <document>/<language>.md.")
    ] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong, by line.")] = False,
    stamp: Annotated[
        bool,
        typer.Option("--stamp", help="Tie the files to today's English, once they say the same."),
    ] = False,
    skeleton: Annotated[
        str, typer.Option(metavar="TAG", help="Lay out a language's files, still in English.")
    ] = "",
) -> None:
    """List what each language lacks; check, stamp or lay out its documents."""
    if skeleton:
        _lay_out(skeleton)
    elif check or stamp:
        _each(files or [], stamp=stamp)
    else:
        _list()


def _list() -> None:
    from openletter.guides import library as guides
    from openletter.letters import library
    from openletter.words import LANGUAGES

    for tag, language in LANGUAGES.items():
        wrong = [doc for doc in library.documents() if library.faults(doc, tag)]
        if tag not in guides.block_languages():
            wrong.append("guides' blocks")
        typer.echo(f"{tag:8} {language.english:22} {', '.join(wrong) or 'complete'}")


def _each(paths: list[Path], *, stamp: bool) -> None:
    from openletter.letters import library
    from openletter.letters.rules.checking import check

    wrong = 0
    for path in paths:
        doc, tag = path.parent.name, path.stem
        if doc not in library.documents() or tag == "en":
            raise typer.BadParameter(f"{path} is not the translation of a document")
        source, text = library.english(doc), path.read_text(encoding="utf-8")
        if stamp:
            text = _SOURCE.sub(f'source = "{source.digest}"', text, count=1)
            path.write_text(text, encoding="utf-8")
        found = check(text, kind=doc, language=tag, source=source)
        wrong += bool(found)
        for problem in found:
            typer.echo(f"{path}:{problem}")
    typer.echo(f"{len(paths) - wrong} of {len(paths)} are right", err=True)
    raise typer.Exit(2 if wrong else 0)


def _lay_out(tag: str) -> None:
    """The English documents as files of this language; what is there stays as it is."""
    from openletter.letters import library
    from openletter.words import LANGUAGES

    if tag not in LANGUAGES or tag == "en":
        raise typer.BadParameter(f"{tag} is not one of {', '.join(LANGUAGES)}")
    folder = Path(library.__file__).parent / "wordings"
    for doc in library.documents():
        file, source = folder / doc / f"{tag}.md", folder / doc / "en.md"
        if file.exists():
            continue
        body = source.read_text(encoding="utf-8").split("+++\n", 2)[2]
        file.write_text(FRONT.format(digest=library.english(doc).digest) + body, encoding="utf-8")
        typer.echo(str(file))
