"""`openletter guide`: the closing instructions, and the letters' steps in other languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

guide = typer.Typer(no_args_is_help=True, help="Look at guides, and translate the letters' steps.")


def register(app: typer.Typer) -> None:
    app.add_typer(guide, name="guide")


@guide.command("list")
def list_(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line.")] = False,
) -> None:
    """Every guide: its kind, what it closes, and whether it was followed as it stands."""
    import json

    from openletter.guides import export, library, record

    for each in library.all_guides():
        row = export.in_list(each, tested=record.tested(each))
        if as_json:
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            proven = "followed" if row["proven"] else ""
            typer.echo(f"{each.id:18} {each.kind:9} {proven:9} {each.title}")


@guide.command()
def show(
    which: Annotated[str, typer.Argument(metavar="ID", help="A guide's id, see `guide list`.")],
    *,
    lang: Annotated[str, typer.Option(help="A language; English where it is missing.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="All of it, for partners.")] = False,
) -> None:
    """Show a guide's steps as a letter gives them, or the whole guide as JSON."""
    import json

    from openletter.guides import export, library, record
    from openletter.guides.letter import block
    from openletter.guides.values import Values

    if which not in library.ids():
        typer.echo(f"There is no guide {which}; see `openletter guide list`.", err=True)
        raise typer.Exit(3)
    letter = library.for_letter(which, lang)
    if as_json:
        page = library.guide(which, language=lang)
        told = export.as_json(page, letter=letter, tested=record.tested(page))
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    elif letter.is_for_letters:
        typer.echo(block(letter, values=Values()))
    else:
        typer.echo(f"No letter carries {which}: it stands on the site only.", err=True)
        raise typer.Exit(3)


@guide.command("blocks")
def blocks_(
    language: Annotated[str, typer.Argument(metavar="TAG", help="A language, such as de.")],
) -> None:
    """Print a language's file of steps: what is translated and current, English for the rest."""
    from openletter.guides import blocks, library

    text = blocks.skeleton(library.all_guides(), current=library.blocks(language))
    typer.echo(text, nl=False)


@guide.command("check")
def check_(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, metavar="FILE...", help="Files of steps."),
    ],
) -> None:
    """Say, line by line, what keeps files of steps from being complete."""
    from openletter.guides import blocks, library

    guides = list(library.all_guides())
    english = blocks.paragraphs(guides)
    wrong = 0
    for file in files:
        found = blocks.parse(file.read_text(encoding="utf-8"), language=file.stem)
        problems = blocks.problems(found, english=english) or blocks.too_long(found, guides=guides)
        wrong += len(problems)
        for problem in problems:
            typer.echo(f"{file}:{problem.line}: {problem.says}")
        if not problems:
            typer.echo(f"{file}: whole, {len(english)} paragraphs", err=True)
    raise typer.Exit(1 if wrong else 0)
