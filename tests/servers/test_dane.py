"""The recipe with `--tls dane`: a letter goes where its receiver proves itself, or it waits."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.samples import ROOT
from tests.servers import debian, run

FENCE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


@pytest.mark.full
def test_a_dane_letter_is_delivered_verified_and_never_in_the_clear() -> None:
    """Another key, a forged record, no TLS at all: the letter stays in the queue."""
    run.needs("postfix")
    run.needs("unbound")
    if not run.IS_ROOT or subprocess.run([*FENCE, "true"], check=False).returncode:
        pytest.skip("no network of its own can be made here")
    with run.folder() as home:
        done = subprocess.run(
            [*FENCE, sys.executable, "-m", "tests.servers.dane_site", str(home)], cwd=ROOT,
            capture_output=True, text=True, timeout=120, check=False, env=debian.environment(),
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["fates"] == ["accepted"] * 4
    assert told["arrived"] == ["abuse@good.dane.example"]
    assert "Verified TLS connection established to mx.good.dane.example" in told["log"]
    fates = dict(re.findall(r"to=<abuse@(\w+)\.dane\.example>.* status=(\w+)", told["log"]))
    assert fates == {"good": "sent", "wrong": "deferred", "forged": "deferred", "bare": "deferred"}
    assert "from=<b+good@bounce.example.org>" in told["exchanger"]
    assert told["exchanger"].count("from=<b+") == 1  # no other envelope was even said
