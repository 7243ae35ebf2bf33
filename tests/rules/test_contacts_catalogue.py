"""Every reason of this room is a sentence in both languages, with the same placeholders."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

from openletter.catalogue import sentences
from openletter.contacts.rules.candidates import Tier
from openletter.contacts.rules.refuse import Refusal
from openletter.words import Reader

PACKAGE = "openletter.contacts"
ROOM = Path(__file__).resolve().parents[2] / "openletter" / "contacts"


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_with_the_same_values() -> None:
    english, dutch = sentences(PACKAGE, "en"), sentences(PACKAGE, "nl")
    assert english.keys() == dutch.keys()
    for code, text in english.items():
        assert _placeholders(text) == _placeholders(dutch[code]), code


def test_every_code_that_the_rules_and_steps_give_has_a_sentence() -> None:
    written = {
        code
        for path in ROOM.rglob("*.py")
        for code in re.findall(
            r'(?:Reason\(code=|_refuse\(|because=|code = )"([a-z-]+)"', path.read_text()
        )
    }
    composed = {tier.code for tier in Tier} | {f"refused-{each}" for each in Refusal}
    composed |= {f"reader-{each}" for each in Reader} | {"partner-of-network", "partner-of-country"}
    composed |= {f"language-{kind}{end}" for kind in ("organisation", "delegated")
                 for end in ("", "-english")}  # fmt: skip
    known = sentences(PACKAGE, "en").keys()
    missing = {
        code
        for code in written | composed
        if code not in known and f"superseded-{code}" not in known
    }
    assert not missing
