"""Gives the tests a state folder of their own, before anything reads settings (`-p tests.state`)."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

if not IS_WORKER:  # a worker inherits its controller's folder
    os.environ["OPENLETTER_STATE"] = tempfile.mkdtemp(prefix="openletter-test-")
    Path(os.environ["OPENLETTER_STATE"]).chmod(0o755)  # as root, the database's user must get in
    os.environ.pop("OPENLETTER_CONFIG", None)


def pytest_unconfigure() -> None:
    """Leave no state folder behind, nor a server that a command started in it."""
    if IS_WORKER:
        return
    state = Path(os.environ["OPENLETTER_STATE"])
    if (state / "pg.json").exists():
        from openletter.shell import postgres

        postgres.stop(state)
    shutil.rmtree(state, ignore_errors=True)
