"""Every source is one folder: what it is, a page that says so, its terms, and samples judged so."""

from __future__ import annotations

import io
import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from openletter.evidence import sourcebook
from openletter.evidence.rules.reading import FileVerdict, RowOf, read_file
from openletter.evidence.rules.recognise import Hint
from openletter.words import AddressClass
from tests.laws.sources import PACKAGE
from tests.wire.feed_files import NOW

FOLDERS = sorted(path for path in (PACKAGE / "evidence/sources").iterdir() if path.is_dir())
QUAD = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
FILLERS = ipaddress.ip_network("11.22.33.0/24")
NAMED_BY_NOBODY = {"unnamed", "example-dnsbl"}


def samples() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for folder in FOLDERS:
        told = folder / "samples.toml"
        if told.exists():
            table = tomllib.loads(told.read_text("utf-8"))
            found += [(folder.name, one) for one in table["samples"]]
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_has_all_that_a_source_needs(folder: Path) -> None:
    raw = tomllib.loads((folder / "source.toml").read_text("utf-8"))
    feeds = [{**raw, **one} for one in raw.get("feeds", [{}])]
    assert all("terms" in feed for feed in feeds), "terms"
    assert folder.name in NAMED_BY_NOBODY or all("citation" in feed for feed in feeds), "citation"
    assert (folder / "samples.toml").exists(), "samples"
    listed = {one["file"] for name, one in samples() if name == folder.name}
    there = {path.name for path in (folder / "samples").iterdir()}
    assert listed == there


@pytest.mark.parametrize(
    ("folder", "sample"), samples(), ids=[f"{name}/{one['file']}" for name, one in samples()]
)
def test_each_sample_is_judged_as_its_folder_says(folder: str, sample: dict[str, Any]) -> None:
    path = PACKAGE / "evidence/sources" / folder / "samples" / sample["file"]
    hint = Hint(source=sample.get("declared", ""))
    stream = io.BytesIO(path.read_bytes())
    events = list(read_file(path.name, stream, book=sourcebook.packaged(), now=NOW, hint=hint))
    (verdict,) = [event for event in events if isinstance(event, FileVerdict)]
    if "refused" in sample:
        assert (verdict.outcome, verdict.reason) == ("refused", sample["refused"])
        return
    assert (verdict.source, verdict.by_reason) == (sample["source"], sample["by_reason"])
    for event in events:
        if isinstance(event, RowOf) and event.judged.ip is not None:
            one = event.judged.ip
            known = event.judged.address_class is AddressClass.DOCUMENTATION
            assert known or one.is_loopback or one in FILLERS, one


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_samples_name_nobody(folder: Path) -> None:
    for path in (folder / "samples").iterdir():
        text = path.read_text("utf-8")
        for quad in QUAD.findall(text):
            address = ipaddress.ip_address(quad)
            assert (
                address in FILLERS
                or address.is_loopback
                or address.is_unspecified
                or not address.is_global
            ), f"{path.name}: {quad}"
