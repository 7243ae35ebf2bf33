"""Proofs: letters of made-up facts in a partner's name, for whoever approves their wording.

One language alone, as its version is approved alone; a real letter has English below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from openletter.campaigns.models import Partner
from openletter.guides import library as guides
from openletter.letters import library
from openletter.letters.gather import writer_of
from openletter.letters.preview import Asked, facts_of
from openletter.letters.rules.text import write
from openletter.words import Reader, WaveKind

SHOWN = (
    (Reader.OWNER, "open-relay", "postfix"),
    (Reader.PROVIDER, "several", "squid"),
    (Reader.CSIRT, "exit-only", "unknown"),
)
"""One letter to each reader: about one server, about several, about what only leaves there."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    reader: Reader
    about: str
    subject: str
    body: str


def proofs(partner: Partner, kind: WaveKind, language: str) -> Iterator[Proof]:
    """This kind of letter in this language, to each reader."""
    law = writer_of(partner).legal.get(language) or "[...]"
    for reader, about, product in SHOWN:
        asked = Asked(to=reader, kind=kind, about=about, product=product, language=language)
        facts = replace(
            facts_of(asked), languages=(language,), exercise=False, authority=partner.name,
            writer=replace(writer_of(partner), legal={language: law}),
        )  # fmt: skip
        texts = {language: library.texts(kind, language)}
        letter = write(facts, texts=texts, guide=guides.for_letter)
        yield Proof(reader=reader, about=about, subject=letter.subject, body=letter.body)
