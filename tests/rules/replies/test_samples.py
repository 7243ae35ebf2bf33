"""The bars of the design on the shared samples (real mails of public test corpora)."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from openletter.replies.rules.classify import classify
from openletter.replies.rules.kinds import Classified
from tests.samples import shared

Row = dict[str, str]
FAILURES = ("bounce", "delayed")


@pytest.fixture(scope="module")
def rows() -> list[tuple[Row, Classified]]:
    folder = shared("samples", "mail")
    with (folder / "expected.tsv").open() as table:
        known = list(csv.DictReader(table, delimiter="\t"))
    return [(row, classify((folder / row["file"]).read_bytes())) for row in known]


def test_bounces_are_seen(rows: list[tuple[Row, Classified]]) -> None:
    bounces = [verdict for row, verdict in rows if row["kind"] == "bounce"]
    assert sum(one.kind in FAILURES for one in bounces) / len(bounces) >= 0.97


def test_nothing_else_is_taken_for_one(rows: list[tuple[Row, Classified]]) -> None:
    wrong = [r["file"] for r, v in rows if r["kind"] not in (*FAILURES, "") and v.kind == "bounce"]
    assert wrong == []


def test_recipients_are_exact(rows: list[tuple[Row, Classified]]) -> None:
    """What the source states; its oracle where the source is silent."""
    told = [
        (set((row["recipients"] or row["oracle_recipients"]).lower().split(";")), verdict)
        for row, verdict in rows
        if row["kind"] in FAILURES and (row["recipients"] or row["oracle_recipients"])
    ]
    exact = sum({one.address.lower() for one in v.failed} == names for names, v in told)
    assert exact / len(told) >= 0.95


def test_hard_and_soft_are_told_apart(rows: list[tuple[Row, Classified]]) -> None:
    told = [(r, v) for r, v in rows if r["kind"] in FAILURES and r["hard"].strip(";")]
    right = sum(v.hard == (set(r["hard"].split(";")) == {"1"}) for r, v in told)
    assert right / len(told) >= 0.90


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """Cut, flip, repeat or drop pieces: what a broken server or a clever sender makes of it."""
    spoiled = bytearray(raw[: chance.randrange(1, len(raw) + 1)])
    for _ in range(chance.randrange(1, 30)):
        at = chance.randrange(len(spoiled))
        match chance.randrange(4):
            case 0:
                spoiled[at] = chance.randrange(256)
            case 1:
                del spoiled[at : at + chance.randrange(1, 60)]
            case 2:
                spoiled[at:at] = spoiled[at : at + chance.randrange(1, 200)]
            case _:
                spoiled[at:at] = chance.choice([b"\r\n\r\n", b"--", b"=?utf-8?b?", b"\0", b"<>"])
        if not spoiled:
            return b"x"
    return bytes(spoiled)


def spoil_all(folder: Path, *, times: int) -> None:
    chance = random.Random(2004)
    for path in sorted(folder.rglob("*.*")):
        raw = path.read_bytes()
        for _ in range(times):
            classify(damaged(raw, chance))


def test_damaged_mails_never_raise() -> None:
    spoil_all(shared("samples", "mail"), times=1)


@pytest.mark.full
def test_much_damaged_mails_never_raise() -> None:
    spoil_all(shared("samples", "mail"), times=20)
