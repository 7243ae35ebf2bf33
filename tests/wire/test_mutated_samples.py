"""Real reports with bytes cut, doubled, flipped and put in: read or refused, never more."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from openletter.words import Judgement
from tests.samples import shared
from tests.wire.feed_files import judge_bytes

FOLDERS = ["abuseio", "xarf", "xarf/negative", "shadowserver", "feeds", "n6"]
PIECES = [
    b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b'"', b"\\", b"[" * 100, b"{" * 100, b"]", b"}",
    b"\r\n\r\n", b"\n.\n", b"9" * 5000, b"NaN", b"\\ud800", b"PK\x03\x04", b"\x1f\x8b\x08",
    b"From a@b Mon Mar  2 07:00:00 2026\nSubject: x\n\n", b"Content-Type: message/rfc822\r\n\r\n",
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n', b"=" * 300, b"$GENERATE 1-9 $\n",
]  # fmt: skip
LONGEST = 5.0


def mutated(raw: bytes, dice: random.Random) -> bytes:
    """Up to four changes, each somewhere."""
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(raw) + 1)
        match dice.randrange(5):
            case 0:
                raw = raw[:at]
            case 1:
                raw = raw[:at] + dice.choice(PIECES) + raw[at:]
            case 2:
                raw = raw[:at] + raw[at : at + dice.randrange(400)] + raw[at:]
            case 3:
                raw = raw[:at] + raw[at + dice.randrange(60) :]
            case _:
                raw = raw[:at] + bytes([dice.randrange(256)]) + raw[at + 1 :]
    return raw


def check(path: Path, seed: int) -> None:
    dice = random.Random(f"{path.name}:{seed}")
    raw = mutated(path.read_bytes(), dice)
    began = time.process_time()
    rows, verdicts = judge_bytes(raw, path.name)
    assert time.process_time() - began < LONGEST
    assert verdicts
    assert sum(verdict.rows for verdict in verdicts) == len(rows)
    assert all(verdict.reason for verdict in verdicts if not verdict.is_read)
    assert all(len(row.excerpt) <= 200 for row in rows)
    assert all(len(text) <= 200 for row in rows for text in row.about.values())
    if path.parent.name in {"abuseio", "negative"}:
        assert all(row.says is not Judgement.ACCEPT for row in rows)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_damaged_sample_is_read_or_refused(folder: str) -> None:
    for path in sorted(shared("samples", "reports", folder).iterdir()):
        if path.is_file():
            for seed in range(4):
                check(path, seed)


@pytest.mark.full
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_much_damaged_sample_is_read_or_refused(folder: str) -> None:
    for path in sorted(shared("samples", "reports", folder).iterdir()):
        if path.is_file():
            for seed in range(4, 200):
                check(path, seed)
