"""What is committed works on every machine: no address of an index, no path of a machine."""

from __future__ import annotations

import re
from pathlib import Path

from tests.laws.sources import ROOT, committed_files

INDEX_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("snapshot", "debian", "org"),
    )
]
ADDRESS_OF_A_FILE = re.compile(r"https?://[^ \"]+(/simple/?[\" ]|/packages/[0-9a-f]{2}/|\.whl\b)")
MACHINE_PATH = re.compile(r"(?<![\w.<])/(work/[a-z.]+/|root/\w|home/[a-z]+/\w)")
LOCKS_WITH_ADDRESSES = re.compile(r"(uv\.lock|pylock[^/]*\.toml|poetry\.lock|pdm\.lock)$")


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in committed_files():
        try:
            found.append((path.relative_to(ROOT), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_package_index_or_a_downloads_address() -> None:
    assert [
        str(path)
        for path, text in texts()
        if any(host in text for host in INDEX_HOSTS) or ADDRESS_OF_A_FILE.search(text)
    ] == []


def test_no_file_holds_a_path_of_a_machine() -> None:
    assert [
        f"{path}: {hit.group()}" for path, text in texts() if (hit := MACHINE_PATH.search(text))
    ] == []


def test_no_lock_file_with_addresses() -> None:
    names = [str(path.relative_to(ROOT)) for path in committed_files()]
    assert [name for name in names if LOCKS_WITH_ADDRESSES.search(name)] == []


def test_nothing_unfinished_is_committed() -> None:
    words = re.compile("|".join(["NotImplemented" + "Error", "TO" + "DO", "FIX" + "ME"]))
    assert [
        str(path) for path, text in texts() if path.suffix == ".py" and words.search(text)
    ] == []


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    start = lines.index("dependencies = [")
    listed = lines[start + 1 : lines.index("]", start)]
    assert [line for line in listed if not re.search(r'",\s+# \w', line)] == []
    names = {re.split(r"[\[<>=]", line.strip(' "'))[0].lower() for line in listed}
    wanted = (ROOT / "requirements.in").read_text("utf-8").splitlines()
    locked = {re.split(r"[\[<>=]", line)[0].lower() for line in wanted if line[:1] not in {"#", ""}}
    assert names == locked
