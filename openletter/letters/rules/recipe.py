"""What a Postfix in front of the internet needs for letters. Pure; docs/howto/smarthost-postfix.md.

Letters get a transport of their own, known by their envelope sender's domain: so their pace, their
encryption and their queue are theirs alone, and a stop can hold them without touching other mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openletter.words import normalise_domain

TRANSPORT = "letters"


class Tls(StrEnum):
    """How letters are encrypted on their way on."""

    DANE = "dane"
    MAY = "may"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Lines for two files of Postfix."""

    main: str
    master: str


def postfix(
    bounce_domain: str, *, tls: Tls = Tls.MAY, concurrency: int = 3, processes: int = 20
) -> Recipe:
    """The recipe for one bounce domain; ValueError where that is none."""
    domain = normalise_domain(bounce_domain)
    if domain is None:
        raise ValueError(f"no domain: {bounce_domain!r:.80}")
    return Recipe(
        main=_MAIN.format(domain=domain, transport=TRANSPORT, concurrency=max(1, concurrency)),
        master=_MASTER.format(transport=TRANSPORT, processes=max(1, processes), tls=_TLS[tls]),
    )


_TLS = {
    Tls.MAY: "    -o smtp_tls_security_level=may\n",
    Tls.DANE: "    -o smtp_tls_security_level=dane\n    -o smtp_dns_support_level=dnssec\n",
}
_MAIN = """\
# Letters of openletter: whatever comes from their bounce domain leaves by a transport of its own.
sender_dependent_default_transport_maps = inline:{{ {{@{domain}={transport}:}} }}
# So many connections to one destination at once. Never set {transport}_destination_recipient_limit
# to 1: that makes the limit count recipients instead of domains.
{transport}_initial_destination_concurrency = 1
{transport}_destination_concurrency_limit = {concurrency}
# What can't be delivered in two days is told to openletter; nobody is warned in between.
maximal_queue_lifetime = 2d
bounce_queue_lifetime = 1d
delay_warning_time = 0h
"""
_MASTER = """\
{transport} unix - - n - {processes} smtp
    -o syslog_name=postfix/{transport}
    -o smtp_tls_loglevel=1
{tls}"""
