"""Several processes write letters side by side: who deals out the mailboxes, and when again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from openletter.campaigns.models import Campaign
from openletter.letters import corrections, scribe, steps, writing
from tests.builders import NOW

CAMPAIGN = Campaign(pk=1)
PLAN = [f"abuse@net{number}.example" for number in range(2 * writing.A_BATCH)]


@pytest.fixture
def scribes() -> Iterator[writing._Scribes]:
    """Threads stand for the processes."""
    found = writing._Scribes()
    with ThreadPoolExecutor(2) as found._pool:
        yield found


def test_when_one_scribe_fails_the_others_are_waited_for(
    scribes: writing._Scribes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever plans next must not deal out mailboxes that somebody still writes to."""
    begun, ended = threading.Event(), []

    def write(_: int, mailboxes: Sequence[str], now: datetime) -> int:
        if mailboxes[0] == PLAN[0]:
            begun.wait()
            raise ValueError("two letters drew one reference")
        begun.set()
        time.sleep(0.1)
        ended.append(now)
        return len(mailboxes)

    monkeypatch.setattr(scribe, "write", write)
    with pytest.raises(ValueError, match="one reference"):
        scribes.write(CAMPAIGN, PLAN, now=NOW)
    assert ended == [NOW]


def test_a_campaign_with_little_to_write_leaves_the_scribes_to_another(
    scribes: writing._Scribes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two campaigns are composed by two threads of one worker."""

    def write(_: int, mailboxes: Sequence[str], now: datetime) -> int:
        scribes.dismiss()
        return len(mailboxes)

    monkeypatch.setattr(scribe, "write", write)
    assert scribes.write(CAMPAIGN, PLAN, now=NOW) == len(PLAN)
    assert scribes.write(CAMPAIGN, PLAN, now=NOW) == len(PLAN)
    scribes.dismiss()
    assert scribes._pool is None


@pytest.mark.django_db
def test_where_nobody_on_the_plan_can_be_written_to_aged_drafts_are_renewed_all_the_same(
    scribes: writing._Scribes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object, **__: object) -> int:
        return 0

    def by_one(_: Campaign, *, now: datetime, limit: int) -> int:
        return 7 if (now, limit) == (NOW, writing.A_BATCH) else 0

    plan = [f"abuse@net{number}.example" for number in range(writing.MANY)]
    monkeypatch.setattr(writing, "_SCRIBES", scribes)
    monkeypatch.setattr(writing._PLAN, "is_worth_while", lambda _: True)
    monkeypatch.setattr(writing._PLAN, "next", lambda *_, **__: plan)
    monkeypatch.setattr(writing._PLAN, "note", lambda *_, **__: None)
    monkeypatch.setattr(scribe, "write", nothing)
    monkeypatch.setattr(corrections, "write", nothing)
    monkeypatch.setattr(steps, "compose", by_one)
    assert writing.compose(CAMPAIGN, now=NOW, limit=4_000) == 7
