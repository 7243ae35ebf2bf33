"""Letters as they reach a receiver's filter, from a domain that is set up as our how-to says.

The domain is made up and has a real ending, so that the filters' rules on links and names count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import product

from openletter.letters import keys, library, preview
from openletter.letters.rules.dkim import SigningKey
from openletter.letters.rules.facts import CaseFacts, LetterFacts
from openletter.letters.rules.message import Addressing, build
from openletter.letters.rules.text import Written
from openletter.words import Reader, new_reference, new_secret
from tests.servers.judges.court import Records
from tests.servers.judges.letters import records_of, txt
from tests.servers.judges.scoring import SENDER, SENDER_IP

DOMAIN = "campaign.example.net"
RECEIVER = "network.example.org"
RECIPIENT = f"abuse@{RECEIVER}"


def signing_keys() -> tuple[SigningKey, ...]:
    return tuple(
        SigningKey(domain=DOMAIN, selector=keys.name_of("filters", kind), private=private)
        for kind, private in reversed(keys.draw().items())
    )


def records(signed_with: Sequence[SigningKey]) -> Records:
    """What a campaign publishes: addresses, mail servers, SPF, DKIM and DMARC."""
    spf = txt(f"v=spf1 a:{SENDER} -all")
    mail = {"A": "198.18.0.26", "MX": f"10 {SENDER}.", "TXT": spf}
    names = {f"{part}{DOMAIN}.": mail for part in ("", "bounce.", "reply.")}
    reverse = ".".join(reversed(SENDER_IP.split(".")))
    return {
        **names,
        **records_of(signed_with),
        f"_dmarc.{DOMAIN}.": {"TXT": txt("v=DMARC1; p=none; rua=mailto:dmarc@" + DOMAIN)},
        f"{SENDER}.": {"A": SENDER_IP, "TXT": txt("v=spf1 a -all")},
        f"{reverse}.in-addr.arpa.": {"PTR": f"{SENDER}."},
        f"{RECEIVER}.": {"A": "198.18.1.25", "MX": f"10 mx.{RECEIVER}."},
        f"mx.{RECEIVER}.": {"A": "198.18.1.25"},
    }


def pile_of(language: str, *, signed_with: Sequence[SigningKey], now: datetime) -> dict[str, bytes]:
    """Every letter of a language, and for each reader and kind one with its table attached."""
    asked = preview.every([language])
    pile = {one.name: draft(one, now=now) for one in asked}
    for kind, reader in product(library.kinds(), Reader):
        one = preview.Asked(language=language, kind=kind, to=reader, about="several")
        pile[f"{language}/{reader}-{kind}-attached"] = draft(one, now=now, rows=60)
    return {name: letter.received(signed_with) for name, letter in pile.items()}


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A letter before it is bytes, so that one thing about it can be spoiled."""

    asked: preview.Asked
    facts: LetterFacts
    written: Written
    to: Addressing

    def received(self, signed_with: Sequence[SigningKey]) -> bytes:
        raw = build(self.written, self.to, keys=signed_with).raw
        at = format_datetime(self.to.date)
        return (
            f"Return-Path: <b+{new_secret()}@bounce.{DOMAIN}>\r\n"
            f"Received: from {SENDER} ({SENDER} [{SENDER_IP}])\r\n"
            f"\tby mx.{RECEIVER} (Postfix) with ESMTPS id 4Xz0Ab1CdEz9\r\n"
            f"\tfor <{RECIPIENT}>; {at}\r\n"
            f"Received: from line.{DOMAIN} (localhost [127.0.0.1])\r\n"
            f"\tby {SENDER} (Postfix) with ESMTP id 4Xz0Ab0xYzz9\r\n"
            f"\tfor <{RECIPIENT}>; {at}\r\n"
        ).encode() + raw

    def shouting(self) -> Draft:
        subject = f"OPEN SERVER AT {self.asked.ip} CLOSE IT AT ONCE"
        return replace(self, written=replace(self.written, subject=subject))

    def answered_at_freemail(self) -> Draft:
        return replace(self, to=replace(self.to, reply_to="campaign.answers@gmail.com"))


def draft(asked: preview.Asked, *, now: datetime, rows: int = 0) -> Draft:
    """A real letter, as a partner's campaign sends it; about many addresses if `rows` says so."""
    made_up = preview.facts_of(asked)
    facts = replace(
        made_up, site=f"https://{DOMAIN}", domain=DOMAIN, exercise=False,
        writer=replace(made_up.writer, email=f"help@{DOMAIN}"),
        cases=_many(made_up.cases, rows) if rows else made_up.cases,
    )  # fmt: skip
    written = library.written(facts)
    return Draft(asked=asked, facts=facts, written=written, to=_addressing(asked, facts, now))


def _many(cases: tuple[CaseFacts, ...], rows: int) -> tuple[CaseFacts, ...]:
    return tuple(
        replace(
            cases[number % len(cases)], ip=f"192.0.2.{number + 1}", reference=new_reference(),
            secret=new_secret(),
        )
        for number in range(rows)
    )  # fmt: skip


def _addressing(asked: preview.Asked, facts: LetterFacts, now: datetime) -> Addressing:
    token = new_secret()
    return Addressing(
        recipient=RECIPIENT,
        sender_name=facts.campaign,
        sender_address=f"letters@{DOMAIN}",
        reply_to=f"reply+{token}@reply.{DOMAIN}",
        message_id=f"<{token}.{facts.reference.lower()}@{DOMAIN}>",
        stop_url=f"{facts.site}/o/{facts.stop_token}",
        stop_mailto=f"stop+{facts.stop_token}@reply.{DOMAIN}",
        feedback_id=f"spring:{asked.language}:{asked.kind}:alpha",
        languages=facts.languages,
        date=now.astimezone(UTC),
        thread=f"<first.{token}@{DOMAIN}>" if facts.earlier else "",
    )
