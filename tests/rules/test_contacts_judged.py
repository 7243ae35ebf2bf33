"""The ranking against what a person at an abuse desk would do (samples/registry/judged.json)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openletter.contacts.rules import answers
from openletter.wire import rdap, rpsl, rpsl_links, whois
from openletter.wire.registry import Registration
from tests.samples import shared


def _registrations(folder: Path, key: str, question: answers.Question) -> list[Registration]:
    path = folder / key.partition("#")[0]
    if key.startswith("rdap"):
        return rdap.read(path.read_bytes())
    if key.startswith("whois"):
        return whois.read(path.read_bytes())
    return rpsl_links.gather(
        lambda: rpsl.unpacked([path.read_bytes()]),
        lambda each: answers.fits(question, each),
        faults=Counter(),
    )


def _answers(folder: Path) -> Iterator[tuple[str, dict[str, Any], answers.Answer]]:
    """Every judged case; RDAP and WHOIS files without an argument, dumps with the judged one."""
    for key, judged in json.loads((folder / "judged.json").read_text()).items():
        asked = answers.parse_question(judged["query"]) if "#" in key else None
        yield key, judged, answers.answer(asked, _registrations(folder, key, asked))


@pytest.fixture(scope="module")
def judged_cases() -> list[tuple[str, dict[str, Any], answers.Answer]]:
    return list(_answers(shared("samples", "registry")))


def test_chosen_is_acceptable_and_never_a_wrong_letter(
    judged_cases: list[tuple[str, dict[str, Any], answers.Answer]],
) -> None:
    tally: Counter[str] = Counter()
    for key, judged, found in judged_cases:
        chosen = found.ranking.chosen.mailbox if found.ranking.chosen else None
        group = "test-database" if "TEST.db" in key else "real"
        right = chosen in judged["acceptable"] if judged["best"] else chosen is None
        tally[f"{group}: {'null' if judged['best'] is None else 'box'}, right={right}"] += 1
        assert right, (key, chosen, judged["best"])
        assert chosen not in judged["must_not"], (key, chosen)
    print("\njudged.json:", dict(sorted(tally.items())))  # noqa: T201
    assert tally == {
        "real: box, right=True": 20,
        "real: null, right=True": 19,
        "test-database: null, right=True": 68,
    }


def test_country_and_netblock_are_those_of_the_judgement(
    judged_cases: list[tuple[str, dict[str, Any], answers.Answer]],
) -> None:
    for key, judged, found in judged_cases:
        if "TEST.db" in key:
            continue
        told = answers.as_json(found)
        assert told["country"] == judged["country"], key
        block = told["netblock"]
        if judged["netblock"] is None:
            assert block is None, key
        else:
            assert isinstance(block, dict)
            assert {"first": block["first"], "last": block["last"]} == judged["netblock"], key


def test_the_scope_is_that_of_the_judgement(
    judged_cases: list[tuple[str, dict[str, Any], answers.Answer]],
) -> None:
    for key, judged, found in judged_cases:
        if judged["best"] is not None:
            assert found.ranking.chosen is not None, key
            assert found.ranking.chosen.scope == judged["scope"], key


def test_every_abuse_address_of_the_mechanical_table_is_among_the_candidates() -> None:
    folder = shared("samples", "registry")
    table = json.loads((folder / "expected.json").read_text())
    for key, row in table.items():
        found = answers.answer(None, _registrations(folder, key, None))
        shown = {each.candidate.mailbox for each in found.ranking.order}
        for field in ("abuse_all", "pct_line", "abuse_fields"):
            missing = {address.lower() for address in row.get(field, [])} - shown
            assert not missing, (key, missing)


def test_a_domain_answer_names_nobody_of_a_network() -> None:
    content = shared("samples", "registry", "rdap-other", "20c_20c.com.json").read_bytes()
    found = answers.answer(None, rdap.read(content))
    assert found.ranking.chosen is None
    assert [each.candidate.mailbox for each in found.ranking.order] == ["abuse@joker.com"]
