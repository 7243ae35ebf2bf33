"""How fast contacts are read, ranked and found: `bench/contacts.py [rank|rpsl]`.

CPU seconds of this process (and of the database's for `lookup`, by wall clock), made-up input,
always the same. `lookup` needs a database and fills a world of its own that it takes away again.
"""

# ruff: noqa: INP001 (a program, and the database only where it is measured)
from __future__ import annotations

import ipaddress
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

from openletter.contacts.rules.candidates import candidates_of
from openletter.contacts.rules.rank import rank
from openletter.contacts.rules.refuse import World
from openletter.wire import rdap, rpsl, rpsl_links

OBJECTS = 300_000


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
    for what, work in (
        ("RDAP answer read", lambda: rdap.read(document)),
        ("its addresses judged", lambda: candidates_of(found, world=World.EXERCISE)),
        ("its candidates ranked", lambda: rank(every)),
    ):
        say(what, f"{cpu(work, 3_000) / 3_000 * 1e6:,.0f} µs CPU")


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


BENCHES = {"rank": bench_rank, "rpsl": bench_rpsl}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHES:
        BENCHES[name]()
