"""The replayed operation in small: real files, workers killed on the way, nobody told twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.full
def test_workers_killed_on_the_way_tell_nobody_twice() -> None:
    command = [sys.executable, "bench/operation.py", "--rows", "2000", "--kill", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["killed"] == 2
    assert told["duplicates"] == 0
    assert told["letters"] == 200
    assert told["states"].get("delivered", 0) + told["unknown"] == 200
    assert told["audit"]["whole"]
