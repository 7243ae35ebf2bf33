"""`openletter demo` as a person runs it: killed in the middle, run again, run once more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("line")]

KEYS = (
    "rows rejected rejected_by_reason observations findings cases contacts letters sent_this_run"
    " delivered bounced questions opted_out closed still_open unknown duplicates seconds version"
).split()
COMMAND = [sys.executable, "-m", "openletter", "demo", "--once"]


def _environment(state: Path) -> dict[str, str]:
    return {**os.environ, "OPENLETTER_STATE": str(state)}


def _killed_after(letters: int, state: Path) -> None:
    """Start the demonstration and kill it hard when so many letters have arrived."""
    index = state / "demo" / "mailbox" / "index.ndjson"
    process = subprocess.Popen(
        COMMAND, env=_environment(state), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if index.exists() and index.read_bytes().count(b"\n") >= letters:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    assert process.wait(timeout=60) == -signal.SIGKILL


def _figures(state: Path) -> dict[str, object]:
    done = subprocess.run(
        COMMAND, env=_environment(state), capture_output=True, text=True, check=True, timeout=600
    )
    told = json.loads(done.stdout.strip().split("\n")[-1])
    assert list(told) == KEYS
    assert done.stdout.count("\n") == 1, "nothing else on stdout"
    return dict(told)


@pytest.mark.parametrize("letters", [1, 60])
def test_killed_among_letters_it_goes_on_and_nobody_gets_a_second_one(
    tmp_path: Path, letters: int
) -> None:
    _killed_after(letters, tmp_path)
    first = _figures(tmp_path)
    assert first["duplicates"] == 0
    assert int(str(first["unknown"])) <= 100, "a crash leaves a batch in doubt at most"
    again = _figures(tmp_path)
    assert again["sent_this_run"] == 0
    differing = {"sent_this_run", "seconds"}
    assert {k: v for k, v in again.items() if k not in differing} == {
        k: v for k, v in first.items() if k not in differing
    }
