"""Letters of made-up facts, for tests and benchmarks that need no database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from openletter.letters import library
from openletter.letters.rules.facts import (
    CaseFacts,
    Earlier,
    EarlierRow,
    LetterFacts,
    RowState,
    Seen,
    Writer,
)
from openletter.letters.rules.message import Addressing
from openletter.letters.rules.text import Written
from openletter.words import Reader, WaveKind, Weakness, new_reference, new_secret

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PRODUCTS = {
    Weakness.OPEN_RELAY: ("postfix", "ESMTP Postfix", 25),
    Weakness.OPEN_HTTP_PROXY: ("squid", "squid/5.7", 3128),
    Weakness.OPEN_SOCKS: ("unknown", "", 1080),
}
SEEN = (
    Seen(source="Wierhaven", at=datetime(2026, 3, 1, 4, 10, 3, tzinfo=UTC), detail="127.0.0.2"),
    Seen(source="Shadowserver", at=datetime(2026, 2, 28, 22, 41, tzinfo=UTC)),
)
EARLIER = Earlier(
    sent_at=datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
    reference="7K3QD9MX",
    rows=tuple(
        EarlierRow(row=row, state=RowState.CLOSED if row <= 3 else RowState.REMAINING)
        for row in range(1, 9)
    ),
)


def a_case_of(
    ip: str = "192.0.2.17", weakness: str = Weakness.OPEN_RELAY, **changes: object
) -> CaseFacts:
    """One address with two statements, recognised where our guides know the product."""
    kind = Weakness(weakness)
    guide_id, introduced, port = PRODUCTS[kind]
    given: dict[str, object] = {
        "reference": new_reference(), "secret": new_secret(), "ip": ip, "weakness": kind,
        "ports": (port,), "seen": SEEN, "guide_id": guide_id, "introduced": introduced,
    }  # fmt: skip
    return CaseFacts(**(given | changes))  # type: ignore[arg-type]


def some_facts(rows: Sequence[CaseFacts] | None = None, **changes: object) -> LetterFacts:
    """A first letter to an owner, Dutch with English below."""
    given: dict[str, object] = {
        "kind": WaveKind.FIRST, "reader": Reader.OWNER, "languages": ("nl", "en"),
        "reference": new_reference(), "secret": new_secret(), "stop_token": new_secret(),
        "site": "https://campaign.example", "campaign": "Sluit de open deur",
        "writer": Writer(
            name="Agency Alpha", email="help@alpha.example", country="NL",
            legal={"nl": "Twee regels recht van Alpha.", "en": "Two lines of law from Alpha."},
        ),
        "together_with": ("Agency Beta", "Agency Gamma"), "authority": "Agency Alpha",
        "domain": "campaign.example", "cases": tuple(rows or [a_case_of()]),
    }  # fmt: skip
    return LetterFacts(**(given | changes))  # type: ignore[arg-type]


def written(facts: LetterFacts) -> Written:
    return library.written(facts)


def table_of(letter: Written) -> str:
    """The attached table; empty where there is none."""
    return next((file.text for file in letter.files if file.name.endswith(".csv")), "")


def addressing(**changes: object) -> Addressing:
    token = new_secret()
    given: dict[str, object] = {
        "recipient": "abuse@network.example", "sender_name": "Close the Open Door",
        "sender_address": "letters@campaign.example",
        "reply_to": f"reply+{token}@reply.campaign.example",
        "message_id": f"<{token}@campaign.example>",
        "stop_url": f"https://campaign.example/o/{token}",
        "stop_mailto": f"stop+{token}@reply.campaign.example",
        "feedback_id": "exercise:nl:first:alpha", "languages": ("nl", "en"), "date": AT,
    }  # fmt: skip
    return Addressing(**(given | changes))  # type: ignore[arg-type]
