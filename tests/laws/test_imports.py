"""The import law: rooms know only what lies upstream."""

from __future__ import annotations

import ast

import pytest
from importlinter.cli import lint_imports

from tests.laws.sources import ROOT, modules


def test_import_contracts_hold(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    exit_code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert exit_code == 0, capsys.readouterr().out


def test_nobody_takes_the_back_door_around_imports() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
        and (node.attr if isinstance(node, ast.Attribute) else node.id) == "get_model"
    ]
    assert found == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty_words = {"utils", "helpers", "services", "common", "base", "core", "misc", "manager"}
    assert [path for path, _tree in modules() if path.stem in empty_words] == []
