"""`openletter guide`: the closing instructions, and the letters' steps in other languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

guide = typer.Typer(no_args_is_help=True, help="Look at guides, and translate the letters' steps.")


def register(app: typer.Typer) -> None:
    app.add_typer(guide, name="guide")


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
