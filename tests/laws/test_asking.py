"""Whoever asks strangers does it in one place, and nothing of an installation opens a back door."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.laws.sources import modules

ASKS_REGISTRIES = {
    "openletter/contacts/jobs.py", "openletter/contacts/live.py", "openletter/cli/lookup.py",
}  # fmt: skip
CLIENTS = ("http_client", "rdap_client", "whois_client", "guess_client", "reach")


def imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def names_of(wanted: str) -> list[str]:
    return [str(path) for path, tree in modules() if wanted in imported(tree)]


def test_only_one_module_has_httpx() -> None:
    assert names_of("httpx") == ["openletter/net/http_client.py"]


def test_registries_are_asked_by_the_step_and_the_command_alone() -> None:
    users = {
        str(path)
        for path, tree in modules()
        if any(f"openletter.net.{client}" in imported(tree) for client in CLIENTS)
        and not str(path).startswith("openletter/net/")
    }
    assert users == ASKS_REGISTRIES


def test_nothing_of_an_installation_lets_a_question_go_inside() -> None:
    """`own_servers` (loopback, plain http, other ports) are a test's, or the command's for one.

    The command reads them from a variable that settings do not know: the step can't have them.
    """
    named = [
        f"{path}:{node.lineno}"
        for path, tree in modules()
        if path not in (Path("openletter/net/reach.py"), Path("openletter/cli/lookup.py"))
        for node in ast.walk(tree)
        if (isinstance(node, ast.keyword) and node.arg == "own_servers")
        or (isinstance(node, ast.Attribute) and node.attr == "own_servers")
        or (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Reach"))
    ]
    assert named == []
    reads = [str(path) for path, tree in modules() if "read_loopback" in ast.unparse(tree)]
    assert reads == ["openletter/cli/lookup.py", "openletter/shell/outside.py"]


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
    rooms = [
        (path, tree)
        for path, tree in modules()
        if path.parts[:2] == ("openletter", "contacts") and str(path) not in ASKS_REGISTRIES
    ]
    found = [
        f"{path}: {name}"
        for path, tree in rooms
        for name in sorted(imported(tree))
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
