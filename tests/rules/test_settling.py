"""What a smarthost's log proves of a letter that may or may not have left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from openletter.letters.rules.logs import SETTLING, LogFacts, Seen, is_whole


def test_a_young_letter_needs_a_log_that_reaches_beyond_its_settling() -> None:
    """A log that ends right after the claim proves nothing, however lately that was."""
    since = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    ours = since + timedelta(minutes=2)
    seen = {"<later@x>": Seen(queue_id="A", at=ours, is_queued=True)}
    facts = LogFacts(by_message=seen, stretches=[(since - timedelta(hours=3), ours)])
    now = since + timedelta(minutes=40)
    assert not is_whole(facts, known={"<later@x>": ours}, since=since, now=now)
    facts.stretches = [(since - timedelta(hours=3), since + SETTLING)]
    assert is_whole(facts, known={"<later@x>": ours}, since=since, now=now)
