"""The commands of whoever runs it, as he types them: up, down, init, backup, restore, audit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from openletter.shell import postgres
from tests.samples import ROOT
from tests.servers.run import free_port, listening


@dataclass(frozen=True, kw_only=True)
class House:
    """A state folder, ports of its own, and a way to run commands on it."""

    home: Path
    environment: dict[str, str]
    web: int
    metrics: int
    intake: int
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.home / "state"

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """Run `openletter …`; gives stdout and stderr together."""
        done = subprocess.run(
            [sys.executable, "-m", "openletter", *arguments],
            cwd=self.home,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "openletter", "up"]
        with (self.home / "up.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=self.home, env=self.environment, stderr=log)
        self.started.append(process)
        return process

    def ask(self, port: int, path: str, *, within: float = 90) -> str:
        deadline = time.monotonic() + within
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                    return str(answer.read().decode())
            except OSError:
                if time.monotonic() > deadline:
                    pytest.fail((self.home / "up.log").read_text()[-3000:])
                time.sleep(0.2)

    def rows(self, question: str, *, role: str = postgres.OWNER) -> list[tuple[object, ...]]:
        address = postgres.start(self.state)
        with psycopg.connect(address.url(role), autocommit=True) as session:
            found = session.execute(question)
            return found.fetchall() if found.description else []


INIT = (
    *("init", "--site", "https://letters.example.net", "--domain", "example.net"),
    *("--partner", "CERT Voorbeeld", "--email", "vragen@example.net", "--country", "NL"),
    *("--user", "anna"),
)


@dataclass(frozen=True, kw_only=True)
class Founded:
    """What `init` left and said."""

    home: Path
    told: str


@pytest.fixture(scope="module")
def founded() -> Iterator[Founded]:
    """Found one installation; each test works on a copy, which takes a tenth of the time."""
    home = Path(tempfile.mkdtemp(prefix="openletter-test-house-"))
    home.chmod(0o755)
    environment = {**os.environ, "OPENLETTER_STATE": str(home / "state"), "PYTHONPATH": str(ROOT)}
    told = ""
    for arguments in (INIT, ("down",)):
        command = [sys.executable, "-m", "openletter", *arguments]
        done = subprocess.run(
            command, env=environment, cwd=home, capture_output=True, text=True, check=False
        )
        told += done.stdout + done.stderr
        assert done.returncode == 0, told
    yield Founded(home=home, told=told)
    shutil.rmtree(home)


@pytest.fixture
def house(founded: Founded) -> Iterator[House]:
    home = Path(tempfile.mkdtemp(prefix="openletter-test-house-"))
    home.chmod(0o755)
    subprocess.run(["cp", "-a", f"{founded.home}/.", str(home)], check=True)
    web, metrics, intake = free_port(), free_port(), free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")},
        "OPENLETTER_STATE": str(home / "state"),
        "OPENLETTER_LISTEN": f"127.0.0.1:{web}",
        "OPENLETTER_METRICS": f"127.0.0.1:{metrics}",
        "OPENLETTER_INTAKE_LISTEN": f"127.0.0.1:{intake}",
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("OPENLETTER_DATABASE_AS", None)
    built = House(home=home, environment=environment, web=web, metrics=metrics, intake=intake)
    yield built
    built.run("down")
    for process in built.started:
        process.wait(30)
    shutil.rmtree(home)


def test_up_serves_all_doors_survives_kills_and_leaves_nothing_behind(house: House) -> None:
    process = house.start()
    assert house.ask(house.web, "/healthz") == "ok\n"
    assert "openletter_leaving_paused 0.0" in house.ask(house.metrics, "/metrics")
    assert json.loads(house.run("status", "--json"))["up"] is True
    assert "it is up already" in house.run("up", code=1)

    server = int((house.state / "pg" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGKILL)
    time.sleep(2)
    assert house.ask(house.web, "/healthz") == "ok\n"

    assert "down" in house.run("down")
    assert process.wait(60) == 0
    ports = {house.web, house.metrics, house.intake}
    assert ports & {port for _address, port in listening()} == set()
    assert "nothing was running" in house.run("down")


def test_ctrl_c_stops_everything(house: House) -> None:
    process = house.start()
    house.ask(house.web, "/healthz")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert postgres.status(house.state) is None


def test_init_makes_the_first_user_and_says_what_to_publish(founded: Founded) -> None:
    assert "role without superuser" in founded.told
    assert "openletter._domainkey.example.net" in founded.told
    assert "v=DKIM1" in founded.told
    assert "bounce.example.net. IN MX" in founded.told
    assert "password: " in founded.told
    written = (founded.home / "openletter.toml").read_text()
    assert 'site_address = "https://letters.example.net"' in written
    for key in (founded.home / "state" / "keys").iterdir():
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_init_again_keeps_what_is_there_and_users_are_added(house: House) -> None:
    again = house.run(*INIT)
    assert "user: anna (was there)" in again
    assert "stays as it is" in again
    told = house.run("user", "add", "bram", "--partner", "cert-voorbeeld", "--role", "handler")
    assert "bram is handler at CERT Voorbeeld" in told
    assert "no role king" in house.run(
        *("user", "add", "cas", "--partner", "cert-voorbeeld", "--role", "king"), code=1
    )


def test_settings_are_shown_with_their_origin_and_without_secrets(house: House) -> None:
    told = house.run("config", "show", "--origin")
    assert "OPENLETTER_SITE_ADDRESS = https://letters.example.net    # " in told
    assert "OPENLETTER_LISTEN = 127.0.0.1:" in told
    assert (house.state / "keys" / "session").read_text() not in told


def test_a_backup_comes_back_and_nothing_leaves_until_a_person_says_so(house: House) -> None:
    backup = house.home / "backup.tar.gz"
    house.run("backup", str(backup))
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "is there already" in house.run("backup", str(backup), code=1)
    house.run("user", "add", "later", "--partner", "cert-voorbeeld")

    told = house.run("restore", str(backup))
    assert "lies in" in told
    assert house.rows("SELECT username FROM auth_user ORDER BY 1") == [("anna",)]
    assert house.rows("SELECT leaving_paused_at IS NOT NULL FROM installation") == [(True,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        house.rows("DELETE FROM timeline", role=postgres.APP)


def test_a_backup_holds_no_passwords_of_this_installation(house: House) -> None:
    backup = house.home / "backup.tar.gz"
    house.run("backup", str(backup))
    with tarfile.open(backup) as tar:
        names = tar.getnames()
    assert {"manifest.json", "database.dump"} <= set(names)
    assert not {"keys/database", "keys/session"} & set(names)
    assert any(name.startswith("keys/dkim-openletter") for name in names)


@pytest.mark.parametrize("kind", ["cut", "text", "escape", "newer"])
def test_what_is_no_whole_backup_of_ours_changes_nothing(house: House, kind: str) -> None:
    file = house.home / "bad.tar.gz"
    manifest = house.home / "manifest.json"
    version = "99.0.0" if kind == "newer" else "0.1.0"
    manifest.write_text(json.dumps({"version": version, "at": "2026-11-02", "major": "18"}))
    with tarfile.open(file, "w:gz") as tar:
        tar.add(manifest, "../../escaped" if kind == "escape" else "manifest.json")
    if kind == "cut":
        file.write_bytes(file.read_bytes()[:60])
    if kind == "text":
        file.write_text("not a backup")
    told = house.run("restore", str(file), code=1)
    assert (
        "restore it with that version" in told if kind == "newer" else "not a whole backup" in told
    )
    assert list((house.state / "pg").glob("data-*")) == []
    assert not (house.home.parent / "escaped").exists()


def test_audit_finds_what_an_intruder_changed(house: House) -> None:
    assert "whole" in house.run("audit", "verify")
    columns = "(subject, actor, at, action, previous, hash)"
    house.rows(
        f"INSERT INTO timeline {columns} VALUES ('case:1', 'user:x', now(), 'forged', '\\x00', '\\x00')"
    )
    assert "broken at" in house.run("audit", "verify", code=1)


def test_the_application_role_can_add_to_the_timeline_and_nothing_else(house: House) -> None:
    for statement in (
        "UPDATE timeline SET actor = 'nobody'",
        "DELETE FROM timeline",
        "TRUNCATE timeline",
        "ALTER TABLE timeline DISABLE TRIGGER ALL",
        "DROP TABLE timeline",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            house.rows(statement, role=postgres.APP)


def test_a_misspelt_setting_stops_the_start_in_a_sentence(house: House) -> None:
    (house.home / "openletter.toml").write_text('sit_address = "https://x.example.net"\n')
    told = house.run("config", "show", code=1)
    assert "sit_address" in told
    (house.home / "openletter.toml").unlink()
