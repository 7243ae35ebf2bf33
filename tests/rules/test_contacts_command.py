"""`openletter contact`: its form, its exit codes, and that it needs neither Django nor network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from openletter.cli import app

DUMP = """\
inetnum: 203.0.113.0 - 203.0.113.191
netname: ISP
country: NL
status: ALLOCATED PA
abuse-c: AB1-RIPE
remarks: old address was abuse@example.com
source: RIPE

role: Abuse
nic-hdl: AB1-RIPE
abuse-mailbox: abuse@isp.nl, no-reply@isp.nl
source: RIPE
"""
RDAP = {"startAutnum": 64496, "endAutnum": 64511, "objectClassName": "autnum", "name": "NET"}
KEYS = {"address", "source", "registry", "object", "role", "depth", "scope", "rank", "reason"}


def run(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(app, ["contact", *map(str, arguments), "--json"])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "dump.txt"
    path.write_text(DUMP)
    return path


def test_one_object_per_argument_in_the_contracts_form(dump: Path) -> None:
    code, (found,) = run("203.0.113.7", "--rpsl", dump)
    assert code == 0
    assert found["query"] == "203.0.113.7"
    assert found["netblock"]["cidrs"] == ["203.0.113.0/25", "203.0.113.128/26"]
    assert (found["country"], found["language"]) == ("NL", "nl")
    assert found["language_reason"] == "language-organisation"
    assert found["chosen"].keys() >= KEYS
    assert found["chosen"]["address"] == "abuse@isp.nl"
    assert found["candidates"][0]["rank"] == 1
    refused = {each["address"]: each["reason"] for each in found["rejected"]}
    assert refused == {"no-reply@isp.nl": "no-reply", "abuse@example.com": "placeholder"}


def test_exit_codes(dump: Path, tmp_path: Path) -> None:
    code, found = run("203.0.113.7", "198.51.100.1", "--rpsl", dump)
    assert (code, [each["chosen"] is None for each in found]) == (1, [False, True])
    assert run("198.51.100.1", "--rpsl", dump)[0] == 3
    assert run("203.0.113.7", "--rpsl", tmp_path / "missing.txt")[0] == 2
    assert run("--rpsl", dump)[0] == 2
    assert run("203.0.113.7", "--rpsl")[0] == 2
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert run("--rdap", broken) == (2, [])


def test_the_question_is_taken_from_a_single_answer(tmp_path: Path) -> None:
    answer, delegated = tmp_path / "as.json", tmp_path / "delegated.txt"
    answer.write_text(json.dumps(RDAP))
    delegated.write_text("ripencc|JP|asn|64496|16|20100101|allocated|x\n")
    code, (found,) = run("--rdap", answer, "--delegated", delegated)
    assert (code, found["query"], found["netblock"]) == (3, "AS64496", None)
    assert (found["country"], found["language"]) == ("JP", "ja")
    assert run("as64500", "--rdap", answer)[1][0]["query"] == "AS64500"


def test_an_answer_about_another_network_is_not_used(tmp_path: Path) -> None:
    answer = tmp_path / "net.json"
    answer.write_text(json.dumps({"startAddress": "192.0.2.0", "endAddress": "192.0.2.255"}))
    code, (found,) = run("203.0.113.1", "--rdap", answer)
    assert (code, found["netblock"], found["candidates"]) == (3, None, [])


def test_split_dumps_are_read_as_one(tmp_path: Path) -> None:
    networks, roles = tmp_path / "inetnum.txt", tmp_path / "role.txt"
    first, second = DUMP.split("\n\n")
    networks.write_text(first)
    roles.write_text(second)
    for options in (["--rpsl", networks, "--rpsl", roles], ["--rpsl", networks, roles]):
        for arguments in (["203.0.113.7", *options], [*options, "203.0.113.7"]):
            code, (found,) = run(*arguments)
            assert (code, found["chosen"]["address"]) == (0, "abuse@isp.nl")


def test_without_django_and_sockets(dump: Path) -> None:
    program = (
        "import sys, socket\n"
        "def no(*a, **k): raise AssertionError('dialled')\n"
        "socket.socket.connect = socket.getaddrinfo = no\n"
        "from openletter.cli import app\n"
        f"try: app(['contact', '203.0.113.7', '--rpsl', {str(dump)!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert 'django' not in sys.modules and 'psycopg' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("203.0.113.7: abuse@isp.nl")
