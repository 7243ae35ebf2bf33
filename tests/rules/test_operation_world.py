"""The benchmark's world is what it says: sixty countries, thirty languages, several families."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bench.operationdata import write_feeds, write_registry
from bench.operationworld import BASE, COUNTRIES, boxes, suspects_of
from openletter.contacts.rules.language import OF_COUNTRY, OURS


def test_countries_speak_all_languages() -> None:
    assert len(set(COUNTRIES)) == 60
    spoken = {tag for country in COUNTRIES for tag in OF_COUNTRY.get(country, ("en",))}
    assert spoken == OURS


def test_every_mailbox_has_an_open_server_and_its_own_addresses() -> None:
    seen: Counter[int] = Counter()
    for box in boxes(2_000):
        found = list(suspects_of(box))
        assert len(found) == box.suspects
        assert len(found[0].seen_by) > 1
        assert not found[0].is_old
        assert all(box.first <= one.ip <= box.last and one.ip >= BASE for one in found)
        seen.update(one.ip for one in found)
    assert max(seen.values()) == 1


def test_as_many_rows_as_asked(tmp_path: Path) -> None:
    day = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    rows = write_feeds(tmp_path / "feeds", rows=2_000, day=day)
    assert abs(rows - 2_000) < 20
    assert len(list((tmp_path / "feeds").iterdir())) == 7
    assert write_registry(tmp_path / "dump", mailboxes=200) == 200
