"""Gives the tests a state folder of their own, before anything reads settings (`-p tests.state`)."""

from __future__ import annotations

import os
import shutil
import tempfile

IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ

if not IS_WORKER:  # a worker inherits its controller's folder
    os.environ["OPENLETTER_STATE"] = tempfile.mkdtemp(prefix="openletter-test-")
    os.environ.pop("OPENLETTER_CONFIG", None)


def pytest_unconfigure() -> None:
    """Leave no state folder behind."""
    if not IS_WORKER:
        shutil.rmtree(os.environ["OPENLETTER_STATE"], ignore_errors=True)
