"""What the laws look at: our own modules, parsed once."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "openletter"


@cache
def modules() -> tuple[tuple[Path, ast.Module], ...]:
    """Give every module of the package but migrations, with its tree."""
    paths = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)
    return tuple((path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))) for path in paths)


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give all functions of a module, methods and inner ones too."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@cache
def committed_files() -> tuple[Path, ...]:
    """Give what git tracks; everything below the root where there is no git."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode == 0 and told.stdout:
        names = told.stdout.split("\0")
        return tuple(path for name in names if name and (path := ROOT / name).is_file())
    hidden = {".venv", ".cache", ".state", ".git"}
    found = (path for path in ROOT.rglob("*") if path.is_file())
    return tuple(path for path in found if not hidden & set(path.relative_to(ROOT).parts))
