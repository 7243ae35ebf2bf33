"""Hands letters to the judges and gives their verdicts: one namespace for a whole pile."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.samples import ROOT
from tests.servers import debian

FENCE = [
    "unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child",
    "--mount-proc",
]  # fmt: skip
NEEDS = {
    "opendkim": ("opendkim-tools", "unbound"),
    "perl": ("libmail-dkim-perl", "unbound"),
    "spamassassin": ("spamassassin", "libmail-dkim-perl", "libmail-spf-perl", "unbound"),
    "rspamd": ("rspamd", "unbound"),
}
Records = Mapping[str, Mapping[str, str]]
"""Name -> type -> value as a zone file has it."""


def skip_without(*judges: str) -> None:
    """Skip the test with one line where a judge can't be had, or a network can't be made."""
    if reason := why_not(*judges):
        pytest.skip(reason)


def why_not(*judges: str) -> str:
    for package in sorted({package for judge in judges for package in NEEDS[judge]}):
        if debian.program(package) is None:
            return f"Debian's {package} is not unpacked here (make tools)"
    tried = subprocess.run([*FENCE, "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no network of its own can be made here"


def judged(
    letters: Mapping[str, bytes], *, by: str, records: Records, patience: float = 120
) -> dict[str, Any]:
    """What a judge says of each letter; all that it started has ended when this returns."""
    with tempfile.TemporaryDirectory(prefix="openletter-judge-") as home:
        folder = Path(home)
        (folder / "letters").mkdir()
        names = {f"{number:05}": name for number, name in enumerate(letters)}
        for file, name in names.items():
            (folder / "letters" / file).write_bytes(letters[name])
        (folder / "records.json").write_text(json.dumps(records))
        command = [*FENCE, sys.executable, "-m", "tests.servers.judges.inside", by, home]
        done = subprocess.run(
            command, cwd=ROOT, env={**debian.environment(), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        verdicts = json.loads((folder / "verdicts.json").read_text())
    assert set(verdicts) == set(names), "every letter has a verdict"
    return {names[file]: verdict for file, verdict in verdicts.items()}
