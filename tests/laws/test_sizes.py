"""Ceilings of size: what outgrows them is taken apart, not excused."""

from __future__ import annotations

import ast

from tests.laws.sources import ROOT, functions, modules

FUNCTION_LINES, MODULE_LINES, POSITIONAL, NESTING = 40, 400, 5, 3
DEEPER = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def length(function: Function) -> int:
    """Count lines, the docstring apart: explaining must not cost room."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    is_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return lines - ((first.end_lineno or 0) - first.lineno + 1) if is_docstring else lines


def depth(node: ast.AST, *, level: int = 0) -> int:
    """Count how deep blocks stand in one another; an `elif` stands beside its `if`."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        step = 1 if isinstance(child, DEEPER) and not is_elif else 0
        deepest = max(deepest, depth(child, level=level + step))
    return deepest


def positional(function: Function) -> int:
    """Count arguments that may be given by position, `self` and `cls` apart."""
    names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    return len([name for name in names if name not in {"self", "cls"}])


def is_command(function: Function) -> bool:
    """Say whether it is a command of the command line, whose arguments are options."""
    return any("command" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_functions_are_short() -> None:
    found = [
        f"{path}:{function.lineno} {function.name} has {length(function)} lines"
        for path, tree in modules()
        for function in functions(tree)
        if length(function) > FUNCTION_LINES
    ]
    assert found == []


def test_modules_are_short() -> None:
    sizes = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path, _tree in modules()}
    assert {path: lines for path, lines in sizes.items() if lines > MODULE_LINES} == {}


def test_arguments_are_few_or_named() -> None:
    found = [
        f"{path}:{function.lineno} {function.name} takes {positional(function)} by position"
        for path, tree in modules()
        for function in functions(tree)
        if positional(function) > POSITIONAL and not is_command(function)
    ]
    assert found == []


def test_code_is_flat() -> None:
    found = [
        f"{path}:{function.lineno} {function.name} is nested {depth(function)} deep"
        for path, tree in modules()
        for function in functions(tree)
        if depth(function) > NESTING
    ]
    assert found == []


def test_settings_fit_on_a_few_pages() -> None:
    lines = (ROOT / "openletter/shell/settings.py").read_text("utf-8").splitlines()
    assert len(lines) <= 300
