"""Real reports, registry answers and mails that lie beside the project, not in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared(*parts: str) -> Path:
    """Give a path below the shared folder, or skip the test with one line."""
    folder = Path(os.environ.get("OPENLETTER_SHARED", ROOT.parent / "shared"))
    found = folder.joinpath(*parts)
    if not found.exists():
        pytest.skip(f"no samples: {'/'.join(parts)} is not beside the project")
    return found
