"""SpamAssassin and rspamd, with Debian's stock rules and scores, take no letter of ours for spam.

Offline: no blocklist, no learnt words, no fuzzy sums. What counts here is how a letter is built and
signed, and how the domain is set up. The table of a whole run: docs/filter-scores.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import pytest

from openletter.letters import library, preview
from openletter.words import Reader
from tests.servers.judges import court, filtered

KEYS = filtered.signing_keys()
RECORDS = filtered.records(KEYS)
LEAST, FEW = "spamassassin", ("en", "nl", "tr", "ru", "bg", "ar", "ja")
"""SpamAssassin takes a fifth of a second a letter, so only a few languages are shown to it here;
in Russian and Bulgarian the short kinds, which hold the fewest English letters."""


def judged(pile: dict[str, bytes], by: str) -> dict[str, Any]:
    court.skip_without(by)
    return court.judged(pile, by=by, records=RECORDS, patience=900)


def assert_welcome(told: dict[str, Any]) -> None:
    assert not {name: one for name, one in told.items() if one["score"] > 0}
    for name, one in told.items():
        rules = set(one["rules"])
        assert {"DKIM_VALID_AU", "SPF_PASS"} <= rules or {
            "R_DKIM_ALLOW", "R_SPF_ALLOW", "DMARC_POLICY_ALLOW",
        } <= rules, name  # fmt: skip


def one_of_each(languages: tuple[str, ...]) -> dict[str, bytes]:
    now = datetime.now(UTC)
    turns = zip(
        languages, cycle(library.kinds()), cycle(Reader), cycle(preview.SUBJECTS), strict=False
    )
    asked = [preview.Asked(language=a, kind=b, to=c, about=d) for a, b, c, d in turns]
    return {one.name: filtered.draft(one, now=now).received(KEYS) for one in asked}


@pytest.mark.parametrize("by", ["rspamd", "spamassassin"])
def test_no_language_is_taken_for_spam_and_a_spoiled_letter_is(by: str) -> None:
    offered = library.languages()
    chosen = tuple(tag for tag in FEW if tag in offered) if by == LEAST else offered
    pile = one_of_each(chosen)
    letter = filtered.draft(preview.Asked(), now=datetime.now(UTC))
    spoiled = {
        "as it leaves": letter.received(KEYS),
        "unsigned": letter.received(()),
        "shouting": letter.shouting().received(KEYS),
        "answered at freemail": letter.answered_at_freemail().received(KEYS),
    }
    told = judged(pile | spoiled, by)
    score = {name: told[name]["score"] for name in spoiled}
    assert_welcome({name: told[name] for name in [*pile, "as it leaves"]})
    assert score["as it leaves"] < score["unsigned"]
    assert score["shouting"] > max(0, score["unsigned"])
    if by == LEAST:  # rspamd has no rule for that
        assert score["answered at freemail"] > 0


@pytest.mark.full
@pytest.mark.parametrize("by", ["rspamd", "spamassassin"])
@pytest.mark.parametrize("language", library.languages())
def test_no_letter_of_a_language_is_taken_for_spam(language: str, by: str) -> None:
    pile = filtered.pile_of(language, signed_with=KEYS, now=datetime.now(UTC))
    assert_welcome(judged(pile, by))
