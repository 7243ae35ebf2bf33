"""docs/howto/add-a-source.md, done: copy a folder, change what the text says, ingest its sample."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.evidence import sourcebook
from openletter.evidence.rules.definitions import read_definition
from openletter.evidence.rules.feeds import Feed, Format
from openletter.evidence.rules.terms import KEYS
from tests.laws.sources import PACKAGE, ROOT

GUIDE = (ROOT / "docs/howto/add-a-source.md").read_text("utf-8")
SOURCES = PACKAGE / "evidence/sources"


def changed(text: str, **values: str) -> str:
    """The folder's file with other values, as a person would change it in an editor."""
    for name, value in values.items():
        text, count = re.subn(rf'(?m)^{name} = ".*"$', f'{name} = "{value}"', text, count=1)
        assert count == 1, name
    return text


def ingested(folder: Path, sample: str, *more: str) -> list[dict[str, object]]:
    """The rows and the verdict of a sample, with the new source known."""
    command = ["ingest", "--dry-run", "--rows", "--json", "--at", "2026-03-02T12:00:00Z"]
    told = CliRunner().invoke(
        app, [*command, "--sources", str(folder), *more, str(folder / "samples" / sample)]
    )
    return [json.loads(line) for line in told.stdout.splitlines()]


@pytest.mark.parametrize(
    ("copied", "sample", "declared", "opens"),
    [
        ("spysme", "proxy.txt", True, 2),
        ("firehol-socks", "socks_proxy_1d.ipset", True, 2),
        ("dronebl", "dnsbl.dronebl.org", True, 2),
        ("monosans", "proxies.json", True, 2),
        ("partner-checks", "checks.csv", True, 2),
        ("partner-checks", "checks.ndjson", True, 1),
    ],
)
def test_copying_one_folder_adds_a_source(
    copied: str, sample: str, declared: bool, opens: int, tmp_path: Path
) -> None:
    folder = tmp_path / "nachtwacht"
    shutil.copytree(SOURCES / copied, folder)
    place = folder / "source.toml"
    text = changed(place.read_text(), id="nachtwacht", name="Nachtwacht", family="nachtwacht")
    place.write_text(text.replace('source = "partner-checks"', 'source = "nachtwacht"'))
    more = ["--source", "nachtwacht"] if declared else []
    *rows, verdict = ingested(folder, sample, *more)
    assert {row["source"] for row in rows} == {"nachtwacht"} == {verdict["source"]}
    assert sum(row["judgement"] == "accept" for row in rows) == opens


def test_a_source_written_from_the_text_alone(tmp_path: Path) -> None:
    """What the text says, and nothing else, makes a source whose every part is kept."""
    (tmp_path / "samples").mkdir()
    (tmp_path / "source.toml").write_text(
        'id = "nachtwacht"\nname = "Nachtwacht"\nfamily = "nachtwacht"\nformat = "rbldnsd"\n'
        'role = "unknown"\nzones = ["bl.nachtwacht.example"]\nrefusals = ["127.255.255.0/24"]\n'
        'citation = "https://nachtwacht.example/codes"\n'
        '[terms]\nredistribute = true\nattribution = "Nachtwacht"\n'
        '[codes."127.0.0.4"]\nweakness = ["open-socks"]\n'
    )
    (tmp_path / "samples/bl.nachtwacht.example").write_text(
        "$NS 1 ns.nachtwacht.example\n192.0.2.1 :4:x\n192.0.2.2 :5:x\n192.0.2.3 :127.255.255.1:x\n"
    )
    *rows, verdict = ingested(tmp_path, "bl.nachtwacht.example")
    assert [(row["judgement"], row["reason"]) for row in rows] == [
        ("accept", "says-open"), ("corroborates", "unknown-code"), ("reject", "answer-refused"),
    ]  # fmt: skip
    assert verdict["source"] == "nachtwacht"


def test_the_text_names_what_there_is() -> None:
    """Each folder it names is there; each form and each term that there is stands in it."""
    table = re.findall(r"^\| .* \| `([a-z-]+)` \|$", GUIDE, re.MULTILINE)
    assert len(table) >= 6
    assert all((SOURCES / name).is_dir() for name in table)
    tabular = {Format.PLAIN, Format.RBLDNSD, Format.PROXIES, Format.MAPPED, Format.SHADOWSERVER}
    assert all(f"`{form}`" in GUIDE for form in tabular)
    assert all(f"`{key}`" in GUIDE for key in KEYS)
    keys = {"id", "name", "family", "copies", "role", "weakness", "worth", "zones", "refusals",
            "dead", "by_columns", "columns", "fillers", "needs_time", "needs_port", "citation"}  # fmt: skip
    assert keys <= set(Feed.__dataclass_fields__)
    assert all(f"`{key}`" in GUIDE for key in keys)


def test_its_example_of_samples_is_what_the_law_reads() -> None:
    import tomllib

    block = re.search(r"    \[\[samples\]\]\n(?:    .*\n)+", GUIDE)
    assert block is not None
    (one,) = tomllib.loads(re.sub(r"(?m)^    ", "", block.group()))["samples"]
    assert set(one) == {"file", "source", "by_reason"}
    known = sourcebook.packaged()
    assert read_definition({"id": "x", "name": "x", "family": "x"})
    assert known.get(one["source"]) is None  # an invented name
