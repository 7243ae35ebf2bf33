"""A letter of made-up facts, in every form that is built: for reading, for filters, for partners.

It goes the same way as a real one (facts, wording, message, signature); only addresses, names
and keys are invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle, product
from pathlib import Path

from openletter.guides import library as guides
from openletter.letters import hours, keys, library
from openletter.letters.rules.dkim import SigningKey, zone_text
from openletter.letters.rules.facts import (
    CaseFacts,
    Earlier,
    EarlierRow,
    LetterError,
    LetterFacts,
    RowState,
    Seen,
    Writer,
)
from openletter.letters.rules.message import Addressing, Message, build
from openletter.letters.rules.text import Written
from openletter.words import Reader, WaveKind, Weakness, new_reference, new_secret

DOMAIN = "campaign.example"
SUBJECTS = (*(weakness.value for weakness in Weakness), "several", "exit-only")
"""What a letter can be about, as the command knows it."""

PORTS = {Weakness.OPEN_RELAY: 25, Weakness.OPEN_HTTP_PROXY: 3128, Weakness.OPEN_SOCKS: 1080}
_SAID = {"postfix": "ESMTP Postfix", "squid": "squid/5.7"}
_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_SEEN = (
    Seen(source="Shadowserver", at=datetime(2026, 3, 1, 4, 10, 3, tzinfo=UTC)),
    Seen(source="DroneBL", at=datetime(2026, 2, 28, 22, 41, tzinfo=UTC)),
)
_WROTE = {
    WaveKind.UPDATE: datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
    WaveKind.CORRECTION: datetime(2026, 3, 1, 9, 0, tzinfo=UTC),
}
"""When the letter before was written: long before an update, after what a mistake was about."""
_BEFORE = (RowState.CLOSED, RowState.REMAINING, RowState.REMAINING)
"""How the cases of the letter before an update stand."""
_STAND = {
    WaveKind.REMINDER: (RowState.REMAINING,),
    WaveKind.CLOSING: (RowState.CLOSED, RowState.REMAINING, RowState.ANNOUNCED),
    WaveKind.CORRECTION: (RowState.TAKEN_BACK,),
}
"""How the cases stand that a later letter tells of once more."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One letter to be shown."""

    to: Reader = Reader.OWNER
    kind: WaveKind = WaveKind.FIRST
    about: str = Weakness.OPEN_RELAY.value
    product: str = "unknown"
    language: str = "en"
    ip: str = "192.0.2.17"
    port: int | None = None

    @property
    def name(self) -> str:
        return f"{self.language}/{self.to}-{self.kind}-{self.about}.eml"


def facts_of(asked: Asked) -> LetterFacts:
    """The facts of an exercise letter as asked for; what is not built is refused."""
    if asked.language not in library.languages():
        raise LetterError("no-wording", asked.language)
    languages = tuple(dict.fromkeys((asked.language, "en")))
    cases, earlier = _standing(asked.kind, list(_cases(asked)))
    cases = [_by_local_clock(case, asked.language) for case in cases]
    return LetterFacts(
        kind=asked.kind,
        reader=asked.to,
        languages=languages,
        reference=new_reference(),
        secret=new_secret(),
        stop_token=new_secret(),
        site=f"https://{DOMAIN}",
        campaign="Close the Open Door",
        writer=_writer(),
        together_with=("Agency Beta", "Agency Gamma"),
        authority="Agency Alpha",
        domain=DOMAIN,
        cases=tuple(cases),
        exercise=True,
        earlier=earlier,
    )


def _by_local_clock(case: CaseFacts, language: str) -> CaseFacts:
    """Seen by the clock of the country where most people speak the language, as CLDR has it."""
    country = hours.country_of(language)
    seen = (
        replace(one, local=hours.local_time(country, one.at)) if one.at else one
        for one in case.seen
    )
    return replace(case, seen=tuple(seen))


def _standing(kind: WaveKind, cases: list[CaseFacts]) -> tuple[list[CaseFacts], Earlier | None]:
    """The cases as this kind of letter tells of them, and what was told before."""
    if kind is WaveKind.FIRST:
        return cases, None
    told = [EarlierRow(row=row, state=state) for row, state in enumerate(_BEFORE, start=1)]
    if kind is WaveKind.UPDATE:
        cases = [replace(case, row=row) for row, case in enumerate(cases, start=len(told) + 1)]
    else:
        states = zip(cases, cycle(_STAND[kind]), strict=False)
        cases = [replace(case, state=state) for case, state in states]
        cases = [replace(case, row=row) for row, case in enumerate(cases, start=1)]
        told = [EarlierRow(row=case.row, state=case.state) for case in cases]
    if kind is WaveKind.REMINDER:
        told.append(EarlierRow(row=len(told) + 1, state=RowState.CLOSED))
    sent_at = _WROTE.get(kind, _WROTE[WaveKind.UPDATE])
    return cases, Earlier(sent_at=sent_at, reference=new_reference(), rows=tuple(told))


def _writer() -> Writer:
    # as long as a real partner's: who is responsible, on which basis, where address and evidence
    # come from, how long they are kept, where to object
    law = {
        "en": "Agency Alpha is responsible for this letter and for the data in it. The agency is "
        "made up, and so is the law that lets it warn the operators of open servers: the Example "
        "Networks Act, section 5. Your address comes from the public registers of internet "
        "addresses, the evidence from public databases. Both are kept until one year after the "
        f"campaign has ended, then deleted. To object, or to see what is kept: help@{DOMAIN}.",
        "nl": "Agency Alpha is verantwoordelijk voor deze brief en voor de gegevens erin. Zij is "
        "verzonnen, net als de wet op grond waarvan zij beheerders van open servers waarschuwt: "
        "de Voorbeeldwet netwerken, artikel 5. Uw adres komt uit de openbare registers van "
        "internetadressen, het bewijs uit openbare databanken. Beide worden bewaard tot een jaar "
        "na het einde van de campagne en dan gewist. Bezwaar maken, of zien wat er bewaard wordt: "
        f"help@{DOMAIN}.",
    }
    return Writer(name="Agency Alpha", email=f"help@{DOMAIN}", country="NL", legal=law)


def _cases(asked: Asked) -> Iterator[CaseFacts]:
    if asked.about == "several":
        yield from (_case(asked, weakness) for weakness in Weakness)
    elif asked.about == "exit-only":
        yield replace(_case(asked, Weakness.OPEN_HTTP_PROXY), exit_only=True)
    else:
        yield _case(asked, Weakness(asked.about))


def _case(asked: Asked, weakness: Weakness) -> CaseFacts:
    guide = guides.guide(asked.product)
    fits = weakness in guide.weaknesses
    if not fits and asked.about not in {"several", "exit-only"}:
        raise LetterError("product-does-not-fit", f"{asked.product}, {weakness}")
    ours = asked.product if fits else "unknown"
    return CaseFacts(
        reference=new_reference(),
        secret=new_secret(),
        ip=asked.ip,
        weakness=weakness,
        ports=(asked.port or PORTS[weakness],),
        seen=_SEEN,
        guide_id=ours,
        introduced="" if ours == "unknown" else _SAID.get(ours, guides.guide(ours).product),
    )


def written(asked: Asked) -> tuple[LetterFacts, Written]:
    facts = facts_of(asked)
    return facts, library.written(facts)


def signed(asked: Asked, *, with_keys: Sequence[SigningKey], at: datetime = _AT) -> Message:
    """The letter as it would leave."""
    facts, letter = written(asked)
    token = new_secret()
    to = Addressing(
        recipient="abuse@network.example",
        sender_name=facts.campaign,
        sender_address=f"letters@{DOMAIN}",
        reply_to=f"reply+{token}@reply.{DOMAIN}",
        message_id=f"<{facts.reference.lower()}.{token}@{DOMAIN}>",
        stop_url=f"{facts.site}/o/{facts.stop_token}",
        stop_mailto=f"stop+{token}@reply.{DOMAIN}",
        feedback_id=f"preview:{asked.language}:{asked.kind}:alpha",
        languages=facts.languages,
        date=at,
        thread=f"<first.{token}@{DOMAIN}>" if facts.earlier else "",
    )
    return build(letter, to, keys=with_keys)


def fresh_keys() -> tuple[SigningKey, ...]:
    return tuple(
        SigningKey(domain=DOMAIN, selector=keys.name_of("preview", kind), private=private)
        for kind, private in reversed(keys.draw().items())
    )


def every(languages: Sequence[str]) -> Iterator[Asked]:
    """Each language, every reader, kind and subject that is built, with a fitting product."""
    products = {"open-relay": "postfix", "open-http-proxy": "squid", "several": "postfix"}
    for tag, kind, reader, about in product(languages, library.kinds(), Reader, SUBJECTS):
        yield Asked(
            to=reader, kind=kind, about=about, product=products.get(about, "unknown"), language=tag
        )


def write_all(folder: Path, *, languages: Sequence[str] = (), at: datetime = _AT) -> int:
    """Every letter as a file, an index of them, and the zone that makes them verifiable."""
    with_keys = fresh_keys()
    index = []
    for asked in every(languages or library.languages()):
        message = signed(asked, with_keys=with_keys, at=at)
        file = folder / asked.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(message.raw)
        index.append(
            {
                "file": asked.name, "language": asked.language, "to": asked.to, "kind": asked.kind,
                "weakness": asked.about, "product": asked.product, "subject": message.subject,
                "bytes": len(message.raw),
            }
        )  # fmt: skip
    (folder / "index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
    zone = "".join(f"{key.dns_name()}. TXT {zone_text(key.dns_record())}\n" for key in with_keys)
    (folder / "dkim.zone").write_text(zone, encoding="ascii")
    return len(index)
