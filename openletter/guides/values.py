"""The values that may stand in a guide: a closed set, each with a type that is checked.

A command is pasted into a root shell, so what goes into it is an address, a port or a blank
in capitals that the reader replaces himself. A banner or a host name is a stranger's text:
there is no variable for it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

VARIABLE = re.compile(r"\{\{([a-z_]+)\}\}")

BLANKS = {
    "lan": "LOCAL-NETWORK",
    "domain": "LOCAL-DOMAIN",
    "foreign": "ME@ELSEWHERE",
    "user": "LOCAL-NAME",
    "inside": "INSIDE-ADDRESS",
    "six": "LOCAL-IPV6-ADDRESS",
    "gateway": "GATEWAY-ADDRESS",
    "service": "LOCAL-SERVICE",
    "program": "OLD-PROGRAM",
    "others": "FOREIGN-DOMAINS",
    "unit": "LOCAL-UNIT",
    "file": "LOCAL-FILE",
}
"""Never filled by us: guessing them would change somebody's server by a guess."""

TYPED = ("ip", "host", "port", "family", "proto")
VARIABLES = frozenset((*TYPED, *BLANKS))


@dataclass(frozen=True, kw_only=True)
class Values:
    """What a case knows. Anything not known is printed as a blank."""

    ip: str = ""
    port: int | None = None
    proto: str = ""

    def __post_init__(self) -> None:
        if self.ip and str(ipaddress.ip_address(self.ip)) != self.ip:
            raise ValueError("an address is written in its canonical form")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise ValueError("a port is a number from 1 to 65535")
        if self.proto not in {"", "tcp", "udp"}:
            raise ValueError("a protocol is tcp or udp")

    def _of(self, name: str) -> str:
        version = ipaddress.ip_address(self.ip).version if self.ip else 0
        known = {
            "ip": self.ip or "ADDRESS",
            "host": (f"[{self.ip}]" if version == 6 else self.ip) or "ADDRESS",
            "port": str(self.port) if self.port is not None else "PORT",
            "family": str(version) if version else "FAMILY",
            "proto": self.proto or "tcp",
        }
        return known.get(name) or BLANKS[name]

    def fill_command(self, text: str) -> str:
        """The text with every `{{variable}}` replaced; the set is closed, so none is left."""
        return VARIABLE.sub(lambda found: self._of(found[1]), text)
