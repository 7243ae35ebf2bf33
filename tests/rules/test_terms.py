"""What terms allow, and that terms nobody would keep are refused."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from openletter.cli import app
from openletter.evidence import sourcebook
from openletter.evidence.rules.terms import (
    BadTermsError,
    Telling,
    may_hold,
    read_terms,
    to_holder,
)
from tests.laws.sources import PACKAGE


@pytest.mark.parametrize(
    ("raw", "by_cert", "level"),
    [
        ({}, False, Telling.FACTS),
        ({"redistribute": False}, False, Telling.FACTS),
        ({"redistribute": True}, False, Telling.ALL),
        ({"redistribute": True, "to_holder": "name"}, True, Telling.NAME),
        ({"to_holder": "nothing"}, True, Telling.NOTHING),
        ({"cert_only": True}, False, Telling.NOTHING),
        ({"cert_only": True}, True, Telling.FACTS),
        ({"cert_only": True, "to_holder": "name"}, True, Telling.NAME),
    ],
)
def test_what_a_holder_may_be_told(raw: dict[str, object], by_cert: bool, level: Telling) -> None:
    assert to_holder(read_terms(raw), by_cert=by_cert) is level


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ({"to_holder": "everything"}, "everything"),
        ({"redistribute": "yes"}, "redistribute"),
        ({"certs_only": True}, "certs_only"),
        ({"note": 3}, "note"),
    ],
)
def test_terms_nobody_would_keep(raw: dict[str, object], word: str) -> None:
    with pytest.raises(BadTermsError, match=word):
        read_terms(raw)


def test_spamhaus_gives_its_name_and_no_more_and_its_feed_to_national_teams_only() -> None:
    book = sourcebook.packaged()
    for feed in book:
        terms = read_terms(feed.terms)
        if feed.family == "spamhaus":
            assert to_holder(terms, by_cert=True) is Telling.NAME
            assert terms.non_commercial
    cert = book.get("spamhaus-cert")
    assert cert is not None
    assert not may_hold(read_terms(cert.terms), is_cert=False)
    assert may_hold(read_terms(cert.terms), is_cert=True)


def test_what_the_command_line_repeats_goes_with_its_terms() -> None:
    sample = PACKAGE / "evidence/sources/spamhaus/samples/cert.csv"
    command = ["weigh", "192.0.2.111", "--at", "2026-03-02T00:00:00Z", "--json", "--from"]
    told = CliRunner().invoke(app, [*command, str(sample)])
    form = json.loads(told.stdout.splitlines()[-1])
    assert form["terms"]["spamhaus-cert"]["to_holder"] == "name"
