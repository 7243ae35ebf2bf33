"""Composed, signed and handed-over letters beside the limit that no sender can pass: bare signing.

    .venv/bin/python bench/letters.py [LETTERS]

Both signatures (RSA-2048 and Ed25519) on every letter. Each way takes the same letters in turn,
a hundred at a time, with bare signatures over their body hashes before it; CPU time of this
process, the median of five rounds. The peer is the usual chain: EmailMessage and dkimpy.
"""

from __future__ import annotations

import base64
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dkim
from cryptography.hazmat.primitives import serialization

from bench.handover import bool_true, sink
from openletter.letters import hours, library
from openletter.letters.preview import fresh_keys
from openletter.letters.rules.facts import LetterFacts, Seen
from openletter.letters.rules.message import Addressing, build
from openletter.letters.rules.splice import Splicer
from openletter.net.smtp_client import Door
from openletter.net.smtp_fleet import Fleet
from openletter.wire.smtp import Envelope, Fate, Outcome
from openletter.words import Reader, Weakness
from tests.letter_samples import AT, SEEN, a_case_of, addressing, some_facts

ROUNDS, BATCH = 5, 100
DESKS = {1: 300, 10: 120, 60: 60, 1_000: 30}
"""Cases of a provider's letter, and how many such letters are made."""
ED25519, RSA = fresh_keys()
KEYS = (ED25519, RSA)


@dataclass(frozen=True)
class Job:
    facts: LetterFacts
    to: Addressing


Work = Callable[[Sequence[Job]], object]


def jobs(count: int, *, rows: int, reader: Reader = Reader.OWNER, mixed: bool = False) -> list[Job]:
    """Letters of a campaign in all its languages, no two with the same values.

    `mixed` are about weaknesses in any order; each case was seen at moments of its own.
    """
    languages, kinds = library.languages(), list(Weakness)
    chance = Random(count)  # noqa: S311 - the same letters in every run
    made = []
    for number in range(count):
        tag = languages[number % len(languages)]
        country = hours.country_of(tag)
        cases = [
            a_case_of(
                f"192.0.2.{100 + (number + row) % 100}",
                weakness=chance.choice(kinds) if mixed else kinds[number % len(kinds)],
                seen=tuple(seen_at(one, country, chance.randrange(10**6)) for one in SEEN),
            )
            for row in range(rows)
        ]
        facts = some_facts(cases, languages=tuple(dict.fromkeys((tag, "en"))), reader=reader)
        made.append(Job(facts, addressing(languages=facts.languages)))
    return made


def seen_at(seen: Seen, country: str, seconds: int) -> Seen:
    """At a moment of its own, by the clock there too where the country keeps one."""
    at = AT - timedelta(seconds=seconds)
    return replace(seen, at=at, local=hours.local_time(country, at))


def compose(splicer: Splicer) -> Work:
    def work(batch: Sequence[Job]) -> list[bytes]:
        unsigned = [splicer.unsigned(job.facts, job.to) for job in batch]
        return [one.sign(KEYS).raw for one in unsigned]

    return work


def hand_over(splicer: Splicer, fleet: Fleet) -> Work:
    composed = compose(splicer)

    def work(batch: Sequence[Job]) -> None:
        raws = composed(batch)
        fates: list[Fate] = []
        ready = [
            Envelope(sender="b+x@bounce.campaign.example", recipient=job.to.recipient, raw=raw)
            for job, raw in zip(batch, raws, strict=True)  # type: ignore[arg-type]
        ]
        fleet.hand_over(ready, settled=lambda _, fate: fates.append(fate), look=bool_true)
        if [fate.outcome for fate in fates] != [Outcome.ACCEPTED] * len(batch):
            raise SystemExit("not all were accepted")

    return work


def long_way(batch: Sequence[Job]) -> None:
    for job in batch:
        build(library.written(job.facts), job.to, keys=KEYS)


def usual_chain(batch: Sequence[Job]) -> None:
    """Text ready-made; a message built and flattened by the library, signed twice by dkimpy."""
    for job, body in zip(batch, _bodies(batch), strict=True):
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = job.to.sender_address, job.to.recipient
        mail["Reply-To"], mail["Subject"] = job.to.reply_to, "Open mail relay"
        mail["Date"], mail["Message-ID"] = job.to.date, job.to.message_id
        mail.set_content(body)
        raw = mail.as_bytes()
        for key, algorithm in ((_PEM, b"rsa-sha256"), (_SEED, b"ed25519-sha256")):
            dkim.sign(raw, b"s", b"campaign.example", key, signature_algorithm=algorithm)


def _bodies(batch: Sequence[Job]) -> list[str]:
    key = id(batch)
    if key not in _TEXTS:
        _TEXTS[key] = [library.written(job.facts).body for job in batch]
    return _TEXTS[key]


_TEXTS: dict[int, list[str]] = {}
_PEM = RSA.private.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
_SEED = base64.b64encode(
    ED25519.private.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
)


def bare(hashes: Sequence[bytes]) -> None:
    for digest in hashes:
        ED25519.sign(digest)
        RSA.sign(digest)


def measured(work: Work, letters: Sequence[Job], hashes: Sequence[bytes]) -> tuple[float, float]:
    """(share of bare signing, letters a second of CPU): medians of five rounds."""
    batches = [letters[at : at + BATCH] for at in range(0, len(letters), BATCH)]
    shares, rates = [], []
    for _ in range(ROUNDS + 1):
        limit = ours = 0.0
        for number, batch in enumerate(batches):
            start = time.process_time()
            bare(hashes[number * BATCH : number * BATCH + len(batch)])
            middle = time.process_time()
            work(batch)
            limit, ours = limit + middle - start, ours + time.process_time() - middle
        shares.append(limit / ours)
        rates.append(len(letters) / ours)
    return statistics.median(shares[1:]), statistics.median(rates[1:])


def main(count: int) -> None:
    theirs, told = multiprocessing.Pipe()
    process = multiprocessing.Process(target=sink, args=(told,), daemon=True)
    process.start()
    door = Door(host="127.0.0.1", port=theirs.recv(), exercise=False)
    one, ten = jobs(count, rows=1), jobs(count, rows=10)
    mixed = jobs(count, rows=10, mixed=True)
    desks = {
        rows: jobs(min(count, most), rows=rows, reader=Reader.PROVIDER, mixed=True)
        for rows, most in DESKS.items()
    }
    splicer = library.splicer(eager=True)
    hashes = [splicer.unsigned(job.facts, job.to).body_sha256 for job in (*one, *ten, *mixed)]
    few = one[: min(count, 40)]
    print(f"letters in {len(library.languages())} languages")  # noqa: T201
    with Fleet(door, connections=4) as fleet:
        ways: list[tuple[str, Work, Sequence[Job]]] = [
            ("composed and signed, one case", compose(splicer), one),
            ("composed and signed, ten cases", compose(splicer), ten),
            ("the same, of all weaknesses in any order", compose(splicer), mixed),
            ("and handed over, one case", hand_over(splicer, fleet), one),
            ("and handed over, ten cases", hand_over(splicer, fleet), ten),
            *(
                (f"to a provider, cases: {rows:,}, files attached", compose(splicer), desk)
                for rows, desk in desks.items()
            ),
            ("the long way, one case", long_way, few),
            ("the long way, ten cases with files", long_way, desks[10][:20]),
            ("peer: EmailMessage and dkimpy, no text made", usual_chain, few),
        ]
        for name, work, letters in ways:
            size = len(splicer.message(letters[0].facts, letters[0].to, keys=KEYS).raw)
            share, rate = measured(work, letters, hashes)
            print(f"{name:46}{size:9,d} B{rate:8,.0f} /s{share:8.0%}")  # noqa: T201
    process.terminate()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
