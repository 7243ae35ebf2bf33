"""A resolver on loopback that answers from a table of the test's own, by dnspython."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rrset

from openletter.shell.configuration import Endpoint

Zone = dict[tuple[str, str], str]
"""(name with its last dot, type) -> records as in a zone file, with " | " between them."""


@contextmanager
def resolving(zone: Zone) -> Iterator[Endpoint]:
    """A resolver that knows this table and that nothing else exists; `SERVFAIL` is one."""
    stop = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(0.05)
        thread = threading.Thread(target=_answer, args=(own, zone, stop))
        thread.start()
        try:
            yield Endpoint(host="127.0.0.1", port=own.getsockname()[1])
        finally:
            stop.set()
            thread.join()


def _answer(own: socket.socket, zone: Zone, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            message, whom = own.recvfrom(4096)
        except TimeoutError:
            continue
        reply = dns.message.make_response(dns.message.from_wire(message))
        asked = reply.question[0]
        name, kind = str(asked.name).lower(), dns.rdatatype.to_text(asked.rdtype)
        told = zone.get((name, kind))
        if told == "SERVFAIL":
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif told:
            reply.answer = [dns.rrset.from_text(name, 60, "IN", kind, *told.split(" | "))]
        elif not any(known == name for known, _ in zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        own.sendto(reply.to_wire(), whom)
