"""How right and how fast contacts are: `python -m bench.contacts [judged|rank|rpsl]`.

`judged` puts ours beside whoisit and ipwhois on the judged RDAP answers: those two hand over
entities by role and no decision, so the peer's choice is what their users do with them, the first
e-mail of the first entity with the role abuse. The rest is CPU seconds of this process on made-up
input, always the same.
"""

# ruff: noqa: INP001, PLC0415 (a program; peers are imported where they are measured)
from __future__ import annotations

import ipaddress
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from openletter.contacts.rules import answers
from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.rank import History, rank
from openletter.contacts.rules.refuse import World
from openletter.wire import rdap, rpsl, rpsl_links
from tests.samples import shared

OBJECTS = 300_000
Peer = Callable[[bytes, str], str | None]


def say(what: str, figure: str) -> None:
    """One line of the table, with the memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    sys.stdout.write(f"{what:<44} {figure:>24}   (peak {peak:,.0f} MB)\n")


def answer() -> dict[str, object]:
    """An RDAP answer as large as the registries' usual ones."""

    def party(handle: str, mail: str, roles: list[str], kind: str) -> dict[str, object]:
        card = [["fn", {}, "text", handle], ["kind", {}, "text", kind],
                ["adr", {"label": "Dijk 1\\nUtrecht\\nNetherlands"}, "text", [""] * 7],
                ["email", {"type": "email"}, "text", mail]]  # fmt: skip
        return {"handle": handle, "roles": roles, "vcardArray": ["vcard", card]}

    inner = [party("ABUSE", "abuse@isp.example", ["abuse"], "group"),
             party("NOC", "noc@isp.example", ["noc", "technical"], "group"),
             party("Jane Doe", "jane.doe@isp.example", ["technical"], "individual")]  # fmt: skip
    org = {**party("Isp", "info@isp.example", ["registrant"], "org"), "entities": inner}
    note = {
        "description": ["Please send abuse to", "abuse@isp.example", "", "NOC: noc@isp.example"]
    }
    return {"startAddress": "192.0.2.0", "endAddress": "192.0.2.255", "entities": [org],
            "remarks": [note]}  # fmt: skip


def bench_rank() -> None:
    """Reading, judging and ranking one netblock."""
    document = json.dumps(answer()).encode()
    found = rdap.read(document)[0]
    every = candidates_of(found, world=World.EXERCISE)
    ladder = [replace(each, level=level, mailbox=f"{level}{each.mailbox}")
              for level in range(3) for each in every]  # fmt: skip
    known = History(
        dead=frozenset({"0abuse@isp.example"}), suppressed={"1abuse@isp.example": "all"},
        bounced={"2abuse@isp.example": 1}, of_holder=frozenset({"2noc@isp.example"}),
    )  # fmt: skip
    for what, work in (
        ("RDAP answer read", lambda: rdap.read(document)),
        ("its addresses judged", lambda: candidates_of(found, world=World.EXERCISE)),
        ("its candidates ranked", lambda: rank(every)),
        ("a ladder of three ranked, with history", lambda: rank(ladder, history=known)),
    ):
        say(what, f"{cpu(work, 3_000) / 3_000 * 1e6:,.1f} µs CPU")


def cpu(work: Callable[[], object], times: int) -> float:
    """CPU seconds of doing it so often."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - begun


def dump(count: int) -> Iterator[bytes]:
    """Pieces of a dump: two networks, a role and an organisation in turn."""
    for number in range(0, count, 4):
        low = ipaddress.ip_address(0x0A000000 + number * 4)
        yield (
            f"inetnum:        {low} - {low + 15}\nnetname:        NET-{number}\n"
            f"descr:          Made up\ncountry:        NL\norg:            ORG-{number}-TEST\n"
            f"admin-c:        A{number}-TEST\ntech-c:         A{number}-TEST\n"
            f"status:         ASSIGNED PA\nmnt-by:         M-MNT\ncreated:        2020-01-01\n"
            f"last-modified:  2020-01-01\nsource:         RIPE\n\n"
            f"inet6num:       2001:db8:{number % 65536:x}::/48\nnetname:        N6-{number}\n"
            f"country:        NL\nstatus:         ASSIGNED\nmnt-by:         M-MNT\n"
            f"source:         RIPE\n\n"
            f"role:           Abuse {number}\naddress:        Dijk {number}\n"
            f"nic-hdl:        A{number}-TEST\nabuse-mailbox:  abuse@n{number}.example\n"
            f"mnt-by:         M-MNT\nsource:         RIPE\n\n"
            f"organisation:   ORG-{number}-TEST\norg-name:       Org {number}\n"
            f"country:        NL\nabuse-c:        A{number}-TEST\nmnt-by:         M-MNT\n"
            f"source:         RIPE\n\n"
        ).encode()


def bench_rpsl() -> None:
    """Objects of a dump, and networks with all that they point at."""
    pieces = [b"".join(dump(OBJECTS))]
    begun = time.process_time()
    directory, networks = rpsl_links.Directory(), []
    for each in rpsl.objects(pieces, wanted=rpsl_links.WANTED, faults=Counter()):
        directory.add(each)
        if each.kind in rpsl_links.NETWORKS:
            networks.append(each)
    spent = time.process_time() - begun
    say("RPSL objects read", f"{OBJECTS / spent:,.0f} objects/s")
    begun = time.process_time()
    for each in networks[:20_000]:
        found = rpsl_links.registration(each, directory)
        if found:
            candidates_of(found, world=World.EXERCISE)
    spent = time.process_time() - begun
    say("networks resolved and judged", f"{20_000 / spent:,.0f} networks/s")


def bench_judged() -> None:
    """Every judged RDAP answer: the right address, a wrong one, or one where nobody should be."""
    folder = shared("samples", "registry")
    judged = json.loads((folder / "judged.json").read_text())
    cases = {key: told for key, told in judged.items() if key.startswith("rdap")}
    raw = {key: (folder / key).read_bytes() for key in cases}
    say("judged RDAP answers", f"{len(cases)}")
    for name, choose in (("openletter", _ours), ("whoisit", _whoisit), ("ipwhois", _ipwhois)):
        chosen = {key: choose(content, cases[key]["query"]) for key, content in raw.items()}
        tally = Counter(_mark(chosen[key], told) for key, told in cases.items())
        say(name, ", ".join(f"{what} {count}" for what, count in sorted(tally.items())))
        asked = [(content, cases[key]["query"]) for key, content in raw.items()]
        spent = min(cpu(partial(_all, choose, asked), 1) for _ in range(5))
        say("", f"{spent / len(raw) * 1e3:.2f} ms CPU an answer")


def _all(choose: Peer, asked: list[tuple[bytes, str]]) -> None:
    for content, query in asked:
        choose(content, query)


def _mark(chosen: str | None, judged: Mapping[str, Any]) -> str:
    if chosen is None:
        return "nobody, rightly" if judged["best"] is None else "missed"
    return "right" if chosen.lower() in judged["acceptable"] else "wrong letter"


def _ours(content: bytes, _query: str) -> str | None:
    chosen = answers.answer(None, rdap.read(content)).ranking.chosen
    return chosen.mailbox if chosen else None


def _whoisit(content: bytes, query: str) -> str | None:
    import whoisit
    from whoisit.errors import WhoisItError

    document = json.loads(content)
    kind = document.get("objectClassName", "entity") if isinstance(document, dict) else "entity"
    try:
        told = whoisit.parser.parse(whoisit._bootstrap, kind, query, document)  # noqa: SLF001
    except (WhoisItError, AttributeError, KeyError, TypeError, ValueError):
        return None
    boxes = (each.get("email") for each in told.get("entities", {}).get("abuse", []))
    return next(filter(None, boxes), None)


def _ipwhois(content: bytes, _query: str) -> str | None:
    """Its reading of each entity; offline, so that what it would fetch by depth is given to it."""
    from ipwhois.exceptions import BaseIpwhoisException
    from ipwhois.rdap import _RDAPEntity

    for each in _entities(json.loads(content)):
        entity = _RDAPEntity(each)
        try:
            entity.parse()
        except BaseIpwhoisException:
            continue
        if "abuse" in (entity.vars["roles"] or []):
            boxes = (entity.vars["contact"] or {}).get("email") or []
            if boxes:
                return str(boxes[0]["value"])
    return None


def _entities(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Outermost first, as deep as they go."""
    if document.get("objectClassName") == "entity":
        yield document
    waiting = list(document.get("entities", []))
    while waiting:
        each = waiting.pop(0)
        yield each
        waiting += each.get("entities", [])


BENCHES = {"judged": bench_judged, "rank": bench_rank, "rpsl": bench_rpsl}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()
