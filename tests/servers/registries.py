"""What Debian does not have, from the registries of Python and Node.js, laid into a guide's image.

As a reader would have it: below /usr/local, with its command on the path. Nothing of the
packages is run while they are laid there, and this machine gets none of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PYTHON = "usr/local/lib/python3.11/dist-packages"
NODE = "usr/local/lib/node"


def add(place: Path, *, wheels: tuple[str, ...], modules: tuple[str, ...]) -> str:
    """Lay wheels and Node.js modules into an image; say what went wrong, or nothing."""
    return (_wheels(place, wheels) if wheels else "") or (
        _modules(place, modules) if modules else ""
    )


def _wheels(place: Path, wheels: tuple[str, ...]) -> str:
    target = place / PYTHON
    target.mkdir(parents=True, exist_ok=True)
    told = _run(
        ["/usr/bin/python3", "-m", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:",
         "--target", str(target), *wheels]
    )  # fmt: skip
    if not told:
        commands = place / "usr/local/bin"
        commands.mkdir(parents=True, exist_ok=True)
        for command in (target / "bin").iterdir():
            shutil.move(command, commands / command.name)
    return told


def _modules(place: Path, modules: tuple[str, ...]) -> str:
    target = place / NODE
    target.mkdir(parents=True, exist_ok=True)
    return _run(
        ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
         "--prefix", str(target), *modules]
    )  # fmt: skip


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=300, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    told = (done.stderr + done.stdout).strip()[-300:]
    return (told or f"{command[0]} failed") if done.returncode else ""
