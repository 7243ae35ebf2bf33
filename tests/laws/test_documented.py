"""What can be set or called stands in the reference, as the code has it now."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.laws.sources import ROOT


def test_the_reference_says_what_the_code_says() -> None:
    command = [sys.executable, str(ROOT / "docs/reference/generate.py"), "--check"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_setting_has_a_sentence() -> None:
    from openletter.shell.settings import READER

    assert [name for name, setting in READER.seen.items() if not setting.description] == []


def test_every_target_of_make_is_explained() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert targets - explained == {"dev", "tools"}  # parts of others, not for people
