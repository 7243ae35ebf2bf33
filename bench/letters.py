"""Letters a second on one core, beside the limit that no sender can pass: bare signing.

    .venv/bin/python bench/letters.py [LETTERS]

Every stage works on the same letters; CPU time of this process, median of five rounds. The last
column is the share of bare RSA-2048 signing of the same run.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from openletter.letters.preview import fresh_keys
from openletter.letters.rules.message import build
from openletter.words import Weakness
from tests.letter_samples import a_case_of, addressing, some_facts, written

ROUNDS = 5


def measured(work: Callable[[int], object], count: int) -> float:
    """Letters a second, median of five rounds."""
    rates = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for number in range(count):
            work(number)
        rates.append(count / (time.process_time() - start))
    return statistics.median(rates)


def main(count: int) -> None:
    ed25519, rsa = fresh_keys()
    kinds = list(Weakness)
    facts = [some_facts([a_case_of(weakness=kinds[n % 3])]) for n in range(count)]
    letters = [written(one) for one in facts]
    to = [addressing() for _ in range(count)]
    digests = [hashlib.sha256(letter.body.encode()).digest() for letter in letters]
    stages: dict[str, Callable[[int], object]] = {
        "bare RSA-2048 signature": lambda n: rsa.sign(digests[n]),
        "text, Dutch and English": lambda n: written(facts[n]),
        "message, unsigned": lambda n: build(letters[n], to[n], keys=()),
        "message, RSA": lambda n: build(letters[n], to[n], keys=(rsa,)),
        "message, RSA and Ed25519": lambda n: build(letters[n], to[n], keys=(ed25519, rsa)),
        "text and message, both signatures": lambda n: build(
            written(facts[n]), to[n], keys=(ed25519, rsa)
        ),
    }
    size = len(build(letters[0], to[0], keys=(ed25519, rsa)).raw)
    print(f"{count} letters of about {size} bytes, {ROUNDS} rounds")  # noqa: T201
    limit = 0.0
    for name, work in stages.items():
        rate = measured(work, count)
        limit = limit or rate
        print(f"{name:36}{rate:10,.0f} /s{rate / limit:8.2f}")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
