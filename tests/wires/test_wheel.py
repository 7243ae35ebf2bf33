"""The built wheel, installed in an empty environment, runs `openletter up`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.samples import ROOT
from tests.servers.run import free_port

pytestmark = pytest.mark.full


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="openletter-test-wheel-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def page(address: str, *, within: float = 120) -> str:
    deadline = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def test_the_wheel_serves_the_site_with_its_styles_and_both_languages(place: Path) -> None:
    source = place / "source"
    ignored = shutil.ignore_patterns(".venv", ".git", ".state", ".cache", "dist", "__pycache__")
    shutil.copytree(ROOT, source, ignore=ignored)
    (source / ".venv").symlink_to(Path(sys.prefix))
    wheel = source / run("scripts/wheel", cwd=source).strip().splitlines()[-1]
    run(sys.executable, "-m", "venv", place / "venv", cwd=place)
    python = place / "venv" / "bin" / "python"
    locked = ("--require-hashes", "-r", source / "requirements.txt")
    run(python, "-m", "pip", "install", "-qq", *locked, cwd=place)
    run(python, "-m", "pip", "install", "-qq", "--no-deps", wheel, cwd=place)
    port = free_port()
    environment = {
        "OPENLETTER_STATE": str(place / "state"),
        "OPENLETTER_LISTEN": f"127.0.0.1:{port}",
        "OPENLETTER_METRICS": f"127.0.0.1:{free_port()}",
        "OPENLETTER_INTAKE_LISTEN": f"127.0.0.1:{free_port()}",
    }
    command = [str(place / "venv" / "bin" / "openletter"), "up"]
    with (place / "log").open("wb") as log:
        up = subprocess.Popen(command, cwd=place, env={**os.environ, **environment}, stderr=log)
    try:
        assert page(f"http://127.0.0.1:{port}/healthz") == "ok\n"
        assert 'lang="nl"' in page(f"http://127.0.0.1:{port}/nl/")
        assert "{" in page(f"http://127.0.0.1:{port}/static/frame/style.css")
        assert "Postfix" in page(f"http://127.0.0.1:{port}/en/guides")
        run(command[0], "down", cwd=place, **environment)
    finally:
        up.wait(90)
