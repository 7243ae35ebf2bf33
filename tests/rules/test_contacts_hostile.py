"""Huge and crafted answers: read in bounded time, never followed to the end.

Each is far larger than a registry's, and shaped against one loop or pattern. The limit is CPU
time, generous because the machine may be busy.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.rank import rank
from openletter.contacts.rules.refuse import World
from openletter.wire import rdap, whois
from openletter.wire.registry import UnreadableError

SECONDS = 5.0
NETWORK = {"startAddress": "192.0.2.0", "endAddress": "192.0.2.255"}


def _card(*emails: str) -> list[Any]:
    return ["vcard", [["kind", {}, "text", "group"], *(["email", {}, "text", e] for e in emails)]]


def _remark(*lines: str) -> dict[str, Any]:
    return {**NETWORK, "remarks": [{"description": list(lines)}]}


ANSWERS: dict[str, dict[str, Any]] = {
    "many entities with many addresses": {
        **NETWORK,
        "entities": [
            {"roles": ["abuse"], "vcardArray": _card(*(f"a{i}-{j}@x.net" for j in range(60)))}
            for i in range(600)
        ],
    },
    "many lines with an address": _remark(*(f"abuse a{i}@x.net" for i in range(100_000))),
    "one line of brackets": _remark("(" * 3_000_000),
    "one line of at signs": _remark("a@" * 1_500_000),
    "words before an address": _remark(*[("a " * 900) + ": a@x.net"] * 500),
    "letters before an address": _remark(*["a" * 1_900 + ": a@x.net"] * 500),
    "remarks at every entity": {
        **NETWORK,
        "entities": [{"remarks": [{"description": ["abuse x@y.net"] * 50}] * 20}] * 300,
    },
    "a long address": {
        **NETWORK,
        "entities": [{"roles": ["abuse"], "vcardArray": _card("a" * 2_000_000 + "@x.net")}],
    },
    "a long postal address": {
        **NETWORK,
        "entities": [{"vcardArray": ["vcard", [["adr", {"label": "a," * 900_000}, "text", []]]]}],
    },
}

TEXTS = {
    "many remarks": "inetnum: 192.0.2.0/24\n" + "remarks: abuse a@x.net\n" * 30_000,
    "many networks": "".join(f"inetnum: 10.{i // 256}.{i % 256}.0/24\n\n" for i in range(20_000))
    + "% Abuse contact for '10.0.0.0/24' is 'a@x.net'\n" * 2_000,
    "many contacts": "NetRange: 192.0.2.0 - 192.0.2.255\n" + "OrgAbuseEmail: a@x.net\n" * 60_000,
    "spaces": f"NetRange: 192.0.2.0 - 192.0.2.255\nCustomer: {' ' * 1_000_000}(\n",
    "open tags": "<pre>" + "<a" * 800_000,
    "many fields": "IPv4 Address : 192.0.2.0 - 192.0.2.255\n" * 60_000,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_hostile_rdap_answers(name: str) -> None:
    document = json.dumps(ANSWERS[name])
    begun = time.process_time()
    for found in rdap.read(document):
        rank(candidates_of(found, world=World.REAL))
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_whois_texts(name: str) -> None:
    begun = time.process_time()
    try:
        for found in whois.read(TEXTS[name]):
            rank(candidates_of(found, world=World.REAL))
    except UnreadableError as problem:
        assert problem.reason == "no-network"  # noqa: PT017 (a huge object may be passed over)
    assert time.process_time() - begun < SECONDS
