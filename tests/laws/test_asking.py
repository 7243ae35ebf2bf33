"""Whoever asks strangers does it in one place, and nothing of an installation opens a back door."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.laws.sources import modules

ASKS_REGISTRIES = {
    "openletter/contacts/jobs.py", "openletter/contacts/live.py", "openletter/cli/lookup.py",
}  # fmt: skip
CLIENTS = ("http_client", "rdap_client", "whois_client", "guess_client", "reach")


@cache
def nodes() -> dict[str, list[ast.AST]]:
    """Every module's imports, calls and keywords, gone through once."""
    kinds = (ast.Import, ast.ImportFrom, ast.Call, ast.keyword, ast.Attribute)
    return {
        str(path): [node for node in ast.walk(tree) if isinstance(node, kinds)]
        for path, tree in modules()
    }


@cache
def imported(path: str) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes()[path]:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return frozenset(found)


def test_only_one_module_has_httpx() -> None:
    users = [path for path in nodes() if "httpx" in imported(path)]
    assert users == ["openletter/net/http_client.py"]


def test_registries_are_asked_by_the_step_and_the_command_alone() -> None:
    users = {
        path
        for path in nodes()
        if any(f"openletter.net.{client}" in imported(path) for client in CLIENTS)
        and not path.startswith("openletter/net/")
    }
    assert users == ASKS_REGISTRIES


def test_nothing_of_an_installation_lets_a_question_go_inside() -> None:
    """`own_servers` (loopback, plain http, other ports) are a test's, or the command's for one.

    The command reads them from a variable that settings do not know: the step can't have them.
    """
    allowed = ("openletter/net/reach.py", "openletter/cli/lookup.py")
    named = [
        f"{path}:{ast.unparse(node)[:60]}"
        for path, found in nodes().items()
        for node in found
        if path not in allowed
        and (
            (isinstance(node, ast.keyword) and node.arg == "own_servers")
            or (isinstance(node, ast.Attribute) and node.attr == "own_servers")
            or (isinstance(node, ast.Call) and _called(node) == "Reach")
        )
    ]
    assert named == []
    readers = [
        path
        for path, found in nodes().items()
        if any(isinstance(node, ast.Call) and _called(node) == "read_loopback" for node in found)
    ]
    assert readers == ["openletter/cli/lookup.py"]


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_an_installation_that_names_loopback_registries_does_not_start(tmp_path: Path) -> None:
    config = tmp_path / "openletter.toml"
    config.write_text('lookup_loopback = "rdap.test:443=8443"\n')
    environment = {**os.environ, "OPENLETTER_CONFIG": str(config)}
    told = subprocess.run(
        [sys.executable, "-c", "import openletter.shell.settings"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode != 0
    assert "no setting has this name" in told.stderr


def test_rows_of_the_look_up_know_no_network() -> None:
    found = [
        f"{path}: {name}"
        for path in nodes()
        if path.startswith("openletter/contacts/") and path not in ASKS_REGISTRIES
        for name in sorted(imported(path))
        if name.split(".")[0] in {"socket", "ssl", "httpx"} or name.startswith("openletter.net")
    ]
    assert found == []


def test_by_default_nobody_is_asked() -> None:
    from openletter.shell.configuration import Reader
    from openletter.shell.outside import read_outside

    outside = read_outside(Reader(environment={}))
    assert not outside.look_up.is_on
    assert not outside.look_up.may_guess
    assert outside.look_up.contact_zone == ""
    assert outside.resolver is None
    assert outside.zones == ()
