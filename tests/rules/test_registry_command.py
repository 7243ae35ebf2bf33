"""`openletter registry` in a process of its own: Django is made ready before anything needs it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from openletter import shell
def ready(**_): raise SystemExit(42)
shell.setup = ready
from openletter.cli import app
for words in (["list"], ["load", "x", "--yes"], ["take-back", "1", "--yes"]):
    try:
        app(["registry", *words])
    except SystemExit as ended:
        assert ended.code == 42, (words, ended.code)
    else:
        raise AssertionError(words)
"""


def test_every_command_makes_django_ready_first() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
